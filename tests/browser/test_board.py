"""The city's board in Chromium: charts that are drawn, the way down, files that open, phones, the wall."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from backend import clock
from backend.permissions import Role
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
    """Two months of every institution's figures."""
    places, _ = await town.city.city.services.directory.list_organizations(limit=100)
    sizes = {place.id: 1 / number for number, place in enumerate(places, start=1)}
    await make_figures(town.city.city.db, sizes, clock.today(), 65)


async def test_the_board_is_drawn_leads_down_and_leaves_in_files(
    chromium: Browser, town: Town, figures: None
) -> None:
    async with open_window(chromium, town.url, "board", width=1366, height=768) as window:
        await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
        page = await window.open("/admin/board")
        await page.wait_for_function(DRAWN)
        for width, height in ((1366, 768), (1920, 1080), (390, 844)):
            await window.resize(width, height)
            await window.picture(f"board-{width}")
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
