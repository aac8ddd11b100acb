"""Conversations with the city: one document per person and channel."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import BOOL, DATE, INT, OBJECT, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection; a conversation nobody has gone on with is forgotten."""
    await ensure_collection(
        db,
        "conversations",
        shard_key="_id",
        validator=schema(
            ["through", "turn", "with_staff", "heard", "content", "updated_at"],
            through={"enum": ["wechat", "sms", "terminal"]},
            turn=INT,
            resident_id={"bsonType": ["string", "null"]},
            with_staff=BOOL,
            heard={"bsonType": "array", "items": STRING, "maxItems": 20},
            content=OBJECT,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel(
                # As long as `KEPT` in backend/conversations/models.py.
                [("updated_at", ASCENDING)],
                name="forget",
                expireAfterSeconds=30 * 24 * 3600,
            ),
            IndexModel([("resident_id", ASCENDING)], name="of_resident", sparse=True),
        ],
    )
