"""The one maker of ids: ULIDs, opaque strings that sort by time.

Written out here because every request makes several and the library takes ten times as long; the tests hold
it to the library's own reading of the format.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from datetime import datetime

ID_LENGTH = 26
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters, ten bits, at a time: 26 characters are 13 look-ups.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
# Asking the kernel for each id costs more than the rest of it. A deque gives each piece to one thread only,
# and a forked process must not use what its parent may use too.
_AT_ONCE = 256
_random: deque[bytes] = deque()
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> str:
    """A fresh ULID: 48 bits of time, 80 random bits, 26 characters of Crockford base32."""
    return _encode(time.time_ns() // 1_000_000, _ten_random_bytes())


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


def _ten_random_bytes() -> bytes:
    while True:
        try:
            return _random.popleft()
        except IndexError:
            fresh = os.urandom(10 * _AT_ONCE)
            _random.extend(fresh[at : at + 10] for at in range(0, len(fresh), 10))


def _digest(parts: tuple[str, ...], size: int) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=size).digest()


def _encode(ms: int, rest: bytes) -> str:
    # Three small numbers and no loop: shifts of one of 128 bits take twice as long.
    pair, a, b = _PAIRS, int.from_bytes(rest[:5], "big"), int.from_bytes(rest[5:], "big")
    return (
        f"{pair[ms >> 40]}{pair[ms >> 30 & 1023]}{pair[ms >> 20 & 1023]}{pair[ms >> 10 & 1023]}"
        f"{pair[ms & 1023]}"
        f"{pair[a >> 30]}{pair[a >> 20 & 1023]}{pair[a >> 10 & 1023]}{pair[a & 1023]}"
        f"{pair[b >> 30]}{pair[b >> 20 & 1023]}{pair[b >> 10 & 1023]}{pair[b & 1023]}"
    )
