"""The past of a city that had data before these figures: counted anew once, while the city works."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from backend import clock
from backend.statistics.models import Measure
from backend.statistics.ports import Above
from backend.statistics.raw_store import RawStore
from backend.statistics.recount import Recount
from backend.statistics.store import StatisticsStore

log = logging.getLogger(__name__)

# What was not counted before: what its days have is made to be what the documents say.
FILLED = frozenset({Measure.VISIT_DUE, Measure.ARRIVED, Measure.MISSED})
# So long after its end a day is taken to be told: events are a matter of seconds.
GRACE = timedelta(hours=1)
SUBSCRIBER = "statistics.on_event"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: days done of all."""

    done: int
    total: int
    finished: bool


class Backfill:
    """Goes from the first day to the last for which somebody had booked when it began.

    A day of the past with its month at a time; later days each when it is over, for what was booked by the
    version before is in no counter of the day that it is for. Each step may be done twice.
    """

    def __init__(self, store: StatisticsStore, raw: RawStore, recount: Recount, above: Above) -> None:
        self._store = store
        self._raw = raw
        self._recount = recount
        self._above = above

    async def run(self, steps: int = 3) -> int:
        """Periodic: some steps of it; returns how many days were done."""
        done = 0
        for _ in range(steps):
            days = await self.step()
            done += days
            if not days:
                break
        if done:
            progress = await self.progress()
            log.info("statistics_backfill", extra={"days": progress.done, "of": progress.total})
        return done

    async def progress(self) -> Progress:
        """How far it is."""
        first_on, next_on, last_on = await self._place()
        total = (last_on - first_on).days + 1
        return Progress(min((next_on - first_on).days, total), total, next_on > last_on)

    async def step(self) -> int:
        """A month of the past or a day; returns how many days, none when there is nothing to do now."""
        first_on, next_on, last_on = await self._place()
        if next_on == first_on:
            for count_again in self._above.again:
                await count_again()
        today = clock.today()
        if next_on >= today:
            await self._store.months_ready()
        if next_on > last_on:
            return 0
        to_on = _step_end(next_on, last_on, today)
        end = clock.city_instant(to_on + timedelta(days=1), 0)
        if clock.now() < end + GRACE or not await self._raw.is_settled(SUBSCRIBER, end):
            return 0
        found = await self._recount.adds(next_on, to_on, FILLED)
        days = (to_on - next_on).days + 1
        for on in (next_on + timedelta(days=n) for n in range(days)):
            own = {place: added for place, added in found.items() if place[0] == on.isoformat()}
            await self._store.mend_day(on, FILLED, own)
        await self._store.rebuild_month(f"{to_on:%Y-%m}")
        await self._store.advance_backfill(to_on + timedelta(days=1))
        return days

    async def _place(self) -> tuple[date, date, date]:
        """Where it began, where it goes on, and where it ends; all decided when it begins."""
        place = await self._store.backfill()
        if place is None:
            counted, booked = await self._store.span(), await self._raw.span()
            today = clock.today()
            known = [day for span in (counted, booked) if span for day in span]
            first_on, last_on = min([*known, today]), max([*known, today])
            place = await self._store.begin_backfill(first_on, last_on)
        return place


def _step_end(next_on: date, last_on: date, today: date) -> date:
    """The end of the step: of the month where that is over, else the day itself."""
    following = (next_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    month_end = following - timedelta(days=1)
    return min(month_end, last_on) if month_end < today else next_on
