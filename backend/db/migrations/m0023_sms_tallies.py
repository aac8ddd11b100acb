"""How SMS providers do, by the minute and by the day."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, STRING, ensure_collection, schema

KEPT_S = 2 * 24 * 3600


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "sms_tallies",
        shard_key="_id",
        validator=schema(
            ["provider", "span", "at"],
            provider=STRING,
            span={"enum": ["minute", "day"]},
            at=DATE,
            sent=INT,
            prompt=INT,
            failed=INT,
        ),
        indexes=[IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=KEPT_S)],
    )
