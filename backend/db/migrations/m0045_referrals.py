"""Referrals, and the desks that answer them."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    BOOL,
    DATE,
    INT,
    OPTIONAL_DATE,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

_STATES = [
    "requested", "returned", "accepted", "in_transit", "arrived", "treating", "completed", "rejected",
    "withdrawn", "lapsed", "not_arrived",
]  # fmt: skip
_NEWEST = [("created_at", DESCENDING), ("_id", DESCENDING)]

_INDEXES = [
    IndexModel([("to_organization_id", ASCENDING), *_NEWEST], name="sent_to"),
    IndexModel([("from_organization_id", ASCENDING), *_NEWEST], name="sent_by"),
    IndexModel([("to_organization_id", ASCENDING), ("state", ASCENDING)], name="waiting_at"),
    IndexModel([("from_organization_id", ASCENDING), ("state", ASCENDING)], name="waiting_of"),
    IndexModel([("state", ASCENDING), *_NEWEST], name="of_city"),
    IndexModel([("person_id", ASCENDING), *_NEWEST], name="of_person"),
    IndexModel([("created_at", ASCENDING)], name="of_month"),
    IndexModel(
        [("appointment_id", ASCENDING)],
        name="of_appointment",
        partialFilterExpression={"appointment_id": {"$exists": True}},
    ),
    IndexModel([("due_at", ASCENDING)], name="due", partialFilterExpression={"due_at": {"$exists": True}}),
    IndexModel(
        [("loose_since", ASCENDING)],
        name="loose",
        partialFilterExpression={"loose_since": {"$exists": True}},
    ),
    events_due(),
]


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "referrals",
        shard_key="_id",
        validator=schema(
            [
                "direction", "urgency", "state", "person_id", "from_organization_id", "to_organization_id",
                "turn", "level", "followed", "place_wanted", "created_at", "updated_at", "body",
            ],
            direction={"enum": ["up", "down"]},
            urgency={"enum": ["routine", "urgent", "emergency"]},
            state={"enum": _STATES},
            level={"enum": ["sent", "desk", "operators", "city"]},
            person_id=STRING,
            from_organization_id=STRING,
            to_organization_id=STRING,
            turn=INT,
            followed=BOOL,
            place_wanted=BOOL,
            appointment_id=STRING,
            created_at=DATE,
            updated_at=DATE,
            accepted_at=OPTIONAL_DATE,
            arrived_at=OPTIONAL_DATE,
            ended_at=OPTIONAL_DATE,
            arrive_by=OPTIONAL_DATE,
            due_at=DATE,
            loose_since=DATE,
            # Sealed: what is wrong with somebody, who wrote it, where to call.
            body=SEALED,
        ),
        indexes=_INDEXES,
    )  # fmt: skip
    await ensure_collection(
        db,
        "referral_desks",
        shard_key="_id",
        validator=schema(["takes_emergencies", "body"], takes_emergencies=BOOL, body=SEALED),
        indexes=[
            IndexModel(
                [("takes_emergencies", ASCENDING)],
                name="emergencies",
                partialFilterExpression={"takes_emergencies": True},
            ),
        ],
    )
