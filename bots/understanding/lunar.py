"""The farmers' calendar, which the old live by: which date 初八, 腊月二十 or 农历十五 is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from bots.understanding.civil_days import NoSuchDayError

_FIRST_NEW_YEAR = date(2024, 2, 10)
# One number for each year from 2024 to 2049, as almanacs print them: the last four bits name the month that
# comes twice, if any; the twelve before them say which months have 30 days; a fifth digit, that the repeated
# one has.
_YEARS = bytes.fromhex(
    "004b60 00a6e6 00a4e0 00d260 00ea65 00d530 005aa0 0076a3 0096d0 004afb 004ad0 00a4d0 01d0b6 00d250 00d520"
    "00dd45 00b5a0 0056d0 0055b2 0049b0 00a577 00a4b0 00aa50 01b255 006d20 00ada0"
)


@dataclass(frozen=True, slots=True)
class _Month:
    first: date
    number: int
    length: int
    repeated: bool


def lunar_day(today: date, day: int, month: int | None = None, *, looking_back: bool = False) -> date:
    """The coming one (the last one, `looking_back`), of any month or of that month; today counts."""
    months = _months()
    at = bisect_left(months, today, key=lambda known: known.first)
    near = months[:at][::-1] if looking_back else months[max(at - 1, 0) :]
    if not 1 <= day <= 30 or not months[0].first <= today <= months[-1].first:
        raise NoSuchDayError
    for known in near:
        on = known.first + timedelta(days=day - 1)
        asked = month is None or (known.number == month and not known.repeated)
        if asked and day <= known.length and (on <= today if looking_back else on >= today):
            return on
    raise NoSuchDayError


@cache
def _months() -> tuple[_Month, ...]:
    return tuple(_counted())


def _counted() -> Iterator[_Month]:
    first = _FIRST_NEW_YEAR
    for at in range(0, len(_YEARS), 3):
        year = int.from_bytes(_YEARS[at : at + 3])
        for number in range(1, 13):
            lengths = [30 if year & (0x10000 >> number) else 29]
            if number == year & 0xF:
                lengths.append(30 if year & 0x10000 else 29)
            for repeated, length in enumerate(lengths):
                yield _Month(first, number, length, bool(repeated))
                first += timedelta(days=length)
