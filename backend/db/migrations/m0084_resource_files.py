"""Documents too large for their resource's own place: a key and a size each; the bytes lie in pieces."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import BOOL, DATE, INT, SEALED, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "resource_files",
        shard_key="chart",
        validator=schema(
            ["chart", "organization_id", "size", "key", "created_at"],
            chart=STRING,
            organization_id=STRING,
            size=INT,
            key=SEALED,
            created_at=DATE,
            # Only while no resource names it.
            loose_since=DATE,
            going=BOOL,
        ),
        indexes=[IndexModel([("loose_since", ASCENDING)], name="loose", sparse=True)],
    )
