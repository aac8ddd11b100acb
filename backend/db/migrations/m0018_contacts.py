"""People without an account are found by the phone they are told by."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """One more index; the validator stays as it is."""
    contact = IndexModel(
        [("contact_index", ASCENDING)],
        name="contact",
        partialFilterExpression={"contact_index": {"$exists": True}},
    )
    await db.collection("residents").create_indexes([contact])
