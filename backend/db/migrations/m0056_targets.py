"""Targets of institutions by month, what staff say of figures, and the monthly reports."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, STRING, ensure_collection, schema

_NUMBER = {"bsonType": ["int", "long", "double"]}
_OF_MONTH = IndexModel([("organization_id", ASCENDING), ("month", ASCENDING)], name="of_month")


async def up(db: Database) -> None:
    """State the collections. The city itself is the institution without an id."""
    await ensure_collection(
        db,
        "statistics_targets",
        shard_key="_id",
        validator=schema(
            ["organization_id", "month", "figure", "value", "tolerance", "set_by", "set_at"],
            organization_id=STRING,
            month=STRING,
            figure=STRING,
            value=_NUMBER,
            tolerance=INT,
            set_by=STRING,
            set_at=DATE,
        ),
        indexes=[_OF_MONTH, IndexModel([("month", ASCENDING)], name="by_month")],
    )
    await ensure_collection(
        db,
        "statistics_comments",
        shard_key="_id",
        validator=schema(
            ["organization_id", "month", "figure", "text", "author_id", "at"],
            organization_id=STRING,
            month=STRING,
            figure=STRING,
            text=STRING,
            author_id=STRING,
            at=DATE,
        ),
        indexes=[_OF_MONTH],
    )
    await ensure_collection(
        db,
        "statistics_reports",
        shard_key="_id",
        validator=schema(
            ["organization_id", "month", "content", "made_at"],
            organization_id=STRING,
            month=STRING,
            content={"bsonType": "binData"},
            made_at=DATE,
        ),
        indexes=[_OF_MONTH],
    )
