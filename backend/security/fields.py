"""Personal data at rest: sealed field by field, found again through keyed blind indexes."""

from __future__ import annotations

import hmac
import os
import re
import unicodedata
from collections.abc import Callable
from typing import Any, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring, KeyringError

FieldAlgorithm = Literal["AES-256-GCM", "SM4-GCM"]
BlindKind = Literal[
    "id_number", "phone", "name", "openid", "card_id", "survey_run", "chart_number", "chart_block",
    "resource_body", "resource_code", "resource_identifier", "fhir_patient",
]  # fmt: skip

_FORM = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16


class SealedFieldError(Exception):
    """A sealed field cannot be opened: another place, another key, or altered. Never carries its content."""


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...


class SM4GCM:
    """SM4 in GCM with the shape of cryptography's AEAD classes, which have no SM4."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return the ciphertext with its tag behind it."""
        sealing = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated_data)
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        """Return the plain text; raises InvalidTag."""
        text, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
        opening = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        opening.authenticate_additional_data(associated_data)
        return opening.update(text) + opening.finalize()


class FieldCipher:
    """Seals single fields with a data key per collection, derived from the ring's field key.

    What is sealed is bound to its collection, field and document: moved elsewhere, it does not open.
    """

    def __init__(
        self,
        keyring: Keyring,
        algorithm: FieldAlgorithm = "AES-256-GCM",
        *,
        may_seal: Callable[[str, str], bool] = lambda collection, field: True,
    ) -> None:
        self._keyring = keyring
        self._algorithm = algorithm
        self._may_seal = may_seal
        self._ciphers: dict[tuple[str, str, str], _Aead] = {}

    def seal(self, collection: str, field: str, doc_id: str, text: str) -> dict[str, Any]:
        """Return the sealed form of `text`, to be stored in that field of that document."""
        if not self._may_seal(collection, field):
            # The re-sealing job would not find it, and the key could never be dropped.
            raise SealedFieldError(f"{collection}.{field} is not declared as sealed (security/lasting.py)")
        key = self._keyring.active("field")
        nonce = os.urandom(_NONCE_BYTES)
        place = _place(collection, field, doc_id)
        sealed = self._cipher(key, collection, self._algorithm).encrypt(nonce, text.encode(), place)
        return {"v": _FORM, "kid": key.kid, "alg": self._algorithm, "n": nonce, "ct": sealed}

    def open(self, collection: str, field: str, doc_id: str, sealed: dict[str, Any]) -> str:
        """Return the text of a sealed field, whichever key of the ring sealed it."""
        try:
            key = self._keyring.get("field", sealed["kid"])
            cipher = self._cipher(key, collection, sealed["alg"])
            place = _place(collection, field, doc_id)
            return cipher.decrypt(bytes(sealed["n"]), bytes(sealed["ct"]), place).decode()
        except (InvalidTag, KeyringError, KeyError, ValueError):
            raise SealedFieldError(f"{collection}.{field} of {doc_id} cannot be opened") from None

    @property
    def current(self) -> str:
        """By what a new field is sealed: changes when the key or the algorithm does."""
        return f"{self._keyring.active('field').kid}/{self._algorithm}"

    def is_current(self, sealed: dict[str, Any]) -> bool:
        """Whether the field is sealed as a new one would be; if not, a re-sealing job has work to do."""
        return f"{sealed['kid']}/{sealed['alg']}" == self.current

    def _cipher(self, key: Key, collection: str, algorithm: str) -> _Aead:
        wanted = (key.kid, collection, algorithm)
        cipher = self._ciphers.get(wanted)
        if cipher is None:
            cipher = self._ciphers[wanted] = _new_cipher(key, collection, algorithm)
        return cipher


def _new_cipher(key: Key, collection: str, algorithm: str) -> _Aead:
    # The algorithm is part of the purpose: one derived key never serves two algorithms.
    purpose = f"field|{algorithm}|{collection}"
    if algorithm == "AES-256-GCM":
        return AESGCM(derive_key(key.secret, purpose))
    if algorithm == "SM4-GCM":
        return SM4GCM(derive_key(key.secret, purpose, 16))
    raise ValueError("unknown field algorithm")


def _place(collection: str, field: str, doc_id: str) -> bytes:
    return f"{collection}|{field}|{doc_id}".encode()


class BlindIndex:
    """Keyed hashes by which sealed values are looked up: 16 bytes, as 32 hex characters."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._keys: dict[tuple[str, str], bytes] = {}

    def of(self, kind: BlindKind, value: str) -> str:
        """Return the index of a value; different spellings of one value have one index."""
        return self._digest(self._keyring.active("blind"), kind, value)

    @property
    def current(self) -> str:
        """The id of the key that makes new indexes."""
        return self._keyring.active("blind").kid

    def candidates(self, kind: BlindKind, value: str) -> list[str]:
        """Return the index under every key of the ring: what to look for while a rotation is re-indexing."""
        return [self._digest(key, kind, value) for key in self._keyring.all("blind")]

    def _digest(self, key: Key, kind: BlindKind, value: str) -> str:
        own = self._keys.get((key.kid, kind))
        if own is None:
            own = self._keys[key.kid, kind] = derive_key(key.secret, f"blind|{kind}")
        return hmac.digest(own, normalise(kind, value).encode(), "sha256")[:16].hex()


# Where another spelling is another thing.
_EXACT = frozenset({
    "openid", "survey_run", "chart_number", "chart_block",
    "resource_body", "resource_code", "resource_identifier", "fhir_patient",
})  # fmt: skip
# The middle dots that keyboards and registers use in the names of ethnic minorities.
_NAME_DOTS = re.compile(r"[·•‧∙⋅・･．.]")
_SPACES = re.compile(r"\s+")
_COUNTRY_PREFIX = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)")
_SEPARATORS = re.compile(r"[\s()\-]+")


def normalise(kind: BlindKind, value: str) -> str:
    """Return the one spelling of a value under which it is indexed."""
    if kind in _EXACT:
        return value
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == "phone":
        return _COUNTRY_PREFIX.sub("", _SEPARATORS.sub("", value))
    value = _SPACES.sub("", value).upper()
    return _NAME_DOTS.sub("·", value) if kind == "name" else value
