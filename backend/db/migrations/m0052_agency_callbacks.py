"""Nonces of the agencies' callbacks, kept for longer than a signature counts."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "agency_callbacks",
        shard_key="_id",
        validator=schema(["at"], at=DATE),
        indexes=[IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=3600)],
    )
