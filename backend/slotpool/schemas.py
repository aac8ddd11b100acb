"""What residents see of the pool: free places by day and session, and the places of one session."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from backend.http.schema import Answer, Instant, Query, WrittenDay


class AvailabilityQuery(Query):
    """From which day, and how many days."""

    first: WrittenDay | None = Field(
        None,
        alias="from",
        ge=date(2000, 1, 1),
        le=date(2100, 1, 1),
        description="First day; today when left out.",
    )
    days: int = Field(7, ge=1, le=31)


class DoctorRef(Answer):
    """A doctor, as a session names him."""

    id: str
    name: str
    title: str


class PlaceRef(Answer):
    """A named place."""

    id: str
    name: str
    place: str = ""


class SessionOut(Answer):
    """One clinic session and what is free in it. `fee_fen` in fen."""

    schedule_id: str
    practitioner: DoctorRef | None
    period: str
    kind: str
    fee_fen: int
    start_at: Instant
    end_at: Instant
    free: int
    total: int
    state: Literal["open", "full", "stopped", "past"]


class DayOut(Answer):
    """One day of a department."""

    on: date
    free: int
    sessions: list[SessionOut]


class AvailabilityOut(Answer):
    """A department's days."""

    department_id: str
    days: list[DayOut]


class SlotOut(Answer):
    """One numbered place."""

    number: int
    start_at: Instant
    end_at: Instant
    state: Literal["free", "taken", "reserved", "past"]


class ScheduleDetail(Answer):
    """One session with its places."""

    id: str
    organization: PlaceRef
    department: PlaceRef
    practitioner: DoctorRef | None
    on: date
    period: str
    kind: str
    fee_fen: int
    state: Literal["open", "full", "stopped", "past"]
    free: int
    total: int
    booking_url: str | None = Field(None, description="The publisher's own booking page.")
    booking_phone: str | None = None
    slots: list[SlotOut]
