"""What was published of a month, as it was published."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import ARRAY, DATE, INT, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection: a document for an edition, its id the month and the number."""
    await ensure_collection(
        db,
        "open_data_editions",
        shard_key="_id",
        validator=schema(
            ["month", "edition", "published_at", "checksum", "changes", "content", "rests"],
            month=STRING,
            edition=INT,
            published_at=DATE,
            checksum=STRING,
            changes=ARRAY,
            content={"bsonType": "binData"},
            rests={"bsonType": "binData"},
        ),
        indexes=[IndexModel([("month", ASCENDING), ("edition", ASCENDING)], name="listed")],
    )
