"""From a window of time with a capacity to numbered, timed places; and moving a feed to another day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from backend import clock
from backend.imports.models import FeedSlot
from backend.slotpool.schedules_models import Period, SlotTime

_MINUTE = timedelta(minutes=1)


def places_of(slot: FeedSlot) -> tuple[SlotTime, ...]:
    """`capacity` numbers spread evenly over the window, on whole minutes counted from its start.

    Where there are more places than minutes, several share a minute.
    """
    length = slot.end_at - slot.start_at
    if length < _MINUTE:
        return tuple(SlotTime(n + 1, slot.start_at, slot.end_at) for n in range(slot.capacity))
    starts = [slot.start_at + _whole_minutes(length * n / slot.capacity) for n in range(slot.capacity)]
    apart = sorted(set(starts))
    end_of = dict(zip(apart, [*apart[1:], slot.end_at], strict=True))
    return tuple(SlotTime(n + 1, start, end_of[start]) for n, start in enumerate(starts))


def period_of(slot: FeedSlot) -> Period:
    """The part of the city's day in which the window lies."""
    start, end = slot.start_at.astimezone(clock.CITY_ZONE), slot.end_at.astimezone(clock.CITY_ZONE)
    same_day = start.date() == end.date()
    if start.hour >= 22 or start.hour < 5:
        return "night"
    if start.hour >= 17:
        return "evening"
    if start.hour >= 12:
        return "pm"
    return "am" if same_day and end.hour < 13 else "day"


class DayShift:
    """Moves a historical feed so that its first day becomes another.

    In whole days; when the feed's own zone is given, its clock on the wall becomes the city's.
    """

    def __init__(self, first: datetime, start_on: date, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._days = start_on - first.astimezone(zone or clock.CITY_ZONE).date()

    def moved(self, slot: FeedSlot) -> FeedSlot:
        """The slot on its new day."""
        start_at = self._moved(slot.start_at)
        # The length is kept: a night on which clocks change has no other way to stay what it was.
        return replace(slot, start_at=start_at, end_at=start_at + (slot.end_at - slot.start_at))

    def _moved(self, at: datetime) -> datetime:
        if self._zone is None:
            return at + self._days
        wall = at.astimezone(self._zone).replace(tzinfo=None) + self._days
        return wall.replace(tzinfo=clock.CITY_ZONE).astimezone(UTC)


def _whole_minutes(length: timedelta) -> timedelta:
    return length // _MINUTE * _MINUTE
