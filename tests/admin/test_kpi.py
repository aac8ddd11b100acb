"""Targets and lights: the city sets and imports them, a hospital sees and comments its own, reports leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from admin import kpi_reading
from admin.board_period import first_of, months_before
from backend import clock
from backend.directory.models import Organization
from backend.permissions import Role
from backend.statistics.definitions import book
from backend.statistics.kpi_rules import may_have_target
from tests.admin.browser import Browser, Console, Page
from tests.admin.conftest import Town
from tests.admin.test_walls import a_place
from tests.factories.figures import make_figures

DEFINITIONS = [each for each in book().figures if may_have_target(each)]


def last_month() -> date:
    return months_before(first_of(clock.today()), 1)


async def send(
    browser: Browser, path: str, month: str, targets: dict[str, tuple[str, str]], expect: int = 200
) -> Page:
    assert browser.page is not None
    csrf = browser.page.form(path).fields["_csrf"]
    codes = list(targets)
    values, slacks = [targets[code][0] for code in codes], [targets[code][1] for code in codes]
    data: dict[str, str | list[str]] = {"_csrf": csrf, "month": month}
    return await browser.post(
        path, {**data, "figure": codes, "value": values, "tolerance": slacks}, expect=expect
    )


async def test_the_city_sets_targets_and_a_hospital_sees_how_it_stands(console: Console, town: Town) -> None:
    place, other = town.first.organization, town.second.organization
    month = last_month()
    written = f"{month:%Y-%m}"
    await make_figures(console.city.db, {place.id: 1.0, other.id: 0.5}, month.replace(day=20), 10)
    city = await console.sign_in(Role.CITY_OPERATOR)
    path = f"/admin/board/kpi/{place.id}"
    await city.get(f"{path}/targets?month={written}")
    refused = await send(city, f"{path}/targets", written, {"bookings": ("viel", "10")}, expect=400)
    assert "预约量：目标值须为" in refused.text
    assert 'value="viel"' in refused.html
    wanted = {"bookings": ("1", "10"), "cancellations": ("1", "10"), "show_rate": ("", "10")}
    sheet = await send(city, f"{path}/targets", written, wanted)
    assert sheet.path == path
    assert "已保存" in sheet.text
    assert "达标 1 项" in sheet.text
    assert "未达标 1 项" in sheet.text
    assert sheet.inline_parts == 0
    # An emptied box takes the target away.
    await city.get(f"{path}/targets?month={written}")
    sheet = await send(city, f"{path}/targets", written, {"cancellations": ("", "10")})
    assert "未达标 0 项" in sheet.text
    # The next month takes them over.
    await city.get(f"{path}/targets")
    copied = await city.submit(f"{path}/targets/copy")
    assert 'aria-label="预约量的目标" value="1"' in copied.html

    hospital = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    listed = await hospital.get(f"/admin/board/kpi?month={written}")
    assert place.name in listed.text
    assert other.name not in listed.text
    own = await hospital.get(f"{path}?month={written}")
    assert "设定目标" not in own.text
    said = await hospital.submit(path, text="系统升级停诊两天", figure="bookings")
    assert "系统升级停诊两天" in said.text
    assert "系统升级停诊两天" in (await city.get(f"{path}?month={written}")).text
    report = await hospital.peek(f"{path}/report?month={written}")
    assert report.headers["Content-Type"] == "application/pdf"
    assert report.content.startswith(b"%PDF-")
    for address in (f"/admin/board/kpi/{other.id}", "/admin/board/kpi/city"):
        await hospital.get(address, expect=404)
        await hospital.get(f"{address}/report", expect=404)
        await hospital.get(f"{address}/targets", expect=403)
    whole = await city.get(f"/admin/board/kpi/city?month={written}")
    assert "全市" in whole.text
    assert (await city.peek(f"/admin/board/kpi/city/report?month={written}")).content.startswith(b"%PDF-")
    await city.get("/admin/board/kpi?month=2026-13", expect=400)


async def test_a_table_of_targets_is_looked_at_before_it_is_taken(console: Console, town: Town) -> None:
    place, month = town.first.organization, f"{last_month():%Y-%m}"
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get("/admin/board/kpi/import")
    path = "/admin/board/kpi/import"
    wrong = f"月份,机构,指标,目标值,容差%\n{month},{place.name},预约量,很多,\n"
    page = await browser.submit(path, content=wrong, act="apply")
    assert "有 1 处问题" in page.text
    right = f'月份,机构,指标,目标值,容差%\n{month},{place.name},预约量,"12,000",5\n{month},全市,到诊率,85,\n'
    page = await browser.submit(path, content=right, act="preview")
    assert "还没有写入" in page.text
    assert "还没有数字，也没有目标" in (await browser.get(f"/admin/board/kpi?month={month}")).text
    await browser.get(path)
    done = await browser.submit(path, content=right, act="apply")
    assert "目标已导入" in done.text
    sheet = await browser.get(f"/admin/board/kpi/{place.id}?month={month}")
    assert "12000" in sheet.text


def test_what_a_table_says_is_read_or_named_by_its_line() -> None:
    first, second, third = a_place("东", None, None), a_place("东", None, None), a_place("西", None, None)
    known = {"市一院": first, "市二院": second, "重名": third}
    places = [renamed(place, name) for name, place in known.items()]
    places.append(renamed(a_place("", None, None), "重名"))
    lines = [
        ('2026-01,市一院,预约量,"12,000",5', ""),
        (f"2026-01,{second.id},bookings,12.5%,", ""),
        ("2026-01,全市,show_rate,85", ""),
        ("", ""),
        ("2026-1,市一院,预约量,1,", "月份"),
        ("2026-01,重名,预约量,1,", "同名"),
        ("2026-01,市三院,预约量,1,", "没有这个机构"),
        ("2026-01,市一院,消息通知,1,", "不设目标"),
        ("2026-01,市一院,到诊率,-1,", "目标值"),
        ("2026-01,市一院,到诊率,1,60", "容差"),
        ("2026-01,市一院", "列数"),
        ("2026-01,市一院,预约量,7,", "前面已经有了"),
    ]
    text = "月份,机构,指标,目标值,容差%\n" + "\n".join(line for line, _ in lines)
    wanted, problems = kpi_reading.read_table(text, places, DEFINITIONS)
    assert [(each.organization_id, each.figure, each.value, each.tolerance) for each in wanted] == [
        (first.id, "bookings", 12_000, 5), (second.id, "bookings", 12.5, 10), ("", "show_rate", 85, 10),
    ]  # fmt: skip
    expected = {n: said for n, (_, said) in enumerate(lines, start=2) if said}
    assert {each.line for each in problems} == set(expected)
    assert all(expected[each.line] in each.what for each in problems)


def renamed(place: Organization, name: str) -> Organization:
    return replace(place, name=name, short_name="")
