"""The city's board in Chromium: charts that are drawn, the way down, files that open, phones, the wall."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Browser, expect

from backend import clock
from backend.permissions import SYSTEM, Role
from tests.browser import desk as at_the_desk
from tests.browser.town import Town
from tests.browser.window import open_window
from tests.factories.figures import make_figures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(240)]

# Each chart has a canvas on which a good deal more lies than on an empty one of its size.
DRAWN = """() => { const plots = [...document.querySelectorAll('.plot')]
  return plots.length > 0 && plots.every((plot) => { const one = plot.querySelector('canvas')
    if (!one || !one.width) return false
    const empty = document.createElement('canvas')
    empty.width = one.width; empty.height = one.height
    return one.toDataURL().length > empty.toDataURL().length + 2000 }) }"""


@pytest.fixture(scope="module")
async def figures(town: Town) -> None:
    """Two months of every institution's figures; the tests' hospital lies in 康宁区."""
    places, _ = await town.city.city.services.directory.list_organizations(limit=100)
    sizes = {place.id: 1 / number for number, place in enumerate(places, start=1)}
    await make_figures(town.city.city.db, sizes, clock.today(), 65)


async def test_the_board_is_drawn_leads_down_and_leaves_in_files(
    chromium: Browser, town: Town, figures: None, tmp_path: Path
) -> None:
    async with open_window(chromium, town.url, "board", width=1366, height=768) as window:
        await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
        page = await window.open("/admin/board")
        await page.wait_for_function(DRAWN)
        for width, height in ((1366, 768), (1920, 1080), (390, 844)):
            await window.resize(width, height)
            await window.picture(f"board-{width}")
        await page.locator(".meaning summary").first.click()
        await expect(page.get_by_text("预约成功的号源数")).to_be_visible()
        await window.picture("board-meaning")
        await window.resize(1366, 768)
        # What a chart says under the finger is drawn, too: HTML of its own would break the security policy.
        await page.locator(".plot").first.hover()
        await page.locator("#places .numbers summary").click()
        await page.locator("#places").get_by_role("link", name="康宁区").click()
        await page.locator("#places .numbers summary").click()
        await page.locator("#places").get_by_role("link", name=town.hospital.name).click()
        await expect(page.locator(".way strong")).to_have_text(town.hospital.name)
        await page.wait_for_function(DRAWN)
        await page.get_by_role("link", name="近 12 个月").click()
        await page.wait_for_function(DRAWN)
        await window.picture("board-institution")
        shown = await page.locator("[data-code=bookings] .value").inner_text()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="导出 Excel").click()
        await (await downloading.value).save_as(tmp_path / "board.xlsx")
        book = openpyxl.load_workbook(tmp_path / "board.xlsx")
        [bookings] = [row[2].value for row in book["合计"].iter_rows(min_row=2) if row[0].value == "预约量"]
        assert f"{bookings:,}" == shown.split()[0]
        await window.page.goto(f"{window.address}/admin/board/walls")
        await window.picture("walls")


async def test_the_wall_fills_a_screen_renews_itself_and_says_since_when_it_could_not(
    chromium: Browser, town: Town, figures: None
) -> None:
    async with open_window(chromium, town.url, "board", width=1920, height=1080) as window:
        await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
        page = await window.open("/admin/board/wall")
        await page.wait_for_function(DRAWN)
        await window.picture("wall-1920")
        state = page.locator("#state")
        with window.excusing("ERR_", "answer 5"):
            await page.route("**/wall/figures", lambda route: route.abort())
            await page.evaluate("renew()")
            await expect(state).to_contain_text("连接中断")
            await window.picture("wall-stale")
        await page.wait_for_function(DRAWN)
        await page.unroute("**/wall/figures")
        await page.evaluate("renew()")
        await expect(state).not_to_contain_text("连接中断")
        await page.wait_for_function(DRAWN)
        for width, height in ((1366, 768), (390, 844)):
            await window.resize(width, height)
            await page.wait_for_function(DRAWN)
            await window.picture(f"wall-{width}")
        made = await town.city.city.services.walls.make(SYSTEM, "一楼大厅", 30)
        await window.resize(1920, 1080)
        await window.open(f"/admin/wall/{made.secret}")
        await page.wait_for_function(DRAWN)
        # An ended link leaves nothing standing on its screen.
        await town.city.city.services.walls.revoke(SYSTEM, made.link.id)
        with window.excusing("404"):
            await page.evaluate("renew()")
            await expect(page.locator(".sheet")).to_have_count(0)
            await expect(page.get_by_role("heading", name="没有找到")).to_be_visible()


async def test_targets_are_set_and_their_lights_seen_on_a_desk_and_on_a_phone(
    chromium: Browser, town: Town, figures: None
) -> None:
    kpi, month = town.city.city.services.statistics.kpi, f"{clock.today():%Y-%m}"
    place = town.hospital.id
    await kpi.set_target(SYSTEM, place, month, "cancellations", 1, 10)
    async with open_window(chromium, town.url, "board", width=1366, height=768) as window:
        await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
        page = await window.open(f"/admin/board/kpi/{place}/targets")
        await page.get_by_label("预约量的目标").fill("10")
        await page.get_by_role("button", name="保存目标").click()
        await expect(page.get_by_text("达标 1 项", exact=True)).to_be_visible()
        await page.get_by_role("textbox", name="批注").fill("号源扩容后预约明显增加")
        await page.get_by_role("button", name="添加批注").click()
        await expect(page.get_by_text("号源扩容后预约明显增加")).to_be_visible()
        pages = {
            "kpi": "kpi",
            "kpi-sheet": f"kpi/{place}",
            "kpi-targets": f"kpi/{place}/targets",
            "kpi-import": "kpi/import",
        }
        for name, path in pages.items():
            await page.goto(f"{window.address}/admin/board/{path}")
            for width, height in ((1366, 768), (390, 844)):
                await window.resize(width, height)
                await window.picture(f"{name}-{width}")
