"""Databases for tests: opened, migrated once, emptied after each test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo import WriteConcern

from backend.db.client import Database
from backend.db.collections import SHARD_KEYS

KEPT = frozenset({"migrations"})
# What a test leaves behind need not survive a power cut.
_QUICKLY = WriteConcern(w=1, j=False)


@asynccontextmanager
async def open_database(uri: str, name: str) -> AsyncIterator[Database]:
    """A database of this name, dropped in the end."""
    database = Database(uri, name, app_name="tests")
    try:
        yield database
    finally:
        await database.client.drop_database(name)
        await database.close()


async def empty(database: Database) -> None:
    """Remove every document but the record of migrations, and collections that no migration has made."""
    names = await database.native.list_collection_names(filter={"type": "collection"})
    await asyncio.gather(*(_empty_collection(database, name) for name in names if name not in KEPT))


async def _empty_collection(database: Database, name: str) -> None:
    if name not in SHARD_KEYS:
        await database.native.drop_collection(name)
        return
    collection = database.native.get_collection(name, write_concern=_QUICKLY)
    await collection.delete_many({})
