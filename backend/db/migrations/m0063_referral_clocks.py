"""Referrals whose patient has arrived have a clock; and the limits of all clocks are the city's to state."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import DATE, INT, STRING, ensure_collection, schema

_A_FORTNIGHT_MS = 14 * 24 * 60 * 60 * 1000


async def up(db: Database) -> None:
    """State the editions. Who arrived before gets a clock, too, and goes on by his own urgency then."""
    await ensure_collection(
        db,
        "referral_limits",
        shard_key="_id",
        validator=schema(
            ["table", "made_by", "made_at"], _id=INT, table=STRING, made_by=STRING, made_at=DATE
        ),
    )
    without = {
        "state": {"$in": ["arrived", "treating"]},
        "arrived_at": {"$type": "date"},
        "due_at": {"$exists": False},
    }
    due = {"$set": {"due_at": {"$add": ["$arrived_at", _A_FORTNIGHT_MS]}}}
    await db.collection("referrals").update_many(without, [due])
