"""Days that people name by what is celebrated, and the first day that is worked after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from bots.understanding.civil_days import month_and_day
from bots.understanding.lunar import lunar_day

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Feast:
    """What it is called, which day it is seen from today, and how many days are free from it on."""

    words: str
    on: Callable[[date, bool], date]
    free_days: int


def working_day_after(day: date) -> date:
    """The next Monday to Friday; weekends worked in exchange are known a year ahead at most, and not here."""
    after = day + timedelta(days=1)
    while after.weekday() >= _SATURDAY:
        after += timedelta(days=1)
    return after


def _civil(month: int, day: int) -> Callable[[date, bool], date]:
    """The coming one, however far off: nobody books for a holiday that is over."""

    def on(today: date, looking_back: bool) -> date:
        if looking_back:
            return month_and_day(today, month, day, looking_back=True).first
        return date(today.year + ((month, day) < (today.month, today.day)), month, day)

    return on


def _lunar(month: int, day: int) -> Callable[[date, bool], date]:
    return lambda today, looking_back: lunar_day(today, day, month, looking_back=looking_back)


def _eve(today: date, looking_back: bool) -> date:
    """The last day of the farmers' year, which has 29 days in its last month or 30."""
    day = timedelta(days=1)
    return lunar_day(today + day, 1, 1, looking_back=looking_back) - day


def _term(month: int, constant: float) -> Callable[[date, bool], date]:
    """A day of the sun's course, by the customary formula for this century."""

    def in_year(year: int) -> date:
        years = year % 100
        return date(year, month, int(years * 0.2422 + constant) - years // 4)

    def on(today: date, looking_back: bool) -> date:
        this_year = in_year(today.year)
        if looking_back:
            return this_year if this_year <= today else in_year(today.year - 1)
        return this_year if this_year >= today else in_year(today.year + 1)

    return on


FEASTS = (
    Feast("元旦", _civil(1, 1), 3),
    Feast("国庆节?|十一(?=长假|假期)", _civil(10, 1), 7),
    Feast("五一(?:节|劳动节)?(?!路|广场|街)|劳动节", _civil(5, 1), 5),
    Feast("除夕|大年三十|年三十", _eve, 8),
    Feast("春节|大年初一|过年(?=后|以后|之后)|(?<![半一两三几\\d])年(?=后第)", _lunar(1, 1), 7),
    Feast("元宵节?|正月十五", _lunar(1, 15), 1),
    Feast("端午节?", _lunar(5, 5), 3),
    Feast("中秋节?|八月半", _lunar(8, 15), 3),
    Feast("重阳节?", _lunar(9, 9), 1),
    Feast("腊八节?", _lunar(12, 8), 1),
    Feast("清明节?", _term(4, 4.81), 3),
    Feast("冬至", _term(12, 21.94), 1),
)
