"""Counting events, and answering the dashboard's questions within the asker's scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor
from backend.statistics.board import BoardReading, Places
from backend.statistics.board_models import Board, BoardQuery
from backend.statistics.models import (
    NOWHERE,
    Claims,
    DayFigures,
    Fact,
    Measure,
    Orders,
    OrganizationFigures,
    Overview,
    Row,
    Total,
)
from backend.statistics.store import StatisticsStore
from backend.worker.events import Event, EventKind

OVERVIEW_DAYS = 14
_CLAIM_MEASURES = {
    EventKind.APPOINTMENT_BOOKED: Measure.BOOKED,
    EventKind.APPOINTMENT_CANCELLED: Measure.CANCELLED,
    EventKind.APPOINTMENT_STOPPED: Measure.STOPPED,
    EventKind.APPOINTMENT_EXPIRED: Measure.EXPIRED,
}
_ORDER_MEASURES = {
    EventKind.ORDER_PAID: Measure.PAID,
    EventKind.REFUND_SUCCEEDED: Measure.REFUNDED,
    EventKind.REFUND_FAILED: Measure.REFUND_FAILED,
}
_OTHER_MEASURES = {EventKind.MESSAGE_DUE: Measure.MESSAGE, EventKind.CODE_USED: Measure.CODE_USED}
# What `bootstrap.py` subscribes `on_event` to.
COUNTED_KINDS = (*_CLAIM_MEASURES, *_ORDER_MEASURES, *_OTHER_MEASURES)


class StatisticsService:
    """Counters fed by events. It looks up what an event's ids mean, for events carry nothing else."""

    def __init__(self, store: StatisticsStore, claims: Claims, orders: Orders, places: Places) -> None:
        self._store = store
        self._board = BoardReading(store, places)
        self._claims = claims
        self._orders = orders

    async def on_event(self, event: Event) -> None:
        """Count an event; the same one again changes nothing."""
        fact = await self._fact(event)
        if fact is not None:
            await self._store.count(event.id, fact)

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

    async def _fact(self, event: Event) -> Fact | None:
        on = clock.civil_date(event.at)
        if event.kind in _CLAIM_MEASURES:
            claim = await self._claims.get(event.data["appointment_id"])
            return Fact(on, claim.organization_id, _CLAIM_MEASURES[event.kind], claim.channel)
        if event.kind in _ORDER_MEASURES:
            order = await self._orders.order_of(event.data["appointment_id"])
            if order is None:
                return None
            return Fact(on, order.organization_id, _ORDER_MEASURES[event.kind], fen=order.amount_fen)
        if event.data.get("flagged") == "yes":
            return None  # A code shown again: reported, but no second use.
        if event.kind in _OTHER_MEASURES:
            place = event.data.get("organization_id") or await self._place_of(event)
            return Fact(on, place, _OTHER_MEASURES[event.kind])
        return None

    async def _place_of(self, event: Event) -> str:
        """The institution of the appointment an event is about, if it is about one."""
        appointment_id = event.data.get("appointment_id")
        if not appointment_id:
            return NOWHERE
        try:
            return (await self._claims.get(appointment_id)).organization_id
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return NOWHERE


def _sums(rows: Iterable[Row]) -> dict[Measure, Total]:
    sums: dict[Measure, Total] = {}
    for row in rows:
        before = sums.get(row.measure, Total())
        sums[row.measure] = Total(before.count + row.total.count, before.fen + row.total.fen)
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
