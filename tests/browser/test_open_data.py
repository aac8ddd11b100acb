"""The page of open data in Chromium, on a desk and on a phone, and a file taken from it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.town import Town
from tests.browser.window import open_window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(120)]


async def test_anybody_reads_what_is_published_and_takes_it_away(chromium: Browser, town: Town) -> None:
    async with open_window(chromium, town.url, "board", width=1280, height=800) as window:
        page = await window.open("/open-data")
        for width, height in ((1280, 800), (375, 720)):
            await window.resize(width, height)
            await window.picture(f"open-data-{width}")
        async with page.expect_download() as taken:
            await page.get_by_role("link", name="各机构各月指标，CSV 格式").click()
        assert (await taken.value).suggested_filename == "monthly_by_institution.csv"
