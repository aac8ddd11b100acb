"""The board's periods: what is shown when nobody chose, the period before, and the usual choices. Pure."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from backend.statistics.board_models import By

DAYS = 30
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Span:
    """From a day to a day, both within, by days or by months."""

    from_on: date
    to_on: date
    by: By

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.to_on - self.from_on).days + 1


def chosen(from_on: date | None, to_on: date | None, by: By | None, today: date) -> Span:
    """The period asked for; what was left out is filled in: thirty days, or twelve months."""
    last = to_on or max(today, from_on or today)
    if by is By.MONTH:
        # Months are shown whole; the one that still runs, up to today.
        whole = today if first_of(last) == first_of(today) else last_of(last)
        return Span(first_of(from_on) if from_on else months_before(first_of(last), MONTHS - 1), whole, by)
    first = from_on or last - timedelta(days=DAYS - 1)
    return Span(first, last, by or By.DAY)


def before(span: Span) -> Span:
    """What a period is compared with: months with as many months, else as many days before.

    Of a month that still runs, the month it is compared with goes as far.
    """
    whole = span.to_on == last_of(span.to_on)
    if span.from_on.day == 1 and (whole or span.by is By.MONTH):
        count = (span.to_on.year - span.from_on.year) * 12 + span.to_on.month - span.from_on.month + 1
        last = last_of(months_before(first_of(span.to_on), count))
        last = last if whole else last.replace(day=min(last.day, span.to_on.day))
        return Span(months_before(span.from_on, count), last, span.by)
    last = span.from_on - timedelta(days=1)
    return Span(last - timedelta(days=span.days - 1), last, span.by)


def usual(today: date) -> list[tuple[str, Span]]:
    """What most people want to see, with its name."""
    month, last_month = first_of(today), months_before(first_of(today), 1)
    return [
        ("近 7 天", Span(today - timedelta(days=6), today, By.DAY)),
        ("近 30 天", Span(today - timedelta(days=DAYS - 1), today, By.DAY)),
        ("本月", Span(month, today, By.DAY)),
        ("上月", Span(last_month, last_of(last_month), By.DAY)),
        ("近 12 个月", Span(months_before(month, MONTHS - 1), today, By.MONTH)),
        ("今年", Span(date(today.year, 1, 1), today, By.MONTH)),
    ]


def first_of(on: date) -> date:
    """The first day of its month."""
    return on.replace(day=1)


def last_of(on: date) -> date:
    """The last day of its month."""
    return on.replace(day=monthrange(on.year, on.month)[1])


def months_before(first: date, months: int) -> date:
    """The first day of the month so many months before."""
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
