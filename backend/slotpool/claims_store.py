"""The `claims` collection: every change is one conditional write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import DUPLICATE_KEY, GatheredInserts
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.slotpool.claims_models import LIVE_STATES, WITHDRAWN, Claim, ClaimState, Withdrawal
from backend.slotpool.claims_rules import event_of
from backend.slotpool.schedules_models import Schedule
from backend.slotpool.schedules_rules import LONGEST_SESSION
from backend.worker.events import Event, EventKind

_COLLECTION, _REASON = "claims", "cancel_reason"
# Typed by whoever cancels, it may say what somebody has.
declare_sealed(_COLLECTION, _REASON)
_PEOPLES: Document = {"state": {"$ne": WITHDRAWN}}


class ClaimConflictError(Exception):
    """An insert met a document that is already there. Says which rule it met."""


class SameRequestError(ClaimConflictError):
    """The same `_id`: this very request has been served before."""


class SlotTakenError(ClaimConflictError):
    """Somebody holds or has booked the slot."""


class PatientBusyError(ClaimConflictError):
    """The patient already has a live claim in this department on this day."""


class ClaimStore:
    """Claims, one document each from hold to end."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._claims = db.collection(_COLLECTION)
        self._cipher = cipher
        self._inserts = GatheredInserts(self._claims)

    async def insert(self, document: Document) -> None:
        """Claim a slot: success of this insert *is* the booking. Raises a ClaimConflictError."""
        try:
            await self._inserts.insert(document)
        except DuplicateKeyError as error:
            raise _conflict(error) from None

    async def drained(self) -> None:
        """Return when no insert is under way."""
        await self._inserts.drained()

    async def find(self, claim_id: str) -> Claim | None:
        """One claim by id."""
        doc = await self._claims.find_one({"_id": claim_id})
        return self._claim(doc) if doc and doc["state"] != WITHDRAWN else None

    async def find_live_on_slot(
        self, pool_key: str, schedule_id: str, number: int
    ) -> Claim | Withdrawal | None:
        """Who has the slot now, or that it is off sale."""
        doc = await self._claims.find_one(
            {"pool_key": pool_key, "schedule_id": schedule_id, "number": number, "live": True}
        )
        if doc and doc["state"] == WITHDRAWN:
            return Withdrawal(doc["_id"], doc["pool_key"], doc["hold_until"])
        return self._claim(doc) if doc else None

    async def find_live_of_patient(self, pool_key: str, patient_id: str) -> Claim | None:
        """The patient's live claim in this department on this day."""
        doc = await self._claims.find_one({"pool_key": pool_key, "patient_id": patient_id, "live": True})
        return self._claim(doc) if doc else None

    async def taken_numbers(self, pool_keys: Sequence[str]) -> dict[str, set[int]]:
        """Numbers of every schedule of the pools that cannot be had, what ended by the clock left out.

        Answered from the unique index's own keys plus the hold fields of the live documents.
        """
        return await self._numbers({"pool_key": {"$in": list(pool_keys)}, "live": True})

    async def sold_numbers(self, pool_keys: Sequence[str]) -> dict[str, set[int]]:
        """Numbers of every schedule of the pools that people hold or have booked."""
        return await self._numbers({"pool_key": {"$in": list(pool_keys)}, "live": True, **_PEOPLES})

    async def _numbers(self, rules: Document) -> dict[str, set[int]]:
        now = clock.now()
        taken: dict[str, set[int]] = {}
        cursor = self._claims.find(
            rules, {"schedule_id": 1, "number": 1, "hold_until": 1, "awaiting_payment": 1, "state": 1}
        )
        async for doc in cursor:
            if not _ended_by_clock(doc, now):
                taken.setdefault(doc["schedule_id"], set()).add(doc["number"])
        return taken

    async def change(
        self,
        claim_id: str,
        *,
        states: Sequence[ClaimState],
        to: ClaimState,
        event: Event | None,
        when: Document | None = None,
        fields: Document | None = None,
        reason: str | None = None,
    ) -> Claim | None:
        """Move a claim from one of `states` to `to` if `when` also holds; None when it does not.

        `reason` says why it ends, as somebody typed it.
        """
        now = clock.now()
        live = to in LIVE_STATES
        changes: dict[str, Any] = {
            "$set": {"state": str(to), "live": live, "updated_at": now, **(fields or {})}
        }
        if not live:
            changes["$set"]["ended_at"] = now
        if reason:
            changes["$set"][_REASON] = self._cipher.seal(_COLLECTION, _REASON, claim_id, reason)
        if event is not None:
            changes["$set"]["events_due"] = True
            changes["$push"] = {"events": event.to_doc()}
        doc = await self._claims.find_one_and_update(
            {"_id": claim_id, "state": {"$in": [str(state) for state in states]}, **(when or {})},
            changes,
            return_document=ReturnDocument.AFTER,
        )
        return self._claim(doc) if doc else None

    async def expire(self, claim: Claim, now: datetime) -> Claim | None:
        """End a hold whose time is over and that waits for no payment; None when it is no such hold."""
        over = claim.state is ClaimState.HELD and not claim.awaiting_payment
        if not over or claim.hold_until is None or claim.hold_until > now:
            return None
        return await self.change(
            claim.id,
            states=[ClaimState.HELD],
            to=ClaimState.EXPIRED,
            when={"hold_until": {"$lte": now}, "awaiting_payment": {"$ne": True}},
            event=event_of(EventKind.APPOINTMENT_EXPIRED, claim.id),
        )

    async def withdraw(self, places: Sequence[Document], change: str, until: datetime) -> list[Document]:
        """Claim places for nobody, also those that are withdrawn already; returns those that somebody has."""
        if not places:
            return []
        upserts = [
            UpdateOne(
                {name: place[name] for name in ("pool_key", "schedule_id", "number", "live", "state")},
                {
                    "$setOnInsert": place,
                    "$addToSet": {"changes": change},
                    "$max": {"hold_until": until, "forget_at": until},
                },
                upsert=True,
            )
            for place in places
        ]
        try:
            await self._claims.bulk_write(upserts, ordered=False)
        except BulkWriteError as error:
            refused: list[Document] = (error.details or {}).get("writeErrors", [])
            if any(item["code"] != DUPLICATE_KEY for item in refused):
                raise
            return [places[item["index"]] for item in refused]
        return []

    async def settle_withdrawn(
        self, schedules: Iterable[Schedule], pool_keys: Collection[str], change: str, until: datetime
    ) -> None:
        """Let go of what a change withdrew; what these schedules sell and no change holds ends at `until`."""
        withdrawn: Document = {"live": True, "state": WITHDRAWN}
        mine = {"pool_key": {"$in": sorted(pool_keys)}, "changes": change, **withdrawn}
        updates = [UpdateMany(mine, {"$pull": {"changes": change}})]
        for each in schedules:
            places = {"pool_key": each.pool_key, "schedule_id": each.id, "changes": [], **withdrawn}
            on_sale = {"number": {"$in": list(each.by_number)}}
            sooner = {"$min": {"hold_until": until, "forget_at": until}}
            updates.append(UpdateMany(places | on_sale, sooner))
        await self._claims.bulk_write(updates)

    async def end_withdrawal(self, place: Withdrawal, now: datetime) -> bool:
        """Put a place on sale again whose withdrawal is over; False when it is not."""
        ended = await self._claims.delete_one(
            {"_id": place.id, "pool_key": place.pool_key, "state": WITHDRAWN, "hold_until": {"$lte": now}}
        )
        return ended.deleted_count == 1

    async def due_holds(self, now: datetime, limit: int) -> list[Claim]:
        """Holds whose time has come and that nobody has been told of, oldest first."""
        cursor = self._claims.find(
            {"state": str(ClaimState.HELD), "hold_until": {"$lte": now}, "due_told": {"$ne": True}}
        )
        docs = await cursor.sort("hold_until", ASCENDING).limit(limit).to_list(None)
        return [self._claim(doc) for doc in docs]

    async def live_on_schedule(self, pool_key: str, schedule_id: str) -> list[Claim]:
        """Every live claim of one schedule, by number."""
        cursor = self._claims.find(
            {"pool_key": pool_key, "schedule_id": schedule_id, "live": True, **_PEOPLES}
        )
        return [self._claim(doc) for doc in await cursor.sort("number", ASCENDING).to_list(None)]

    async def live_in_pools(self, pool_keys: Sequence[str]) -> list[Claim]:
        """Every live claim of the given pools; the console's day view."""
        cursor = self._claims.find({"pool_key": {"$in": list(pool_keys)}, "live": True, **_PEOPLES})
        return [self._claim(doc) for doc in await cursor.to_list(None)]

    async def of_patients(
        self,
        patient_ids: Sequence[str],
        *,
        upcoming: bool | None,
        cursor: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Claim]:
        """Claims of patients by start time: upcoming ones soonest first, others and all latest first."""
        now = clock.now()
        rules: list[Document] = [{"patient_id": {"$in": list(patient_ids)}}]
        if upcoming is True:
            rules.append(_to_come(now))
        elif upcoming is False:
            rules.append({"$or": [{"live": False}, {"end_at": {"$lt": now}}]})
        order, beyond = (ASCENDING, "$gt") if upcoming else (DESCENDING, "$lt")
        if cursor is not None:
            at, claim_id = cursor
            rules.append({"$or": [{"start_at": {beyond: at}}, {"start_at": at, "_id": {beyond: claim_id}}]})
        found = self._claims.find({"$and": rules}).sort([("start_at", order), ("_id", order)])
        return [self._claim(doc) for doc in await found.limit(limit).to_list(None)]

    async def of_pools(
        self,
        pool_keys: Sequence[str],
        *,
        rules: Document,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Claim]:
        """Claims of some pools by start time, ended ones too; the console's list of a day."""
        wanted: list[Document] = [{"pool_key": {"$in": list(pool_keys)}, **_PEOPLES}, rules]
        if after is not None:
            at, claim_id = after
            wanted.append({"$or": [{"start_at": {"$gt": at}}, {"start_at": at, "_id": {"$gt": claim_id}}]})
        found = self._claims.find({"$and": wanted}).sort([("start_at", ASCENDING), ("_id", ASCENDING)])
        return [self._claim(doc) for doc in await found.limit(limit).to_list(None)]

    async def has_live_future(self, patient_ids: Sequence[str]) -> bool:
        """Whether any of the patients has a live claim that is not over."""
        doc = await self._claims.find_one(
            {"patient_id": {"$in": list(patient_ids)}, **_to_come(clock.now())},
            {"_id": 1},
        )
        return doc is not None

    def _claim(self, doc: Document) -> Claim:
        sealed = doc.get(_REASON)
        # In clear only in what was written before reasons were sealed; the re-sealing job gets round to it.
        if isinstance(sealed, dict):
            doc = doc | {_REASON: self._cipher.open(_COLLECTION, _REASON, doc["_id"], sealed)}
        return Claim.from_doc(doc)


def _to_come(now: datetime) -> Document:
    """Live and not over. What has begun so long ago is over: so the index leaves a person's past aside."""
    return {"live": True, "end_at": {"$gte": now}, "start_at": {"$gte": now - LONGEST_SESSION}}


def _ended_by_clock(doc: Document, now: datetime) -> bool:
    return bool(
        doc["state"] != ClaimState.BOOKED and not doc.get("awaiting_payment") and doc["hold_until"] <= now
    )


def _conflict(error: DuplicateKeyError) -> ClaimConflictError:
    pattern = (error.details or {}).get("keyPattern") or {}
    if "number" in pattern:
        return SlotTakenError()
    if "patient_id" in pattern:
        return PatientBusyError()
    return SameRequestError()
