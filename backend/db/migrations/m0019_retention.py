"""Finding what is kept no longer: revoked printed codes, files without account."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """Two small indexes; uses of codes are found in the order in which they were written."""
    revoked = IndexModel(
        [("revoked_at", ASCENDING)],
        name="revoked",
        partialFilterExpression={"revoked_at": {"$type": "date"}},
    )
    await db.collection("static_codes").create_indexes([revoked])
    files = IndexModel(
        [("look_again_at", ASCENDING), ("created_at", ASCENDING)],
        name="files",
        partialFilterExpression={"state": "file"},
    )
    await db.collection("residents").create_indexes([files])
