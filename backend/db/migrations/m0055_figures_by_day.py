"""Recognitions and alerts about medicines by day as well: the board shows days."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import STRING, ensure_collection, schema

_LEVELS = {
    "recognition_figures": ["organization", "item", "practitioner", "day"],
    "medication_figures": ["organization", "kind", "practitioner", "rule", "day"],
}


async def up(db: Database) -> None:
    """State the further level. The past is counted anew by a job, once nothing counts without days."""
    for name, levels in _LEVELS.items():
        await ensure_collection(
            db,
            name,
            shard_key="organization_id",
            validator=schema(
                ["level", "month", "organization_id"],
                level={"enum": levels},
                # Of the level `day` it is a day.
                month=STRING,
                organization_id=STRING,
            ),
        )
