"""Work-lists by what they are worked off by: referrals by when somebody has to move, births by neglect."""

from __future__ import annotations

from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database

_NEVER = datetime(2999, 1, 1, tzinfo=UTC)
_BY = [("move_by", ASCENDING), ("_id", ASCENDING)]
_INDEXES = [
    IndexModel([("to_organization_id", ASCENDING), ("state", ASCENDING), *_BY], name="moved_by_receiver"),
    IndexModel([("from_organization_id", ASCENDING), ("state", ASCENDING), *_BY], name="moved_by_sender"),
    IndexModel([("state", ASCENDING), *_BY], name="moved_in_city"),
]
_NEGLECTED = IndexModel(
    [("owner_kind", ASCENDING), ("level", DESCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)],
    name="neglected",
)


async def up(db: Database) -> None:
    """State the indexes. What was written before says until when by the hour of its clock."""
    referrals = db.collection("referrals")
    open_states = ["requested", "returned", "accepted", "in_transit", "arrived", "treating"]
    due = {"$cond": [{"$in": ["$state", open_states]}, {"$ifNull": ["$due_at", _NEVER]}, _NEVER]}
    await referrals.update_many({"move_by": {"$exists": False}}, [{"$set": {"move_by": due}}])
    await referrals.create_indexes(_INDEXES)
    filings = db.collection("birth_filings")
    # How far a concern had risen lies sealed: it is written down when its next day has passed.
    staffs = {"$cond": [{"$in": ["$owner_kind", ["desk", "staff"]]}, 1, 0]}
    await filings.update_many({"level": {"$exists": False}}, [{"$set": {"level": staffs}}])
    await filings.create_indexes([_NEGLECTED])
