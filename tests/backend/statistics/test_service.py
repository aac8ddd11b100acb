"""Counters on a real database: every event once, however often it comes; figures within scope."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditEntry
from backend.db.client import Database
from backend.errors import AppError, not_found
from backend.permissions import Actor, Role
from backend.statistics.board_models import Board, BoardQuery, By
from backend.statistics.compose import make_statistics
from backend.statistics.models import NOWHERE, Fact, Measure, Row, Total
from backend.statistics.service import COUNTED_KINDS, StatisticsService
from backend.statistics.store import StatisticsStore
from backend.worker.events import Event, EventKind
from tests.backend.statistics.places import KnownPlaces

CITY = Actor(kind="staff", id="CITY", role=Role.CITY_OPERATOR, organization_ids=None)


@dataclass(frozen=True)
class KnownClaim:
    id: str
    organization_id: str
    channel: str
    on: date
    created_at: datetime
    booked_at: datetime | None
    hold_until: datetime | None = None
    ended_at: datetime | None = None


class KnownClaims:
    """Appointments of today by ids like `ORG-1/wechat`, and those of patients by the same ids."""

    async def get(self, claim_id: str) -> KnownClaim:
        organization_id, _, channel = claim_id.partition("/")
        if not channel:
            raise not_found(claim_id)
        made = clock.now() - timedelta(minutes=1)
        return KnownClaim(claim_id, organization_id, channel, clock.today(), made, None)

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[KnownClaim], str | None]:
        return [await self.get(each) for each in patient_ids], None


class ManyClaims(KnownClaims):
    """Somebody's many appointments, page by page."""

    def __init__(self, claims: list[KnownClaim]) -> None:
        self.claims = claims

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[KnownClaim], str | None]:
        start = int(cursor or 0)
        end = start + limit
        return self.claims[start:end], str(end) if end < len(self.claims) else None


@dataclass(frozen=True)
class KnownRefund:
    amount_fen: int
    done_at: datetime | None = None


@dataclass(frozen=True)
class KnownOrder:
    organization_id: str
    amount_fen: int
    paid_at: datetime | None = None
    paid_through: str = "wechat_pay"

    def find_refund(self, out_refund_no: str) -> KnownRefund | None:
        return KnownRefund(int(out_refund_no)) if out_refund_no else None


class KnownOrders:
    """Orders by appointments like `ORG-1/1500`."""

    async def order_of(self, appointment_id: str) -> KnownOrder | None:
        organization_id, _, fen = appointment_id.partition("/")
        return KnownOrder(organization_id, int(fen)) if fen.isdigit() else None


class NoJournal:
    """An audit log in which nothing stands."""

    async def record(self, *args: object) -> None: ...

    async def streams(self) -> list[str]:
        return []

    async def after(self, stream: str, number: int, limit: int) -> list[AuditEntry]:
        return []


@pytest.fixture
def statistics(db: Database) -> StatisticsService:
    return make_statistics(
        db, claims=KnownClaims(), orders=KnownOrders(), places=KnownPlaces(), audit=NoJournal()
    )


def booked(where: str, at: datetime | None = None) -> Event:
    return Event(EventKind.APPOINTMENT_BOOKED, {"appointment_id": where}, at=at or clock.now())


def paid(what: str) -> Event:
    return Event(EventKind.ORDER_PAID, {"appointment_id": what})


async def rows_of(statistics: StatisticsService, *by: str, days: int = 1) -> list[Row]:
    """What the counters say of the last days, before anything is hidden."""
    today = clock.today()
    return await statistics._store.totals(today - timedelta(days=days - 1), today, ("on", *by), None)


async def counted(statistics: StatisticsService) -> dict[Measure, Total]:
    """What today's counters say."""
    return {row.measure: row.total for row in await rows_of(statistics)}


