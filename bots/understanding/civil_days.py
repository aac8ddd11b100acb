"""Arithmetic on the city's calendar: which date a number, a weekday or a month means, seen from today."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

# A month and day that has passed is next year's if that is not further away than this.
ROLL_OVER = timedelta(days=183)


class NoSuchDayError(ValueError):
    """31 November."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days first to last; `other` is a second reading of the same words."""

    first: date
    last: date
    other: date | None = None


def one(day: date, other: date | None = None) -> Span:
    """A span of one day."""
    return Span(day, day, other)


def shifted(today: date, days: int) -> Span:
    """So many days from today."""
    return one(today + timedelta(days=days))


def make_date(year: int, month: int, day: int) -> date:
    """The date, or NoSuchDayError."""
    try:
        return date(year, month, day)
    except ValueError as error:
        raise NoSuchDayError from error


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def month_and_day(today: date, month: int, day: int, *, looking_back: bool) -> Span:
    """11月25日 without a year: rolls over the turn of the year when that is the near reading."""
    this_year = make_date(today.year, month, day)
    if looking_back:
        return one(this_year if this_year <= today else make_date(today.year - 1, month, day))
    if this_year >= today:
        return one(this_year)
    next_year = make_date(today.year + 1, month, day)
    return one(next_year if next_year - today <= ROLL_OVER else this_year)


def day_of_month(today: date, day: int, *, looking_back: bool) -> Span:
    """25号 without a month: the coming one."""
    if looking_back and day > today.day:
        before = add_months(today.replace(day=1), -1)
        return one(make_date(before.year, before.month, day))
    if looking_back or day >= today.day:
        return one(make_date(today.year, today.month, day))
    after = add_months(today.replace(day=1), 1)
    return one(make_date(after.year, after.month, day))


def in_month(today: date, months: int, day: int) -> Span:
    """下个月5号."""
    month = add_months(today.replace(day=1), months)
    return one(make_date(month.year, month.month, day))


def weekday(today: date, day: int, weeks: int | None) -> Span:
    """Monday is 0. `weeks` None: the coming one, today included, which then may also be the next."""
    monday = today - timedelta(days=today.weekday())
    if weeks is not None:
        return one(monday + timedelta(days=7 * weeks + day))
    ahead = (day - today.weekday()) % 7
    coming = today + timedelta(days=ahead)
    return one(coming, coming + timedelta(days=7) if ahead == 0 else None)


def week(today: date, weeks: int) -> Span:
    """This week from today on, or a later week as a whole."""
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * weeks)
    return Span(today if weeks == 0 else monday, monday + timedelta(days=6))


def weekend(today: date, weeks: int) -> Span:
    """Saturday and Sunday; what is left of them when they have begun."""
    saturday = today + timedelta(days=5 - today.weekday() + 7 * weeks)
    return Span(max(saturday, today) if weeks == 0 else saturday, saturday + timedelta(days=1))


def whole_month(today: date, months: int) -> Span:
    """下个月; of this month, what is left."""
    first = add_months(today.replace(day=1), months)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return Span(max(first, today) if months == 0 else first, last)


def part_of_month(today: date, months: int, part: str) -> Span:
    """初: the first five days, 中: the 11th to the 20th, 底: the last five."""
    month = add_months(today.replace(day=1), months)
    length = monthrange(month.year, month.month)[1]
    first, last = {"初": (1, 5), "中": (11, 20), "底": (length - 4, length)}[part]
    begins = month.replace(day=first)
    ends = month.replace(day=last)
    return Span(max(begins, today) if begins <= today <= ends else begins, ends)
