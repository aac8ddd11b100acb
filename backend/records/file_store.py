"""The `resource_files` collection: which documents lie apart from their resources, each with its key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from pymongo import ASCENDING

from backend.db.client import Database, Document, Session
from backend.records.ids import owner_of
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

FILES = "resource_files"
declare_sealed(FILES, "key")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One document: the key opens its pieces."""

    id: str
    organization_id: str
    size: int
    key: bytes = field(repr=False)


class FileStore:
    """Files by id. One is loose from its first piece on, until the write of a resource that names it."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._files = db.collection(FILES)
        self._cipher = cipher

    async def insert(self, file: StoredFile, at: datetime) -> None:
        """Announce a file, before its first piece: whatever becomes of its maker, it is found and swept."""
        await self._files.insert_one(
            {
                "_id": file.id,
                "chart": owner_of(file.id),
                "organization_id": file.organization_id,
                "size": file.size,
                "key": self._cipher.seal(FILES, "key", file.id, file.key.hex()),
                "created_at": at,
                "loose_since": at,
            }
        )

    async def bind(self, ids: Collection[str], session: Session) -> bool:
        """These are named by a resource from now on; False where one of them is being swept already."""
        rules = _by_ids(ids) | {"loose_since": {"$exists": True}, "going": {"$ne": True}}
        bound = await self._files.update_many(rules, {"$unset": {"loose_since": True}}, session=session)
        return bound.matched_count == len(ids)

    async def find(self, file_id: str) -> StoredFile | None:
        """One file, or None."""
        doc = await self._files.find_one({"_id": file_id, "chart": owner_of(file_id)})
        return self._read(doc) if doc else None

    async def loose(self, before: datetime, limit: int) -> list[StoredFile]:
        """Those that no resource has named since."""
        found = self._files.find({"loose_since": {"$lt": before}}).sort("loose_since", ASCENDING)
        return [self._read(doc) async for doc in found.hint("loose").limit(limit)]

    async def condemn(self, file_id: str) -> bool:
        """It goes: from now on no resource can name it. False where one just has."""
        rules = {"_id": file_id, "chart": owner_of(file_id), "loose_since": {"$exists": True}}
        done = await self._files.update_one(rules, {"$set": {"going": True}})
        return done.matched_count == 1

    async def delete(self, file_id: str) -> None:
        """Its pieces are gone."""
        await self._files.delete_one({"_id": file_id, "chart": owner_of(file_id), "going": True})

    def _read(self, doc: Document) -> StoredFile:
        key = self._cipher.open(FILES, "key", doc["_id"], doc["key"])
        return StoredFile(doc["_id"], doc["organization_id"], doc["size"], bytes.fromhex(key))


def _by_ids(ids: Collection[str]) -> Document:
    return {"_id": {"$in": sorted(ids)}, "chart": {"$in": sorted({owner_of(id) for id in ids})}}
