"""Verification of dynamic health codes by a terminal without network. Stands alone: copy this one file.

It needs Python 3.11 and nothing else. With the package `cryptography` a code takes a tenth of a millisecond;
without it, Ed25519 is computed here in a few milliseconds. SM2 needs the package `tongsuopy`.

    keys = TrustedKeys.from_document(downloaded)            # GET /hospital/v1/health-codes/keys
    keys = keys.updated(downloaded_today)                   # signed by a key known yesterday, or refused
    verifier = OfflineVerifier(keys, earlier=uses_on_disk)
    use = verifier.verify(scanned_text, "10101")            # or CodeRefusedError with a reason
    ... keep use.to_dict() on disk; POST the list to /hospital/v1/health-codes/offline-uses when back online
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PREFIX = "E1:"
VERSION = 1
# version, key number, city (GB/T 2260), issued at (Unix time), lifetime in seconds, nonce, encrypted card key
BODY = struct.Struct(">BB3sIH8s16s")
SIGNATURE_BYTES = 64
CODE_CONTEXT = b"healthycity/code/E1\x00"
KEY_LIST_CONTEXT = b"healthycity/code-keys/1\x00"
SKEW_S = 30
_LONGEST_TEXT = 300

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PAIRS = [ALPHABET[n % 45] + ALPHABET[n // 45] for n in range(2025)]


class CodeRefusedError(Exception):
    """A code is not accepted. `reason` is one of the API's error codes, or CODE_NEEDS_NETWORK."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# -- text ------------------------------------------------------------------------------------------------


def cleaned(text: str) -> str:
    """Undo what scanners and input methods do to a code: full-width characters, blanks, line ends."""
    if len(text) > _LONGEST_TEXT:
        raise CodeRefusedError("CODE_UNREADABLE")
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def base45_encode(data: bytes) -> str:
    """RFC 9285."""
    parts = []
    for (word,) in struct.iter_unpack(">H", data[: len(data) & ~1]):
        top, rest = divmod(word, 2025)
        parts.append(_PAIRS[rest] + ALPHABET[top])
    if len(data) & 1:
        parts.append(_PAIRS[data[-1]])
    return "".join(parts)


def base45_decode(text: str) -> bytes:
    """RFC 9285, strictly: every value has one text. Raises ValueError."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError:
        raise ValueError("not Base45") from None
    whole, rest = divmod(len(values), 3)
    words = [a + 45 * b + 2025 * c for a, b, c in zip(values[0::3], values[1::3], values[2::3], strict=False)]
    if rest == 1 or any(word > 0xFFFF for word in words):
        raise ValueError("not Base45")
    data = struct.pack(f">{whole}H", *words)
    if rest == 2:
        last = values[-2] + 45 * values[-1]
        if last > 0xFF:
            raise ValueError("not Base45")
        data += bytes([last])
    return data


@dataclass(frozen=True, slots=True)
class SignedCode:
    """The parts of an E1 code, before anything about it is believed."""

    key_number: int
    city_code: str
    issued_at: int
    ttl_s: int
    nonce: bytes
    esid: bytes
    body: bytes
    signature: bytes

    @property
    def claim_key(self) -> str:
        """What is used up when the code is used: one value per code, and nothing about the person."""
        return "e1:" + hashlib.sha256(self.body).hexdigest()[:32]


def read_signed_code(text: str) -> SignedCode:
    """Take a text apart. Raises CODE_UNREADABLE."""
    try:
        raw = base45_decode(text.removeprefix(PREFIX))
    except ValueError:
        raise CodeRefusedError("CODE_UNREADABLE") from None
    if not text.startswith(PREFIX) or len(raw) != BODY.size + SIGNATURE_BYTES or raw[0] != VERSION:
        raise CodeRefusedError("CODE_UNREADABLE")
    _, number, city, issued_at, ttl_s, nonce, esid = BODY.unpack_from(raw)
    return SignedCode(
        key_number=number,
        city_code=f"{int.from_bytes(city, 'big'):06d}",
        issued_at=issued_at,
        ttl_s=ttl_s,
        nonce=nonce,
        esid=esid,
        body=raw[: BODY.size],
        signature=raw[BODY.size :],
    )


def check_window(code: SignedCode, at: float, *, early_s: float = SKEW_S, late_s: float = SKEW_S) -> None:
    """Raise CODE_EXPIRED unless the code is good at this instant, give or take the terminal's clock."""
    if not code.issued_at - early_s <= at < code.issued_at + code.ttl_s + late_s:
        raise CodeRefusedError("CODE_EXPIRED")


