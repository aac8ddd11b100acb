"""Talking in use: somebody chats by both ways, asks for a person, and staff answer while both look on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from backend.permissions import SYSTEM, Role
from tests.browser import desk as at_the_desk
from tests.browser.town import Town
from tests.browser.window import SCREENS, Window, open_window
from tests.support.polling import poll

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(240)]
NUMBER = "13900001212"
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def working(town: Town, condition: Callable[[], Awaitable[object]]) -> None:
    """Let the city work until something is so."""

    async def once() -> object:
        await town.city.work()
        return await condition()

    await poll(once, 40)


async def shown(town: Town, place: Locator, words: str) -> None:
    """Let the city work until these words are there: an answer may come at once or by a worker."""

    async def there() -> object:
        return await place.filter(has_text=words).count()

    await working(town, there)


async def say(page: Page, where: str, words: str) -> None:
    await page.get_by_label(where).fill(words)
    await page.get_by_label(where).press("Enter")


async def test_somebody_chats_asks_for_a_person_and_is_answered_live(
    town: Town, desk: Window, chromium: Browser
) -> None:
    inbox = town.city.city.services.inbox
    await town.city.city.services.bots.official_account.push_menu()
    async with open_window(chromium, town.city.outside.url, "chat", width=1000, height=900) as chat:
        page = await chat.open(f"/chat?number={NUMBER}")
        await say(page, "发消息给公众号", "帮助")
        wechat, sms = page.locator("[data-test=wechat]"), page.locator("[data-test=sms]")
        await shown(town, wechat, "您可以直接说要做什么")
        await page.get_by_role("button", name="预约挂号").click()
        await shown(town, wechat, "手机号")
        await say(page, "发短信给城市", "人工")
        await working(town, lambda: inbox.list_open(SYSTEM))
        await at_the_desk.sign_in(desk, town, Role.CITY_OPERATOR)
        console = desk.page
        await console.get_by_role("link", name="人工服务").click()
        await expect(console.locator("[data-test=talk]")).to_contain_text("139****1212")
        await desk.picture("inbox")
        await console.get_by_role("link", name="打开").click()
        await console.get_by_role("button", name="接听").click()
        await console.get_by_label("回复内容").fill("您好，请问有什么可以帮您？")
        await console.get_by_label("回复内容").press("Enter")
        await expect(console.locator("#lines")).to_contain_text("有什么可以帮您")
        await shown(town, sms, "有什么可以帮您")
        await say(page, "发短信给城市", "我想改到下午")
        # What is being typed stays while the page renews itself around it.
        await console.get_by_label("回复内容").fill("好的，")
        await shown(town, console.locator("#lines"), "我想改到下午")
        await expect(console.get_by_label("回复内容")).to_have_value("好的，")
        await desk.picture("inbox-talk")
        await console.get_by_role("button", name="结束对话").click()
        await expect(console.locator("main")).to_contain_text("现在没有人等候")
        await shown(town, sms, "人工服务已结束")
        # Under typing hands the page does not renew itself, so its picture can be taken.
        await page.get_by_label("发消息给公众号").fill("我的预约")
        await chat.quiet()
        for width in (1000, 375):
            await chat.resize(width)
            await page.screenshot(path=SCREENS / "chat" / f"both-{width}.png")
            assert not await page.evaluate(SIDEWAYS)
