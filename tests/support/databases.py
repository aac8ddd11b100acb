"""Databases for tests: opened, migrated once, emptied after each test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pymongo
from pymongo import WriteConcern

from backend.db.client import Database, Document
from backend.db.collections import SHARD_KEYS
from backend.db.migrate import migrate

KEPT = frozenset({"migrations"})
# What a test leaves behind need not survive a power cut.
_QUICKLY = WriteConcern(w=1, j=False)
_DROP_S = 100


@asynccontextmanager
async def open_database(uri: str, name: str) -> AsyncIterator[Database]:
    """A database of this name, dropped in the end."""
    database = Database(uri, name, app_name="tests")
    try:
        yield database
    finally:
        # A process that was killed in a transaction leaves its locks for a minute.
        with pymongo.timeout(_DROP_S):
            await database.client.drop_database(name)
        await database.close()


class Shelf:
    """Migrated databases of one worker, lent and lent again.

    Migrating costs more than most tests, and what is dropped burdens the server for minutes.
    """

    def __init__(self, uri: str, name: str) -> None:
        self._uri = uri
        self._name = name
        self._made = 0
        self._idle: list[Database] = []
        self._all = AsyncExitStack()

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Database]:
        """A migrated, empty database; what is left in it is removed when it comes back."""
        database = self._idle.pop() if self._idle else await self._make()
        yield database
        await empty(database)
        self._idle.append(database)

    async def close(self) -> None:
        """Drop them all."""
        await self._all.aclose()

    async def _make(self) -> Database:
        self._made += 1
        database = await self._all.enter_async_context(open_database(self._uri, f"{self._name}_{self._made}"))
        await migrate(database)
        return database


async def empty(database: Database) -> None:
    """Remove every document but the record of migrations, and collections that no migration has made."""
    names = await database.native.list_collection_names(filter={"type": "collection"})
    migrated = [name for name in names if name in SHARD_KEYS and name not in KEPT]
    others = [name for name in names if name not in SHARD_KEYS and name not in KEPT]
    filled = await _with_documents(database, migrated)
    await asyncio.gather(
        *(database.native.get_collection(name, write_concern=_QUICKLY).delete_many({}) for name in filled),
        *(database.native.drop_collection(name) for name in others),
    )


async def _with_documents(database: Database, names: list[str]) -> list[str]:
    """Which of the collections hold anything: one question, where emptying each would be forty."""
    looks: list[Document] = [{"$documents": []}]
    for name in names:
        first = [{"$limit": 1}, {"$project": {"_id": 0, "in": {"$literal": name}}}]
        looks.append({"$unionWith": {"coll": name, "pipeline": first}})
    return [found["in"] async for found in await database.native.aggregate(looks)]