async def test_bookings_are_counted_by_day_channel_and_institution(statistics: StatisticsService) -> None:
    for where in ("ORG-1/wechat", "ORG-1/wechat", "ORG-1/window", "ORG-2/h5"):
        await statistics.on_event(booked(where))
    await statistics.on_event(booked("ORG-2/h5", clock.now() - timedelta(days=1)))
    assert (await counted(statistics))[Measure.BOOKED].count == 4
    rows = await rows_of(statistics, "organization_id", "channel", days=2)
    today = clock.today().isoformat()
    assert {
        (row.on == today, row.organization_id, row.channel): row.total.count
        for row in rows
        if row.measure is Measure.BOOKED
    } == {
        (True, "ORG-1", "wechat"): 2,
        (True, "ORG-1", "window"): 1,
        (True, "ORG-2", "h5"): 1,
        (False, "ORG-2", "h5"): 1,
    }


async def test_money_is_summed_in_fen(statistics: StatisticsService) -> None:
    await statistics.on_event(paid("ORG-1/1500"))
    await statistics.on_event(paid("ORG-1/2550"))
    await statistics.on_event(Event(EventKind.REFUND_SUCCEEDED, {"appointment_id": "ORG-1/1500"}))
    today = await counted(statistics)
    assert today[Measure.PAID] == Total(count=2, fen=4050)
    assert today[Measure.REFUNDED] == Total(count=1, fen=1500)


async def test_an_event_counts_once_however_often_it_comes(statistics: StatisticsService) -> None:
    event = paid("ORG-1/1500")
    for _ in range(3):
        await statistics.on_event(event)
    assert (await counted(statistics))[Measure.PAID] == Total(count=1, fen=1500)


async def test_many_workers_counting_the_same_and_other_events_at_once_lose_nothing(
    statistics: StatisticsService,
) -> None:
    events = [booked("ORG-1/wechat") for _ in range(15)]
    waiting = [event for event in events for _ in range(2)]
    while waiting:
        # What the outbox does with a handler that failed on a conflict: it comes again.
        results = await asyncio.gather(*(statistics.on_event(e) for e in waiting), return_exceptions=True)
        waiting = [e for e, result in zip(waiting, results, strict=True) if result is not None]
    assert (await counted(statistics))[Measure.BOOKED].count == 15


async def test_an_event_belongs_to_the_day_in_the_city(statistics: StatisticsService) -> None:
    # Half past midnight in the city is still the day before in UTC.
    at = clock.city_instant(clock.today(), 0, 30)
    await statistics.on_event(booked("ORG-1/wechat", at))
    assert (await counted(statistics))[Measure.BOOKED].count == 1


async def test_a_hospital_sees_its_own_figures_only(statistics: StatisticsService) -> None:
    for where in ("ORG-1/wechat", "ORG-2/wechat", "ORG-3/wechat"):
        await statistics.on_event(booked(where))
    here = Actor(kind="staff", id="X", role=Role.HOSPITAL_OPERATOR, organization_ids=frozenset({"ORG-1"}))
    overview = await statistics.overview(here)
    assert overview.by_day.lines[-1].get("bookings").number == 1
    assert [line.key for line in overview.by_place.lines] == ["ORG-1"]


