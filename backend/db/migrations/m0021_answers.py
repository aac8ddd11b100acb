"""Replies announce themselves; answers of a conversation are messages that are found by their key."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """A few more indexes; the validators stay as they are."""
    relay = IndexModel(
        [("events_due", ASCENDING)], name="relay", partialFilterExpression={"events_due": True}
    )
    await db.collection("message_replies").create_indexes([relay])
    answer = IndexModel(
        [("recipient_id", ASCENDING), ("answer_key", ASCENDING)],
        name="answer",
        unique=True,
        partialFilterExpression={"answer_key": {"$exists": True}},
    )
    resident = IndexModel(
        [("resident_id", ASCENDING)],
        name="resident",
        partialFilterExpression={"resident_id": {"$type": "string"}},
    )
    phone = IndexModel(
        [("deliveries.sms.phone_blind", ASCENDING), ("_id", ASCENDING)],
        name="phone",
        partialFilterExpression={"deliveries.sms.phone_blind": {"$exists": True}},
    )
    await db.collection("messages").create_indexes([answer, resident, phone])
