"""The `schedules` collection: repeatable publishing, one conditional write per change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import orjson
from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import DUPLICATE_KEY
from backend.slotpool.schedules_models import Schedule, ScheduleState, SlotTime
from backend.worker.events import Event


class Stamp(NamedTuple):
    """What tells whether a stored schedule differs from a published one, without reading its slots."""

    content_hash: str
    version: int
    state: ScheduleState


class ScheduleStore:
    """Schedules by id, by department and day, by institution and day, by practitioner and day."""

    def __init__(self, db: Database) -> None:
        self._schedules = db.collection("schedules")

    async def find(self, schedule_id: str) -> Schedule | None:
        """One schedule, or None."""
        doc = await self._schedules.find_one({"_id": schedule_id})
        return schedule_of(doc) if doc else None

    async def is_current(self, schedule_id: str, version: int) -> bool:
        """Whether the schedule still stands as in this version: every change makes a new one."""
        found = await self._schedules.find_one({"_id": schedule_id, "version": version}, {"_id": 1})
        return found is not None

    async def find_many(self, ids: Sequence[str]) -> list[Schedule]:
        """The schedules that exist, in no particular order."""
        return [schedule_of(doc) async for doc in self._schedules.find({"_id": {"$in": list(ids)}})]

    async def stamps(self, ids: Sequence[str]) -> dict[str, Stamp]:
        """What is stored under these ids, in brief."""
        cursor = self._schedules.find(
            {"_id": {"$in": list(ids)}}, {"content_hash": 1, "version": 1, "state": 1}
        )
        return {
            doc["_id"]: Stamp(doc["content_hash"], doc["version"], ScheduleState(doc["state"]))
            async for doc in cursor
        }

    async def list_of_department(self, department_id: str, first: date, last: date) -> list[Schedule]:
        """A department's sessions of the days, in the order of the clock."""
        return await self._list({"department_id": department_id, "on": _days(first, last)})

    async def list_of_organization(self, organization_id: str, first: date, last: date) -> list[Schedule]:
        """An institution's sessions of the days, in the order of the clock."""
        return await self._list({"organization_id": organization_id, "on": _days(first, last)})

    async def list_of_practitioners(self, ids: Sequence[str], first: date, last: date) -> list[Schedule]:
        """Sessions of these practitioners that are on, each as one place from beginning to end."""
        rules = {
            "practitioner_id": {"$in": list(ids)},
            "on": _days(first, last),
            "state": {"$ne": str(ScheduleState.STOPPED)},
        }
        cursor = self._schedules.find(rules, {"slots": 0})
        return [schedule_of(doc | {"slots": [_whole(doc)]}) async for doc in cursor]

    async def insert(self, schedules: Sequence[Schedule]) -> set[str]:
        """Insert new schedules; returns the ids that were there already."""
        at = clock.now()
        documents = [
            to_doc(schedule) | {"version": 1, "created_at": at, "updated_at": at} for schedule in schedules
        ]
        if not documents:
            return set()
        try:
            await self._schedules.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            refused = (error.details or {}).get("writeErrors", [])
            if any(item["code"] != DUPLICATE_KEY for item in refused):
                raise
            return {documents[item["index"]]["_id"] for item in refused}
        return set()

    async def replace(self, schedules: Sequence[tuple[Schedule, int]]) -> None:
        """Write changed schedules, each only over the version it was checked against."""
        at = clock.now()
        writes = []
        for schedule, version in schedules:
            content = {name: value for name, value in to_doc(schedule).items() if name != "_id"}
            rule = {"_id": schedule.id, "version": version, "state": {"$ne": str(ScheduleState.STOPPED)}}
            writes.append(UpdateOne(rule, {"$set": content | {"version": version + 1, "updated_at": at}}))
        if writes:
            await self._schedules.bulk_write(writes, ordered=False)

    async def stop(self, schedule_id: str, reason: str, at: datetime, event: Event) -> Schedule | None:
        """Stop a session and say so in the same write; None when it is stopped already or not there."""
        doc = await self._schedules.find_one_and_update(
            {"_id": schedule_id, "state": {"$ne": str(ScheduleState.STOPPED)}},
            {
                "$set": {
                    "state": str(ScheduleState.STOPPED),
                    "stop_reason": reason,
                    "stopped_at": at,
                    "updated_at": at,
                    "events_due": True,
                },
                "$push": {"events": event.to_doc()},
                "$inc": {"version": 1},
            },
            return_document=ReturnDocument.AFTER,
        )
        return schedule_of(doc) if doc else None

    async def _list(self, rules: Document) -> list[Schedule]:
        cursor = self._schedules.find(rules).sort([("start_at", ASCENDING), ("_id", ASCENDING)])
        return [schedule_of(doc) async for doc in cursor]


def content_hash(schedule: Schedule) -> str:
    """A digest of all that a publisher states."""
    content = [
        schedule.department_id, schedule.practitioner_id, schedule.on, schedule.period, schedule.kind,
        schedule.fee_fen, schedule.reserved, schedule.state, schedule.booking_url, schedule.booking_phone,
        [(slot.number, slot.start_at, slot.end_at) for slot in schedule.slots],
    ]  # fmt: skip
    return hashlib.blake2b(orjson.dumps(content), digest_size=16).hexdigest()


def to_doc(schedule: Schedule) -> Document:
    """The content of a schedule's document."""
    return {
        "_id": schedule.id,
        "external": {"system": schedule.external_system, "value": schedule.external_id},
        "organization_id": schedule.organization_id,
        "department_id": schedule.department_id,
        "practitioner_id": schedule.practitioner_id,
        "on": schedule.on.isoformat(),
        "period": schedule.period,
        "kind": schedule.kind,
        "fee_fen": schedule.fee_fen,
        "slots": [
            {"number": slot.number, "start_at": slot.start_at, "end_at": slot.end_at}
            for slot in schedule.slots
        ],
        "reserved": schedule.reserved,
        "state": str(schedule.state),
        "booking_url": schedule.booking_url,
        "booking_phone": schedule.booking_phone,
        "start_at": schedule.start_at,
        "end_at": schedule.end_at,
        "content_hash": content_hash(schedule),
    }


def schedule_of(doc: Document) -> Schedule:
    """A schedule from its document."""
    return Schedule(
        id=doc["_id"],
        organization_id=doc["organization_id"],
        department_id=doc["department_id"],
        practitioner_id=doc.get("practitioner_id"),
        external_id=doc["external"]["value"],
        external_system=doc["external"]["system"],
        on=date.fromisoformat(doc["on"]),
        period=doc["period"],
        kind=doc["kind"],
        fee_fen=doc["fee_fen"],
        slots=tuple(SlotTime(slot["number"], slot["start_at"], slot["end_at"]) for slot in doc["slots"]),
        reserved=doc["reserved"],
        state=ScheduleState(doc["state"]),
        stop_reason=doc.get("stop_reason"),
        stopped_at=doc.get("stopped_at"),
        version=doc["version"],
        booking_url=doc.get("booking_url"),
        booking_phone=doc.get("booking_phone"),
    )


def _whole(doc: Document) -> Document:
    return {"number": 1, "start_at": doc["start_at"], "end_at": doc["end_at"]}


def _days(first: date, last: date) -> Document:
    return {"$gte": first.isoformat(), "$lte": last.isoformat()}
