"""A month of data quality of the demo's hospitals: what they sent, and which rules it broke."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

from backend import clock
from backend.bootstrap import City
from backend.directory.models import Organization
from backend.exchange.quality.models import WEIGHTS, Count, Day
from backend.exchange.quality.reading import given_rules
from backend.exchange.quality.store import QualityStore
from backend.statistics.models import Fact, Measure
from backend.statistics.store import StatisticsStore

DAYS = 30
# Rules, and how many of a hundred resources break each at a hospital that takes care.
_BROKEN = {
    "PAT-001": 0.0, "PAT-006": 0.2, "PAT-017": 1.5, "PAT-018": 4.0, "PAT-025": 9.0, "ENC-001": 0.0,
    "ENC-006": 2.0, "REP-008": 0.6, "REP-023": 1.2, "OBS-005": 11.0, "OBS-014": 3.0,
}  # fmt: skip


async def seed_quality(city: City, organizations: Sequence[Organization]) -> int:
    """Returns how many days of hospitals are new: none, where yesterday has figures."""
    store, levels, today = QualityStore(city.db), StatisticsStore(city.db), clock.today()
    yesterday = today - timedelta(days=1)
    if await store.days(None, yesterday, yesterday):
        return 0
    found: dict[tuple[str, date], list[Count]] = {}
    for size, place in enumerate(organizations, start=1):
        dice = random.Random(f"quality of {place.id}")
        for back in range(1, DAYS + 1):
            found[place.id, today - timedelta(days=back)] = _counts(dice, size, back)
    days = [_day(place, on, counts) for (place, on), counts in found.items()]
    await store.add(days, found)
    for back in range(1, DAYS + 1):
        on = today - timedelta(days=back)
        await levels.set_levels(on, [fact for day in days if day.on == on for fact in _levels(day)])
    return len(days)


def _counts(dice: random.Random, size: int, back: int) -> list[Count]:
    """Smaller hospitals send less and break more; each gets better by the week."""
    sent = round(900 / size * dice.uniform(0.8, 1.2))
    care = (0.8 + size / 4) * (1 + back / 60)
    return [
        Count(rule, sent, round(sent * share * care * dice.uniform(0.7, 1.3) / 100))
        for rule, share in _BROKEN.items()
    ]


def _day(place: str, on: date, counts: Sequence[Count]) -> Day:
    rules = given_rules()
    weights = {count.rule_id: WEIGHTS[rules[count.rule_id].severity] for count in counts}
    checked = sum(weights[count.rule_id] * count.checked for count in counts)
    failed = sum(weights[count.rule_id] * count.failed for count in counts)
    return Day(place, on, counts[0].checked, checked, failed)


def _levels(day: Day) -> tuple[Fact, Fact]:
    score = round(1000 * (1 - day.failed / day.checked))
    return (
        Fact(day.on, day.organization_id, Measure.CONNECTED, amount=1),
        Fact(day.on, day.organization_id, Measure.QUALITY_SCORE, amount=score),
    )
