"""Medication: checks with their alerts and answers, and the figures."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import BOOL, DATE, INT, SEALED, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "medication_checks",
        shard_key="_id",
        validator=schema(
            ["organization_id", "person_id", "at", "turn", "alerted", "count_due", "body"],
            organization_id=STRING,
            person_id=STRING,
            at=DATE,
            turn=INT,
            alerted=BOOL,
            count_due=BOOL,
            # Sealed: medicines say what somebody suffers from.
            body=SEALED,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("_id", DESCENDING)],
                name="alerted_of_place",
                partialFilterExpression={"alerted": True},
            ),
            IndexModel([("person_id", ASCENDING)], name="of_person"),
            IndexModel(
                [("count_due", ASCENDING)], name="count_due", partialFilterExpression={"count_due": True}
            ),
        ],
    )
    await ensure_collection(
        db,
        "medication_figures",
        shard_key="organization_id",
        validator=schema(
            ["level", "month", "organization_id"],
            level={"enum": ["organization", "kind", "practitioner", "rule"]},
            month=STRING,
            organization_id=STRING,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("level", ASCENDING), ("month", ASCENDING)], name="of_place"
            ),
            IndexModel([("level", ASCENDING), ("month", ASCENDING)], name="city"),
        ],
    )
