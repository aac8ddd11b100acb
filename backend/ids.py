"""The one maker of ids: ULIDs, opaque strings that sort by time.

Written out here because every request makes several and the library takes ten times as long; the tests hold
it to the library's own reading of the format.
"""

from __future__ import annotations

import hashlib
import os
import time
from datetime import datetime

ID_LENGTH = 26
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters at a time: 26 characters are 13 look-ups.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))


def new_id() -> str:
    """A fresh ULID: 48 bits of time, 80 random bits, 26 characters of Crockford base32."""
    return _encode(time.time_ns() // 1_000_000, os.urandom(10))


def derived_id(at: datetime, *parts: str) -> str:
    """The same ULID for the same instant and parts: how a repeated request finds its own document.

    `at` fills the time bits (choose an instant that a retry also knows), a hash of `parts` the rest.
    """
    return _encode(int(at.timestamp() * 1000), _digest(parts, 10))


def named_id(*parts: str) -> str:
    """An id that its parts alone decide, whenever it is made. Alone of all ids it does not sort by time."""
    digest = _digest(parts, 16)
    return _encode(int.from_bytes(digest[:6], "big"), digest[6:])


def is_id(text: str) -> bool:
    """Whether `text` could have come from this module."""
    return len(text) == ID_LENGTH and text.isalnum() and text.isascii() and text.isupper()


def _digest(parts: tuple[str, ...], size: int) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=size).digest()


def _encode(milliseconds: int, rest: bytes) -> str:
    value = milliseconds << 80 | int.from_bytes(rest, "big")
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])
