"""Migrations have numbers of their own, may run twice, and leave indexes that a shard could carry."""

import pkgutil

from backend.db import migrations
from backend.db.client import Database
from backend.db.collections import SHARD_KEYS
from backend.db.migrate import all_migrations, migrate, pending
from tests.guards.source import listed


def test_no_two_migrations_share_a_number():
    # A gap does no harm: numbers are set apart for work that goes on side by side, and each runs by its name.
    numbers = [step.number for step in all_migrations()]
    assert len(numbers) == len(set(numbers))


def test_no_file_beside_the_migrations_is_overlooked():
    found = {module.name for module in pkgutil.iter_modules(migrations.__path__)}
    assert found == {step.name for step in all_migrations()}


async def test_every_migration_may_run_twice(bare_db: Database):
    await migrate(bare_db)
    before = await described(bare_db)
    for step in all_migrations():
        await step.up(bare_db)
    assert await described(bare_db) == before
    assert await pending(bare_db) == []


async def described(db: Database) -> dict[str, object]:
    """Every collection with its validator and indexes."""
    found: dict[str, object] = {}
    async for info in await db.native.list_collections():
        indexes = await db.collection(info["name"]).index_information()
        found[info["name"]] = (info["options"], indexes)
    return found


async def test_every_collection_names_its_shard_key(db: Database):
    names = set(await db.native.list_collection_names())
    assert names - set(SHARD_KEYS) == set()


async def test_every_unique_index_begins_with_the_shard_key(db: Database):
    wrong = []
    for name, shard_key in SHARD_KEYS.items():
        for index, details in (await db.collection(name).index_information()).items():
            first = details["key"][0][0]
            if details.get("unique") and first != shard_key:
                wrong.append(f"{name}.{index} begins with {first}, the shard key is {shard_key}")
    assert not wrong, listed(wrong)
