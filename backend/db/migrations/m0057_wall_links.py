"""Links of screens that show the city's figures."""

from __future__ import annotations

from pymongo import DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, OPTIONAL_DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection: a document for a link, also for one that is over."""
    await ensure_collection(
        db,
        "wall_links",
        shard_key="_id",
        validator=schema(
            ["label", "made_by", "made_at", "expires_at", "revoked_at"],
            label=STRING,
            made_by=STRING,
            made_at=DATE,
            expires_at=DATE,
            revoked_at=OPTIONAL_DATE,
            seen_at=OPTIONAL_DATE,
        ),
        indexes=[IndexModel([("made_at", DESCENDING)], name="newest")],
    )
