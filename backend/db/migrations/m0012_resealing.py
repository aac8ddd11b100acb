"""How far the re-sealing of each collection has come after a rotation of keys."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import (
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    schema,
)


async def up(db: Database) -> None:
    """State the collection of the re-sealing job."""
    await ensure_collection(
        db,
        "resealing",
        shard_key="_id",
        validator=schema(
            ["target", "seen", "changed", "total", "updated_at"],
            target=STRING,
            after=OPTIONAL_STRING,
            seen=INT,
            changed=INT,
            total=INT,
            done_at=OPTIONAL_DATE,
            leased_until=DATE,
            updated_at=DATE,
        ),
    )
