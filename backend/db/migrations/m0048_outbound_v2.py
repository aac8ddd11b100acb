"""HL7 v2 that goes out: where each hospital's messages go, and what it is told."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_SEALED,
    SEALED,
    STRING,
    ensure_collection,
    schema,
)


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "hl7_targets",
        shard_key="_id",
        validator=schema(
            ["host", "port", "tls", "version", "charset", "families", "paused", "held_until", "rest_until"],
            host=STRING,
            port=INT,
            tls=BOOL,
            version=STRING,
            charset=STRING,
            families=ARRAY,
            app=STRING,
            facility=STRING,
            paused=BOOL,
            holder=STRING,
            held_until=DATE,
            rest_until=DATE,
            last_ok_at=OPTIONAL_DATE,
        ),
    )
    await _outbound(db)


async def _outbound(db: Database) -> None:
    await ensure_collection(
        db,
        "hl7_outbound",
        shard_key="_id",
        validator=schema(
            [
                "organization_id",
                "stream",
                "order",
                "kind",
                "control_id",
                "state",
                "fact_at",
                "due_at",
                "text",
            ],
            organization_id=STRING,
            stream=STRING,
            order=STRING,
            kind=STRING,
            control_id=STRING,
            state={"enum": ["waiting", "sent", "dead", "set_aside"]},
            fact_at=DATE,
            due_at=DATE,
            tries=INT,
            first_tried_at=OPTIONAL_DATE,
            sent_at=OPTIONAL_DATE,
            forget_at=OPTIONAL_DATE,
            # Sealed: who the patient is, and of a referral what is wrong with him.
            text=SEALED,
            original=OPTIONAL_SEALED,
            said=OPTIONAL_SEALED,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)],
                name="waiting",
                partialFilterExpression={"state": "waiting"},
            ),
            IndexModel(
                [("organization_id", ASCENDING), ("stream", ASCENDING), ("order", ASCENDING)], name="stream"
            ),
            IndexModel([("fact_at", DESCENDING), ("_id", DESCENDING)], name="lately"),
            IndexModel(
                [("organization_id", ASCENDING), ("fact_at", DESCENDING), ("_id", DESCENDING)],
                name="of_place",
            ),
            IndexModel([("state", ASCENDING), ("fact_at", DESCENDING), ("_id", DESCENDING)], name="by_state"),
            IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )
