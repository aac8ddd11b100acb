"""What a schedule must be before it is published, and what a change may not do to those who have booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.slotpool.claims_models import Channel
from backend.slotpool.schedules_models import Schedule, SlotTime

MAX_SLOTS = 5_000
MAX_NUMBER = 9_999
MAX_FEE_FEN = 1_000_000
DAYS_AHEAD = 180
LONGEST_SESSION = timedelta(hours=24)

# What may go on after midnight.
_OVER_MIDNIGHT = frozenset({"night", "day"})
# The hours of the city's day (from, before) in which a session of the period may begin.
PERIOD_HOURS = {"am": (5, 13), "pm": (11, 19), "evening": (16, 24), "night": (0, 24), "day": (0, 24)}

Problem = dict[str, str | int | list[int]]


def problems_of(schedule: Schedule) -> list[Problem]:
    """Everything wrong with a schedule by itself; empty when it may be published."""
    return [
        *_fee_problems(schedule),
        *(_slot_problems(schedule.slots) or _session_problems(schedule)),
        *_reserved_problems(schedule),
    ]


def date_problems(on: date) -> list[Problem]:
    """Why a hospital may not publish for this date: it is over, or too far ahead."""
    today = clock.today()
    if on < today:
        return [{"field": "on", "problem": "past"}]
    if on > today + timedelta(days=DAYS_AHEAD):
        return [{"field": "on", "problem": "too_far_ahead"}]
    return []


def overlaps(schedule: Schedule, others: Iterable[Schedule]) -> list[Schedule]:
    """Sessions of the same practitioner that are on at the same time."""
    return [
        other
        for other in others
        if other.id != schedule.id
        and other.practitioner_id == schedule.practitioner_id
        and other.start_at < schedule.end_at
        and schedule.start_at < other.end_at
    ]


def invalid(problems: Sequence[Problem]) -> AppError:
    """The refusal that names every problem."""
    return AppError(ErrorCode.SCHEDULE_INVALID, data={"problems": list(problems)})


def lost_numbers(before: Schedule, after: Schedule, sold: Collection[int]) -> list[int]:
    """Sold numbers that the change would take away or move to another time, day, department or doctor."""
    if not sold:
        return []
    moved = (before.department_id, before.on, before.practitioner_id) != (
        after.department_id, after.on, after.practitioner_id,
    )  # fmt: skip
    if moved:
        return sorted(sold)
    return sorted(n for n in sold if n in before.by_number and after.by_number.get(n) != before.by_number[n])


def has_bookings(numbers: Sequence[int]) -> AppError:
    """The refusal that names the numbers people hold."""
    return AppError(ErrorCode.SCHEDULE_HAS_BOOKINGS, data={"numbers": list(numbers)})


def _fee_problems(schedule: Schedule) -> list[Problem]:
    return [] if 0 <= schedule.fee_fen <= MAX_FEE_FEN else [{"field": "fee_fen", "problem": "out_of_range"}]


def _slot_problems(slots: Sequence[SlotTime]) -> list[Problem]:
    if not 1 <= len(slots) <= MAX_SLOTS:
        return [{"field": "slots", "problem": "count_out_of_range", "most": MAX_SLOTS}]
    numbers = [slot.number for slot in slots]
    if not all(1 <= number <= MAX_NUMBER for number in numbers):
        return [{"field": "slots", "problem": "number_out_of_range"}]
    if len(set(numbers)) != len(numbers):
        return [{"field": "slots", "problem": "number_repeated", "numbers": _repeated(numbers)}]
    backwards = [slot.number for slot in slots if slot.end_at <= slot.start_at]
    if backwards:
        return [{"field": "slots", "problem": "end_before_start", "numbers": backwards}]
    return _order_problems(slots)


def _order_problems(slots: Sequence[SlotTime]) -> list[Problem]:
    """Numbers follow the clock; two places have the same time or times apart, never times that overlap."""
    wrong: list[int] = []
    crossing: list[int] = []
    for earlier, later in pairwise(slots):
        if later.number < earlier.number or later.start_at < earlier.start_at:
            wrong.append(later.number)
        elif later.start_at < earlier.end_at and _window(later) != _window(earlier):
            crossing.append(later.number)
    problems: list[Problem] = []
    if wrong:
        problems.append({"field": "slots", "problem": "out_of_order", "numbers": wrong})
    if crossing:
        problems.append({"field": "slots", "problem": "overlapping", "numbers": crossing})
    return problems


def _session_problems(schedule: Schedule) -> list[Problem]:
    problems: list[Problem] = []
    longer = schedule.end_at - schedule.start_at > LONGEST_SESSION
    other_day = [slot.number for slot in schedule.slots if clock.civil_date(slot.start_at) != schedule.on]
    if schedule.slots[0].number in other_day:
        problems.append({"field": "on", "problem": "not_the_day_of_the_first_slot"})
    elif other_day and schedule.period not in _OVER_MIDNIGHT and not longer:
        problems.append({"field": "slots", "problem": "on_another_day", "numbers": other_day})
    if longer:
        problems.append({"field": "slots", "problem": "longer_than_a_day"})
    first, before = PERIOD_HOURS[schedule.period]
    if not first <= schedule.start_at.astimezone(clock.CITY_ZONE).hour < before:
        problems.append({"field": "period", "problem": "not_the_period_of_the_first_slot"})
    return problems


def _reserved_problems(schedule: Schedule) -> list[Problem]:
    unknown = [channel for channel in schedule.reserved if channel not in set(Channel)]
    if unknown:
        return [{"field": "reserved", "problem": "unknown_channel", "channel": unknown[0]}]
    if any(count < 0 for count in schedule.reserved.values()):
        return [{"field": "reserved", "problem": "negative"}]
    if sum(schedule.reserved.values()) > len(schedule.slots):
        return [{"field": "reserved", "problem": "more_than_there_are"}]
    return []


def _window(slot: SlotTime) -> tuple[object, object]:
    return slot.start_at, slot.end_at


def _repeated(numbers: Sequence[int]) -> list[int]:
    return sorted(number for number, times in Counter(numbers).items() if times > 1)
