"""What a hospital's schedule looks like over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from backend.directory.schemas import ExternalID
from backend.http.schema import Answer, Instant, Schema, WrittenDay, WrittenInstant
from backend.slotpool.claims_models import Channel
from backend.slotpool.schedules_models import Kind, Period, Schedule, ScheduleState
from backend.slotpool.schedules_rules import MAX_FEE_FEN, MAX_NUMBER, MAX_SLOTS


def _of_our_time(instant: datetime) -> datetime:
    # At the ends of the calendar an instant cannot be moved to another zone.
    if not 2000 <= instant.year <= 2100:
        raise ValueError("not in this century")
    return instant


# An instant in any zone; without a zone it would be a guess.
ZonedInstant = Annotated[
    WrittenInstant, AfterValidator(_of_our_time), Field(description="RFC 3339 with a zone.")
]
ChannelName = Annotated[Channel, Field(strict=False)]


class SlotIn(Schema):
    """One numbered, timed place."""

    number: int = Field(ge=1, le=MAX_NUMBER)
    start_at: ZonedInstant
    end_at: ZonedInstant


class PublishSchedule(Schema):
    """A session as its hospital states it. `department` and `practitioner` are the hospital's own ids."""

    department: ExternalID
    practitioner: ExternalID | None = None
    on: WrittenDay
    period: Period
    kind: Kind = "general"
    fee_fen: int = Field(ge=0, le=MAX_FEE_FEN)
    slots: list[SlotIn] = Field(min_length=1, max_length=MAX_SLOTS)
    reserved: dict[ChannelName, Annotated[int, Field(ge=0, le=MAX_SLOTS)]] = Field(
        default_factory=dict, description="How many of the last numbers are kept for a channel."
    )


class StopSchedule(Schema):
    """Why a clinic does not take place; patients are told."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]


class HospitalSlotOut(Answer):
    """One place and whether it is sold."""

    number: int
    start_at: Instant
    end_at: Instant
    sold: bool
    reserved_for: Channel | None


class HospitalScheduleOut(Answer):
    """A session as the pool has it."""

    id: str
    external_id: str
    department: str
    practitioner: str | None
    on: date
    period: Period
    kind: Kind
    fee_fen: int
    state: ScheduleState
    stop_reason: str | None
    stopped_at: Instant | None
    reserved: dict[str, int]
    total: int
    sold: int
    slots: list[HospitalSlotOut]
    version: int


def hospital_schedule_out(
    schedule: Schedule, *, department: str, practitioner: str | None, sold: set[int]
) -> HospitalScheduleOut:
    """A session with what is sold of it; `department` and `practitioner` are the hospital's own ids."""
    kept = schedule.reserved_for
    return HospitalScheduleOut(
        id=schedule.id,
        external_id=schedule.external_id,
        department=department,
        practitioner=practitioner,
        on=schedule.on,
        period=schedule.period,
        kind=schedule.kind,
        fee_fen=schedule.fee_fen,
        state=schedule.state,
        stop_reason=schedule.stop_reason,
        stopped_at=schedule.stopped_at,
        reserved=schedule.reserved,
        total=len(schedule.slots),
        sold=len(sold & schedule.by_number.keys()),
        slots=[
            HospitalSlotOut(
                number=slot.number,
                start_at=slot.start_at,
                end_at=slot.end_at,
                sold=slot.number in sold,
                reserved_for=Channel(kept[slot.number]) if slot.number in kept else None,
            )
            for slot in schedule.slots
        ],
        version=schedule.version,
    )


def utc_milliseconds(instant: datetime) -> datetime:
    """The instant as MongoDB keeps it, so that what is published twice compares equal."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
