"""Births that hospitals noted, and the parents' filings of them."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)


async def up(db: Database) -> None:
    """State the collections."""
    await _births(db)
    await _filings(db)


async def _births(db: Database) -> None:
    await ensure_collection(
        db,
        "births",
        shard_key="_id",
        validator=schema(
            [
                "organization_id",
                "external_id",
                "state",
                "turn",
                "parent_ids",
                "body",
                "created_at",
                "updated_at",
            ],
            organization_id=STRING,
            external_id=STRING,
            state={"enum": ["noted", "doubtful", "duplicate", "void"]},
            turn=INT,
            parent_ids=ARRAY,
            like=STRING,
            body=SEALED,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel([("parent_ids", ASCENDING), ("_id", DESCENDING)], name="of_parent"),
            IndexModel(
                [("state", ASCENDING), ("organization_id", ASCENDING), ("_id", ASCENDING)], name="list"
            ),
            IndexModel([("updated_at", ASCENDING)], name="forget"),
        ],
    )


async def _filings(db: Database) -> None:
    await ensure_collection(
        db,
        "birth_filings",
        shard_key="_id",
        validator=schema(
            ["birth_id", "organization_id", "applicant_id", "parent_ids", "state", "turn", "steps", "body",
             "created_at", "updated_at"],
            birth_id=STRING,
            organization_id=STRING,
            applicant_id=STRING,
            parent_ids=ARRAY,
            state=STRING,
            turn=INT,
            steps=ARRAY,
            question_ids=ARRAY,
            has_files=BOOL,
            owner_kind=OPTIONAL_STRING,
            owner_id=OPTIONAL_STRING,
            due_at=OPTIONAL_DATE,
            look_at=OPTIONAL_DATE,
            submitted_at=OPTIONAL_DATE,
            ended_at=OPTIONAL_DATE,
            body=SEALED,
            events=ARRAY,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            events_due(),
            IndexModel([("parent_ids", ASCENDING), ("_id", DESCENDING)], name="of_parent"),
            IndexModel([("birth_id", ASCENDING), ("created_at", ASCENDING)], name="of_birth"),
            IndexModel([("question_ids", ASCENDING)], name="of_question"),
            IndexModel([("look_at", ASCENDING)], name="look",
                       partialFilterExpression={"look_at": {"$type": "date"}}),
            IndexModel([("owner_kind", ASCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)], name="work"),
            IndexModel([("organization_id", ASCENDING), ("_id", DESCENDING)], name="of_organization"),
            IndexModel([("submitted_at", ASCENDING)], name="handed_in"),
            IndexModel([("state", ASCENDING), ("_id", DESCENDING)], name="of_state"),
            IndexModel([("ended_at", ASCENDING), ("has_files", ASCENDING)], name="forget",
                       partialFilterExpression={"ended_at": {"$type": "date"}}),
        ],
    )  # fmt: skip
