"""Two months of the demo city as figures alone: board, wall and targets have something to show."""

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
# Measure, channel, extra: how many the greatest hospital has on a weekday, and how much money each.
_USUAL: tuple[tuple[Measure, str, str, int, int], ...] = (
    (Measure.BOOKED, "wechat", "", 210, 0),
    (Measure.BOOKED, "h5", "", 80, 0),
    (Measure.BOOKED, "window", "", 60, 0),
    (Measure.BOOKED, "kiosk", "", 35, 0),
    (Measure.BOOKED, "sms", "", 24, 0),
    (Measure.CANCELLED, "wechat", "", 28, 0),
    (Measure.VISIT_DUE, "", "", 370, 0),
    (Measure.ARRIVED, "", "", 330, 0),
    (Measure.PAID, "wechat_pay", "", 260, 1_800),
    (Measure.REFUNDED, "wechat_pay", "", 24, 1_800),
    (Measure.CODE_USED, "", "", 520, 0),
    (Measure.MESSAGE, "", "", 640, 0),
    (Measure.REPORT_LOOKUP, "", "own", 150, 0),
    (Measure.RECORD_ACCESS, "", "care", 90, 0),
)
# What the first hospitals are to reach this month.
_TARGETS = (("bookings", 9_000.0), ("show_rate", 85.0), ("cancellations", 500.0))


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
        for back in range(1, DAYS + 1):
            on = today - timedelta(days=back)
            # Fewer come at the weekend, and a few more each week.
            busy = (0.45 if on.weekday() >= 5 else 1.0) * (1 - back / 400) / size
            for measure, channel, extra, usual, fen in _USUAL:
                count = round(usual * busy * dice.uniform(0.9, 1.1))
                if count:
                    yield Fact(on, place.id, measure, channel, count * fen, extra, count)
