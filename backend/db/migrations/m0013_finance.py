"""Indexes for finance's lists of orders and differences: by hospital, by state, by time."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database

_NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]


async def up(db: Database) -> None:
    """Add them; nothing else about the two collections changes."""
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
