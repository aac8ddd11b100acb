"""Contracts between hospitals and people, as hospitals state them: each a reason to read while it lasts."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    DATE,
    INT,
    OPTIONAL_DATE,
    STRING,
    ensure_collection,
    events_due,
    schema,
)


async def up(db: Database) -> None:
    """State the collection; a contract goes when the relationships that came of it do."""
    await ensure_collection(
        db,
        "care_contracts",
        shard_key="_id",
        validator=schema(
            ["organization_id", "person_id", "former_id", "begins_on", "until_on", "turn"],
            organization_id=STRING,
            person_id=STRING,
            former_id=STRING,
            begins_on=STRING,
            until_on=STRING,
            turn=INT,
            ended_at=OPTIONAL_DATE,
            forget_at=DATE,
            events=ARRAY,
        ),
        indexes=[
            IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
            events_due(),
        ],
    )
