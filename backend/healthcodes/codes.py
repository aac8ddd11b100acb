"""The texts of health codes: dynamic (E1), made by a phone without network (E2), printed (S), national.

    E1:  version 1 | key number 1 | city 3 | issued at 4 | lifetime 2 | nonce 8 | esid 16 | signature 64
    E2:  pseudo-id 8 | step 4 | HMAC-SM3 12
    S:   random 16

All in upper-case Base45, so that the QR code stays in alphanumeric mode and within version 6.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from ulid import ULID

from backend.errors import AppError, ErrorCode
from backend.healthcodes import offline
from backend.healthcodes.code_keys import CodeKeys
from backend.healthcodes.national import NationalCode, parse_national
from backend.healthcodes.offline import CodeRefusedError, base45_decode, base45_encode

TTL_S = 60
REFRESH_AFTER_S = 45
PHONE_STEP_S = 30
PHONE_SECRET_BYTES = 32
PSEUDO_ID_BYTES = 8
STATIC_BYTES = 16
PHONE_PREFIX, STATIC_PREFIX = "E2:", "S:"

_PHONE_MESSAGE = struct.Struct(">8sI")
_PHONE_MAC_BYTES = 12
# ULIDs are 26 Crockford base32 digits of 128 bits; int() reads base 32 with its own digits.
_CROCKFORD, _BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_BASE32 = str.maketrans(_CROCKFORD, _BASE32)


@dataclass(frozen=True, slots=True)
class DynamicCode:
    """A dynamic code as it is shown."""

    text: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReadDynamic:
    """A dynamic code whose signature and window have been found good."""

    patient_id: str
    claim_key: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ReadPhone:
    """A code made by a phone; its MAC is checked once the phone's secret is known."""

    pseudo_id: str
    step: int
    mac: bytes

    @property
    def claim_key(self) -> str:
        """What is used up when the code is used."""
        return f"e2:{self.pseudo_id}:{self.step}"

    def made_with(self, secret: bytes) -> bool:
        """Whether the phone that has this secret made the code."""
        return hmac.compare_digest(_phone_mac(self.pseudo_id, self.step, secret), self.mac)


@dataclass(frozen=True, slots=True)
class ReadStatic:
    """A printed code."""

    code_hash: str


ReadCode = ReadDynamic | ReadPhone | ReadStatic | NationalCode


class HealthCodes:
    """Makes and reads the texts of one city's codes. Knows keys, no database."""

    def __init__(self, keys: CodeKeys, city_code: str) -> None:
        self._keys = keys
        self._city_code = city_code
        self._city = int(city_code).to_bytes(3, "big")

    def make_dynamic(self, patient_id: str, at: datetime) -> DynamicCode:
        """Make a signed code that is good for a minute and tells nobody whose it is."""
        key = self._keys.active()
        issued_at = int(at.timestamp())
        nonce = os.urandom(8)
        esid = key.group.seal(_card_key(patient_id), nonce, issued_at)
        body = offline.BODY.pack(offline.VERSION, key.number, self._city, issued_at, TTL_S, nonce, esid)
        signature = key.signer.sign(offline.CODE_CONTEXT + body)
        text = offline.PREFIX + base45_encode(body + signature)
        begins = datetime.fromtimestamp(issued_at, UTC)
        return DynamicCode(text, begins, begins + timedelta(seconds=TTL_S))

    def read(self, text: str, at: datetime) -> ReadCode:
        """Take any accepted text apart and check what can be checked without a database.

        Raises CODE_UNREADABLE, CODE_WRONG_CITY, CODE_FORGED or CODE_EXPIRED.
        """
        try:
            text = offline.cleaned(text)
            if text.startswith(offline.PREFIX):
                return self._read_dynamic(text, at, late_s=0)
            if text.startswith(PHONE_PREFIX):
                return _read_phone(text, at)
            if text.startswith(STATIC_PREFIX):
                return _read_static(text)
        except CodeRefusedError as refused:
            raise AppError(ErrorCode(refused.reason)) from None
        national = parse_national(text, self._city_code)
        if national is None:
            raise AppError(ErrorCode.CODE_UNREADABLE)
        return national

    def read_late(self, text: str, at: datetime) -> ReadDynamic:
        """Read a dynamic code that an offline terminal accepted at `at`, by that terminal's clock."""
        try:
            return self._read_dynamic(offline.cleaned(text), at, late_s=offline.SKEW_S)
        except CodeRefusedError as refused:
            raise AppError(ErrorCode(refused.reason)) from None

    def _read_dynamic(self, text: str, at: datetime, *, late_s: float) -> ReadDynamic:
        code = offline.read_signed_code(text)
        if code.city_code != self._city_code:
            raise CodeRefusedError("CODE_WRONG_CITY")
        issued_at = datetime.fromtimestamp(code.issued_at, UTC)
        key = self._keys.find(code.key_number)
        if key is None or not key.verifier.verify(code.signature, offline.CODE_CONTEXT + code.body):
            raise CodeRefusedError("CODE_FORGED")
        if not key.signed_at(issued_at):
            raise CodeRefusedError("CODE_FORGED")
        offline.check_window(code, at.timestamp(), late_s=late_s)
        card_key = key.group.open(code.esid, code.nonce, code.issued_at)
        return ReadDynamic(_patient_id(card_key), code.claim_key, issued_at)


