"""A person's browser window: what it complains about is kept, and every picture of it is looked over.

A console error, an error of the page, a failed request, an address outside this machine, text that is cut
off, a sideways scroll, a target too small to tap: each is a complaint, and a window with complaints fails its
test.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.support.network import is_local
from tests.support.polling import poll

SCREENS = Path("test-artifacts/screens")
# Where nobody looks at pictures, making them is most of the time: SCREENS=0 looks the pages over without.
PICTURES = os.environ.get("SCREENS") != "0"
INSPECT = (Path(__file__).parent / "inspect.js").read_text()
TOUCH_PX, LETTERS_PX = 40, 12
SETTLES_S = 3.0
# A request that a page no longer wants, because the person has gone on.
LEFT_BEHIND = "net::ERR_ABORTED"
# How much longer than the window its content is: the resident app scrolls inside a box.
HIDDEN_BELOW = """() => Math.max(0, ...[document.documentElement, ...document.querySelectorAll('.taro_page')]
  .filter((e) => e.checkVisibility()).map((e) => e.scrollHeight - e.clientHeight))"""


@dataclass
class Window:
    """One page in a context of its own."""

    page: Page
    address: str
    album: str
    touch_px: int = TOUCH_PX
    complaints: list[str] = field(default_factory=list)
    _under_way: set[Request] = field(default_factory=set)
    _excused: list[str] = field(default_factory=list)

    def complain(self, what: str) -> None:
        """Keep it, unless the test expects it."""
        if not any(re.search(pattern, what) for pattern in self._excused):
            self.complaints.append(what)

    @contextlib.contextmanager
    def excusing(self, *patterns: str) -> Iterator[None]:
        """Expect complaints like these for the length of a `with`."""
        self._excused += patterns
        try:
            yield
        finally:
            del self._excused[-len(patterns) :]

    def watch(self, context: BrowserContext) -> None:
        """Hear everything that goes wrong in the context."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complain(f"page error: {error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        context.on("requestfinished", lambda request: self._under_way.discard(request))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complain(f"console {message.type}: {message.text} ({message.location['url']})")

    def _asked(self, request: Request) -> None:
        self._under_way.add(request)
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and not is_local(parts.hostname):
            self.complain(f"outside: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complain(f"answer {response.status}: {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        self._under_way.discard(request)
        if request.failure != LEFT_BEHIND:
            self.complain(f"failed: {request.method} {request.url} {request.failure}")

    async def open(self, path: str) -> Page:
        """Load an address from nothing, as from a bookmark."""
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.address}{path}")
        return self.page

    async def quiet(self) -> None:
        """Wait until every request has its answer."""
        await poll(lambda: not self._under_way, what="quiet on the line")

    async def resize(self, width: int, height: int = 812) -> None:
        """Another device."""
        await self.page.set_viewport_size({"width": width, "height": height})

    async def picture(self, name: str) -> None:
        """Look the page over from top to bottom and keep what it looks like."""
        await self.page.evaluate("document.fonts.ready.then(() => undefined)")
        await self.inspect(name)
        if not PICTURES:
            return
        size = self.page.viewport_size
        assert size is not None
        below = await self.page.evaluate(HIDDEN_BELOW)
        if below:
            await self.resize(size["width"], size["height"] + below)
        path = SCREENS / self.album / f"{name}.png"
        await self.page.screenshot(path=path, animations="disabled")
        if below:
            await self.resize(size["width"], size["height"])

    async def inspect(self, name: str) -> None:
        """Whatever a person would stumble over is a complaint."""
        wanted = {"touch": self.touch_px, "letters": LETTERS_PX}
        faults: list[str] = []

        async def fine() -> bool:
            faults[:] = await self.page.evaluate(INSPECT, wanted)
            return not faults

        # A page on its way in or out is cut off for a moment; what stays so is a complaint.
        with contextlib.suppress(AssertionError):
            await poll(fine, SETTLES_S, "a page without faults")
        for fault in faults:
            self.complain(f"{name}: {fault}")


@contextlib.asynccontextmanager
async def open_window(
    chromium: Browser, address: str, album: str, *, width: int, height: int, **options: Any
) -> AsyncIterator[Window]:
    """A window of this size; leaving it, unless by an error, asserts that it had no complaints."""
    context = await chromium.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai", **options
    )
    context.set_default_timeout(20_000)
    window = Window(await context.new_page(), address, album)
    window.watch(context)
    try:
        yield window
        assert not window.complaints, "\n".join(window.complaints)
    except Exception as error:
        error.add_note("\n".join([f"at {window.page.url}", *window.complaints]))
        raise
    finally:
        await context.close()
