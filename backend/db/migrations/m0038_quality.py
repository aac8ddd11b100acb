"""Quality of what hospitals send: days, counts by rule, and the rules as people have changed them."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import ARRAY, DATE, INT, OBJECT, STRING, ensure_collection, schema

# What hospitals were told about their quality need not be known for longer than they may ask.
_KEPT_S = 400 * 24 * 3600
_NUMBER = {"bsonType": ["int", "long", "double"]}


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "quality_days",
        shard_key="organization_id",
        validator=schema(
            ["organization_id", "on", "resources", "checked", "failed"],
            organization_id=STRING,
            on=STRING,
            resources=INT,
            checked=_NUMBER,
            failed=_NUMBER,
        ),
        indexes=[
            IndexModel([("organization_id", ASCENDING), ("on", DESCENDING)], name="of_place"),
            IndexModel([("on", DESCENDING), ("organization_id", ASCENDING)], name="of_day"),
        ],
    )
    await ensure_collection(
        db,
        "quality_counts",
        shard_key="organization_id",
        validator=schema(
            ["organization_id", "on", "rule_id", "checked", "failed", "counted_at"],
            organization_id=STRING,
            on=STRING,
            rule_id=STRING,
            checked=INT,
            failed=INT,
            samples=ARRAY,
            counted_at=DATE,
        ),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("on", ASCENDING), ("failed", DESCENDING)], name="of_day"
            ),
            IndexModel([("counted_at", ASCENDING)], name="forget", expireAfterSeconds=_KEPT_S),
        ],
    )
    await ensure_collection(
        db,
        "quality_rules",
        shard_key="rule_id",
        validator=schema(
            ["rule_id", "version", "fields", "changed_by", "changed_at", "reason"],
            rule_id=STRING,
            version=INT,
            fields=OBJECT,
            changed_by=STRING,
            changed_at=DATE,
            reason=STRING,
        ),
        indexes=[IndexModel([("rule_id", ASCENDING), ("version", DESCENDING)], name="versions", unique=True)],
    )
