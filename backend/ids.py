"""The one maker of ids: ULIDs, opaque strings that sort by time."""

from __future__ import annotations

import hashlib
from datetime import datetime

from ulid import ULID

ID_LENGTH = 26


def new_id() -> str:
    """A fresh ULID: 48 bits of time, 80 random bits, 26 characters of Crockford base32."""
    return str(ULID())


def derived_id(at: datetime, *parts: str) -> str:
    """The same ULID for the same instant and parts: how a repeated request finds its own document.

    `at` fills the time bits (choose an instant that a retry also knows), a hash of `parts` the rest.
    """
    milliseconds = int(at.timestamp() * 1000)
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).digest()
    return str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + digest))


def is_id(text: str) -> bool:
    """Whether `text` could have come from this module."""
    return len(text) == ID_LENGTH and text.isalnum() and text.isascii() and text.isupper()
