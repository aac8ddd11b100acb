"""The waiting list is gone through by day: who waits may get a place that nobody gave back."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """One index over those who wait."""
    waiting = IndexModel(
        [("on", ASCENDING), ("pool_key", ASCENDING)],
        name="waiting",
        partialFilterExpression={"state": "waiting"},
    )
    await db.collection("waitlist").create_indexes([waiting])
