"""Rulebooks by edition; recognition: checks with their decisions, repeated orders, and the figures."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    BOOL,
    DATE,
    INT,
    OBJECT,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

# Sealed: which examinations somebody was asked to have says what is suspected.
_COUNT_DUE = IndexModel(
    [("count_due", ASCENDING)], name="count_due", partialFilterExpression={"count_due": True}
)


async def up(db: Database) -> None:
    """State the collections."""
    await _rulebooks(db)
    await _checks(db)
    await ensure_collection(
        db,
        "recognition_figures",
        shard_key="organization_id",
        validator=schema(
            ["level", "month", "organization_id"],
            level={"enum": ["organization", "item", "practitioner"]},
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


async def _rulebooks(db: Database) -> None:
    await ensure_collection(
        db,
        "rulebook_editions",
        shard_key="_id",
        validator=schema(
            ["book", "number", "effective_on", "source", "made_by", "created_at", "tables", "counts"],
            book=STRING,
            number=INT,
            effective_on=STRING,
            source=STRING,
            made_by=STRING,
            created_at=DATE,
            tables=OBJECT,
            counts=OBJECT,
        ),
        indexes=[
            IndexModel(
                [("book", ASCENDING), ("effective_on", DESCENDING), ("number", DESCENDING)], name="in_force"
            ),
            IndexModel([("book", ASCENDING), ("number", DESCENDING)], name="newest"),
        ],
    )
    await ensure_collection(
        db,
        "rulebook_tables",
        shard_key="_id",
        validator=schema(["book", "table", "rows"], book=STRING, table=STRING, rows={"bsonType": "binData"}),
    )


async def _checks(db: Database) -> None:
    await ensure_collection(
        db,
        "recognition_checks",
        shard_key="_id",
        validator=schema(
            ["organization_id", "person_id", "edition", "at", "turn", "count_due", "body"],
            organization_id=STRING,
            person_id=STRING,
            edition=INT,
            at=DATE,
            turn=INT,
            count_due=BOOL,
            body=SEALED,
        ),
        indexes=[
            IndexModel(
                [("person_id", ASCENDING), ("organization_id", ASCENDING), ("at", DESCENDING)],
                name="of_person",
            ),
            IndexModel([("organization_id", ASCENDING), ("at", DESCENDING)], name="of_place"),
            _COUNT_DUE,
            events_due(),
        ],
    )
    await ensure_collection(
        db,
        "recognition_repeats",
        shard_key="_id",
        validator=schema(
            ["organization_id", "person_id", "state", "at", "turn", "count_due", "body"],
            organization_id=STRING,
            person_id=STRING,
            state={"enum": ["unchecked", "unanswered"]},
            at=DATE,
            turn=INT,
            count_due=BOOL,
            body=SEALED,
        ),
        indexes=[
            IndexModel([("organization_id", ASCENDING), ("_id", DESCENDING)], name="of_place"),
            IndexModel([("person_id", ASCENDING)], name="of_person"),
            _COUNT_DUE,
        ],
    )
