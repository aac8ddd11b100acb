"""Migrations themselves, the outbox and the journals of the hospitals' booking feed."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import BOOL, DATE, INT, OBJECT, OPTIONAL_STRING, STRING, ensure_collection, schema

DONE_KEPT_S = 14 * 24 * 3600


async def up(db: Database) -> None:
    """State the foundation's collections."""
    await ensure_collection(db, "migrations", shard_key="_id", validator=schema(["at"], at=DATE))
    await ensure_collection(
        db,
        "outbox",
        shard_key="_id",
        validator=schema(
            ["event_id", "kind", "subscriber", "data", "state", "due_at", "attempts", "created_at"],
            event_id=STRING,
            kind=STRING,
            subscriber=STRING,
            data=OBJECT,
            state={"enum": ["due", "done", "failed"]},
            due_at=DATE,
            attempts=INT,
            last_error=OPTIONAL_STRING,
            request_id=OPTIONAL_STRING,
            created_at=DATE,
            queued=BOOL,
        ),
        indexes=[
            IndexModel([("due_at", ASCENDING)], name="due", partialFilterExpression={"state": "due"}),
            IndexModel([("done_at", ASCENDING)], name="forget", expireAfterSeconds=DONE_KEPT_S),
        ],
    )
    await ensure_collection(
        db,
        "booking_feed",
        shard_key="stream",
        validator=schema(["stream", "number", "at"], stream=STRING, number=INT, at=DATE),
        indexes=[
            IndexModel([("stream", ASCENDING), ("number", ASCENDING)], name="order", unique=True),
            IndexModel([("stream", ASCENDING), ("event_id", ASCENDING)], name="once", unique=True),
        ],
    )
