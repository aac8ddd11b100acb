"""Who wants no more text messages of a kind."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, OBJECT, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection: a document per phone and group of kinds."""
    await ensure_collection(
        db,
        "message_optouts",
        shard_key="phone_blind",
        validator=schema(
            ["phone_blind", "phone", "group", "by", "at"],
            phone_blind=STRING,
            phone=OBJECT,
            group=STRING,
            by={"enum": ["sms", "resident"]},
            at=DATE,
        ),
        indexes=[
            IndexModel([("phone_blind", ASCENDING), ("group", ASCENDING)], name="once", unique=True),
        ],
    )
