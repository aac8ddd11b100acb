"""Many concurrent inserts become one `insert_many`, many questions one call: no lock, and hardly a wait.

While one batch is at the server, the next gathers, and batches keep a pace of a few milliseconds; so the
batch size follows the load, and a lone insert goes out at once. Every insert still learns its own fate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WriteConcernError

from backend.db.client import Collection, Document
from backend.pacing import EVERY_S, Pace

MAX_BATCH = 500
DUPLICATE_KEY = 11000
# Background work waits longer for company than a person does: fewer, larger batches.
CALLS_EVERY_S = 0.02
# Who asks one thing after another never waits for company: only what meets at the server goes together.
AT_ONCE = 0.0
Q = TypeVar("Q")
A = TypeVar("A")


class GatheredCalls(Generic[Q, A]):
    """Questions or writes of one kind, gathered per process: `call` answers a list of them in its order.

    What it raises is raised to everybody in the batch, so a write must bear being made again.
    """

    def __init__(
        self,
        call: Callable[[list[Q]], Awaitable[Sequence[A]]],
        most: int = MAX_BATCH,
        *,
        every_s: float = CALLS_EVERY_S,
    ) -> None:
        self._call = call
        self._most = most
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._pace = Pace(every_s)

    async def ask(self, question: Q) -> A:
        """The answer to one of them."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._pace.wait()
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(batch)
        finally:
            self._flusher = None
            # Only a cancelled flush leaves anything here; nobody may wait for ever.
            abandoned, self._waiting = self._waiting, []
            for _, future in abandoned:
                _fail(future, PyMongoError("cancelled"))

    async def _settle(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._call([question for question, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                _fail(future, PyMongoError("cancelled"))
            raise
        except Exception as error:
            if isinstance(error, PyMongoError) or len(batch) == 1:
                for _, future in batch:
                    _fail(future, error)
                return
            # One that cannot be encoded must not take the others with it.
            for each in batch:
                await self._settle([each])
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


class GatheredFinds:
    """Documents of one collection by id: who asks at the same moment shares a round trip."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._calls: GatheredCalls[str, Document | None] = GatheredCalls(self._find, every_s=AT_ONCE)

    async def find(self, document_id: str) -> Document | None:
        """A document, or None."""
        return await self._calls.ask(document_id)

    async def _find(self, ids: list[str]) -> list[Document | None]:
        found = {doc["_id"]: doc async for doc in self._collection.find({"_id": {"$in": ids}})}
        return [found.get(each) for each in ids]


class GatheredInserts:
    """Inserts into one collection, gathered per process."""

    def __init__(self, collection: Collection, *, every_s: float = EVERY_S) -> None:
        self._collection = collection
        self._waiting: list[tuple[Document, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._pace = Pace(every_s)

    async def insert(self, document: Document) -> None:
        """Insert durably. Raises DuplicateKeyError, or the driver's error when the outcome is unknown.

        After an unknown outcome the same document may be inserted again: its `_id` tells a repeat.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((document, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        await future

    async def drained(self) -> None:
        """Return when nothing is waiting; used at shutdown."""
        while self._flusher is not None:
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._pace.wait()
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._send(batch)
        finally:
            self._flusher = None

    async def _send(self, batch: list[tuple[Document, asyncio.Future[None]]]) -> None:
        try:
            await self._collection.insert_many([document for document, _ in batch], ordered=False)
        except BulkWriteError as error:
            _settle_each(batch, error)
        except asyncio.CancelledError:
            for _, future in batch:
                _fail(future, PyMongoError("cancelled"))
            raise
        except PyMongoError as error:
            for _, future in batch:
                _fail(future, error)
        except Exception as error:
            # One document that cannot be encoded must not take the others with it, nor leave them waiting.
            if len(batch) == 1:
                _fail(batch[0][1], error)
            else:
                for each in batch:
                    await self._send([each])
        else:
            for _, future in batch:
                if not future.done():
                    future.set_result(None)


def _settle_each(batch: list[tuple[Document, asyncio.Future[None]]], error: BulkWriteError) -> None:
    details: Any = error.details or {}
    refused: dict[int, Document] = {item["index"]: item for item in details.get("writeErrors", [])}
    # A write-concern error means written but perhaps not durable: nobody may be told "done".
    doubtful = bool(details.get("writeConcernErrors"))
    for position, (_, future) in enumerate(batch):
        item = refused.get(position)
        if item is None:
            if doubtful:
                _fail(future, WriteConcernError("written, perhaps not durable", details=details))
            elif not future.done():
                future.set_result(None)
        elif item.get("code") == DUPLICATE_KEY:
            _fail(future, DuplicateKeyError(item.get("errmsg", ""), DUPLICATE_KEY, item))
        else:
            _fail(future, error)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
