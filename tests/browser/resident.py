"""What a resident does with the app in her hand, by what she sees on the screen."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.town import Family, Town
from tests.browser.window import Window
from tests.support.city import Caller

NOBODY = Caller("", "")
HOME, BOOKING, CODE, MINE = "首页", "预约", "健康码", "我的"


@dataclass
class Resident:
    """A person, her phone and the town she lives in."""

    window: Window
    town: Town
    family: Family
    caller: Caller = NOBODY

    @property
    def page(self) -> Page:
        """The app on the screen."""
        return self.window.page

    def see(self, test_id: str) -> Locator:
        """A part of the page in view; pages behind it are still in the document."""
        return self.page.get_by_test_id(test_id).filter(visible=True)

    async def shows(self, what: str) -> None:
        """Wait for a part by its test id, or for words written after a "="."""
        words = self.page.get_by_text(what[1:]).filter(visible=True)
        await expect((words if what.startswith("=") else self.see(what)).first).to_be_visible()

    async def settle(self) -> None:
        """Wait until one page has gone and the next has come."""
        await expect(self.page.locator(".taro_page").filter(visible=True)).to_have_count(1)

    async def tap(self, test_id: str) -> None:
        """Tap the first of them."""
        await self.settle()
        await self.see(test_id).first.click()

    async def tab(self, name: str) -> None:
        """Go to a page of the tab bar."""
        await self.page.locator(".weui-tabbar__item", has_text=re.compile(f"^{name}$")).click()

    async def fill(self, **fields: str) -> None:
        """Type into fields by their test ids, written with underscores."""
        for name, text in fields.items():
            await self.see(name.replace("_", "-")).fill(text)

    async def expect_title(self, title: str) -> None:
        """Wait for a page."""
        headings = self.page.get_by_role("heading", level=1).filter(visible=True)
        await expect(headings).to_have_text([title])

    async def sign_in(self) -> None:
        """By a code that comes in a message; the page is open already."""
        phone = self.family.grown_up.phone
        await self.fill(login_phone=phone)
        await self.tap("login-send-code")
        await expect(self.see("login-send-code")).to_contain_text("秒后重发")
        await self.fill(login_code=await self.town.sms_code(phone))
        await self.tap("login-submit")
        await self.tap("login-agree-continue")

    async def prove_name(self) -> None:
        """Fill in the page for the real name."""
        person = self.family.grown_up
        await self.fill(realname_name=person.name, realname_id=person.id_number)
        await self.tap("realname-submit")

    async def code_text(self) -> str:
        """What the code on the screen says."""
        text = await self.see("code-qr").get_attribute("data-code-text")
        assert text
        return text

    async def appointment_state(self, text: str) -> None:
        """Wait until the open appointment says so; the page looks by itself."""
        await expect(self.see("appointment-state")).to_have_text(text, timeout=15_000)


async def stored_session(town: Town, caller: Caller) -> str:
    """A script that signs a fresh phone in, for tests about something else than signing in."""
    me = await town.city.call("GET", "/api/v1/me", as_=caller)
    session = {"accessToken": caller.token, "refreshToken": "none", "me": me}
    return store("hc.session", session)


def store(key: str, value: Any) -> str:
    """A script that puts a value where the app keeps it; only once, so that the app may change it."""
    kept = json.dumps(json.dumps({"data": value}))
    name = json.dumps(key)
    return f"if (location.host && localStorage.getItem({name}) === null) localStorage.setItem({name}, {kept})"
