"""Keeps the figures: adds up what has happened since, and reads them within the actor's hospitals."""

from __future__ import annotations

from dataclasses import replace

from backend.db.figures import FigureStore
from backend.errors import not_found
from backend.medication.figures import Report, of_check, report
from backend.medication.store import MedicationStore
from backend.permissions import Actor
from backend.statistics.counted import Adds, difference, merge, month_before, named

BATCH = 300
_LEVELS = ("organization", "kind", "rule")


class Counting:
    """Counts each check once, however often it changes."""

    def __init__(self, store: MedicationStore, figures: FigureStore) -> None:
        self._store = store
        self._figures = figures

    async def run(self, batches: int = 20) -> int:
        """Periodic: count what has happened; returns how many checks were counted."""
        done = 0
        for _ in range(batches):
            marks, adds = [], Adds()
            for doc in await self._figures.uncounted(BATCH):
                check = self._store.read(doc)
                now = of_check(check)
                merge(adds, difference(now, check.counted))
                marks.append(self._store.marked(replace(check, counted=named(now))))
            if not marks or not await self._figures.settle(marks, adds):
                break
            done += len(marks)
        return done

    async def read(self, actor: Actor, organization_id: str, months: int) -> Report:
        """The figures of the last months: of one hospital, or of all within the actor's. Small numbers of
        hospitals that are not the actor's own are not shown. Raises NOT_FOUND.
        """
        if organization_id and not actor.covers(organization_id):
            raise not_found("organization")
        within = [organization_id] if organization_id else actor.organization_ids
        scope = None if within is None else sorted(within)
        period = (month_before(months - 1), month_before(0))
        own = actor.organization_ids is not None
        rows = {level: await self._figures.read(level, period, scope) for level in _LEVELS}
        rows["practitioner"] = await self._figures.read("practitioner", period, scope) if own else []
        return report(rows, hide=not own)
