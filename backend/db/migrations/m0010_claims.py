"""Claims on slots: the two uniqueness rules of the pool, each beginning with the shard key."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import (
    BOOL,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

STATES = ("held", "booked", "cancelled", "released", "expired", "stopped")
_LIVE = {"live": True}


async def up(db: Database) -> None:
    """State the collection."""
    indexes = [
        IndexModel(
            [("pool_key", ASCENDING), ("schedule_id", ASCENDING), ("number", ASCENDING)],
            name="one_live_claim_per_slot",
            unique=True,
            partialFilterExpression=_LIVE,
        ),
        IndexModel(
            [("pool_key", ASCENDING), ("patient_id", ASCENDING)],
            name="one_live_claim_per_patient_department_day",
            unique=True,
            partialFilterExpression=_LIVE,
        ),
        # Ended claims too: the console's list of a day, and the whole index that sharding asks for.
        IndexModel([("pool_key", ASCENDING), ("start_at", ASCENDING)], name="of_pool"),
        IndexModel([("patient_id", ASCENDING), ("start_at", DESCENDING)], name="of_patient"),
        IndexModel([("hold_until", ASCENDING)], name="due_holds", partialFilterExpression={"state": "held"}),
        events_due("events"),
    ]
    await ensure_claims(db, indexes, states=STATES)


async def ensure_claims(
    db: Database, indexes: Sequence[IndexModel], *, states: Sequence[str], **more: Document
) -> None:
    """State the collection with the states and further fields that a migration knows."""
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
            state={"enum": list(states)},
            live=BOOL,
            hold_until=OPTIONAL_DATE,
            order_id=OPTIONAL_STRING,
            created_at=DATE,
            updated_at=DATE,
            **more,
        ),
        indexes=indexes,
    )  # fmt: skip
