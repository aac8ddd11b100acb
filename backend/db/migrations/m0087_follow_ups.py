"""Follow-up plans: found by what is due, by what is to be reminded of, and by what was said last."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database

_DUE = [("follow_on", ASCENDING), ("_id", ASCENDING)]
_SAID = [("followed_at", DESCENDING), ("_id", DESCENDING)]
_FOLLOWED = ["accepted", "in_transit", "arrived", "treating", "completed", "not_arrived"]


def _index(name: str, keys: list[tuple[str, int]], on: str) -> IndexModel:
    return IndexModel(keys, name=name, partialFilterExpression={on: {"$exists": True}})


_INDEXES = [
    _index("follow_at_receiver", [("to_organization_id", ASCENDING), *_DUE], "follow_on"),
    _index("follow_of_sender", [("from_organization_id", ASCENDING), *_DUE], "follow_on"),
    _index("follow_in_city", _DUE, "follow_on"),
    _index("followed_by_receiver", [("to_organization_id", ASCENDING), *_SAID], "followed_at"),
    _index("followed_of_sender", [("from_organization_id", ASCENDING), *_SAID], "followed_at"),
    _index("followed_in_city", _SAID, "followed_at"),
    _index("remind", [("remind_at", ASCENDING)], "remind_at"),
]


async def up(db: Database) -> None:
    """State the indexes. What was sent before is looked at by the next reminding, and says what is due."""
    referrals = db.collection("referrals")
    before = {"direction": "down", "state": {"$in": _FOLLOWED}, "plan": {"$exists": False}}
    looked_at = {"$set": {"remind_at": "$created_at"}}
    await referrals.update_many(before | {"remind_at": {"$exists": False}}, [looked_at])
    await referrals.create_indexes(_INDEXES)
