"""When each order is to be compared with the channel's book."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """Add the index; orders that moved before are not compared by themselves."""
    await db.collection("orders").create_indexes(
        [
            IndexModel(
                [("compare_at", ASCENDING)],
                name="compare",
                partialFilterExpression={"compare_at": {"$type": "date"}},
            )
        ]
    )
