"""The directory's collections: repeatable writes, lists in order, prefix search on one index."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING, DESCENDING, UpdateOne

from backend import clock
from backend.db.client import Collection, Database, Document
from backend.db.gather import GatheredFinds
from backend.directory import documents
from backend.directory.models import Department, Organization, Outcome, Practitioner

T = TypeVar("T", bound=Organization | Department | Practitioner)

WRITE_BATCH = 1000
# How many hits a search looks at before it puts the best first.
CANDIDATES = 80


class DirectoryStore:
    """One shelf for each kind of entry."""

    def __init__(self, db: Database) -> None:
        self.organizations = Shelf(
            db.collection("organizations"), documents.organization_doc, documents.organization_of
        )
        self.departments = Shelf(
            db.collection("departments"), documents.department_doc, documents.department_of
        )
        self.practitioners = Shelf(
            db.collection("practitioners"), documents.practitioner_doc, documents.practitioner_of
        )


class Shelf(Generic[T]):
    """One collection of directory entries."""

    def __init__(
        self, collection: Collection, to_doc: Callable[[T], Document], from_doc: Callable[[Document], T]
    ) -> None:
        self._collection = collection
        self._to_doc = to_doc
        self._from_doc = from_doc
        self._finds = GatheredFinds(self._collection)

    async def version(self) -> str:
        """Another text whenever an entry came, went or changed; costs the end of one index."""
        newest = await self._collection.find_one({}, {"updated_at": 1}, sort=[("updated_at", DESCENDING)])
        count = await self._collection.estimated_document_count()
        return f"{count}@{newest['updated_at'].isoformat()}" if newest else "0"

    async def find(self, entry_id: str) -> T | None:
        """One entry, or None."""
        doc = await self._finds.find(entry_id)
        return self._from_doc(doc) if doc else None

    async def find_many(self, entry_ids: Sequence[str]) -> list[T]:
        """The entries that exist, in no particular order."""
        cursor = self._collection.find({"_id": {"$in": list(entry_ids)}})
        return [self._from_doc(doc) async for doc in cursor]

    async def list_where(
        self, where: Document, *, limit: int, after: tuple[str, str] | None = None
    ) -> tuple[list[T], tuple[str, str] | None]:
        """Entries in their order, and where the next page begins, or None at the end."""
        query = where | (_after(after) if after else {})
        cursor = self._collection.find(query).sort([("order", ASCENDING), ("_id", ASCENDING)])
        docs = await cursor.limit(limit + 1).to_list(None)
        more = (docs[limit - 1]["order"], docs[limit - 1]["_id"]) if len(docs) > limit else None
        return [self._from_doc(doc) for doc in docs[:limit]], more

    async def search(self, where: Document) -> list[T]:
        """Some entries that match, unordered: the caller ranks them."""
        return [self._from_doc(doc) async for doc in self._collection.find(where).limit(CANDIDATES)]

    async def search_ids(self, term: str) -> list[str]:
        """Ids of the active entries that one word names."""
        cursor = self._collection.find({"active": True, **starts(term)}, {"_id": 1}).limit(CANDIDATES)
        return [doc["_id"] async for doc in cursor]

    async def save(self, entries: Sequence[T]) -> list[Outcome]:
        """Write what is new or changed; an equal entry is left alone, version and all."""
        outcomes: list[Outcome] = []
        for start in range(0, len(entries), WRITE_BATCH):
            batch = entries[start : start + WRITE_BATCH]
            outcomes += await self._save_batch([self._to_doc(entry) for entry in batch])
        return outcomes

    async def _save_batch(self, contents: list[Document]) -> list[Outcome]:
        cursor = self._collection.find({"_id": {"$in": [content["_id"] for content in contents]}})
        stored = {doc["_id"]: doc async for doc in cursor}
        outcomes = [_outcome(content, stored.get(content["_id"])) for content in contents]
        writes = [
            _write(content)
            for content, outcome in zip(contents, outcomes, strict=True)
            if outcome is not Outcome.UNCHANGED
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False)
        return outcomes


def starts(term: str) -> dict[str, Any]:
    """The filter for one word: an anchored prefix, which the index answers by a range."""
    return {"search_keys": {"$regex": f"^{re.escape(term)}"}}


def _after(after: tuple[str, str]) -> Document:
    order, entry_id = after
    return {"$or": [{"order": {"$gt": order}}, {"order": order, "_id": {"$gt": entry_id}}]}


def _outcome(content: Document, stored: Document | None) -> Outcome:
    if stored is None:
        return Outcome.CREATED
    same = all(stored.get(name) == value for name, value in content.items())
    return Outcome.UNCHANGED if same else Outcome.UPDATED


def _write(content: Document) -> UpdateOne:
    at = clock.now()
    return UpdateOne(
        {"_id": content["_id"]},
        {
            "$set": {name: value for name, value in content.items() if name != "_id"} | {"updated_at": at},
            "$inc": {"version": 1},
            "$setOnInsert": {"created_at": at},
        },
        upsert=True,
    )
