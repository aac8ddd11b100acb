"""Messages whose answer takes longer than their channel waits: a worker goes on with them."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, OBJECT, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection; after three days nobody waits any more."""
    await ensure_collection(
        db,
        "put_off_messages",
        shard_key="_id",
        validator=schema(["through", "content", "at"], through=STRING, content=OBJECT, at=DATE),
        indexes=[
            IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=3 * 24 * 3600),
            IndexModel(
                [("events_due", ASCENDING)], name="relay", partialFilterExpression={"events_due": True}
            ),
        ],
    )
