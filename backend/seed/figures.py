"""A year of the demo city as figures alone: board, wall and targets have something to show."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from backend import clock
from backend.bootstrap import City
from backend.directory.models import Organization
from backend.permissions import SYSTEM
from backend.statistics.models import Fact, Measure

DAYS = 60
_MONTHS = 12
SATURDAY = 5
# At a weekend there is less to do.
_WEEKDAYS_A_DAY = (5 + 2 * 0.45) / 7
# Measure, channel, extra: how many the greatest hospital has on a weekday, and how much money each.
_USUAL: tuple[tuple[Measure, str, str, int, int], ...] = (
    (Measure.BOOKED, "wechat", "", 1_050, 0),
    (Measure.BOOKED, "h5", "", 400, 0),
    (Measure.BOOKED, "window", "", 300, 0),
    (Measure.BOOKED, "kiosk", "", 175, 0),
    (Measure.BOOKED, "sms", "", 130, 0),
    (Measure.CANCELLED, "wechat", "", 140, 0),
    (Measure.VISIT_DUE, "", "", 1_850, 0),
    (Measure.ARRIVED, "", "", 1_650, 0),
    (Measure.MISSED, "", "", 150, 0),
    (Measure.PAID, "wechat_pay", "", 1_300, 1_800),
    (Measure.REFUNDED, "wechat_pay", "", 120, 1_800),
    (Measure.CODE_USED, "", "", 2_600, 0),
    (Measure.MESSAGE, "", "", 3_200, 0),
    (Measure.REPORT_LOOKUP, "", "own", 750, 0),
    (Measure.RECORD_ACCESS, "", "care", 450, 0),
)
# What the first hospitals are to reach this month.
_TARGETS = (("bookings", 45_000.0), ("show_rate", 85.0), ("cancellations", 2_500.0))


async def seed_figures(city: City, organizations: Sequence[Organization]) -> int:
    """Bring in what nobody has documents of, once; and targets beside it. Returns how many days are new."""
    statistics = city.services.statistics
    # Counting the past anew ends where it begins: with what is made up here there is nothing to compare.
    await statistics.backfill.progress()
    today = clock.today()
    if not await statistics.bring_in("seed", list(_facts(organizations, today))):
        return 0
    for place in organizations[:3]:
        for figure, value in _TARGETS:
            await statistics.kpi.set_target(SYSTEM, place.id, f"{today:%Y-%m}", figure, value)
    return DAYS


def _facts(organizations: Sequence[Organization], today: date) -> Iterator[Fact]:
    dice = random.Random(370700)
    for size, place in enumerate(organizations, start=1):
        for on, days in _times(today):
            # A few more each week.
            busy = days * (1 - (today - on).days / 900) / size
            for measure, channel, extra, usual, fen in _USUAL:
                count = round(usual * busy * dice.uniform(0.9, 1.1))
                if count:
                    yield Fact(on, place.id, measure, channel, count * fen, extra, count)


def _times(today: date) -> Iterator[tuple[date, float]]:
    """Two months by day, and a year before them by month: a day, and for how many weekdays it stands."""
    for back in range(1, DAYS + 1):
        on = today - timedelta(days=back)
        yield on, 0.45 if on.weekday() >= SATURDAY else 1.0
    first = today - timedelta(days=DAYS)
    if first.day > 1:
        yield first.replace(day=1), (first.day - 1) * _WEEKDAYS_A_DAY
    for _ in range(_MONTHS):
        first = first.replace(day=1) - timedelta(days=1)
        yield first.replace(day=15), first.day * _WEEKDAYS_A_DAY
