"""The city's board: what each role sees of which place, what is hidden, and the same in files."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl

from backend import clock
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM, Role
from backend.statistics.models import Fact, Measure
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.figures import count, make_figures


async def test_the_board_from_the_city_down_to_one_institution(console: Console, town: Town) -> None:
    services, today = console.city.services, clock.today()
    first, second = town.first.organization, town.second.organization
    await services.directory_editing.edit_organization(
        SYSTEM, second.id, short_name="市妇幼", address="", district="文和区", phone=""
    )
    await make_figures(console.city.db, {first.id: 1.0, second.id: 0.5}, today, 45)
    # Three people: too few to be shown to the city beside what the others had.
    await count(console.city.db, [Fact(today, second.id, Measure.STOPPED, count=3)])
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get("/admin/board")
    assert page.inline_parts == 0
    for words in ("预约量", "到诊率", "缴费金额", "微信小程序", "各区县", "文和区", "口径", "比上期"):
        assert words in page.text, words
    assert "不显示" in page.text
    # Every number of a chart stands in a table, open for whoever has no scripts.
    assert page.html.count('<details class="numbers" open>') >= 4
    down = await browser.get("/admin/board?district=文和区")
    assert second.name in down.text
    assert f"organization={second.id}" in down.html
    below = await browser.get(f"/admin/board?organization={second.id}&by=month")
    assert f"{today:%Y-%m}" in below.text
    assert 'id="places"' not in below.html
    await browser.get("/admin/board?district=nowhere", expect=404)
    refused = await browser.get("/admin/board?from_on=2026-02-01&to_on=2026-01-01", expect=400)
    assert "开始日期须不晚于结束日期" in refused.text
    await browser.get("/admin/board?from_on=2020-01-01&to_on=2026-01-01&by=day", expect=400)


async def test_files_say_what_the_page_says_and_leave_a_trace(console: Console, town: Town) -> None:
    today = clock.today()
    await make_figures(console.city.db, {town.first.organization.id: 1.0}, today, 3)
    await count(console.city.db, [Fact(today, town.first.organization.id, Measure.STOPPED, count=2)])
    browser = await console.sign_in(Role.CITY_OPERATOR)
    period = f"from_on={today - timedelta(days=2)}&to_on={today}"
    answer = await browser.peek(f"/admin/board/export?{period}")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["合计", "按日", "各机构", "构成", "指标说明"]
    whole = {row[0].value: row[2].value for row in book["合计"].iter_rows(min_row=2)}
    assert isinstance(whole["预约量"], int)
    assert whole["停诊影响"] == "不显示"
    page = await browser.get(f"/admin/board?{period}")
    assert f"{whole['预约量']:,}" in page.text
    assert [row[0].value for row in book["按日"].iter_rows(min_row=2)][-2:] == [str(today), "合计"]
    table = (await browser.get(f"/admin/board/export?form=csv&{period}")).html
    assert table.startswith("\ufeff合计\r\n")
    assert f"预约量,人次,{whole['预约量']}" in table
    exports = AuditFilter(action="board.exported")
    entries, _ = await console.city.services.audit.list_entries(SYSTEM, exports)
    assert {entry.object for entry in entries} == {"board/csv", "board/xlsx"}


async def test_a_hospital_sees_its_own_figures_and_no_others(console: Console, town: Town) -> None:
    first, second, today = town.first.organization, town.second.organization, clock.today()
    await count(
        console.city.db,
        [Fact(today, first.id, Measure.STOPPED, count=3), Fact(today, second.id, Measure.STOPPED, count=777)],
    )
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get("/admin/board")
    assert first.name in page.text
    assert second.name not in page.text
    assert "777" not in page.text
    assert "停诊影响 3 人次" in page.text
    await browser.get(f"/admin/board?organization={second.id}", expect=404)
    await browser.get(f"/admin/board/export?organization={second.id}", expect=404)
