"""Counting events, and answering the dashboard's questions within the asker's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.permissions import Actor
from backend.statistics.backfill import Backfill
from backend.statistics.board import BoardReading
from backend.statistics.board_models import Board, BoardQuery, By
from backend.statistics.facts import APPOINTMENT_KINDS, ORDER_KINDS, Facts
from backend.statistics.follower import AuditFollower
from backend.statistics.gauges import Gauges
from backend.statistics.kpi import KPIService
from backend.statistics.models import Fact
from backend.statistics.open_data import OpenData
from backend.statistics.ports import Above
from backend.statistics.recount import Recount
from backend.statistics.store import StatisticsStore
from backend.statistics.subjects import Subjects
from backend.worker.events import Event, EventKind

OVERVIEW_DAYS = 14
OVERVIEW_FIGURES = (
    "bookings",
    "cancellations",
    "stopped",
    "paid_count",
    "paid_fen",
    "refunded_count",
    "refunded_fen",
    "codes_used",
    "messages",
)
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


@dataclass(frozen=True, slots=True)
class Overview:
    """What the dashboard shows: the last days, and the institutions over all of them."""

    by_day: Board
    by_place: Board


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
        """The dashboard's figures of the last days, today the last, shown by the same rule as the board's."""
        today = clock.today()
        query = BoardQuery(today - timedelta(days=days - 1), today, By.DAY, figures=OVERVIEW_FIGURES)
        by_day, by_place = await asyncio.gather(
            self._board.read(actor, query), self._board.read(actor, replace(query, by=By.ORGANIZATION))
        )
        return Overview(by_day, by_place)
