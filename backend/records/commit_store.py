"""How batches get into the record: each all or nothing, those of one moment in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo import AsyncMongoClient, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from backend.db.client import DURABLE, Along, Collection, Document, Session
from backend.db.gather import AT_ONCE, GatheredCalls

_CONTENDED = frozenset({112, 251, 11000})  # WriteConflict, NoSuchTransaction, DuplicateKey
# What is larger keeps nobody else waiting in its transaction; so many others share one.
_LARGE = 256 << 10
_MOST_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """What is new, what changes, each over the version it was planned on, and what that version was."""

    first: list[Document]
    updates: list[UpdateOne]
    older: list[Document]
    ids: frozenset[str]
    # Written in the same transaction, and first.
    along: Sequence[Along] = ()

    @property
    def is_large(self) -> bool:
        """Whether it goes by itself."""
        bodies = [doc["body"] for doc in (*self.first, *self.older) if doc["body"] is not None]
        return sum(len(body["ct"]) for body in bodies) > _LARGE


class _Overtaken(Exception):  # noqa: N818 no error: somebody else was faster
    pass


class Commits:
    """Writes batches into the resources and their older versions."""

    def __init__(
        self, client: AsyncMongoClient[Document], resources: Collection, versions: Collection
    ) -> None:
        self._client = client
        self._resources = resources
        self._versions = versions
        self._gathered: GatheredCalls[Batch, bool | PyMongoError] = GatheredCalls(
            self._commit_many, _MOST_TOGETHER, every_s=AT_ONCE
        )

    async def commit(self, batch: Batch) -> bool:
        """Write all of it; False, and nothing written, when somebody else was faster."""
        if batch.along or batch.is_large:
            return await self._alone(batch)
        done = await self._gathered.ask(batch)
        if isinstance(done, PyMongoError):
            raise done
        return done

    async def _commit_many(self, batches: list[Batch]) -> list[bool | PyMongoError]:
        """In one transaction where they do not meet, and each by itself where that does not succeed."""
        together: list[Batch] = []
        taken = set[str]()
        for batch in batches:
            if taken.isdisjoint(batch.ids):
                together.append(batch)
                taken |= batch.ids
        done: dict[int, bool | PyMongoError] = {}
        if len(together) > 1 and await self._tried(_joined(together)):
            done = {id(batch): True for batch in together}
        rest = [batch for batch in batches if id(batch) not in done]
        for batch, result in zip(rest, await asyncio.gather(*map(self._result, rest)), strict=True):
            done[id(batch)] = result
        return [done[id(batch)] for batch in batches]

    async def _tried(self, joined: Batch) -> bool:
        try:
            return await self._alone(joined)
        except (BulkWriteError, OperationFailure):
            # One that the database refuses must not take the others with it.
            return False

    async def _result(self, batch: Batch) -> bool | PyMongoError:
        try:
            return await self._alone(batch)
        except PyMongoError as error:
            return error

    async def _alone(self, batch: Batch) -> bool:
        try:
            if len(batch.first) == 1 and not batch.updates and not batch.along:
                await self._resources.insert_one(batch.first[0])
            else:
                await self._in_transaction(batch)
        except _Overtaken:
            return False
        except (DuplicateKeyError, BulkWriteError, OperationFailure) as error:
            if not _is_contended(error):
                raise
            return False
        return True

    async def _in_transaction(self, batch: Batch) -> None:
        async with (
            self._client.start_session() as session,
            await session.start_transaction(write_concern=DURABLE),
        ):
            for write in batch.along:
                await write(session)
            await self._write(batch, session)

    async def _write(self, batch: Batch, session: Session) -> None:
        if batch.updates:
            written = await self._resources.bulk_write(batch.updates, ordered=False, session=session)
            if written.matched_count != len(batch.updates):
                raise _Overtaken
            await self._versions.insert_many(batch.older, ordered=False, session=session)
        if batch.first:
            await self._resources.insert_many(batch.first, ordered=False, session=session)


def _joined(batches: Sequence[Batch]) -> Batch:
    return Batch(
        [doc for batch in batches for doc in batch.first],
        [update for batch in batches for update in batch.updates],
        [doc for batch in batches for doc in batch.older],
        frozenset(id for batch in batches for id in batch.ids),
    )


def _is_contended(error: OperationFailure) -> bool:
    if error.has_error_label("TransientTransactionError") or error.has_error_label(
        "UnknownTransactionCommitResult"
    ):
        return True
    if isinstance(error, BulkWriteError):
        refused = (error.details or {}).get("writeErrors", [])
        return bool(refused) and all(each.get("code") in _CONTENDED for each in refused)
    return error.code in _CONTENDED
