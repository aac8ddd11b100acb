"""Readings that are about several people at once, by the charts that were read: each of them sees his own."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """An index over the few entries that name charts; the log's validator stands in m0009."""
    await db.collection("audit").create_indexes(
        [
            IndexModel(
                [("data.charts", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
                name="of_charts",
                partialFilterExpression={"data.charts": {"$exists": True}},
            )
        ]
    )
