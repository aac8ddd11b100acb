"""Business identifiers are looked up within a chart, too: an order number may be thousands of others'."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """Add the index; what the running version looks up by the first part alone keeps its own."""
    wanted = IndexModel([("business", ASCENDING), ("chart", ASCENDING)], name="business_of_chart")
    await db.collection("resources").create_indexes([wanted])
