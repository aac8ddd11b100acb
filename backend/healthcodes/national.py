"""The national electronic health card: identifiers, keys and QR texts, as the published values have them.

The card id *contains* the ID number (whoever has the root key can read it back), so the city never stores it
in clear and never makes such a code itself; it only accepts the ones that residents already carry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from backend.clock import CITY_ZONE

ID_CARD = "01"
_BLOCK = 16
_CARD_BYTES = 32
_EXPIRY_FORMAT = "%Y%m%d%H%M%S"


class NationalKind(StrEnum):
    """What the type digit of a national code says."""

    STATIC = "static"
    DYNAMIC = "dynamic"


# The type digit by city: 0 dynamic and 1 static is the common reading, but regions differ.
COMMON_TYPES: dict[str, NationalKind] = {"0": NationalKind.DYNAMIC, "1": NationalKind.STATIC}
TYPES_BY_CITY: dict[str, dict[str, NationalKind]] = {
    # Wenzhou's digit 2 is the health card; its 1 is the social-security card, which is not ours to read.
    "330300": {"0": NationalKind.DYNAMIC, "2": NationalKind.STATIC},
}

_TEXT = re.compile(r"([0-9A-Fa-f]{64}):([0-9]{1,2})(?::([0-9A-Fa-f]{32}))?")


@dataclass(frozen=True, slots=True)
class NationalCode:
    """A national QR text taken apart. The expiry is still encrypted."""

    kind: NationalKind
    card_id: str
    expiry_field: str | None


def main_index_id(id_type: str, id_number: str, name: str) -> str:
    """Return the person's main index id (主索引ID): 64 upper-case hex digits."""
    digest = Hash(SM3())
    digest.update(f"{id_type}{id_number}{name}".encode())
    return digest.finalize().hex().upper()


def dispersion_factor(index_id: str) -> bytes:
    """Return the XOR of the four 8-byte groups of a main index id."""
    raw = bytes.fromhex(index_id)
    groups = [int.from_bytes(raw[start : start + 8], "big") for start in range(0, 32, 8)]
    return (groups[0] ^ groups[1] ^ groups[2] ^ groups[3]).to_bytes(8, "big")


def user_key(root_key: bytes, factor: bytes) -> bytes:
    """Return the person's key: the root key applied to the factor and its complement."""
    return _encrypt(root_key, factor + bytes(byte ^ 0xFF for byte in factor))


def health_card_id(root_key: bytes, id_type: str, id_number: str, name: str) -> str:
    """Return the health card id (电子健康卡ID): 64 upper-case hex digits."""
    key = user_key(root_key, dispersion_factor(main_index_id(id_type, id_number, name)))
    plain = f"{id_type}{id_number}".encode("ascii")
    if len(plain) > _CARD_BYTES:
        raise ValueError("the ID number is too long for a health card")
    return _encrypt(key, plain.ljust(_CARD_BYTES, b"\x00")).hex().upper()


def expiry_field(protection_key: bytes, expires_at: datetime) -> str:
    """Return the encrypted expiry of a dynamic code; the time is the city's wall clock."""
    digits = expires_at.astimezone(CITY_ZONE).strftime(_EXPIRY_FORMAT)
    return _encrypt(protection_key, bytes.fromhex(digits).ljust(_BLOCK, b"\x00")).hex().upper()


def read_expiry(protection_key: bytes, field: str) -> datetime | None:
    """Return the instant of an expiry field, or None when it was not made with this key."""
    plain = _decrypt(protection_key, bytes.fromhex(field))
    digits = plain.hex()[:14]
    if plain[7:] != bytes(_BLOCK - 7) or not digits.isdigit():
        return None
    try:
        return datetime.strptime(digits, _EXPIRY_FORMAT).replace(tzinfo=CITY_ZONE)
    except ValueError:
        return None


def parse_national(text: str, city_code: str) -> NationalCode | None:
    """Return the parts of a national text as this city reads it, or None when it is none."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    card_id, digit, field = match.groups()
    kind = TYPES_BY_CITY.get(city_code, COMMON_TYPES).get(digit)
    if kind is None or (kind is NationalKind.DYNAMIC) != (field is not None):
        return None
    return NationalCode(kind, card_id.upper(), field.upper() if field else None)


def _encrypt(key: bytes, data: bytes) -> bytes:
    # ECB without padding is what the national specification says; nothing of ours uses it.
    cipher = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305
    return cipher.update(data) + cipher.finalize()


def _decrypt(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.SM4(key), modes.ECB()).decryptor()  # noqa: S305
    return cipher.update(data) + cipher.finalize()
