"""The words of messages, version by version, and which is in use; whose report the provider is asked for."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, OBJECT, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "message_templates",
        shard_key="kind",
        validator=schema(
            ["kind", "number", "title", "lines", "sms", "approved", "wechat", "template_ids", "made_at"],
            kind=STRING,
            number=INT,
            title=STRING,
            lines={"bsonType": "array"},
            sms=STRING,
            approved=STRING,
            wechat=OBJECT,
            template_ids=OBJECT,
            made_at=DATE,
        ),
        indexes=[IndexModel([("kind", ASCENDING), ("number", DESCENDING)], name="versions", unique=True)],
    )
    field = "deliveries.sms.ask_at"
    ask = IndexModel([(field, ASCENDING)], name="ask", partialFilterExpression={field: {"$exists": True}})
    await db.collection("messages").create_indexes([ask])
    await ensure_collection(
        db,
        "message_template_choices",
        shard_key="_id",
        validator=schema(
            ["version", "chosen_by", "chosen_at"], version=INT, chosen_by=STRING, chosen_at=DATE
        ),
        indexes=[],
    )
