"""Surveys: what a sweep takes of a campaign's quota is a share, and a run says which it was asked from."""

from __future__ import annotations

from backend.db.client import Database

# As in surveys/sending.py: asked without a share, here by what was asked before there were any.
_NO_SHARE = "-"


async def up(db: Database) -> None:
    """Give campaigns their list of shares and runs their mark."""
    await db.collection("survey_campaigns").update_many(
        {"shares": {"$exists": False}}, {"$set": {"shares": []}}
    )
    runs = db.collection("survey_runs")
    await runs.update_many(
        {"quota_by": {"$exists": False}, "quota_on": {"$ne": None}},
        {"$set": {"quota_by": _NO_SHARE}, "$unset": {"quota_on": ""}},
    )
    await runs.update_many(
        {"quota_by": {"$exists": False}}, {"$set": {"quota_by": None}, "$unset": {"quota_on": ""}}
    )
