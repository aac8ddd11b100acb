"""Files: since when their phone is known; those from before were last written when it was."""

from __future__ import annotations

from backend.db.client import Database


async def up(db: Database) -> None:
    """Date the phones of files."""
    await db.collection("residents").update_many(
        {"contact_index": {"$exists": True}, "contact_at": {"$exists": False}},
        [{"$set": {"contact_at": "$updated_at"}}],
    )
