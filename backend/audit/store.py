"""Where the audit log lives: entries by stream, how far each stream came, and the daily anchors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import date
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.audit.chain import Chain
from backend.audit.models import AuditEntry, AuditFilter
from backend.db.client import Database, Document
from backend.db.journal import Journal
from backend.security.lasting import declare_kid

for _collection in ("audit", "audit_heads", "audit_anchors"):
    declare_kid("audit", _collection, "kid", "without it the log before the rotation proves nothing")


class AuditStore:
    """Appends, reads and walks; there is no method that changes or removes an entry."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._entries = db.collection("audit")
        self._heads = db.collection("audit_heads")
        self._anchors = db.collection("audit_anchors")
        self._journal = Journal(self._entries, chain.seal)
        self._chain = chain
        self._reached: dict[str, int] = {}
        self._marked: dict[str, int] = {}
        self._marking: dict[str, asyncio.Lock] = {}

    async def append(self, stream: str, entry: Document) -> int:
        """Add an entry to the end of a stream; returns its number once it is durable."""
        number = await self._journal.append(stream, entry)
        await self._advance_head(stream, number)
        return number

    async def list_entries(
        self,
        wanted: AuditFilter,
        organization_ids: Collection[str] | None,
        after: tuple[Any, str] | None,
        limit: int,
    ) -> list[AuditEntry]:
        """Newest first, within the given organisations (None: everywhere), going on after a place."""
        query = _query(wanted, organization_ids)
        if after is not None:
            at, entry_id = after
            query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": entry_id}}]
        found = await self._newest(query, limit)
        if wanted.charts:
            # Each of the two by its own index, named: the server would rather walk through every reading.
            of_charts = {name: value for name, value in query.items() if name != "object"}
            of_charts["data.charts"] = {"$in": sorted(wanted.charts)}
            both = {entry.id: entry for entry in (*found, *await self._newest(of_charts, limit, "of_charts"))}
            found = sorted(both.values(), key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]
        return found

    async def _newest(self, query: Document, limit: int, index: str | None = None) -> list[AuditEntry]:
        cursor = self._entries.find(query).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        found = cursor.hint(index) if index else cursor
        return [_entry(document) for document in await found.to_list(None)]

    async def find_entry(self, entry_id: str) -> AuditEntry | None:
        """One entry, or None."""
        document = await self._entries.find_one({"_id": entry_id})
        return _entry(document) if document else None

    async def streams(self) -> list[str]:
        """Every stream that has entries, an end on record, or an anchor."""
        names: set[str] = set(await self._journal.streams())
        names.update([head["_id"] async for head in self._heads.find({}, {"_id": 1})])
        names.update(await self._anchors.distinct("stream"))
        return sorted(names)

    async def entry_streams(self) -> list[str]:
        """Every stream that has entries."""
        return await self._journal.streams()

    async def after(self, stream: str, number: int, limit: int) -> list[AuditEntry]:
        """Entries of a stream with numbers above `number`, in order."""
        return [_entry(document) for document in await self._journal.read(stream, number, limit)]

    async def count(self) -> int:
        """About how many entries there are, for progress."""
        return await self._entries.estimated_document_count()

    def walk(self, stream: str) -> AsyncIterator[Document]:
        """The stored documents of a stream in order of their numbers."""
        return self._journal.walk(stream)

    async def head(self, stream: str) -> Document | None:
        """How far the stream came."""
        return await self._heads.find_one({"_id": stream})

    async def last(self, stream: str) -> Document | None:
        """The newest entry of a stream."""
        return await self._journal.last(stream)

    async def add_anchor(self, stream: str, on: date, anchor: Document) -> bool:
        """Keep the anchor of a day; false when the day has one."""
        try:
            await self._anchors.insert_one({"_id": f"{stream}|{on.isoformat()}", "stream": stream} | anchor)
        except DuplicateKeyError:
            return False
        return True

    async def anchors(self, stream: str) -> list[Document]:
        """Every anchor of a stream, oldest first."""
        return await self._anchors.find({"stream": stream}).sort("_id", 1).to_list(None)

    async def _advance_head(self, stream: str, number: int) -> None:
        """Mark how far the stream came. Entries of one moment share one mark: whoever is first makes it."""
        self._reached[stream] = max(self._reached.get(stream, 0), number)
        async with self._marking.setdefault(stream, asyncio.Lock()):
            if self._marked.get(stream, 0) < number:
                reached = self._reached[stream]
                await self._mark(stream, reached)
                self._marked[stream] = reached

    async def _mark(self, stream: str, number: int) -> None:
        behind = {"_id": stream, "number": {"$lt": number}}
        change = {"$set": self._chain.head(stream, number)}
        try:
            await self._heads.update_one(behind, change, upsert=True)
        except DuplicateKeyError:
            # Somebody is further, or made the mark of a new stream just now and is behind us.
            await self._heads.update_one(behind, change)


def _query(wanted: AuditFilter, organization_ids: Collection[str] | None) -> Document:
    query: Document = {
        name: value
        for name, value in {
            "action": wanted.action,
            "actor_id": wanted.actor_id,
            "object": wanted.object,
            "organization_id": wanted.organization_id,
        }.items()
        if value is not None
    }
    if organization_ids is not None:
        allowed = set(organization_ids)
        if wanted.organization_id is not None:
            allowed &= {wanted.organization_id}
        query["organization_id"] = {"$in": sorted(allowed)}
    span = {bound: at for bound, at in (("$gte", wanted.from_at), ("$lt", wanted.to_at)) if at is not None}
    return query | ({"at": span} if span else {})


def _entry(document: Document) -> AuditEntry:
    return AuditEntry(
        id=document["_id"],
        stream=document["stream"],
        number=document["number"],
        at=document["at"],
        actor_kind=document["actor_kind"],
        actor_id=document["actor_id"],
        role=document["role"],
        action=document["action"],
        object=document["object"],
        basis=document["basis"],
        organization_id=document["organization_id"],
        request_id=document["request_id"],
        data=document["data"],
    )
