"""The city's board in Chromium: charts that are drawn, the way down, files that open, phones, the wall."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from backend import clock
from backend.permissions import Role
from tests.browser import desk as at_the_desk
from tests.browser.town import Town
from tests.browser.window import open_window
from tests.factories.figures import make_figures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(240)]

# Each chart has a canvas on which something lies: not one that is empty, or white alone.
DRAWN = """() => { const plots = [...document.querySelectorAll('.plot')]
  return plots.length > 0 && plots.every((plot) => { const one = plot.querySelector('canvas')
    if (!one || !one.width) return false
    const dots = one.getContext('2d').getImageData(0, 0, one.width, one.height).data
    let inked = 0
    for (let at = 3; at < dots.length; at += 4) if (dots[at] > 0) inked += 1
    return inked > 500 }) }"""


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
        await window.picture("board-1366")
