"""Levels of a day: how much there is, asked of the areas that know, and kept by day."""

from __future__ import annotations

from backend import clock
from backend.statistics.models import Fact
from backend.statistics.ports import Above
from backend.statistics.store import StatisticsStore


class Gauges:
    """Writes today's levels; the last of a day stays."""

    def __init__(self, store: StatisticsStore, above: Above) -> None:
        self._store = store
        self._above = above

    async def run(self) -> int:
        """Periodic: returns how many levels the day has now."""
        today, facts = clock.today(), list[Fact]()
        for gauge in self._above.gauges.values():
            facts += await gauge()
        await self._store.set_levels(today, facts)
        return len(facts)
