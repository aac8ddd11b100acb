"""What was read of feeds on the web."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import ARRAY, DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "import_feeds",
        shard_key="_id",
        validator=schema(
            ["source", "fingerprint", "files", "at"], source=STRING, fingerprint=STRING, files=ARRAY, at=DATE
        ),
    )
