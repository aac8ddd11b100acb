"""Indexes that carry the whole order of the console's lists: no page of one sorts its collection."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database

_NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]
_NEWEST_ENTRY = [("at", DESCENDING), ("_id", DESCENDING)]
# Each begins like the one it replaces, so the version that is still serving loses nothing.
_REPLACED = ("of_organization", "of_actor", "of_object", "newest")


async def up(db: Database) -> None:
    """Add them; nothing else about the collections changes."""
    await db.collection("orders").create_indexes(
        [
            IndexModel(_NEWEST_FIRST, name="newest"),
            IndexModel([("organization_id", ASCENDING), *_NEWEST_FIRST], name="newest_of_organization"),
            IndexModel([("state", ASCENDING), *_NEWEST_FIRST], name="newest_in_state"),
        ]
    )
    await db.collection("billing_differences").create_indexes(
        [
            IndexModel([("state", ASCENDING), *_NEWEST_FIRST], name="newest_in_state"),
            IndexModel([("order_id", ASCENDING), ("created_at", ASCENDING)], name="of_order"),
        ]
    )
    await _audit(db)


async def _audit(db: Database) -> None:
    audit = db.collection("audit")
    await audit.create_indexes(
        [
            IndexModel(_NEWEST_ENTRY, name="newest_first"),
            *(
                IndexModel([(field, ASCENDING), *_NEWEST_ENTRY], name=f"newest_of_{field}")
                for field in ("organization_id", "actor_id", "object", "action")
            ),
        ]
    )
    there = await audit.index_information()
    for name in _REPLACED:
        if name in there:
            await audit.drop_index(name)
