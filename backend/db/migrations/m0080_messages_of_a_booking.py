"""Messages: those of a booking are read newest first, so their index holds them in that order."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """One index in the place of another; the old one goes when the new one stands."""
    messages = db.collection("messages")
    wanted = IndexModel(
        [("appointment_id", ASCENDING), ("_id", DESCENDING)],
        name="of_booking",
        partialFilterExpression={"appointment_id": {"$gt": ""}},
    )
    await messages.create_indexes([wanted])
    if "appointment" in await messages.index_information():
        await messages.drop_index("appointment")
