"""The `waitlist` collection: who waits for a place of a department on a day. Ids only."""

from __future__ import annotations

from datetime import date, timedelta

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.appointments.waitlist_models import KEPT_DAYS, Waiting, WaitState
from backend.db.client import Database, Document


class WaitlistStore:
    """Entries by department and day, first come first."""

    def __init__(self, db: Database) -> None:
        self._entries = db.collection("waitlist")

    async def add(self, entry: Waiting) -> bool:
        """Write an entry; False when the patient waits there already."""
        forget = clock.city_instant(entry.on, 0) + timedelta(days=KEPT_DAYS)
        try:
            await self._entries.insert_one(
                {
                    "_id": entry.id,
                    "pool_key": entry.pool_key,
                    "department_id": entry.department_id,
                    "on": entry.on.isoformat(),
                    "patient_id": entry.patient_id,
                    "resident_id": entry.resident_id,
                    "channel": entry.channel,
                    "state": entry.state.value,
                    "live": True,
                    "claim_id": None,
                    "created_at": entry.created_at,
                    "forget_at": forget,
                }
            )
        except DuplicateKeyError:
            return False
        return True

    async def first(self, pool_key: str, after: str = "") -> Waiting | None:
        """Who has waited longest for this day, of those behind an entry."""
        rules = {"pool_key": pool_key, "state": WaitState.WAITING.value, "_id": {"$gt": after}}
        doc = await self._entries.find_one(rules, sort=[("_id", ASCENDING)])
        return _read(doc) if doc else None

    async def offered_in(self, pool_key: str) -> list[Waiting]:
        """For whom places of this day are held."""
        rules = {"pool_key": pool_key, "state": WaitState.OFFERED.value}
        return [_read(doc) for doc in await self._entries.find(rules).to_list(None)]

    async def waiting_days(self, today: date, limit: int) -> list[tuple[str, date]]:
        """Departments and days that somebody waits for, the nearest days first."""
        grouped = await self._entries.aggregate(
            [
                {"$match": {"state": WaitState.WAITING.value, "on": {"$gte": today.isoformat()}}},
                {
                    "$group": {
                        "_id": "$pool_key",
                        "department_id": {"$first": "$department_id"},
                        "on": {"$first": "$on"},
                    }
                },
                {"$sort": {"on": 1, "_id": 1}},
                {"$limit": limit},
            ]
        )
        return [(doc["department_id"], date.fromisoformat(doc["on"])) async for doc in grouped]

    async def count_before(self, entry: Waiting) -> int:
        """How many wait longer."""
        rules = {"pool_key": entry.pool_key, "state": WaitState.WAITING.value, "_id": {"$lt": entry.id}}
        return await self._entries.count_documents(rules)

    async def list_of(self, resident_id: str, today: date) -> list[Waiting]:
        """What a resident still waits for, by day."""
        rules = {"resident_id": resident_id, "live": True, "on": {"$gte": today.isoformat()}}
        found = self._entries.find(rules).sort([("on", ASCENDING), ("_id", ASCENDING)])
        return [_read(doc) for doc in await found.to_list(None)]

    async def offer(self, entry: Waiting, claim_id: str) -> bool:
        """A place is held for the first in the list; False when somebody has left it meanwhile."""
        return await self._change(
            {"_id": entry.id, "pool_key": entry.pool_key, "state": WaitState.WAITING.value},
            {"state": WaitState.OFFERED.value, "claim_id": claim_id},
        )

    async def end(self, entry: Waiting, state: WaitState) -> bool:
        """Nothing is waited for any more; False when that was so already."""
        return await self._change(
            {"_id": entry.id, "pool_key": entry.pool_key, "live": True},
            {"state": state.value, "live": False},
        )

    async def end_offer(self, pool_key: str, claim_id: str) -> bool:
        """The place that was offered has been given up or was not taken in time."""
        return await self._change(
            {"pool_key": pool_key, "claim_id": claim_id, "live": True},
            {"state": WaitState.ENDED.value, "live": False},
        )

    async def forget_resident(self, resident_id: str) -> None:
        """Forget what a person has waited for, and who waited for a person."""
        await self._entries.delete_many({"resident_id": resident_id})
        await self._entries.delete_many({"patient_id": resident_id})

    async def _change(self, rules: Document, fields: Document) -> bool:
        result = await self._entries.update_one(rules, {"$set": fields})
        return result.matched_count == 1


def _read(doc: Document) -> Waiting:
    return Waiting(
        id=doc["_id"],
        pool_key=doc["pool_key"],
        department_id=doc["department_id"],
        on=date.fromisoformat(doc["on"]),
        patient_id=doc["patient_id"],
        resident_id=doc["resident_id"],
        channel=doc["channel"],
        state=WaitState(doc["state"]),
        claim_id=doc["claim_id"],
        created_at=doc["created_at"],
    )
