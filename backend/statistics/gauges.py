"""Levels of a day: how much there is, asked of the areas that know, and kept by day."""

from __future__ import annotations

from datetime import timedelta

from backend import clock
from backend.statistics.models import NOTHING_IS_NONE, Fact
from backend.statistics.ports import Above
from backend.statistics.store import StatisticsStore

# What nobody has measured for so long is not gone: it is forgotten.
REMEMBERED = timedelta(days=31)


class Gauges:
    """Writes today's levels; the last of a day stays.

    Where there was some and is none any more, none is written: else what was there last would seem to go on.
    """

    def __init__(self, store: StatisticsStore, above: Above) -> None:
        self._store = store
        self._above = above

    async def run(self) -> int:
        """Periodic: returns how many levels the day has now."""
        today, facts = clock.today(), list[Fact]()
        for gauge in self._above.gauges.values():
            facts += await gauge()
        there = {(fact.measure, fact.organization_id) for fact in facts}
        for row in await self._store.levels(today - REMEMBERED, today, ("organization_id",), None):
            if row.measure in NOTHING_IS_NONE and (row.measure, row.organization_id) not in there:
                facts.append(Fact(today, row.organization_id, row.measure))
        await self._store.set_levels(today, facts)
        return len(facts)
