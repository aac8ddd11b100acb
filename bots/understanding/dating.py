"""Puts the days and hours of a sentence together, and refuses those that are over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from bots.understanding.days import DayFound, find_days
from bots.understanding.hours import HalfFound, TimesFound, find_half_days, find_times
from bots.understanding.negation import is_ruled_out
from bots.understanding.values import Ambiguity, Days, HalfDay, Problem, Slot, Times

# The one clock of the city; China has a single time zone without summer time.
CITY_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")

_ENDS = {
    HalfDay.MORNING: time(12),
    HalfDay.NOON: time(14),
    HalfDay.AFTERNOON: time(18),
    HalfDay.EVENING: time(23),
}
_BOUND = re.compile("(?P<before>以前|之前)|以后|之后|往后|开始|起(?!来)")
# 周五的号改一下: that is the day it was on.
_GIVEN_UP = re.compile("(?:上午|下午|早上|晚上)?的?(?:那个|这个)?(?:号|预约)(?!.*(?:吗|有没有)$)|(?:约|挂)的")
_JOINED = re.compile(" ?|[和跟]|或者?是?|要么|还是|不然就?|(?:没有)?就")
_RANGE = re.compile(r"^(?:到|至|-|~| )+$")


@dataclass(frozen=True, slots=True)
class When:
    """What a sentence says about time."""

    days: Days | None = None
    moved_from: Days | None = None
    half_day: HalfDay | None = None
    times: Times | None = None
    ambiguities: tuple[Ambiguity, ...] = ()
    problems: tuple[Problem, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


def find_when(
    text: str, now: datetime, *, looking_back: bool = False, moving: bool = False, giving_up: bool = False
) -> When:
    """`looking_back`: past days are meant. `moving`: the last day is wished for, the one before given up.

    `giving_up`: an appointment is cancelled or moved, and the day it was on may be named.
    """
    here = now.astimezone(CITY_ZONE)
    all_days = find_days(text, here.date(), looking_back=looking_back)
    all_halves = find_half_days(text)
    days = [day for day in all_days if not is_ruled_out(text, day.start, day.end, giving_up=giving_up)]
    halves = [
        half for half in all_halves if not is_ruled_out(text, half.start, half.end, giving_up=giving_up)
    ]
    half, several = _one_half(halves)
    blank = _without_dates(text, all_days)
    times = find_times(blank, half)
    when = _days(text, days, here.date(), moving=moving)
    problems = list(when.problems)
    if len(days) + len(halves) < len(all_days) + len(all_halves):
        problems.append(Problem.RULED_OUT)
    if any(found.times is None for found in times):
        problems.append(Problem.NO_SUCH_TIME)
    chosen = next((found.times for found in reversed(times) if found.times is not None), None)
    if when.days is not None and not looking_back and _is_over(when.days, half, chosen, here):
        problems.append(Problem.PAST)
    return When(
        None if Problem.PAST in problems else when.days, when.moved_from, half, chosen,
        (*when.ambiguities, *several), tuple(problems), _spans(all_days, all_halves, times),
    )  # fmt: skip


def _spans(*found: list[DayFound] | list[HalfFound] | list[TimesFound]) -> tuple[tuple[int, int], ...]:
    return tuple((part.start, part.end) for parts in found for part in parts)


def _without_dates(text: str, days: list[DayFound]) -> str:
    for day in days:
        text = text[: day.start] + " " * (day.end - day.start) + text[day.end :]
    return text


def _one_half(halves: list[HalfFound]) -> tuple[HalfDay | None, list[Ambiguity]]:
    said = list(dict.fromkeys(found.half for found in halves))
    if len(said) > 1:
        return None, [Ambiguity(Slot.HALF_DAY, "", tuple(said))]
    return (said[0] if said else None), []


def _days(text: str, found: list[DayFound], today: date, *, moving: bool) -> When:
    problems = (Problem.NO_SUCH_DAY,) if any(day.span is None for day in found) else ()
    named = [_value(day) for day in found if day.span is not None]
    if len(found) == len(named) == 1 and (bound := _BOUND.match(text, found[0].end)):
        return When(_bounded(named[0], bound, today), problems=problems)
    if not named:
        return When(problems=problems)
    if moving and len(named) == 1 and _GIVEN_UP.match(text, found[0].end):
        return When(moved_from=named[0], problems=problems)
    if len(named) == 1:
        return When(named[0], ambiguities=tuple(_second_reading(found)), problems=problems)
    if len({(days.first, days.last) for days in named}) == 1:
        return When(named[0], problems=problems)
    if _together(text, found, named):
        return When(Days(named[0].first, named[1].last, text[found[0].start : found[1].end]))
    if moving:
        return When(named[-1], named[0], problems=problems)
    if len(found) == 2 and _RANGE.match(text[found[0].end : found[1].start]):
        return _range(text, found, named, problems)
    readings = tuple(dict.fromkeys(str(days.first) for days in named))
    texts = " ".join(days.text for days in named)
    return When(ambiguities=(Ambiguity(Slot.DAYS, texts, readings),), problems=problems)


def _bounded(days: Days, bound: re.Match[str], today: date) -> Days:
    """周三以前 is from today to that day, 周三以后 the week from that day on."""
    text = days.text + bound[0]
    if bound["before"]:
        return Days(min(today, days.first), days.last, text)
    return Days(days.first, days.last + timedelta(days=6), text)


def _together(text: str, found: list[DayFound], named: list[Days]) -> bool:
    """周六周日, said in one breath; 明天或者后天, whichever has a place."""
    if len(found) != 2 or len(named) != 2 or not _JOINED.fullmatch(text[found[0].end : found[1].start]):
        return False
    return named[1].first - named[0].last == timedelta(days=1)


def _range(text: str, found: list[DayFound], named: list[Days], problems: tuple[Problem, ...]) -> When:
    first, last = named[0].first, named[1].last
    if last < first and last + timedelta(days=7) >= first:
        last += timedelta(days=7)
    if last < first:
        return When(problems=(*problems, Problem.NO_SUCH_DAY))
    return When(Days(first, last, text[found[0].start : found[1].end]), problems=problems)


def _value(found: DayFound) -> Days:
    span = found.span
    first, last = (span.first, span.last) if span else (date.min, date.min)
    return Days(first, last, found.text)


def _second_reading(found: list[DayFound]) -> list[Ambiguity]:
    return [
        Ambiguity(Slot.DAYS, day.text, (str(day.span.first), str(day.span.other)))
        for day in found
        if day.span is not None and day.span.other is not None
    ]


def _is_over(days: Days, half: HalfDay | None, times: Times | None, here: datetime) -> bool:
    if days.last != here.date():
        return days.last < here.date()
    last = times.end if times is not None and times.end is not None else None
    if half is not None:
        last = _ENDS[half] if last is None else min(last, _ENDS[half])
    return last is not None and last < here.time()
