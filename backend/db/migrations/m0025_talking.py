"""What the chat channels need: the directory's newest change, and which callbacks have been seen."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """An index by which the newest change is found, and a short memory of callbacks."""
    newest = IndexModel([("updated_at", DESCENDING)], name="newest")
    for name in ("organizations", "departments", "practitioners"):
        await db.collection(name).create_indexes([newest])
    await ensure_collection(
        db,
        "seen_callbacks",
        shard_key="_id",
        validator=schema(["what", "seen_at"], what=STRING, seen_at=DATE),
        indexes=[
            # Twice the window in which a callback's time is believed.
            IndexModel([("seen_at", ASCENDING)], name="forget", expireAfterSeconds=1200)
        ],
    )
