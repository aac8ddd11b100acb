"""Large things at rest: cut into pieces, each sealed with a key of the thing's own.

That key is sealed with the city's key ring, in the document that describes the thing: a rotation re-seals a
few bytes for each thing, not gigabytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE_BYTES = 2 * 1024 * 1024


class BlobError(Exception):
    """A piece is missing, moved or altered. Never carries its content."""


class Pieces(Protocol):
    """Where sealed pieces lie: the port behind which another store could stand."""

    async def put(self, blob_id: str, number: int, sealed: bytes) -> None:
        """Keep a piece; the same again changes nothing."""

    async def read(self, blob_id: str) -> list[bytes]:
        """All pieces, in order."""

    async def one(self, blob_id: str, number: int) -> bytes | None:
        """One piece, or None."""

    async def delete(self, blob_id: str) -> None:
        """Forget all of them."""


def new_key() -> bytes:
    """A key for one thing."""
    return os.urandom(32)


def blob_name(owner_id: str, key: bytes) -> str:
    """Where the pieces of something lie: two contents of one owner, with two keys, do not mix theirs."""
    return f"{owner_id}.{hashlib.sha256(key).hexdigest()[:16]}"


class Blobs:
    """Puts things away and gets them back."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    async def put(self, blob_id: str, key: bytes, content: bytes) -> None:
        """Seal and keep. A key serves one content only: piece numbers are its nonces."""
        cipher = AESGCM(key)
        count = _count(len(content))
        for number in range(count):
            piece = content[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
            sealed = cipher.encrypt(_nonce(number), piece, _place(blob_id, number, count))
            await self._pieces.put(blob_id, number, sealed)

    async def get(self, blob_id: str, key: bytes) -> bytes:
        """The content. Raises BlobError."""
        pieces = await self._pieces.read(blob_id)
        cipher = AESGCM(key)
        try:
            return b"".join(
                cipher.decrypt(_nonce(number), piece, _place(blob_id, number, len(pieces)))
                for number, piece in enumerate(pieces)
            )
        except InvalidTag:
            raise BlobError(f"{blob_id} cannot be opened") from None

    async def stream(self, blob_id: str, key: bytes, size: int) -> AsyncIterator[bytes]:
        """The content piece by piece, no more than one of them in memory. Raises BlobError on the way."""
        cipher, count = AESGCM(key), _count(size)
        for number in range(count):
            sealed = await self._pieces.one(blob_id, number)
            if sealed is None:
                raise BlobError(f"{blob_id} has lost a piece")
            try:
                yield cipher.decrypt(_nonce(number), sealed, _place(blob_id, number, count))
            except InvalidTag:
                raise BlobError(f"{blob_id} cannot be opened") from None

    async def delete(self, blob_id: str) -> None:
        """Forget it."""
        await self._pieces.delete(blob_id)


def _count(size: int) -> int:
    """How many pieces so many bytes make."""
    return max(1, -(-size // PIECE_BYTES))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _place(blob_id: str, number: int, count: int) -> bytes:
    return f"{blob_id}|{number}|{count}".encode()
