"""Append-only numbered streams: the hospitals' booking feed and the audit chain stand on this.

Entry `n` of a stream has the `_id` `"<stream>:<n>"`, so the number is claimed by the insert itself: two
writers cannot both be number n, a reader that has seen n has seen all before it, and a gap cannot appear.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from backend import clock
from backend.db.client import Collection, Document

DIGITS = 12
MAX_BATCH = 200
_DUPLICATE_KEY = 11000

# Given the entry before (None at the start) and the new one, returns what is stored: the audit adds its hash.
Seal = Callable[[Document | None, Document], Document]


class Journal:
    """Numbered streams in one collection, sharded by `stream`."""

    def __init__(self, collection: Collection, seal: Seal = lambda _before, entry: entry) -> None:
        self._collection = collection
        self._seal = seal
        self._waiting: dict[str, list[tuple[Document, asyncio.Future[int]]]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def append(self, stream: str, entry: dict[str, Any]) -> int:
        """Append `entry` and return its number, counted from 1. Entries of one moment go out together.

        Where the collection has a unique index on (`stream`, `event_id`), an entry whose `event_id` is there
        already is not written again; the number it has is returned.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(stream, []).append((dict(entry), future))
        if stream not in self._writers:
            self._writers[stream] = asyncio.create_task(self._write(stream))
        return await future

    async def last(self, stream: str) -> Document | None:
        """The newest entry of a stream."""
        return await self._collection.find_one({"stream": stream}, sort=[("number", DESCENDING)])

    async def read(self, stream: str, after: int, limit: int) -> list[Document]:
        """Up to `limit` entries with numbers above `after`, in order."""
        cursor = self._collection.find({"stream": stream, "number": {"$gt": after}})
        return await cursor.sort("number", ASCENDING).limit(limit).to_list(None)

    async def walk(self, stream: str) -> AsyncIterator[Document]:
        """Every entry of a stream in order."""
        async for entry in self._collection.find({"stream": stream}).sort("number", ASCENDING):
            yield entry

    async def streams(self) -> list[str]:
        """Names of all streams."""
        return sorted(await self._collection.distinct("stream"))

    async def _write(self, stream: str) -> None:
        waiting = self._waiting[stream]
        try:
            while waiting:
                batch = waiting[:MAX_BATCH]
                try:
                    written = await self._write_batch(stream, batch)
                except BaseException as error:
                    for _, future in waiting:
                        if not future.done():
                            future.set_exception(error)
                    waiting.clear()
                    return
                del waiting[:written]
        finally:
            self._writers.pop(stream, None)
            self._waiting.pop(stream, None)

    async def _write_batch(self, stream: str, batch: list[tuple[Document, asyncio.Future[int]]]) -> int:
        """Number, seal and insert a batch; returns how many went in before another writer was met."""
        before = await self.last(stream)
        number = before["number"] if before else 0
        documents = []
        for entry, _ in batch:
            number += 1
            numbered = {"_id": f"{stream}:{number:0{DIGITS}d}", "stream": stream, "number": number}
            before = self._seal(before, numbered | {"at": clock.now()} | entry)
            documents.append(before)
        try:
            await self._collection.insert_many(documents, ordered=True)
            written = len(documents)
        except BulkWriteError as error:
            first = (error.details or {}).get("writeErrors", [{}])[0]
            if first.get("code") != _DUPLICATE_KEY:
                raise
            written = first["index"]
            if "event_id" in first.get("keyPattern", {}):
                await self._settle_repeat(stream, batch.pop(written))
            # Otherwise somebody else took this number: number the rest anew.
        for (_, future), document in zip(batch[:written], documents, strict=False):
            if not future.done():
                future.set_result(document["number"])
        return written

    async def _settle_repeat(self, stream: str, repeat: tuple[Document, asyncio.Future[int]]) -> None:
        entry, future = repeat
        self._waiting[stream].remove(repeat)
        there = await self._collection.find_one({"stream": stream, "event_id": entry["event_id"]})
        if there is not None and not future.done():
            future.set_result(there["number"])
