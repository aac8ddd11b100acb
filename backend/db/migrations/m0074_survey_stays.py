"""Surveys: which stays have ended where and when, for cohorts; whose they are is asked of the record."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, STRING, ensure_collection, schema

# Longer than the longest cohort reaches back (`MOST_DAYS` in backend/surveys/service.py) and a margin.
_KEPT_S = 200 * 24 * 3600


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "survey_stays",
        shard_key="_id",
        validator=schema(["organization_id", "ended_at"], organization_id=STRING, ended_at=DATE),
        indexes=[
            IndexModel(
                [("organization_id", ASCENDING), ("ended_at", ASCENDING), ("_id", ASCENDING)], name="cohort"
            ),
            IndexModel([("ended_at", ASCENDING)], name="forget", expireAfterSeconds=_KEPT_S),
        ],
    )
