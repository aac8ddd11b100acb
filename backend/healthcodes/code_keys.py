"""The keys behind health codes: who may have signed when, the group cipher, the list terminals download."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backend.healthcodes.offline import KEY_LIST_CONTEXT
from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring
from backend.security.signing import Signer, Verifier, signer_for, verifier_for

# A process that has not yet noticed a rotation may sign with the former key for a moment.
_OVERLAP = timedelta(seconds=60)
# A retired key is listed a while longer, for terminals that upload late and for clocks that are off.
_LISTED_AFTER = timedelta(days=2)
KEY_LIST_LIFETIME = timedelta(days=3)
_TWEAK = struct.Struct(">8sII")


class GroupCipher:
    """Encrypts one 16-byte block under a tweak (XEX, two derived keys): a person looks new each time."""

    def __init__(self, key: Key) -> None:
        size = 16 if key.alg == "SM4" else 32
        block = algorithms.SM4 if key.alg == "SM4" else algorithms.AES
        tweaking, sealing = (derive_key(key.secret, f"esid|{part}", size) for part in ("tweak", "block"))
        # ECB of single blocks is the primitive here, not the mode: XEX is built on top of it.
        self._tweak = Cipher(block(tweaking), modes.ECB()).encryptor()  # noqa: S305
        self._encrypt = Cipher(block(sealing), modes.ECB()).encryptor()  # noqa: S305
        self._decrypt = Cipher(block(sealing), modes.ECB()).decryptor()  # noqa: S305

    def seal(self, card_key: bytes, nonce: bytes, issued_at: int) -> bytes:
        """Return the encrypted card key for the code with this nonce."""
        mask = self._mask(nonce, issued_at)
        return _xor(self._encrypt.update(_xor(card_key, mask)), mask)

    def open(self, esid: bytes, nonce: bytes, issued_at: int) -> bytes:
        """Return the card key of a code; meaningful only once its signature has been verified."""
        mask = self._mask(nonce, issued_at)
        return _xor(self._decrypt.update(_xor(esid, mask)), mask)

    def _mask(self, nonce: bytes, issued_at: int) -> bytes:
        return self._tweak.update(_TWEAK.pack(nonce, issued_at, 0))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(16, "big")


@dataclass(frozen=True, slots=True)
class CodeKey:
    """One code key with its group cipher, and the time in which its signatures count."""

    number: int
    signer: Signer
    verifier: Verifier
    group: GroupCipher
    not_before: datetime
    not_after: datetime | None

    def signed_at(self, at: datetime) -> bool:
        """Whether the key was in use at an instant."""
        return self.not_before <= at and (self.not_after is None or at <= self.not_after)


class CodeKeys:
    """The ring's code keys, ready for use; rebuilt when the ring changes."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._generation = -1
        self._keys: dict[int, CodeKey] = {}

    def active(self) -> CodeKey:
        """The key that signs now."""
        return self._current()[self._keyring.active("code").number]

    def find(self, number: int) -> CodeKey | None:
        """The key of a code's key number."""
        return self._current().get(number)

    def key_list(self, city_code: str, at: datetime) -> dict[str, object]:
        """The list terminals download, signed by every key we have: a known one vouches for the new ones."""
        keys = self._current()
        listed = [key for key in keys.values() if key.not_after is None or key.not_after + _LISTED_AFTER > at]
        payload = json.dumps(
            {
                "city_code": city_code,
                "issued_at": int(at.timestamp()),
                "expires_at": int((at + KEY_LIST_LIFETIME).timestamp()),
                "keys": [_listed(key) for key in listed],
            }
        ).encode()
        signatures = [
            {"number": key.number, "signature": _text(key.signer.sign(KEY_LIST_CONTEXT + payload))}
            for key in keys.values()
            if key.not_before <= at
        ]
        return {"payload": _text(payload), "signatures": signatures}

    def _current(self) -> dict[int, CodeKey]:
        generation = self._keyring.generation
        if generation != self._generation:
            self._keys = self._build()
            self._generation = generation
        return self._keys

    def _build(self) -> dict[int, CodeKey]:
        built: dict[int, CodeKey] = {}
        not_after: datetime | None = None
        for key in self._keyring.all("code"):  # newest first
            group = self._keyring.get("code_group", f"code_group-{key.number}")
            built[key.number] = _code_key(key, group, not_after)
            not_after = key.active_from_at + _OVERLAP
        return built


def _code_key(key: Key, group: Key, not_after: datetime | None) -> CodeKey:
    signer = signer_for(key)
    verifier = verifier_for(key.alg, signer.public_key)
    # Codes carry whole seconds, so the first ones may seem a moment older than their key.
    not_before = key.active_from_at - timedelta(seconds=2)
    return CodeKey(key.number, signer, verifier, GroupCipher(group), not_before, not_after)


def _listed(key: CodeKey) -> dict[str, object]:
    return {
        "number": key.number,
        "alg": key.signer.alg,
        "public_key": _text(key.signer.public_key),
        "not_before": int(key.not_before.timestamp()),
        "not_after": int(key.not_after.timestamp()) if key.not_after else None,
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
