"""Sharing records: consents, relationships of care, broken glass, openings of the browser, questions."""

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
    OPTIONAL_STRING,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

# Sealed: what somebody says about a person's illness or conduct never stands in clear.


async def up(db: Database) -> None:
    """State the collections."""
    await _consents(db)
    await _relations(db)
    await _glasses(db)
    await _launches(db)
    await _questions(db)


async def _consents(db: Database) -> None:
    await ensure_collection(
        db,
        "record_consents",
        shard_key="person_id",
        validator=schema(
            ["person_id", "state", "terms", "turn", "created_at"],
            person_id=STRING,
            state={"enum": ["requested", "granted", "denied", "revoked", "expired"]},
            terms=schema(
                ["purpose", "expires_at", "department_ids", "sensitive"],
                purpose={"enum": ["TREAT", "ETREAT", "PUBHLTH"]},
                expires_at=DATE,
                department_ids=ARRAY,
                sensitive=BOOL,
            ),
            turn=INT,
            created_at=DATE,
            asked_by=OPTIONAL_STRING,
            reason=OPTIONAL_SEALED,
            lapses_at=OPTIONAL_DATE,
            answered_by=OPTIONAL_STRING,
            answered_at=OPTIONAL_DATE,
            ended_at=OPTIONAL_DATE,
            events=ARRAY,
        ),
        indexes=[
            IndexModel([("person_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)], name="granted"),
            IndexModel([("person_id", ASCENDING), ("_id", DESCENDING)], name="of_person"),
            IndexModel(
                [("asked_by", ASCENDING), ("_id", DESCENDING)],
                name="asked_by",
                partialFilterExpression={"asked_by": {"$type": "string"}},
            ),
            events_due(),
        ],
    )


async def _relations(db: Database) -> None:
    await ensure_collection(
        db,
        "care_relations",
        shard_key="person_id",
        validator=schema(
            ["person_id", "organization_id", "kind", "source_id", "begins_at", "ends_at"],
            person_id=STRING,
            organization_id=STRING,
            kind={"enum": ["appointment", "check_in", "encounter", "referral", "contract"]},
            source_id=STRING,
            begins_at=DATE,
            ends_at=DATE,
            ended_at=OPTIONAL_DATE,
        ),
        indexes=[
            IndexModel(
                [("person_id", ASCENDING), ("organization_id", ASCENDING), ("ends_at", DESCENDING)],
                name="holding",
            ),
            # As long as the readings it explains have to be explained.
            IndexModel([("ends_at", ASCENDING)], name="forget", expireAfterSeconds=3 * 366 * 24 * 3600),
        ],
    )


async def _glasses(db: Database) -> None:
    await ensure_collection(
        db,
        "record_glasses",
        shard_key="_id",
        validator=schema(
            [
                "person_id",
                "organization_id",
                "practitioner",
                "reason_code",
                "reason",
                "opened_at",
                "expires_at",
            ],
            person_id=STRING,
            organization_id=STRING,
            practitioner=STRING,
            reason_code=STRING,
            reason=OPTIONAL_SEALED,
            opened_at=DATE,
            expires_at=DATE,
            verdict={"enum": [None, "justified", "unjustified"]},
            note=OPTIONAL_SEALED,
            events=ARRAY,
        ),
        indexes=[
            IndexModel(
                [("person_id", ASCENDING), ("organization_id", ASCENDING), ("expires_at", DESCENDING)],
                name="open",
            ),
            IndexModel(
                [("organization_id", ASCENDING), ("verdict", ASCENDING), ("_id", DESCENDING)], name="of_place"
            ),
            IndexModel([("verdict", ASCENDING), ("_id", DESCENDING)], name="waiting"),
            IndexModel([("opened_at", ASCENDING)], name="by_day"),
            events_due(),
        ],
    )


async def _launches(db: Database) -> None:
    await ensure_collection(
        db,
        "record_launches",
        shard_key="_id",
        validator=schema(
            [
                "organization_id",
                "client_id",
                "person_id",
                "practitioner",
                "purpose",
                "created_at",
                "open_until",
            ],
            organization_id=STRING,
            client_id=STRING,
            person_id=STRING,
            practitioner=STRING,
            purpose=STRING,
            created_at=DATE,
            open_until=DATE,
            opened_at=OPTIONAL_DATE,
            ends_at=OPTIONAL_DATE,
            secret=OPTIONAL_STRING,
        ),
        indexes=[IndexModel([("created_at", ASCENDING)], name="forget", expireAfterSeconds=24 * 3600)],
    )


async def _questions(db: Database) -> None:
    await ensure_collection(
        db,
        "record_questions",
        shard_key="_id",
        validator=schema(
            ["person_id", "organization_id", "asked_by", "text", "asked_at", "due_at", "turn"],
            person_id=STRING,
            organization_id=STRING,
            asked_by=STRING,
            text=SEALED,
            asked_at=DATE,
            due_at=DATE,
            turn=INT,
            answer=OPTIONAL_SEALED,
            answered_at=OPTIONAL_DATE,
            events=ARRAY,
        ),
        indexes=[
            IndexModel([("person_id", ASCENDING), ("asked_at", DESCENDING)], name="of_person"),
            IndexModel(
                [("organization_id", ASCENDING), ("answered_at", ASCENDING), ("due_at", ASCENDING)],
                name="of_place",
            ),
            IndexModel([("answered_at", ASCENDING), ("due_at", ASCENDING)], name="due_anywhere"),
            events_due(),
        ],
    )