def _card_key(patient_id: str) -> bytes:
    return int(patient_id.translate(_TO_BASE32), 32).to_bytes(16, "big")


def _patient_id(card_key: bytes) -> str:
    return str(ULID.from_bytes(card_key))


# -- codes made by a phone -------------------------------------------------------------------------------


def phone_step(at: datetime) -> int:
    """The number of the 30-second step in which an instant falls."""
    return int(at.timestamp()) // PHONE_STEP_S


def make_phone_code(pseudo_id: str, secret: bytes, at: datetime) -> str:
    """What the phone computes by itself; here for tests and for whoever ports it."""
    step = phone_step(at)
    raw = _PHONE_MESSAGE.pack(bytes.fromhex(pseudo_id), step) + _phone_mac(pseudo_id, step, secret)
    return PHONE_PREFIX + base45_encode(raw)


def _phone_mac(pseudo_id: str, step: int, secret: bytes) -> bytes:
    mac = HMAC(secret, SM3())
    mac.update(_PHONE_MESSAGE.pack(bytes.fromhex(pseudo_id), step))
    return mac.finalize()[:_PHONE_MAC_BYTES]


def _read_phone(text: str, at: datetime) -> ReadPhone:
    raw = _decoded(text, PHONE_PREFIX, _PHONE_MESSAGE.size + _PHONE_MAC_BYTES)
    pseudo_id, step = _PHONE_MESSAGE.unpack_from(raw)
    if abs(step - phone_step(at)) > 1:
        raise CodeRefusedError("CODE_EXPIRED")
    return ReadPhone(pseudo_id.hex(), step, raw[_PHONE_MESSAGE.size :])


# -- printed codes ---------------------------------------------------------------------------------------


def make_static_code() -> tuple[str, str]:
    """Return a new printed code's text and the hash that is stored of it."""
    raw = os.urandom(STATIC_BYTES)
    return STATIC_PREFIX + base45_encode(raw), _static_hash(raw)


def _read_static(text: str) -> ReadStatic:
    return ReadStatic(_static_hash(_decoded(text, STATIC_PREFIX, STATIC_BYTES)))


def _static_hash(raw: bytes) -> str:
    # The code is random, so a plain hash of it says nothing; the text itself is shown once and never stored.
    return hashlib.sha256(raw).hexdigest()[:32]


def _decoded(text: str, prefix: str, size: int) -> bytes:
    try:
        raw = base45_decode(text[len(prefix) :])
    except ValueError:
        raise CodeRefusedError("CODE_UNREADABLE") from None
    if len(raw) != size:
        raise CodeRefusedError("CODE_UNREADABLE")
    return raw
