"""Counters as events have left them: some days of a city's figures, for the pages that show them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from backend.db.client import Database, Document
from backend.ids import new_id
from backend.statistics.models import NOWHERE, Fact, Measure
from backend.statistics.store import StatisticsStore

# (measure, channel, extra): how many a usual day has where the size is one; money and what else each.
USUAL: dict[tuple[Measure, str, str], tuple[float, int, int]] = {
    (Measure.BOOKED, "wechat", ""): (60, 0, 0),
    (Measure.BOOKED, "h5", ""): (22, 0, 0),
    (Measure.BOOKED, "window", ""): (18, 0, 0),
    (Measure.BOOKED, "kiosk", ""): (9, 0, 0),
    (Measure.BOOKED, "sms", ""): (6, 0, 0),
    (Measure.CANCELLED, "wechat", ""): (9, 0, 0),
    (Measure.VISIT_DUE, "", ""): (100, 0, 0),
    (Measure.ARRIVED, "", ""): (88, 0, 0),
    (Measure.MISSED, "", ""): (7, 0, 0),
    (Measure.PAID, "wechat_pay", ""): (70, 2_500, 0),
    (Measure.REFUNDED, "wechat_pay", ""): (8, 2_500, 0),
    (Measure.MESSAGE, "", ""): (150, 0, 0),
    (Measure.CODE_USED, "", ""): (120, 0, 0),
    (Measure.RECORD_ACCESS, "", "care"): (30, 0, 0),
    (Measure.RECORD_ACCESS, "", "consent"): (9, 0, 0),
    (Measure.REPORT_LOOKUP, "", "own"): (45, 0, 0),
    (Measure.RECOGNISED, "", ""): (12, 9_000, 0),
    (Measure.DUPLICATE_MEDICINE, "", ""): (8, 0, 0),
    (Measure.SURVEY_SENT, "", ""): (40, 0, 0),
    (Measure.SURVEY_COMPLETED, "", ""): (26, 0, 0),
    (Measure.SURVEY_SCORED, "", ""): (26, 0, 88),
    (Measure.SURVEY_SATISFIED, "", ""): (24, 0, 0),
    (Measure.REFERRAL_SENT, "", "up"): (9, 0, 0),
    (Measure.REFERRAL_SENT, "", "down"): (7, 0, 0),
    (Measure.REFERRAL_ACCEPTED, "", "up"): (8, 0, 42),
    (Measure.REFERRAL_ARRIVED, "", "up"): (7, 0, 0),
    (Measure.REFERRAL_ENDED, "", "up"): (8, 0, 0),
    (Measure.BIRTH_FILED, "", ""): (6, 0, 0),
    (Measure.BIRTH_COMPLETED, "", ""): (5, 0, 4),
}


async def make_figures(
    db: Database, sizes: Mapping[str, float], last: date, days: int, *, seed: int = 20261122
) -> None:
    """Figures of the `days` days up to `last` for institutions of these sizes."""
    dice = random.Random(seed)
    facts = []
    for back in range(days):
        on = last - timedelta(days=back)
        for place, size in sizes.items():
            for (measure, channel, extra), (usual, fen, amount) in USUAL.items():
                times = round(usual * size * dice.uniform(0.75, 1.25))
                facts.append(Fact(on, place, measure, channel, times * fen, extra, times, times * amount))
    await count(db, facts)
    levels = [
        Fact(last, place, measure, amount=amount)
        for place in sizes
        for measure, amount in ((Measure.CONNECTED, 1), (Measure.QUALITY_SCORE, dice.randint(840, 990)))
    ]
    await StatisticsStore(db).set_levels(last, levels)


async def count(db: Database, facts: Sequence[Fact]) -> None:
    """Counters of these facts, each once."""
    docs: list[Document] = [
        {
            "_id": new_id(),
            "on": fact.on.isoformat(),
            "organization_id": fact.organization_id or NOWHERE,
            "measure": fact.measure.value,
            "channel": fact.channel,
            "extra": fact.extra,
            "count": fact.count,
            "fen": fact.fen,
            "amount": fact.amount,
        }
        for fact in facts
        if fact.count
    ]
    await db.collection("statistics_days").insert_many(docs)
