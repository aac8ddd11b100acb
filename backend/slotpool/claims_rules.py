"""The rules around a claim, without any database: ids, checks, candidates, the stored form, cursors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backend.db.client import Document
from backend.errors import AppError, ErrorCode
from backend.ids import is_id, named_id, new_id
from backend.slotpool.claims_models import WITHDRAWN, Channel, Claim, ClaimState, Wanted
from backend.slotpool.schedules_models import Schedule, ScheduleState, SlotTime
from backend.worker.events import Event, EventKind, embedded


def claim_id_of(wanted: Wanted) -> str:
    """The id that every request of this actor under this key arrives at, whatever it wants.

    So a retry meets its own document, and a key used for another wish meets the document of the first:
    `same_claim` tells them apart. On a sharded cluster `_id` is unique within one shard only: there a key may
    pass unnoticed that was used for another department or day (docs/decisions/claims.md).
    """
    if wanted.request_key is None:
        return new_id()
    return named_id("claim", wanted.actor_id, wanted.request_key)


def same_claim(claim: Claim, wanted: Wanted) -> Claim:
    """The claim this very request made before; another request under its key is refused."""
    same_number = wanted.number is None or wanted.number == claim.number
    if claim.schedule_id == wanted.schedule_id and claim.patient_id == wanted.patient_id and same_number:
        return claim
    raise AppError(ErrorCode.IDEMPOTENCY_KEY_REUSED)


def check_open(schedule: Schedule) -> None:
    """Raise unless the session sells at all."""
    if schedule.state is ScheduleState.STOPPED:
        raise AppError(ErrorCode.SCHEDULE_STOPPED)
    if schedule.state is ScheduleState.CLOSED:
        raise AppError(ErrorCode.SOLD_OUT)


def check_slot(schedule: Schedule, wanted: Wanted, now: datetime) -> SlotTime:
    """The wanted place, if it exists, is not over and is not kept for another channel."""
    slot = schedule.by_number.get(wanted.number or 0)
    if slot is None:
        raise AppError(ErrorCode.SLOT_NOT_FOUND)
    if slot.end_at <= now:
        raise AppError(ErrorCode.SLOT_PAST)
    if not schedule.sells_to(slot.number, wanted.channel):
        raise AppError(ErrorCode.SLOT_RESERVED)
    return slot


def candidates(schedule: Schedule, channel: str, taken: set[int], now: datetime) -> Iterator[SlotTime]:
    """Places this channel may have, the channel's own reserved ones last, earliest first."""
    mine_last = sorted(schedule.slots, key=lambda slot: (slot.number in schedule.reserved_for, slot.number))
    for slot in mine_last:
        if slot.number not in taken and slot.end_at > now and schedule.sells_to(slot.number, channel):
            yield slot


def document_of(
    schedule: Schedule, slot: SlotTime, wanted: Wanted, claim_id: str, now: datetime, hold_for: timedelta
) -> Document:
    """The stored form of a new claim, with its event when it is a booking."""
    state = ClaimState.HELD if wanted.hold else ClaimState.BOOKED
    # A hold's end is nobody's news; a booking is told at once.
    news = {} if wanted.hold else embedded(event_of(EventKind.APPOINTMENT_BOOKED, claim_id))
    return {
        "_id": claim_id,
        "pool_key": schedule.pool_key,
        "schedule_id": schedule.id,
        "number": slot.number,
        "organization_id": schedule.organization_id,
        "department_id": schedule.department_id,
        "practitioner_id": schedule.practitioner_id,
        "on": schedule.on.isoformat(),
        "period": schedule.period,
        "start_at": slot.start_at,
        "end_at": slot.end_at,
        "fee_fen": schedule.fee_fen,
        "resident_id": wanted.resident_id,
        "patient_id": wanted.patient_id,
        "channel": wanted.channel,
        "state": str(state),
        "live": True,
        "hold_until": now + hold_for if wanted.hold else None,
        "booked_at": None if wanted.hold else now,
        "created_at": now,
        "updated_at": now,
        **news,
    }


def withdrawal_of(schedule: Schedule, slot: SlotTime, now: datetime) -> Document:
    """The stored form of a place that is claimed for nobody; until when is for the store to say."""
    own_id = new_id()
    return {
        "_id": own_id,
        "pool_key": schedule.pool_key,
        "schedule_id": schedule.id,
        "number": slot.number,
        "organization_id": schedule.organization_id,
        "department_id": schedule.department_id,
        "practitioner_id": schedule.practitioner_id,
        "on": schedule.on.isoformat(),
        "period": schedule.period,
        "start_at": slot.start_at,
        "end_at": slot.end_at,
        "fee_fen": schedule.fee_fen,
        # A patient of its own: nobody has two places in a department on a day.
        "resident_id": own_id,
        "patient_id": own_id,
        "channel": str(Channel.HOSPITAL),
        "state": WITHDRAWN,
        "live": True,
        "created_at": now,
        "updated_at": now,
    }


def event_of(kind: EventKind, claim_id: str, **data: str) -> Event:
    """What happened to a claim, to be stored with it."""
    return Event(kind, {"appointment_id": claim_id, **data})


def write_cursor(claim: Claim) -> str:
    """Where the next page of a list by start time begins."""
    return f"{int(claim.start_at.timestamp() * 1000)}.{claim.id}"


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Read `write_cursor` back. Raises BAD_REQUEST."""
    at, _, claim_id = cursor.partition(".")
    if not (at.isdecimal() and len(at) < 15 and is_id(claim_id)):
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "cursor", "problem": "unknown"}]})
    return datetime.fromtimestamp(int(at) / 1000, UTC), claim_id
