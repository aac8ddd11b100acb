"""Keys derived from the ring's keys, one per purpose, so that no key ever serves two."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """Return the key of one purpose (HKDF-SHA256). The same secret and purpose give the same key."""
    return HKDF(SHA256(), length, salt=None, info=b"healthycity|" + purpose.encode()).derive(secret)
