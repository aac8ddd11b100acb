"""Counters on a real database: every event once, however often it comes; figures within scope."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import not_found
from backend.permissions import Actor, Role
from backend.statistics.models import Measure, Total
from backend.statistics.service import COUNTED_KINDS, StatisticsService
from backend.statistics.store import StatisticsStore
from backend.worker.events import Event, EventKind

CITY = Actor(kind="staff", id="CITY", role=Role.CITY_OPERATOR, organization_ids=None)


@dataclass(frozen=True)
class KnownClaim:
    organization_id: str
    channel: str


@dataclass(frozen=True)
class KnownOrder:
    organization_id: str
    amount_fen: int


class KnownClaims:
    """Appointments by ids like `ORG-1/wechat`."""

    async def get(self, claim_id: str) -> KnownClaim:
        organization_id, _, channel = claim_id.partition("/")
        if not channel:
            raise not_found(claim_id)
        return KnownClaim(organization_id, channel)


class KnownOrders:
    """Orders by appointments like `ORG-1/1500`."""

    async def order_of(self, appointment_id: str) -> KnownOrder | None:
        organization_id, _, fen = appointment_id.partition("/")
        return KnownOrder(organization_id, int(fen)) if fen.isdigit() else None


@pytest.fixture
def statistics(db: Database) -> StatisticsService:
    return StatisticsService(StatisticsStore(db), KnownClaims(), KnownOrders())


def booked(where: str, at: datetime | None = None) -> Event:
    return Event(EventKind.APPOINTMENT_BOOKED, {"appointment_id": where}, at=at or clock.now())


def paid(what: str) -> Event:
    return Event(EventKind.ORDER_PAID, {"appointment_id": what})


async def test_bookings_are_counted_by_day_channel_and_institution(statistics: StatisticsService) -> None:
    for where in ("ORG-1/wechat", "ORG-1/wechat", "ORG-1/window", "ORG-2/h5"):
        await statistics.on_event(booked(where))
    await statistics.on_event(booked("ORG-2/h5", clock.now() - timedelta(days=1)))
    overview = await statistics.overview(CITY)
    assert overview.today.of(Measure.BOOKED).count == 4
    assert overview.yesterday.of(Measure.BOOKED).count == 1
    assert overview.booked_by_channel == {"wechat": 2, "h5": 2, "window": 1}
    assert overview.booked_by_channel_today == {"wechat": 2, "window": 1, "h5": 1}
    assert [(f.organization_id, f.of(Measure.BOOKED).count) for f in overview.organizations] == [
        ("ORG-1", 3),
        ("ORG-2", 2),
    ]


async def test_money_is_summed_in_fen(statistics: StatisticsService) -> None:
    await statistics.on_event(paid("ORG-1/1500"))
    await statistics.on_event(paid("ORG-1/2550"))
    await statistics.on_event(Event(EventKind.REFUND_SUCCEEDED, {"appointment_id": "ORG-1/1500"}))
    today = (await statistics.overview(CITY)).today
    assert today.of(Measure.PAID) == Total(count=2, fen=4050)
    assert today.of(Measure.REFUNDED) == Total(count=1, fen=1500)


async def test_an_event_counts_once_however_often_it_comes(statistics: StatisticsService) -> None:
    event = paid("ORG-1/1500")
    for _ in range(3):
        await statistics.on_event(event)
    assert (await statistics.overview(CITY)).today.of(Measure.PAID) == Total(count=1, fen=1500)


async def test_many_workers_counting_the_same_and_other_events_at_once_lose_nothing(
    statistics: StatisticsService,
) -> None:
    events = [booked("ORG-1/wechat") for _ in range(15)]
    waiting = [event for event in events for _ in range(2)]
    while waiting:
        # What the outbox does with a handler that failed on a conflict: it comes again.
        results = await asyncio.gather(*(statistics.on_event(e) for e in waiting), return_exceptions=True)
        waiting = [e for e, result in zip(waiting, results, strict=True) if result is not None]
    assert (await statistics.overview(CITY)).today.of(Measure.BOOKED).count == 15


async def test_an_event_belongs_to_the_day_in_the_city(statistics: StatisticsService) -> None:
    # Half past midnight in the city is still the day before in UTC.
    at = clock.city_instant(clock.today(), 0, 30)
    await statistics.on_event(booked("ORG-1/wechat", at))
    assert (await statistics.overview(CITY)).today.of(Measure.BOOKED).count == 1


async def test_a_hospital_sees_its_own_figures_only(statistics: StatisticsService) -> None:
    for where in ("ORG-1/wechat", "ORG-2/wechat", "ORG-3/wechat"):
        await statistics.on_event(booked(where))
    here = Actor(kind="staff", id="X", role=Role.HOSPITAL_OPERATOR, organization_ids=frozenset({"ORG-1"}))
    overview = await statistics.overview(here)
    assert overview.today.of(Measure.BOOKED).count == 1
    assert [f.organization_id for f in overview.organizations] == ["ORG-1"]


async def test_messages_and_codes_count_where_they_happened(statistics: StatisticsService) -> None:
    await statistics.on_event(Event(EventKind.CODE_USED, {"organization_id": "ORG-1"}))
    await statistics.on_event(Event(EventKind.CODE_USED, {"organization_id": "ORG-1", "flagged": "yes"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {"appointment_id": "ORG-2/wechat"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {"appointment_id": "gone"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {}))
    overview = await statistics.overview(CITY)
    assert overview.today.of(Measure.CODE_USED).count == 1
    assert overview.today.of(Measure.MESSAGE).count == 3
    assert {f.organization_id for f in overview.organizations} == {"ORG-1", "ORG-2"}


async def test_an_empty_city_has_fourteen_empty_days(statistics: StatisticsService) -> None:
    overview = await statistics.overview(CITY)
    assert len(overview.days) == 14
    assert overview.today.on == clock.today()
    assert overview.today.of(Measure.BOOKED) == Total()


async def test_every_kind_that_is_subscribed_is_counted(statistics: StatisticsService) -> None:
    ids = {"appointment_id": "ORG-1/1500", "organization_id": "ORG-1"}
    for kind in COUNTED_KINDS:
        await statistics.on_event(Event(kind, ids))
    counted = (await statistics.overview(CITY)).today.totals
    assert set(counted) == set(Measure)
