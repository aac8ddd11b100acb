"""Uploaded materials of birth filings, sealed."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, SEALED, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "birth_files",
        shard_key="_id",
        validator=schema(
            ["filing_id", "size", "content", "created_at"],
            filing_id=STRING,
            size=INT,
            content=SEALED,
            created_at=DATE,
        ),
        indexes=[IndexModel([("filing_id", ASCENDING)], name="of_filing")],
    )