# -- keys ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One public key of the city, and the time in which codes may bear its signature."""

    number: int
    alg: str
    public_key: bytes
    not_before: int
    not_after: int | None

    def signed(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made the signature."""
        return verify_signature(self.alg, self.public_key, signature, data)


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The city's list of public keys, as downloaded once a day."""

    city_code: str
    issued_at: int
    expires_at: int
    keys: dict[int, TrustedKey]

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> TrustedKeys:
        """Read a list whose origin is known: the first one, fetched over TLS with the terminal's token."""
        listed = json.loads(base64.b64decode(document["payload"]))
        keys = [
            TrustedKey(
                number=entry["number"],
                alg=entry["alg"],
                public_key=base64.b64decode(entry["public_key"]),
                not_before=entry["not_before"],
                not_after=entry["not_after"],
            )
            for entry in listed["keys"]
        ]
        return cls(
            city_code=listed["city_code"],
            issued_at=listed["issued_at"],
            expires_at=listed["expires_at"],
            keys={key.number: key for key in keys},
        )

    def updated(self, document: dict[str, Any]) -> TrustedKeys:
        """Read a newer list. Raises ValueError unless a key of this list signed it, for this city, later."""
        payload = base64.b64decode(document["payload"])
        vouched = any(
            (key := self.keys.get(entry["number"])) is not None
            and key.signed(base64.b64decode(entry["signature"]), KEY_LIST_CONTEXT + payload)
            for entry in document["signatures"]
        )
        newer = TrustedKeys.from_document(document)
        if not vouched or newer.city_code != self.city_code or newer.issued_at < self.issued_at:
            raise ValueError("the key list is not signed by a known key, of another city, or older")
        return newer


# -- verification ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfflineUse:
    """One accepted code: what the terminal keeps and uploads later."""

    code: str
    step: str
    at: str
    claim_key: str
    expires_at: int

    def to_dict(self) -> dict[str, str]:
        """The form that is uploaded."""
        return {"code": self.code, "step": self.step, "at": self.at}


class OfflineVerifier:
    """Checks dynamic codes by signature, time window and a memory of what this terminal has seen.

    A photo shown at two offline terminals is found out when both upload; the second is then flagged.
    """

    def __init__(
        self,
        keys: TrustedKeys,
        *,
        earlier: Iterable[OfflineUse] = (),
        now: Callable[[], float] = time.time,
        skew_s: int = SKEW_S,
    ) -> None:
        self._keys = keys
        self._now = now
        self._skew_s = skew_s
        self._seen = {use.claim_key: use.expires_at for use in earlier}

    def verify(self, text: str, step: str) -> OfflineUse:
        """Accept a code once, or raise CodeRefusedError."""
        text = cleaned(text)
        if not text.startswith(PREFIX):
            # Codes made by an offline phone, printed ones and national ones mean nothing without the server.
            known = text.startswith(("E2:", "S:")) or len(text.split(":")[0]) == 64
            raise CodeRefusedError("CODE_NEEDS_NETWORK" if known else "CODE_UNREADABLE")
        at = self._now()
        if at > self._keys.expires_at:
            raise CodeRefusedError("CODE_NEEDS_NETWORK")
        code = read_signed_code(text)
        self._check(code, at)
        self._forget(at)
        if code.claim_key in self._seen:
            raise CodeRefusedError("CODE_REPLAYED")
        expires_at = code.issued_at + code.ttl_s + self._skew_s
        self._seen[code.claim_key] = expires_at
        instant = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return OfflineUse(text, step, instant, code.claim_key, expires_at)

    def _check(self, code: SignedCode, at: float) -> None:
        if code.city_code != self._keys.city_code:
            raise CodeRefusedError("CODE_WRONG_CITY")
        key = self._keys.keys.get(code.key_number)
        if key is None or not key.signed(code.signature, CODE_CONTEXT + code.body):
            raise CodeRefusedError("CODE_FORGED")
        if code.issued_at < key.not_before or (key.not_after is not None and code.issued_at > key.not_after):
            raise CodeRefusedError("CODE_FORGED")
        check_window(code, at, early_s=self._skew_s, late_s=self._skew_s)

    def _forget(self, at: float) -> None:
        for claim_key in [key for key, expires_at in self._seen.items() if expires_at < at]:
            del self._seen[claim_key]


def verify_signature(alg: str, public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the signature is this key's. The algorithm is the key's, as the signed list has it."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    if alg == "Ed25519":
        return _verify_ed25519(public_key, signature, data)
    if alg == "SM2":
        return _verify_sm2(public_key, signature, data)
    return False


def _verify_ed25519(public_key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verify_ed25519_slowly(public_key, signature, data)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _verify_sm2(public_key: bytes, signature: bytes, data: bytes) -> bool:
    from tongsuopy.crypto import hashes
    from tongsuopy.crypto.asymciphers import ec

    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SM2(), public_key)
    try:
        key.verify(_der(signature), data, ec.ECDSA(hashes.SM3()))
    except Exception:
        # tongsuopy's InvalidSignature, and its OpenSSL errors for an r or s out of range.
        return False
    return True


def _der(signature: bytes) -> bytes:
    numbers = b""
    for part in (signature[:32], signature[32:]):
        number = part.lstrip(b"\x00") or b"\x00"
        number = b"\x00" + number if number[0] & 0x80 else number
        numbers += bytes([2, len(number)]) + number
    return bytes([0x30, len(numbers)]) + numbers


# -- Ed25519 (RFC 8032) for terminals that have nothing but Python ----------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def verify_ed25519_slowly(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Ed25519 in plain Python: public values only, so its timing gives nothing away."""
    key, r = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= _L:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + data).digest()
    h = int.from_bytes(digest, "little") % _L
    left, right = _times(s, _BASE), _add(r, _times(h, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % _P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(data: bytes) -> _Point | None:
    """Decompress a point; None for bytes that are none."""
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else _P - x
    return (x, y, 1, x * y % _P)


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE: _Point = _point(_BASE_Y.to_bytes(32, "little")) or (0, 1, 1, 0)
