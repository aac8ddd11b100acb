"""Fixtures of the browser tests.

chromium  one browser for the run
town      a filled city with its sandbox, shared by the tests of a module
phone     a resident's phone: 375 x 812, nothing stored in it
desk      a window of the console: 1280 x 800
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.town import Town, fill
from tests.browser.window import Window, open_window
from tests.support.city import Surroundings, open_test_city
from tests.support.databases import Shelf

# Every name but this machine's is unknown to the browser; a request to one also fails the test.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    "--lang=zh-CN", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
OpenWindow = Callable[..., AbstractAsyncContextManager[Window]]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is needed: apt-get install chromium fonts-noto-cjk"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def town(surroundings: Surroundings, mongo_uri: str, databases: Shelf) -> AsyncIterator[Town]:
    async with (
        databases.lend() as database,
        open_test_city(surroundings, mongo_uri, database) as city,
    ):
        yield await fill(city)


@pytest.fixture
async def phone(chromium: Browser, town: Town) -> AsyncIterator[Window]:
    async with open_window(chromium, town.url, "h5", width=375, height=812, has_touch=True) as window:
        yield window


@pytest.fixture
async def desk(chromium: Browser, town: Town) -> AsyncIterator[Window]:
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        yield window
