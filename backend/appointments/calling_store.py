"""Which number each session has come to, in MongoDB: one document for a session, gone two days later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database
from backend.slotpool.schedules_models import Schedule
from backend.worker.events import Event, EventKind, pushed

_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Calling:
    """The number that a session has come to."""

    schedule_id: str
    number: int
    called_at: datetime


class CallingStore:
    """The collection `callings`."""

    def __init__(self, db: Database) -> None:
        self._callings = db.collection("callings")

    async def call(self, schedule: Schedule, number: int, *, back: bool) -> tuple[Calling, bool]:
        """Go on to a number, or back to one; where the session then is, and whether it moved."""
        moved = pushed(Event(EventKind.QUEUE_MOVED, {"schedule_id": schedule.id}))
        fields = {
            "organization_id": schedule.organization_id,
            "number": number,
            "called_at": clock.now(),
            "forget_at": clock.now() + _KEPT,
            **moved.pop("$set"),
        }
        from_here = {"number": {"$ne": number}} if back else {"number": {"$lt": number}}
        try:
            doc = await self._callings.find_one_and_update(
                {"_id": schedule.id, **from_here},
                {"$set": fields, **moved},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # It is there, or further on, already.
            found = await self.find(schedule.id)
            if found is None:
                raise
            return found, False
        return _calling(doc), True

    async def find(self, schedule_id: str) -> Calling | None:
        """Where a session is; None before its first call."""
        doc = await self._callings.find_one({"_id": schedule_id})
        return _calling(doc) if doc else None


def _calling(doc: Any) -> Calling:
    return Calling(doc["_id"], doc["number"], doc["called_at"])
