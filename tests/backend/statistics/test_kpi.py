"""Targets, lights, comments and the monthly report."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.statistics.board_models import Value
from backend.statistics.compose import make_statistics
from backend.statistics.definitions import book
from backend.statistics.kpi import KPIService
from backend.statistics.kpi_models import CITY, Light, Target
from backend.statistics.kpi_report import Report
from backend.statistics.kpi_rules import expected, light, may_have_target
from backend.statistics.models import Fact, Measure
from backend.statistics.service import StatisticsService
from tests.backend.statistics.places import KnownPlaces
from tests.support.city import Surroundings, TestCity, open_test_city

CITY_STAFF = Actor(kind="staff", id="CITY", role=Role.CITY_OPERATOR, organization_ids=None)
HERE = Actor(kind="staff", id="HERE", role=Role.HOSPITAL_OPERATOR, organization_ids=frozenset({"ORG-1"}))
THIS = f"{clock.today():%Y-%m}"
LAST_ON = clock.today().replace(day=1) - timedelta(days=1)
LAST = f"{LAST_ON:%Y-%m}"


class Log:
    """An audit log that is only written to."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    async def record(self, actor: Actor, action: str, object: str, *_: Any) -> None:
        self.entries.append((action, object))

    async def streams(self) -> list[str]:
        return []

    async def after(self, stream: str, number: int, limit: int) -> list[Any]:
        return []


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def statistics(db: Database, log: Log) -> StatisticsService:
    unused: Any = None
    made = make_statistics(db, claims=unused, orders=unused, places=KnownPlaces(), audit=log)
    for number, (place, booked) in enumerate({"ORG-1": 3, "ORG-2": 60, "ORG-3": 8}.items()):
        facts = [Fact(LAST_ON, place, Measure.BOOKED, "h5", count=booked)]
        await made._store.count(f"event {number}", facts)
    return made


@pytest.fixture
def kpi(statistics: StatisticsService) -> KPIService:
    return statistics.kpi


def a_target(
    figure: str = "bookings", value: float = 100, tolerance: int = 10, month: str = "2026-03"
) -> Target:
    return Target("ORG-1", month, figure, value, tolerance, "S", clock.now())


@pytest.mark.parametrize(
    ("figure", "number", "shown"),
    [
        ("bookings", 100, Light.GREEN),
        ("bookings", 90, Light.AMBER),
        ("bookings", 89, Light.RED),
        ("cancellations", 100, Light.GREEN),
        ("cancellations", 110, Light.AMBER),
        ("cancellations", 111, Light.RED),
        ("bookings", None, None),
    ],
)
def test_a_light_is_green_at_the_target_and_amber_within_the_tolerance(
    figure: str, number: float | None, shown: Light | None
) -> None:
    definition = book().find(figure)
    assert definition is not None
    assert light(definition, Value(number), a_target(figure), date(2026, 4, 1)) is shown
    assert light(definition, Value(number), None, date(2026, 4, 1)) is None
    assert light(definition, Value(hidden=True), a_target(figure), date(2026, 4, 1)) is None


def test_of_a_month_that_runs_counts_are_due_by_its_days_and_rates_at_once() -> None:
    bookings, rate = book().find("bookings"), book().find("show_rate")
    assert bookings is not None
    assert rate is not None
    assert expected(bookings, a_target(value=310), date(2026, 3, 11)) == 100
    assert expected(bookings, a_target(value=310), date(2026, 4, 1)) == 310
    assert expected(bookings, a_target(value=310), date(2026, 2, 1)) == 0
    assert expected(rate, a_target("show_rate", 80), date(2026, 3, 11)) == 80
    neither = book().find("messages")
    assert neither is not None
    assert not may_have_target(neither)


async def test_the_city_sets_targets_and_the_institution_sees_how_it_stands(
    kpi: KPIService, log: Log
) -> None:
    await kpi.set_target(CITY_STAFF, "ORG-1", LAST, "bookings", 10, 20)
    await kpi.set_target(CITY_STAFF, "ORG-1", LAST, "bookings", 3, 20)
    await kpi.set_target(CITY_STAFF, "ORG-2", LAST, "bookings", 66, 10)
    own = await kpi.sheet(HERE, "ORG-1", LAST)
    [booked] = [each for each in own.standings if each.target]
    assert (booked.value.number, booked.light, own.running) == (3, Light.GREEN, False)
    # To others the small number says nothing, and so does its light.
    seen = await kpi.sheet(CITY_STAFF, "ORG-1", LAST)
    assert [(each.value.hidden, each.light) for each in seen.standings if each.target] == [(True, None)]
    lines = {line.organization_id: line for line in await kpi.lines(CITY_STAFF, LAST)}
    assert {id: line.lights[Light.AMBER] for id, line in lines.items()} == {
        "ORG-1": 0,
        "ORG-2": 1,
        "ORG-3": 0,
    }
    assert {id: line.targets for id, line in lines.items()} == {"ORG-1": 1, "ORG-2": 1, "ORG-3": 0}
    assert [line.organization_id for line in await kpi.lines(HERE, LAST)] == ["ORG-1"]
    assert await kpi.copy_targets(CITY_STAFF, "ORG-1", LAST, THIS) == 1
    assert await kpi.copy_targets(CITY_STAFF, "ORG-1", LAST, THIS) == 0
    running = await kpi.sheet(HERE, "ORG-1", THIS)
    assert running.running
    assert [each.target.value for each in running.standings if each.target] == [3]
    await kpi.remove_target(CITY_STAFF, "ORG-1", LAST, "bookings")
    assert not any(each.target for each in (await kpi.sheet(HERE, "ORG-1", LAST)).standings)
    assert ("statistics.target", "organization/ORG-1") in log.entries


