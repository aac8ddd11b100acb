"""Counting events, and answering the dashboard's questions within the asker's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from backend import clock
from backend.permissions import Actor
from backend.statistics.backfill import Backfill
from backend.statistics.board import BoardReading
from backend.statistics.board_models import Board, BoardQuery
from backend.statistics.facts import APPOINTMENT_KINDS, ORDER_KINDS, Facts
from backend.statistics.follower import AuditFollower
from backend.statistics.gauges import Gauges
from backend.statistics.kpi import KPIService
from backend.statistics.models import (
    NOWHERE,
    DayFigures,
    Fact,
    Measure,
    OrganizationFigures,
    Overview,
    Row,
    Total,
)
from backend.statistics.open_data import OpenData
from backend.statistics.ports import Above
from backend.statistics.recount import Recount
from backend.statistics.store import StatisticsStore
from backend.statistics.subjects import Subjects
from backend.worker.events import Event, EventKind

OVERVIEW_DAYS = 14
# What `bootstrap` subscribes `on_event` to.
COUNTED_KINDS = (*APPOINTMENT_KINDS, *ORDER_KINDS, EventKind.MESSAGE_DUE, EventKind.CODE_USED)


@dataclass(frozen=True)
class Parts:
    """What counts beside events, and what the areas above tell."""

    above: Above
    subjects: Subjects
    follower: AuditFollower
    gauges: Gauges
    recount: Recount
    backfill: Backfill
    open_data: OpenData
    kpi: KPIService


class StatisticsService:
    """Counters fed by events. It looks up what an event's ids mean, for events carry nothing else."""

    def __init__(self, store: StatisticsStore, facts: Facts, board: BoardReading, parts: Parts) -> None:
        self._store = store
        self._facts = facts
        self._board = board
        self.above = parts.above
        self.subjects = parts.subjects
        self.follower = parts.follower
        self.gauges = parts.gauges
        self.recount = parts.recount
        self.backfill = parts.backfill
        self.open_data = parts.open_data
        self.kpi = parts.kpi

    async def on_event(self, event: Event) -> None:
        """Count an event; the same one again changes nothing."""
        keyed = await self._facts.of(event)
        # Side by side: they share a transaction, also with other events of this moment.
        await asyncio.gather(*(self._store.count(key, facts) for key, facts in keyed))

    async def bring_in(self, key: str, facts: Sequence[Fact]) -> bool:
        """Count what is known as figures alone, once for a key; False when that was done.

        There are no documents behind it: a recount of its days names it as too much.
        """
        return await self._store.count(key, facts)

    async def board(self, actor: Actor, query: BoardQuery) -> Board:
        """The board within the actor's scope; small numbers only for the institution's own people.

        Raises NOT_FOUND for a place outside the scope, BAD_REQUEST for a wrong period or an unknown figure.
        """
        return await self._board.read(actor, query)

    async def overview(self, actor: Actor, days: int = OVERVIEW_DAYS) -> Overview:
        """The dashboard's figures for the last `days` days, within the actor's scope."""
        today = clock.today()
        first = today - timedelta(days=days - 1)
        scope = actor.organization_ids
        by_day = await self._store.totals(first, today, ("on", "channel"), scope)
        by_place = await self._store.totals(first, today, ("organization_id",), scope)
        dates = [first + timedelta(days=n) for n in range(days)]
        return Overview(
            days=tuple(DayFigures(on, _sums(r for r in by_day if r.on == on.isoformat())) for on in dates),
            booked_by_channel=_by_channel(by_day),
            booked_by_channel_today=_by_channel(r for r in by_day if r.on == today.isoformat()),
            organizations=_organizations(by_place),
        )


def _sums(rows: Iterable[Row]) -> dict[Measure, Total]:
    sums: dict[Measure, Total] = {}
    for row in rows:
        sums[row.measure] = sums.get(row.measure, Total()) + row.total
    return sums


def _by_channel(rows: Iterable[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        if row.measure is Measure.BOOKED:
            counts[row.channel] = counts.get(row.channel, 0) + row.total.count
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _organizations(rows: Iterable[Row]) -> tuple[OrganizationFigures, ...]:
    """Institutions with the most bookings first."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        if row.organization_id != NOWHERE:
            grouped.setdefault(row.organization_id, []).append(row)
    figures = [OrganizationFigures(place, _sums(mine)) for place, mine in grouped.items()]
    return tuple(sorted(figures, key=lambda f: (-f.of(Measure.BOOKED).count, f.organization_id)))
