"""Claims once more: places off sale, which are forgotten by themselves, and reasons that are sealed."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    schema,
)


async def up(db: Database) -> None:
    """State the collection; its other indexes are those of m0010."""
    await ensure_collection(
        db,
        "claims",
        shard_key="pool_key",
        validator=schema(
            ["pool_key", "schedule_id", "number", "organization_id", "department_id", "on", "period",
             "start_at", "end_at", "fee_fen", "resident_id", "patient_id", "channel", "state", "live",
             "created_at", "updated_at"],
            pool_key=STRING,
            schedule_id=STRING,
            number=INT,
            organization_id=STRING,
            department_id=STRING,
            practitioner_id=OPTIONAL_STRING,
            on=STRING,
            period=STRING,
            start_at=DATE,
            end_at=DATE,
            fee_fen={"bsonType": ["int", "long"], "minimum": 0},
            resident_id=STRING,
            patient_id=STRING,
            channel=STRING,
            state={
                "enum": ["held", "booked", "cancelled", "released", "expired", "stopped", "withdrawn"]
            },
            live=BOOL,
            hold_until=OPTIONAL_DATE,
            order_id=OPTIONAL_STRING,
            # Sealed. What stands there in clear from before is sealed by the job of `keys.reseal`.
            cancel_reason={"bsonType": ["object", "null"]},
            changes=ARRAY,
            forget_at=DATE,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0, sparse=True)],
    )  # fmt: skip
