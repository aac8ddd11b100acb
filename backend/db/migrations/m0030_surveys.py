"""Surveys: questionnaires, campaigns, runs, whom was asked last, tickets, and the figures."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_SEALED,
    STRING,
    ensure_collection,
    schema,
)

_TEXT_OR_NONE = {"bsonType": ["string", "null"]}
_DATE_OR_NONE = {"bsonType": ["date", "null"]}
_DUE = {"partialFilterExpression": {"due_at": {"$type": "date"}}}


async def up(db: Database) -> None:
    """State the collections."""
    await _questionnaires_and_campaigns(db)
    await _runs(db)
    await _tickets_and_results(db)


async def _questionnaires_and_campaigns(db: Database) -> None:
    await ensure_collection(
        db,
        "survey_questionnaires",
        shard_key="questionnaire_id",
        validator=schema(
            ["questionnaire_id", "number", "organization_id", "state", "revision", "title", "content"],
            questionnaire_id=STRING,
            number=INT,
            organization_id=_TEXT_OR_NONE,
            state={"enum": ["draft", "published", "retired"]},
            revision=INT,
            title=STRING,
            content=OBJECT,
        ),
        indexes=[
            IndexModel(
                [("questionnaire_id", ASCENDING), ("number", DESCENDING)], name="versions", unique=True
            ),
            IndexModel([("organization_id", ASCENDING), ("questionnaire_id", DESCENDING)], name="of_place"),
        ],
    )
    await ensure_collection(
        db,
        "survey_campaigns",
        shard_key="_id",
        validator=schema(
            ["name", "organization_id", "questionnaire_id", "version", "trigger", "state", "ways"],
            name=STRING,
            organization_id=_TEXT_OR_NONE,
            questionnaire_id=STRING,
            version=INT,
            trigger={"enum": ["visit", "examination", "discharge", "referral", "birth", "staff"]},
            state={"enum": ["draft", "running", "paused", "ended"]},
            ways={"bsonType": "array", "items": {"enum": ["card", "sms", "link", "phone"]}},
            taken=OBJECT,
        ),
        indexes=[
            IndexModel([("state", ASCENDING), ("trigger", ASCENDING)], name="running"),
            IndexModel([("organization_id", ASCENDING), ("_id", DESCENDING)], name="of_place"),
        ],
    )


async def _runs(db: Database) -> None:
    await ensure_collection(
        db,
        "survey_runs",
        shard_key="_id",
        validator=schema(
            ["campaign_id", "organization_id", "patient_id", "state", "turn", "due_at", "closes_at"],
            campaign_id=STRING,
            organization_id=STRING,
            patient_id=STRING,
            state={"enum": ["planned", "sent", "answering", "completed", "expired", "refused", "skipped"]},
            turn=INT,
            due_at=_DATE_OR_NONE,
            closes_at=DATE,
            # Sealed: what somebody says about an illness never stands in clear.
            answers=OPTIONAL_SEALED,
            to_count=ARRAY,
            count_due=BOOL,
        ),
        indexes=[
            IndexModel([("due_at", ASCENDING)], name="due", **_DUE),
            IndexModel(
                [("count_due", ASCENDING)],
                name="count_due",
                partialFilterExpression={"count_due": True},
            ),
            IndexModel(
                [("events_due", ASCENDING)],
                name="events_due",
                partialFilterExpression={"events_due": True},
            ),
            IndexModel([("recipient_id", ASCENDING), ("state", ASCENDING)], name="of_recipient"),
            IndexModel([("patient_id", ASCENDING)], name="of_patient"),
            IndexModel([("campaign_id", ASCENDING), ("_id", DESCENDING)], name="of_campaign"),
            IndexModel(
                [("organization_id", ASCENDING), ("_id", DESCENDING)],
                name="phone_list",
                partialFilterExpression={"on_phone_list": True},
            ),
        ],
    )
    await ensure_collection(
        db,
        "survey_people",
        shard_key="_id",
        validator=schema(["run_id", "at"], run_id=STRING, at=DATE),
        # Longer than the longest quiet time (a year), nobody asks when somebody was asked.
        indexes=[IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=400 * 24 * 3600)],
    )


async def _tickets_and_results(db: Database) -> None:
    await ensure_collection(
        db,
        "survey_tickets",
        shard_key="_id",
        validator=schema(
            ["organization_id", "patient_id", "causes", "state", "turn", "due_at", "created_at"],
            organization_id=STRING,
            patient_id=STRING,
            causes=ARRAY,
            state={"enum": ["open", "taken", "resolved"]},
            turn=INT,
            due_at=DATE,
            created_at=DATE,
            notes=OPTIONAL_SEALED,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("state", ASCENDING), ("due_at", ASCENDING)], name="due"
            ),
            IndexModel([("state", ASCENDING), ("due_at", ASCENDING)], name="due_anywhere"),
            IndexModel([("patient_id", ASCENDING)], name="of_patient"),
        ],
    )
    await ensure_collection(
        db,
        "survey_results",
        shard_key="questionnaire_id",
        validator=schema(
            ["questionnaire_id", "level", "month", "organization_id"],
            questionnaire_id=STRING,
            level={"enum": ["city", "organization", "department", "practitioner", "week"]},
            month=STRING,
            organization_id=STRING,
        ),
        indexes=[
            IndexModel(
                [
                    ("questionnaire_id", ASCENDING),
                    ("level", ASCENDING),
                    ("organization_id", ASCENDING),
                    ("month", ASCENDING),
                ],
                name="read",
            ),
        ],
    )
