"""Claims once more: places off sale, which are forgotten by themselves, and reasons that are sealed."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import ARRAY, DATE
from backend.db.migrations.m0010_claims import STATES, ensure_claims


async def up(db: Database) -> None:
    """State the collection; its other indexes are those of m0010."""
    await ensure_claims(
        db,
        [IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0, sparse=True)],
        states=(*STATES, "withdrawn"),
        # Sealed. What stands there in clear from before is sealed by the job of `keys.reseal`.
        cancel_reason={"bsonType": ["object", "null"]},
        changes=ARRAY,
        forget_at=DATE,
    )