async def test_who_may_not_is_refused_and_what_is_wrong_is_named(kpi: KPIService) -> None:
    async def refused(code: ErrorCode, field: str | None, asked: Callable[[], Any]) -> None:
        with pytest.raises(AppError) as raised:
            await asked()
        assert (raised.value.code, (raised.value.data or {}).get("field")) == (code, field)

    set_target, bad = kpi.set_target, ErrorCode.BAD_REQUEST
    await refused(ErrorCode.FORBIDDEN, None, lambda: set_target(HERE, "ORG-1", LAST, "bookings", 1))
    await refused(bad, "figure", lambda: set_target(CITY_STAFF, "ORG-1", LAST, "messages", 1))
    await refused(bad, "value", lambda: set_target(CITY_STAFF, "ORG-1", LAST, "bookings", -1))
    await refused(bad, "tolerance", lambda: set_target(CITY_STAFF, "ORG-1", LAST, "bookings", 1, 51))
    await refused(bad, "month", lambda: set_target(CITY_STAFF, "ORG-1", "2026-13", "bookings", 1))
    await refused(ErrorCode.NOT_FOUND, None, lambda: kpi.sheet(HERE, "ORG-2", LAST))
    await refused(ErrorCode.NOT_FOUND, None, lambda: kpi.sheet(HERE, CITY, LAST))
    await refused(bad, "text", lambda: kpi.comment(HERE, "ORG-1", LAST, "  "))
    await refused(bad, "figure", lambda: kpi.comment(HERE, "ORG-1", LAST, "好", figure="nonsense"))
    await refused(ErrorCode.NOT_FOUND, None, lambda: kpi.remove_target(CITY_STAFF, "ORG-1", LAST, "bookings"))
    await refused(ErrorCode.UNAVAILABLE, None, lambda: kpi.report(HERE, "ORG-1", LAST))


async def test_what_is_said_is_said_once_and_without_phone_numbers(kpi: KPIService) -> None:
    for _ in range(2):
        await kpi.comment(HERE, "ORG-1", LAST, "系统升级，请联系13812345678", "bookings", id="ONCE")
    [comment] = (await kpi.sheet(CITY_STAFF, "ORG-1", LAST)).comments
    assert "系统升级" in comment.text
    assert "13812345678" not in comment.text
    assert comment.author_id == "HERE"


async def test_a_report_has_also_what_was_said_while_it_was_drawn(
    kpi: KPIService, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bool] = []

    async def draw(report: Report) -> bytes:
        drawn.append(any(table.heading == "批注" for table in report.tables))
        if len(drawn) == 1:
            await kpi.comment(CITY_STAFF, "", LAST, "说明一下")
        return b"paper"

    kpi.draw = draw
    monkeypatch.setattr(clock, "today", lambda: LAST_ON + timedelta(days=2))
    assert await kpi.make_reports(most=1) == 1
    assert await kpi.make_reports(most=1) == 1
    assert drawn == [False, True]


async def test_reports_are_made_once_a_month_with_an_institutions_own_numbers(
    kpi: KPIService, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Report] = []

    async def draw(report: Report) -> bytes:
        drawn.append(report)
        return report.title.encode()

    kpi.draw, kpi.city_name = draw, "健康城市"
    monkeypatch.setattr(clock, "today", lambda: LAST_ON + timedelta(days=1))
    assert await kpi.make_reports() == 0
    monkeypatch.setattr(clock, "today", lambda: LAST_ON + timedelta(days=2))
    assert [await kpi.make_reports(), await kpi.make_reports(), await kpi.make_reports()] == [3, 1, 0]
    assert [report.title[:5] for report in drawn] == ["全市 20", "ORG-1", "ORG-2", "ORG-3"]
    assert "ORG-1医院" in (await kpi.report(HERE, "ORG-1", LAST)).decode()
    assert len(drawn) == 4
    booked = [
        dict(zip(t.columns, t.rows[0], strict=True)) for r in drawn for t in r.tables if t.heading == "预约"
    ]
    assert [row["本月"] for row in booked] == ["71 人次", "3 人次", "60 人次", "8 人次"]
    # From outside, the small number is hidden: that report is drawn for the reader.
    await kpi.report(CITY_STAFF, "ORG-1", LAST)
    assert [t.rows[0][1] for t in drawn[-1].tables if t.heading == "预约"] == ["过小不显示"]
    [places] = [table for table in drawn[0].tables if table.heading == "各机构"]
    assert [row[:2] for row in places.rows] == [
        ("ORG-1医院", "过小不显示"), ("ORG-2医院", "60 人次"), ("ORG-3医院", "过小不显示"),
    ]  # fmt: skip
    # What was said since is in the next one.
    await kpi.comment(HERE, "ORG-1", LAST, "号源不足", "bookings")
    assert await kpi.make_reports() == 1
    assert any(table.heading == "批注" for table in drawn[-1].tables)


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def test_a_report_is_a_pdf(city: TestCity) -> None:
    kpi, here = city.city.services.statistics.kpi, city.hospital.id
    await kpi.set_target(CITY_STAFF, here, LAST, "bookings", 10)
    own = replace(SYSTEM, organization_ids=frozenset({here}))
    assert (await kpi.report(own, here, LAST)).startswith(b"%PDF-")
