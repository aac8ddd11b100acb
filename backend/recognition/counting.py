"""Keeps the figures: adds up what has happened since, and reads them within the actor's hospitals."""

from __future__ import annotations

from dataclasses import replace

from backend.db.figures import FigureStore
from backend.errors import not_found
from backend.permissions import Actor
from backend.recognition.figures import Report, of_check, of_repeat, report
from backend.recognition.store import RecognitionStore
from backend.statistics.counted import Adds, difference, merge, month_before, named

BATCH = 300


class Counting:
    """Counts each check and each repeated order once, however often it changes."""

    def __init__(self, store: RecognitionStore, checks: FigureStore, repeats: FigureStore) -> None:
        self._store = store
        self._checks = checks
        self._repeats = repeats

    async def run(self, batches: int = 20) -> int:
        """Periodic: count what has happened; returns how many documents were counted."""
        done = 0
        for _ in range(batches):
            counted = await self._count_checks() + await self._count_repeats()
            done += counted
            if not counted:
                break
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
        return report(
            await self._checks.read("organization", period, scope),
            await self._checks.read("item", period, scope),
            await self._checks.read("practitioner", period, scope) if own else [],
            hide=not own,
        )

    async def _count_checks(self) -> int:
        marks, adds = [], Adds()
        for doc in await self._checks.uncounted(BATCH):
            check = self._store.read_check(doc)
            now = of_check(check)
            merge(adds, difference(now, check.counted))
            marks.append(self._store.marked_check(replace(check, counted=named(now))))
        settled = bool(marks) and await self._checks.settle(marks, adds)
        return len(marks) if settled else 0

    async def _count_repeats(self) -> int:
        marks, adds = [], Adds()
        for doc in await self._repeats.uncounted(BATCH):
            repeat = self._store.read_repeat(doc)
            now = of_repeat(repeat)
            merge(adds, difference(now, repeat.counted))
            marks.append(self._store.marked_repeat(replace(repeat, counted=named(now))))
        settled = bool(marks) and await self._repeats.settle(marks, adds)
        return len(marks) if settled else 0
