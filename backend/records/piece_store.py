"""The `blob_pieces` collection: sealed pieces of large things, whose keys lie elsewhere."""

from __future__ import annotations

from datetime import datetime

from bson.binary import Binary
from pymongo import ASCENDING

from backend.db.client import Database


class PieceStore:
    """Pieces by what they are of, and their number. `expires_at`: what is made for a while only."""

    def __init__(self, db: Database, *, expires_at: datetime | None = None) -> None:
        self._pieces = db.collection("blob_pieces")
        self._expires_at = expires_at

    def until(self, expires_at: datetime) -> PieceStore:
        """The same for things that are forgotten by themselves."""
        other = PieceStore.__new__(PieceStore)
        other._pieces, other._expires_at = self._pieces, expires_at
        return other

    async def put(self, blob_id: str, number: int, sealed: bytes) -> None:
        """Keep a piece; the same again changes nothing."""
        document = {"blob_id": blob_id, "number": number, "data": Binary(sealed)}
        if self._expires_at is not None:
            document["expires_at"] = self._expires_at
        await self._pieces.replace_one({"_id": f"{blob_id}.{number}"}, document, upsert=True)

    async def read(self, blob_id: str) -> list[bytes]:
        """All pieces, in order."""
        found = self._pieces.find({"blob_id": blob_id}, {"data": True}).sort([("number", ASCENDING)])
        return [bytes(doc["data"]) async for doc in found]

    async def one(self, blob_id: str, number: int) -> bytes | None:
        """One piece, or None."""
        rules = {"_id": f"{blob_id}.{number}", "blob_id": blob_id}
        found = await self._pieces.find_one(rules, {"data": True})
        return bytes(found["data"]) if found else None

    async def delete(self, blob_id: str) -> None:
        """Forget all of them."""
        await self._pieces.delete_many({"blob_id": blob_id})
