"""Surveys by day as well, for the board; runs that no day's figures know are counted once more."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import STRING, ensure_collection, schema

_LEVELS = ["city", "organization", "department", "practitioner", "week", "day"]


async def up(db: Database) -> None:
    """State the further level, and put the runs before the counting: it adds only what their days lack."""
    await ensure_collection(
        db,
        "survey_results",
        shard_key="questionnaire_id",
        validator=schema(
            ["questionnaire_id", "level", "month", "organization_id"],
            questionnaire_id=STRING,
            level={"enum": _LEVELS},
            # Of the level `day` it is a day, of `week` a week.
            month=STRING,
            organization_id=STRING,
        ),
        indexes=[
            # The board asks for all questionnaires together.
            IndexModel([("level", ASCENDING), ("month", ASCENDING)], name="of_level"),
        ],
    )
    await db.collection("survey_runs").update_many(
        {"by_day": {"$ne": True}, "count_due": {"$ne": True}}, {"$set": {"count_due": True}}
    )
