"""A practitioner's clinic session and the numbered, timed places in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal

from backend.slotpool.claims_models import pool_key

Period = Literal["am", "pm", "evening", "night", "day"]
Kind = Literal["general", "expert", "special", "vaccination"]
# Channels of the city's own front ends: they share what no other channel has reserved.
OPEN_CHANNELS = frozenset({"wechat", "h5", "sms", "bot"})


class ScheduleState(StrEnum):
    """Whether a session sells."""

    OPEN = "open"
    CLOSED = "closed"  # the publisher has nothing to give now, and may open it again
    STOPPED = "stopped"  # 停诊: for good, and everybody who had booked is told


@dataclass(frozen=True, slots=True)
class SlotTime:
    """One numbered place: 号序 and when to come."""

    number: int
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Schedule:
    """A session: one date, one period, one fee.

    `reserved` keeps the last numbers for single channels, in the order given (`{"window": 5}` keeps the last
    five for the window). Reservation is by number, so selling never counts anything; a later rule may release
    reserved numbers to all at a time.
    """

    id: str
    organization_id: str
    department_id: str
    practitioner_id: str | None
    external_id: str
    on: date
    period: Period
    kind: Kind
    fee_fen: int
    slots: tuple[SlotTime, ...]
    reserved: dict[str, int] = field(default_factory=dict)
    state: ScheduleState = ScheduleState.OPEN
    stop_reason: str | None = None
    stopped_at: datetime | None = None
    version: int = 1
    external_system: str = "hospital"
    booking_url: str | None = None
    booking_phone: str | None = None

    @cached_property
    def pool_key(self) -> str:
        """The shard key of this schedule's claims."""
        return pool_key(self.department_id, self.on)

    @cached_property
    def by_number(self) -> dict[int, SlotTime]:
        """Places by their number."""
        return {slot.number: slot for slot in self.slots}

    @cached_property
    def start_at(self) -> datetime:
        """When the session begins."""
        return min(slot.start_at for slot in self.slots)

    @cached_property
    def end_at(self) -> datetime:
        """When the session is over."""
        return max(slot.end_at for slot in self.slots)

    @cached_property
    def reserved_for(self) -> dict[int, str]:
        """Which numbers are kept for which channel."""
        numbers = sorted(self.by_number, reverse=True)
        kept: dict[int, str] = {}
        for channel, count in self.reserved.items():
            for number in numbers[len(kept) : len(kept) + count]:
                kept[number] = channel
        return kept

    def sells_to(self, number: int, channel: str) -> bool:
        """Whether `channel` may have this number."""
        return self.reserved_for.get(number, channel) == channel
