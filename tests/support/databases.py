"""Databases for tests: opened, migrated once, emptied after each test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pymongo
from pymongo import WriteConcern

from backend.db.client import Database, Document
from backend.db.collections import SHARD_KEYS

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
