"""Which number each session of the day has come to."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, STRING, ensure_collection, events_due, schema


async def up(db: Database) -> None:
    """State the collection: a document for a session, gone two days after its last call."""
    await ensure_collection(
        db,
        "callings",
        shard_key="_id",
        validator=schema(
            ["organization_id", "number", "called_at", "forget_at"],
            organization_id=STRING,
            number=INT,
            called_at=DATE,
            forget_at=DATE,
        ),
        indexes=[
            events_due("relay"),
            IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )
