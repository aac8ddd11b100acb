"""What changes after it was counted, told by several events at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.db.client import Database
from backend.statistics.models import Measure
from backend.statistics.ports import Above
from backend.statistics.raw_store import RawReferral
from backend.statistics.store import StatisticsStore
from backend.statistics.subjects import Subjects
from backend.worker.events import Event, EventKind

NOW = clock.now()
SENT = RawReferral("up", "sent", "FROM", "TO", NOW - timedelta(minutes=30), None, None, None)


async def test_who_read_a_referral_before_it_changed_does_not_undo_the_change(db: Database) -> None:
    store, above = StatisticsStore(db), Above()
    subjects, there = Subjects(store, above), SENT
    event = Event(EventKind.REFERRAL_CHANGED, {"referral_id": "R"})
    later: list[asyncio.Task[None]] = []

    async def find(_id: str) -> RawReferral:
        nonlocal there
        seen = there
        if not later:
            # Between reading and counting it is taken, and another process counts that.
            there = replace(SENT, state="accepted", accepted_at=NOW)
            later.append(asyncio.create_task(subjects.on_referral(event)))
            await asyncio.wait(later, timeout=1)
        return seen

    above.referral = find
    await subjects.on_referral(event)
    await later[0]
    today = clock.civil_date(NOW)
    rows = await store.totals(today - timedelta(days=1), today, (), None)
    counted = {row.measure: row.total.count for row in rows}
    assert counted == {Measure.REFERRAL_SENT: 1, Measure.REFERRAL_ACCEPTED: 1}
