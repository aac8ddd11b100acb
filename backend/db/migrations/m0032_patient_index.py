"""The patient index: charts of every hospital, the history of their links, pairs to look at."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_DATE,
    OPTIONAL_SEALED,
    OPTIONAL_STRING,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)


async def up(db: Database) -> None:
    """State the collections."""
    await _charts(db)
    await _history_and_reviews(db)


async def _charts(db: Database) -> None:
    await ensure_collection(
        db,
        "charts",
        shard_key="organization_id",
        validator=schema(
            ["organization_id", "numbers", "number", "who", "blocks", "person_id", "number_state", "turn"],
            organization_id=STRING,
            numbers={"bsonType": "array", "minItems": 1, "items": STRING},
            number=SEALED,
            who=SEALED,
            blocks={"bsonType": "array", "items": STRING},
            blind_kid=STRING,
            person_id=STRING,
            resident_id=OPTIONAL_STRING,
            number_state={"enum": ["none", "linked", "refused", "due"]},
            merged_into=OPTIONAL_STRING,
            disputed=BOOL,
            same_as=ARRAY,
            turn=INT,
            source=OBJECT,
            events=ARRAY,
            events_due=BOOL,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("numbers", ASCENDING)], name="by_number", unique=True
            ),
            IndexModel([("person_id", ASCENDING), ("_id", ASCENDING)], name="of_person"),
            IndexModel(
                [("resident_id", ASCENDING)],
                name="of_resident",
                partialFilterExpression={"resident_id": {"$gt": ""}},
            ),
            IndexModel(
                [("merged_into", ASCENDING)],
                name="merged",
                partialFilterExpression={"merged_into": {"$gt": ""}},
            ),
            IndexModel([("blocks", ASCENDING), ("_id", ASCENDING)], name="alike"),
            events_due(),
        ],
    )


async def _history_and_reviews(db: Database) -> None:
    await ensure_collection(
        db,
        "chart_history",
        shard_key="chart_id",
        validator=schema(
            ["chart_id", "change", "other_id", "person_before", "person_after", "by", "at"],
            chart_id=STRING,
            change=STRING,
            other_id=STRING,
            person_before=STRING,
            person_after=STRING,
            by=STRING,
            reason=OPTIONAL_SEALED,
            at=DATE,
        ),
        indexes=[IndexModel([("chart_id", ASCENDING), ("_id", ASCENDING)], name="of_chart")],
    )
    await ensure_collection(
        db,
        "chart_reviews",
        shard_key="_id",
        validator=schema(
            ["chart_id", "other_id", "sides", "cause", "state", "bits", "turn", "created_at"],
            chart_id=STRING,
            other_id=STRING,
            sides=ARRAY,
            cause={"enum": ["alike", "number", "merge"]},
            state={"enum": ["open", "later", "same", "different", "withdrawn"]},
            grade={"enum": ["strong", "weak", ""]},
            bits={"bsonType": ["double", "int", "long"]},
            degrees=OBJECT,
            decided_by=STRING,
            decided_at=OPTIONAL_DATE,
            reason=OPTIONAL_SEALED,
            turn=INT,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel(
                [("state", ASCENDING), ("bits", DESCENDING), ("_id", DESCENDING)], name="likeliest_first"
            ),
            IndexModel([("sides", ASCENDING)], name="of_chart"),
        ],
    )
