"""Counters by month, what changes after it was counted, how far streams are counted, and gauges by day."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import DATE, INT, OBJECT, STRING, ensure_collection, schema

_BY_PLACE = IndexModel([("organization_id", ASCENDING), ("on", ASCENDING)], name="of_place")


async def up(db: Database) -> None:
    """State the collections. Months are filled from the days by the job that counts the past anew."""
    await _counters(db, "statistics_days")
    await _counters(db, "statistics_months")
    await ensure_collection(
        db,
        "statistics_subjects",
        shard_key="_id",
        # What a referral, say, has added to which counter: a change adds the difference.
        validator=schema(["counted", "at"], counted=OBJECT, at=DATE),
    )
    await ensure_collection(
        db,
        "statistics_cursors",
        shard_key="_id",
        validator=schema(["number", "at"], number=INT, at=DATE),
    )
    await ensure_collection(
        db,
        "statistics_levels",
        shard_key="on",
        validator=schema(
            ["on", "organization_id", "measure", "extra", "count", "amount"],
            on=STRING,
            organization_id=STRING,
            measure=STRING,
            extra=STRING,
            count=INT,
            amount=INT,
        ),
        indexes=[IndexModel([("on", ASCENDING), ("measure", ASCENDING)], name="by_day"), _BY_PLACE],
    )


async def _counters(db: Database, name: str) -> None:
    # `extra` and `amount` came later: days from before have neither.
    more: Document = {"extra": STRING, "amount": INT}
    await ensure_collection(
        db,
        name,
        shard_key="on",
        validator=schema(
            ["on", "organization_id", "measure", "channel", "count", "fen"],
            on=STRING,
            organization_id=STRING,
            measure=STRING,
            channel=STRING,
            count=INT,
            fen=INT,
            **more,
        ),
        indexes=[
            IndexModel([("on", ASCENDING), ("organization_id", ASCENDING)], name="by_day"),
            _BY_PLACE,
        ],
    )
