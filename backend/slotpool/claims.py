"""Claiming slots: the rules around the one insert that is the booking, and the life of a claim after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock, metrics
from backend.db.client import Document
from backend.errors import AppError, ErrorCode, not_found
from backend.slotpool.availability import Availability
from backend.slotpool.claims_models import Claim, ClaimState, Wanted, Withdrawal
from backend.slotpool.claims_rules import (
    candidates,
    check_open,
    check_slot,
    claim_id_of,
    document_of,
    event_of,
    read_cursor,
    same_claim,
    write_cursor,
)
from backend.slotpool.claims_store import (
    ClaimStore,
    PatientBusyError,
    SameRequestError,
    SlotTakenError,
)
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.worker.events import EventKind

SWEEP_BATCH = 200
# How often a claimer tries on after meeting others; each meeting means somebody else got a slot.
MAX_TRIES = 400


class Schedules(Protocol):
    """What claims need of the schedules' service."""

    async def get_cached(self, schedule_id: str) -> Schedule:
        """The schedule, at most two seconds old. Raises SCHEDULE_NOT_FOUND."""


class ClaimService:
    """Holds and bookings. Every method is safe to repeat."""

    def __init__(
        self, store: ClaimStore, schedules: Schedules, availability: Availability, *, hold_for: timedelta
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._availability = availability
        self._hold_for = hold_for

    def holding_for(self, hold_for: timedelta) -> ClaimService:
        """The same claims, with holds that last otherwise."""
        return ClaimService(self._store, self._schedules, self._availability, hold_for=hold_for)

    async def claim(self, wanted: Wanted, schedule: Schedule | None = None) -> Claim:
        """Hold or book a slot. Raises SLOT_TAKEN, SOLD_OUT, ALREADY_BOOKED, SLOT_* or SCHEDULE_*.

        The same actor and request key always get the same claim, whatever became of it; a key that stands
        for another wish already gets IDEMPOTENCY_KEY_REUSED.
        """
        schedule = schedule or await self._schedules.get_cached(wanted.schedule_id)
        claim_id = claim_id_of(wanted)
        try:
            claim = await self._claim(schedule, wanted, claim_id, clock.now())
        except AppError as error:
            # Whoever asks again must hear what he heard before, also where nothing could be sold any more.
            mine = await self._store.find(claim_id) if wanted.request_key else None
            if mine is not None:
                return same_claim(mine, wanted)
            metrics.claims_total(error.code.lower()).inc()
            raise
        metrics.claims_total("claimed").inc()
        return claim

    async def confirm(self, claim_id: str, *, paid: bool) -> Claim | None:
        """Turn a hold into an appointment; None when the hold is no longer there.

        `paid` says that the money has arrived: then a hold that waited for it counts even after its time.
        """
        when: Document = {"given_back": {"$ne": True}}
        if not paid:
            when |= {"hold_until": {"$gt": clock.now()}, "awaiting_payment": {"$ne": True}}
        return await self._store.change(
            claim_id,
            states=[ClaimState.HELD],
            to=ClaimState.BOOKED,
            when=when,
            fields={"hold_until": None, "awaiting_payment": False, "booked_at": clock.now()},
            event=event_of(EventKind.APPOINTMENT_BOOKED, claim_id),
        )

    async def await_payment(self, claim_id: str, order_id: str) -> Claim | None:
        """From now on the hold ends only when the payment's fate is known; None when it has ended already."""
        return await self._store.change(
            claim_id,
            states=[ClaimState.HELD],
            to=ClaimState.HELD,
            when={"hold_until": {"$gt": clock.now()}},
            fields={"awaiting_payment": True, "order_id": order_id},
            event=None,
        )

    async def end_given_back(self, claim_id: str) -> Claim | None:
        """End a hold that was given back while its payment was under way; None when it is no such hold."""
        return await self._end(
            claim_id,
            ClaimState.RELEASED,
            EventKind.APPOINTMENT_EXPIRED,
            states=[ClaimState.HELD],
            when={"given_back": True},
        )

    async def payment_is_off(self, claim_id: str) -> Claim | None:
        """The order is closed and nothing was paid: a hold past its time ends, another goes on."""
        given_back = await self.end_given_back(claim_id)
        if given_back is not None:
            return given_back
        expired = await self._end(
            claim_id,
            ClaimState.EXPIRED,
            EventKind.APPOINTMENT_EXPIRED,
            states=[ClaimState.HELD],
            when={"hold_until": {"$lte": clock.now()}},
        )
        if expired is not None:
            return expired
        return await self._store.change(
            claim_id,
            states=[ClaimState.HELD],
            to=ClaimState.HELD,
            # By another machine's clock its time may be over, and that one has handed it on: tell it again.
            fields={"awaiting_payment": False, "due_told": False},
            event=None,
        )

    async def release(self, claim: Claim) -> Claim | None:
        """Give a hold back. One that waits for a payment ends as soon as the payment's fate is known."""
        if claim.awaiting_payment:
            return await self._store.change(
                claim.id,
                states=[ClaimState.HELD],
                to=ClaimState.HELD,
                fields={"hold_until": clock.now(), "due_told": True, "given_back": True},
                event=event_of(EventKind.HOLD_DUE, claim.id, order_id=claim.order_id or ""),
            )
        return await self._end(
            claim.id,
            ClaimState.RELEASED,
            EventKind.APPOINTMENT_EXPIRED,
            states=[ClaimState.HELD],
            when={"awaiting_payment": {"$ne": True}},
        )

    async def cancel(self, claim_id: str, *, reason: str, by: str) -> Claim | None:
        """Cancel an appointment; None when it is not booked any more."""
        return await self._end(
            claim_id,
            ClaimState.CANCELLED,
            EventKind.APPOINTMENT_CANCELLED,
            states=[ClaimState.BOOKED],
            fields={"cancelled_by": by},
            reason=reason,
        )

    async def miss(self, claim_id: str) -> Claim | None:
        """Note that nobody came; None when it has not begun, is not booked, or is noted already."""
        now = clock.now()
        return await self._store.change(
            claim_id,
            states=[ClaimState.BOOKED],
            to=ClaimState.BOOKED,
            when={"start_at": {"$lte": now}, "missed_at": None},
            fields={"missed_at": now},
            event=event_of(EventKind.APPOINTMENT_MISSED, claim_id),
        )

    async def stop_all(self, schedule: Schedule) -> int:
        """End every live claim of a stopped schedule; returns how many. Repeat until none is left."""
        stopped = 0
        for claim in await self._store.live_on_schedule(schedule.pool_key, schedule.id):
            ended = await self._end(
                claim.id,
                ClaimState.STOPPED,
                EventKind.APPOINTMENT_STOPPED,
                states=[ClaimState.HELD, ClaimState.BOOKED],
                fields={"cancelled_by": "hospital"},
                reason=schedule.stop_reason,
            )
            stopped += ended is not None
        return stopped

    async def sweep_holds(self) -> int:
        """End holds whose time has come; those awaiting payment are handed to whoever asks the channel."""
        now = clock.now()
        due = await self._store.due_holds(now, SWEEP_BATCH)
        for claim in due:
            if claim.awaiting_payment:
                # Told once: the job behind the event asks the channel until it knows.
                await self._store.change(
                    claim.id,
                    states=[ClaimState.HELD],
                    to=ClaimState.HELD,
                    when={"due_told": {"$ne": True}},
                    fields={"due_told": True},
                    event=event_of(EventKind.HOLD_DUE, claim.id, order_id=claim.order_id or ""),
                )
            else:
                await self._expire(claim, now)
        return len(due)

    async def get(self, claim_id: str) -> Claim:
        """One claim. Raises NOT_FOUND; whether the caller may see it is the caller's question."""
        claim = await self._store.find(claim_id)
        if claim is None:
            raise not_found("claim")
        return claim

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[Claim], str | None]:
        """A page of claims by start time, and the next cursor. Raises BAD_REQUEST for a bad one."""
        place = read_cursor(cursor) if cursor else None
        found = await self._store.of_patients(patient_ids, upcoming=upcoming, cursor=place, limit=limit + 1)
        return found[:limit], write_cursor(found[limit - 1]) if len(found) > limit else None

    async def of_pools(
        self, pool_keys: Sequence[str], rules: Document, *, cursor: str | None, limit: int
    ) -> tuple[list[Claim], str | None]:
        """A page of some departments' days, ended claims too, by start time; and the next page's cursor."""
        place = read_cursor(cursor) if cursor else None
        found = await self._store.of_pools(pool_keys, rules=rules, after=place, limit=limit + 1)
        return found[:limit], write_cursor(found[limit - 1]) if len(found) > limit else None

    async def has_live_future(self, patient_ids: Sequence[str]) -> bool:
        """Whether any of the patients still has somewhere to go."""
        return await self._store.has_live_future(patient_ids)

    async def taken(self, pool_key: str) -> dict[str, set[int]]:
        """Taken numbers by schedule, at most a second old."""
        return await self._availability.taken(pool_key)

    async def live_in_pools(self, pool_keys: Sequence[str]) -> list[Claim]:
        """Live claims of several pools, for the console."""
        return await self._store.live_in_pools(pool_keys)

    async def _claim(self, schedule: Schedule, wanted: Wanted, claim_id: str, now: datetime) -> Claim:
        check_open(schedule)
        if wanted.number is not None:
            return await self._claim_number(schedule, wanted, claim_id, now)
        return await self._claim_earliest(schedule, wanted, claim_id, now)

    async def _claim_earliest(
        self, schedule: Schedule, wanted: Wanted, claim_id: str, now: datetime
    ) -> Claim:
        """The earliest number, from what is known to be free; before "sold out", from a fresh reading."""
        pool_key, channel = schedule.pool_key, wanted.channel
        taken = set((await self._availability.taken(pool_key)).get(schedule.id, ()))
        fresh = False
        for _ in range(MAX_TRIES):
            # Others in this process try other numbers instead of all racing for this one.
            avoid = taken | self._availability.being_tried(schedule.id)
            slot = next(candidates(schedule, channel, avoid, now), None)
            if slot is None and not fresh:
                taken = set((await self._availability.taken_now(pool_key)).get(schedule.id, ()))
                fresh = True
                continue
            slot = slot or next(candidates(schedule, channel, taken, now), None)
            if slot is None:
                break
            with self._availability.trying(schedule.id, slot.number):
                claim = await self._try(schedule, slot, wanted, claim_id, now)
            if claim is not None:
                return claim
            if not await self._is_free(schedule, slot.number, now):
                taken.add(slot.number)
        raise AppError(ErrorCode.SOLD_OUT)

    async def _claim_number(self, schedule: Schedule, wanted: Wanted, claim_id: str, now: datetime) -> Claim:
        slot = check_slot(schedule, wanted, now)
        for _ in range(3):
            claim = await self._try(schedule, slot, wanted, claim_id, now)
            if claim is not None:
                return claim
            if not await self._is_free(schedule, slot.number, now):
                break
        raise AppError(ErrorCode.SLOT_TAKEN)

    async def _try(
        self, schedule: Schedule, slot: SlotTime, wanted: Wanted, claim_id: str, now: datetime
    ) -> Claim | None:
        """Insert the claim; None when the slot is taken or the patient's old hold had to be ended first."""
        document = document_of(schedule, slot, wanted, claim_id, now, self._hold_for)
        try:
            await self._store.insert(document)
        except SameRequestError:
            return same_claim(await self.get(claim_id), wanted)
        except PatientBusyError:
            return await self._unless_over(schedule, wanted, claim_id, now)
        except SlotTakenError:
            return None
        self._availability.mark(schedule.pool_key, schedule.id, slot.number, taken=True)
        return Claim.from_doc(document)

    async def _is_free(self, schedule: Schedule, number: int, now: datetime) -> bool:
        """Whether the slot can be tried again: nobody has it, or only a hold that is over."""
        other = await self._store.find_live_on_slot(schedule.pool_key, schedule.id, number)
        if isinstance(other, Withdrawal):
            return await self._store.end_withdrawal(other, now)
        return other is None or await self._expire(other, now)

    async def _unless_over(
        self, schedule: Schedule, wanted: Wanted, claim_id: str, now: datetime
    ) -> Claim | None:
        """The patient has a live claim: ours (return it), an ended hold (end it), or a real one (raise)."""
        other = await self._store.find_live_of_patient(schedule.pool_key, wanted.patient_id)
        if other is None or await self._expire(other, now):
            return None
        if other.id == claim_id:
            return same_claim(other, wanted)
        raise AppError(ErrorCode.ALREADY_BOOKED, data={"appointment_id": other.id})

    async def _expire(self, claim: Claim, now: datetime) -> bool:
        """End a hold whose time is over; False when it is not such a hold."""
        ended = await self._store.expire(claim, now)
        if ended is not None:
            self._availability.mark(claim.pool_key, claim.schedule_id, claim.number, taken=False)
        return ended is not None

    async def _end(
        self,
        claim_id: str,
        to: ClaimState,
        kind: EventKind,
        *,
        states: Sequence[ClaimState],
        when: Document | None = None,
        fields: Document | None = None,
        reason: str | None = None,
    ) -> Claim | None:
        event = event_of(kind, claim_id)
        claim = await self._store.change(
            claim_id, states=states, to=to, when=when, fields=fields, reason=reason, event=event
        )
        if claim is not None:
            self._availability.mark(claim.pool_key, claim.schedule_id, claim.number, taken=False)
        return claim
