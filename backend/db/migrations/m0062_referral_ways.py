"""Which referral was sent last from one institution to another for one patient: of two at once one counts."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection. What was sent before it is found by its patient."""
    await ensure_collection(
        db,
        "referral_ways",
        shard_key="_id",
        validator=schema(["referral_id"], referral_id=STRING),
    )
