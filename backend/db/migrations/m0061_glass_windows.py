"""Which glass of a person, a practitioner and an institution is open: two emergencies at once break one."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection; what is over says nothing any more."""
    await ensure_collection(
        db,
        "record_glass_windows",
        shard_key="_id",
        validator=schema(["glass_id", "expires_at"], glass_id=STRING, expires_at=DATE),
        indexes=[IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=24 * 3600)],
    )
