"""What a special report in a file names before it comes: it needs more than an ordinary basis, too."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "resources_awaited",
        shard_key="chart",
        validator=schema(["chart", "organization_id", "at"], chart=STRING, organization_id=STRING, at=DATE),
        indexes=[],
    )
