"""Patients may agree by a code sent to their phone."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import ARRAY, BOOL, DATE, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collection of links."""
    live = {"live": True}
    guardian = ("guardian_id", ASCENDING)
    await ensure_collection(
        db,
        "patient_links",
        shard_key="guardian_id",
        validator=schema(
            ["guardian_id", "patient_id", "position", "relation", "state", "basis", "live", "created_at"],
            guardian_id=STRING,
            patient_id=STRING,
            position={"bsonType": "int", "minimum": 1, "maximum": 6},
            relation={"enum": ["child", "parent", "spouse", "other"]},
            state={"enum": ["pending", "active", "revoked"]},
            basis={"enum": ["register", "small_child", "accepted", "sms_code", "none"]},
            live=BOOL,
            consent_until={"bsonType": ["object", "null"]},
            ended_by=STRING,
            ended_at=DATE,
            events=ARRAY,
            events_due=BOOL,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel(
                [guardian, ("position", ASCENDING)], name="place", unique=True, partialFilterExpression=live
            ),
            IndexModel(
                [guardian, ("patient_id", ASCENDING)], name="pair", unique=True, partialFilterExpression=live
            ),
            IndexModel(
                [("patient_id", ASCENDING), ("live", ASCENDING), ("_id", DESCENDING)], name="of_patient"
            ),
            IndexModel(
                [("events_due", ASCENDING)], name="events_due", partialFilterExpression={"events_due": True}
            ),
        ],
    )
