"""The wall: links that are shown once and can be ended, and what a stranger sees through one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from admin import wall_view
from backend import clock
from backend.db.client import Database
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.identity import of_hospital
from backend.directory.models import Organization
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from backend.statistics.board_models import Board, BoardQuery, By, Line, Value
from backend.statistics.definitions import book
from backend.statistics.models import Fact, Measure
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.admin.test_board_view import BOOKINGS
from tests.factories.figures import count, make_figures


async def districts(console: Console, town: Town) -> None:
    for hospital, name in ((town.first, "康宁区"), (town.second, "文和区")):
        await console.city.services.directory_editing.edit_organization(
            SYSTEM, hospital.organization.id, short_name="", address="", district=name, phone=""
        )


async def test_a_link_shows_the_city_to_whoever_has_it_until_it_is_ended(
    console: Console, town: Town, db: Database
) -> None:
    await districts(console, town)
    today = clock.today()
    await make_figures(console.city.db, {town.first.organization.id: 1.0}, today, 5)
    await count(db, [Fact(today, town.second.organization.id, Measure.BOOKED, "wechat", count=3)])
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get("/admin/board/walls")
    page = await browser.submit("/admin/board/walls", label="市民服务中心", days="30")
    [secret] = re.findall(r"/admin/wall/([\w-]+)</p>", page.html)
    again = await browser.get("/admin/board/walls")
    assert secret not in again.html
    assert "使用中" in again.text
    assert secret not in str([doc async for doc in db.collection("wall_links").find({})])

    stranger = console.browser()
    wall = await stranger.get(f"/admin/wall/{secret}")
    assert wall.inline_parts == 0
    for words in ("今天", "康宁区", "文和区", "预约量", "不显示"):
        assert words in wall.text, words
    assert "/open-data" in wall.text
    figures = await stranger.get(f"/admin/wall/{secret}/figures")
    assert 'class="sheet"' in figures.html
    assert "<header" not in figures.html
    # It opens the wall and nothing else.
    assert (await stranger.peek("/admin/board")).status_code == 302
    assert (await stranger.peek("/admin/board/wall")).status_code == 302

    seen = await browser.get("/admin/board/walls")
    [link] = re.findall(r"/admin/board/walls/([0-9A-Z]{26})/revoke", seen.html)
    ended = await browser.submit(f"/admin/board/walls/{link}/revoke")
    assert "链接已停用" in ended.text
    assert "已停用" in ended.text
    await stranger.get(f"/admin/wall/{secret}", expect=404)
    await stranger.get(f"/admin/wall/{secret}/figures", expect=404)
    await stranger.get("/admin/wall/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", expect=404)
    refused = await browser.get("/admin/board/walls")
    assert refused.has_form("/admin/board/walls")
    await browser.submit("/admin/board/walls", label="", days="30", expect=400)
    await browser.submit("/admin/board/walls", label="二楼", days="9999", expect=400)


async def test_a_hospital_has_a_wall_of_its_own_and_gives_out_no_links(console: Console, town: Town) -> None:
    await districts(console, town)
    await count(
        console.city.db,
        [
            Fact(clock.today(), town.first.organization.id, Measure.BOOKED, "wechat", count=3),
            Fact(clock.today(), town.second.organization.id, Measure.BOOKED, "wechat", count=777),
        ],
    )
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    wall = await browser.get("/admin/board/wall")
    assert "康宁区" in wall.text
    assert "文和区" not in wall.text
    assert "777" not in wall.text
    assert re.search(r"预约量\s*3\s*人次", wall.text)
    await browser.get("/admin/board/walls", expect=403)
    # Who runs some institutions only gives out nothing of the whole city either.
    scoped = await console.sign_in(Role.CITY_OPERATOR, town.scope)
    assert "/admin/board/walls" not in (await scoped.get("/admin/board")).links
    await scoped.get("/admin/board/walls", expect=403)
    assert "/admin/board/kpi/import" not in (await scoped.get("/admin/board/kpi")).links
    await scoped.get("/admin/board/kpi/import", expect=403)


def test_the_map_has_the_north_above_the_west_left_and_the_greatest_darkest() -> None:
    places = [
        a_place("东", 36.5, 119.9), a_place("西", 36.5, 119.1), a_place("北", 36.9, 119.5),
        a_place("无", None, None), a_place("西", 36.4, 119.0),
    ]  # fmt: skip
    values = {"bookings": Value(100)}, {"bookings": Value(20)}, {"bookings": Value(hidden=True)}
    lines = [Line(name, name, mine) for name, mine in zip(("东", "西", "北"), values, strict=True)]
    query = BoardQuery(date(2026, 11, 1), date(2026, 11, 22), By.DISTRICT)
    board = Board(query, (BOOKINGS,), Line("", "合计"), tuple(lines), {}, clock.now())
    columns, tiles = wall_view.tiles(board, places)
    assert columns == 2
    assert [(tile.name, tile.places, tile.shade) for tile in tiles] == [
        ("北", 1, 0), ("东", 1, 4), ("无", 1, 0), ("西", 2, 1),
    ]  # fmt: skip
    assert [tile.numbers[0].text for tile in tiles] == ["不显示", "100", "—", "20"]


def test_the_month_does_not_tell_a_hidden_day_beside_it() -> None:
    now = clock.now()

    def days(*counts: int | None) -> Board:
        on = [date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]
        lines = tuple(
            Line(day.isoformat(), "", {"bookings": Value(count, hidden=count is None)})
            for day, count in zip(on, counts, strict=True)
        )
        return Board(BoardQuery(on[0], on[-1], By.DAY), (BOOKINGS,), Line("", "合计"), lines, {}, now)

    def shown(whole: int, *counts: int | None) -> list[float | None]:
        query = BoardQuery(date(2026, 11, 1), date(2026, 11, 3), By.DISTRICT)
        month = Board(query, (BOOKINGS,), Line("", "合计", {"bookings": Value(whole)}), (), {}, now)
        found = wall_view.veiled(days(*counts), month)
        return [line.get("bookings").number for line in found.lines]

    # In thirty days two are hidden, but only one of them in this month, whose sum stands beside.
    assert shown(33, None, 40, None, 10, 20) == [None, 40, None, None, 20]
    # Two that are few together are no better.
    assert shown(24, 30, 40, None, None, 20) == [30, 40, None, None, None]
    assert shown(26, 30, 40, None, None, 20) == [30, 40, None, None, 20]
    assert shown(60, None, None, 10, 20, 30) == [None, None, 10, 20, 30]


def test_the_wall_asks_for_no_figure_that_nobody_defines() -> None:
    wanted = {
        *wall_view.TODAY,
        *wall_view.MONTH,
        *wall_view.ON_THE_MAP,
        *wall_view.TREND,
        *wall_view.READINGS,
    }
    assert wanted <= {each.code for each in book().figures}


def test_a_number_is_short_enough_to_be_read_from_afar() -> None:
    money = replace(BOOKINGS, unit="元")
    assert wall_view.number(BOOKINGS, Value(123_456)).text == "12.3"
    assert wall_view.number(BOOKINGS, Value(123_456)).unit == "万人次"
    assert wall_view.number(BOOKINGS, Value(9_999)).text == "9,999"
    assert wall_view.number(money, Value(1234.56)).text == "1,235"
    assert wall_view.number(money, Value()).unit == ""


def a_place(district: str, lat: float | None, lng: float | None) -> Organization:
    kind, level = OrganizationKind.GENERAL, HospitalLevel.L3_A
    return Organization(
        new_id(), of_hospital(new_id()), "院", "院", kind, level, district=district, lat=lat, lng=lng
    )