async def test_messages_and_codes_count_where_they_happened(statistics: StatisticsService) -> None:
    await statistics.on_event(Event(EventKind.CODE_USED, {"organization_id": "ORG-1"}))
    await statistics.on_event(Event(EventKind.CODE_USED, {"organization_id": "ORG-1", "flagged": "yes"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {"appointment_id": "ORG-2/wechat"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {"appointment_id": "gone"}))
    await statistics.on_event(Event(EventKind.MESSAGE_DUE, {}))
    today = await counted(statistics)
    assert today[Measure.CODE_USED].count == 1
    assert today[Measure.MESSAGE].count == 3
    places = {row.organization_id for row in await rows_of(statistics, "organization_id")}
    assert places == {"ORG-1", "ORG-2", NOWHERE}


async def test_an_arrival_is_found_among_however_many_appointments(statistics: StatisticsService) -> None:
    now, today = clock.now(), clock.today()

    def claims(count: int, days: int) -> list[KnownClaim]:
        on = today + timedelta(days=days)
        return [KnownClaim(f"{days}/{n}", "ORG-1", "wechat", on, now, now) for n in range(count)]

    statistics._facts._claims = ManyClaims([*claims(45, 3), *claims(1, 0), *claims(45, -3)])
    used = {"patient_id": "P", "organization_id": "ORG-1", "step": "10101"}
    await statistics.on_event(Event(EventKind.CODE_USED, used, at=now))
    assert (await counted(statistics))[Measure.ARRIVED].count == 1


async def test_an_empty_city_has_fourteen_empty_days(statistics: StatisticsService) -> None:
    overview = await statistics.overview(CITY)
    assert len(overview.by_day.lines) == 14
    assert overview.by_day.lines[-1].key == clock.today().isoformat()
    assert overview.by_day.lines[-1].get("bookings").number == 0
    assert overview.by_place.lines == ()


@pytest.mark.parametrize("role", [Role.CITY_OPERATOR, Role.FINANCE, Role.AUDITOR])
async def test_the_dashboard_hides_small_numbers_from_whoever_sees_the_whole_city(
    statistics: StatisticsService, role: Role
) -> None:
    for where, times in {"ORG-1/wechat": 2, "ORG-2/window": 30, "ORG-3/h5": 7}.items():
        for _ in range(times):
            await statistics.on_event(booked(where))
    for _ in range(3):
        await statistics.on_event(paid("ORG-2/1500"))
    overview = await statistics.overview(replace(CITY, role=role))
    today = overview.by_day.lines[-1]
    assert today.get("bookings").number == 39
    # The money of three people is theirs.
    assert today.get("paid_count").hidden
    assert today.get("paid_fen").hidden
    assert numbers(overview.by_place, "bookings") == {"ORG-1": "hidden", "ORG-2": 30, "ORG-3": "hidden"}
    assert [part.value.number for part in overview.by_day.parts["bookings"]] == [30, None, None]
    own = await statistics.overview(replace(CITY, organization_ids=frozenset({"ORG-1", "ORG-2"})))
    assert own.by_day.lines[-1].get("bookings").number == 32
    assert own.by_day.lines[-1].get("paid_fen").number == 45
    assert numbers(own.by_place, "bookings") == {"ORG-1": 2, "ORG-2": 30}


async def test_every_kind_that_is_subscribed_is_counted(statistics: StatisticsService) -> None:
    ids = {"appointment_id": "ORG-1/1500", "organization_id": "ORG-1"}
    for kind in COUNTED_KINDS:
        await statistics.on_event(Event(kind, ids))
    today = await counted(statistics)
    # Beside each kind's own, what an appointment says of the day that it is for.
    assert len(today) == len(COUNTED_KINDS) + 1
    assert today[Measure.VISIT_DUE].count == 1 - 2


def query(**more: Any) -> BoardQuery:
    today = clock.today()
    return BoardQuery(**{"from_on": today.replace(day=1) - timedelta(days=1), "to_on": today} | more)


def numbers(board: Board, code: str) -> dict[str, float | str | None]:
    return {line.key: "hidden" if line.get(code).hidden else line.get(code).number for line in board.lines}


async def test_the_board_goes_down_from_the_city_to_districts_and_institutions(
    statistics: StatisticsService,
) -> None:
    for where, times in {"ORG-1/wechat": 9, "ORG-3/h5": 7, "ORG-2/window": 30, "ORG-2/wechat": 6}.items():
        for _ in range(times):
            await statistics.on_event(booked(where))
    city = await statistics.board(CITY, query(by=By.DISTRICT))
    assert city.total.get("bookings").number == 52
    assert numbers(city, "bookings") == {"东区": 16, "西区": 36}
    assert [(part.key, part.value.number) for part in city.parts["bookings"]] == [
        ("window", 30), ("wechat", 15), ("h5", 7),
    ]  # fmt: skip
    assert city.total.get("hours_saved").number == round((15 + 7) * 30 / 60)
    east = await statistics.board(CITY, query(by=By.ORGANIZATION, district="东区"))
    assert numbers(east, "bookings") == {"ORG-1": 9, "ORG-3": 7}
    one = await statistics.board(CITY, query(by=By.DAY, organization_id="ORG-3"))
    assert one.total.get("bookings").number == 7
    assert one.lines[-1].key == clock.today().isoformat()
    assert one.lines[-1].get("bookings").number == 7
    months = await statistics.board(CITY, query(by=By.MONTH))
    assert numbers(months, "bookings") == {months.lines[0].key: 0, f"{clock.today():%Y-%m}": 52}


async def test_a_district_has_also_the_institutions_of_which_only_others_tell(
    statistics: StatisticsService, db: Database
) -> None:
    today = clock.today()

    class Kept:
        measures = frozenset({Measure.RECOGNISED})

        async def rows(
            self, from_on: date, to_on: date, within: Collection[str] | None, *, by_day: bool
        ) -> list[Row]:
            known = {"ORG-5": 20, "ORG-6": 30}
            return [
                Row(Total(count), Measure.RECOGNISED, today.isoformat(), place)
                for place, count in known.items()
                if within is None or place in within
            ]

    statistics.above.kept.append(Kept())
    await StatisticsStore(db).set_levels(today, [Fact(today, "ORG-7", Measure.CONNECTED, amount=1)])
    codes = ("recognitions", "connected")
    city = await statistics.board(CITY, query(by=By.DISTRICT, figures=codes))
    [line] = [each for each in city.lines if each.key == "东区"]
    east = await statistics.board(CITY, query(by=By.ORGANIZATION, district="东区", figures=codes))
    assert [east.total.get(code) for code in codes] == [line.get(code) for code in codes]
    assert [east.total.get(code).number for code in codes] == [20, 1]
    assert {each.key for each in east.lines} == {"ORG-5", "ORG-7"}


async def test_small_numbers_are_hidden_from_the_city_and_shown_to_the_institution(
    statistics: StatisticsService,
) -> None:
    for where, times in {"ORG-1/wechat": 2, "ORG-3/h5": 7, "ORG-2/window": 30}.items():
        for _ in range(times):
            await statistics.on_event(booked(where))
    board = await statistics.board(CITY, query(by=By.ORGANIZATION))
    # One alone could be reckoned from the sum: the next smallest goes with it.
    assert numbers(board, "bookings") == {"ORG-1": "hidden", "ORG-2": 30, "ORG-3": "hidden"}
    assert numbers(board, "hours_saved") == {"ORG-1": "hidden", "ORG-2": 0, "ORG-3": "hidden"}
    assert board.total.get("bookings").number == 39
    assert [part.value.hidden for part in board.parts["bookings"]] == [False, True, True]
    here = Actor(kind="staff", id="X", role=Role.HOSPITAL_OPERATOR, organization_ids=frozenset({"ORG-1"}))
    own = await statistics.board(here, query(by=By.ORGANIZATION))
    assert numbers(own, "bookings") == {"ORG-1": 2}
    with pytest.raises(AppError):
        await statistics.board(here, query(organization_id="ORG-2"))
    assert numbers(await statistics.board(here, query(by=By.ORGANIZATION, district="西区")), "bookings") == {}


async def test_a_board_of_no_period_or_of_an_unknown_figure_is_refused(statistics: StatisticsService) -> None:
    today = clock.today()
    for wrong in (
        query(from_on=today + timedelta(days=1)),
        query(from_on=today - timedelta(days=500), by=By.DAY),
        query(figures=("bookings", "nonsense")),
    ):
        with pytest.raises(AppError):
            await statistics.board(CITY, wrong)
    few = await statistics.board(CITY, query(figures=("bookings",)))
    assert [each.code for each in few.definitions] == ["bookings"]
