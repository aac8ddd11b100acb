"""The console's pages of HL7 messages on a desk and on a tablet; pictures in screens/console."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from backend.exchange.v2.models import Link, SenderKind
from backend.permissions import Role
from tests.browser import desk as at_the_desk
from tests.browser.test_console_pages import pictures
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.exchange import make_dead_outgoing

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(240)]

GIVEN = [
    Path(f"tests/fixtures/hl7v2/{name}.hl7").read_bytes()
    for name in ("ADT-A01-01", "ORU-R01-01", "VXU-V04-01")
]


async def test_messages_are_seen_unmasked_corrected_and_mapped(chromium: Browser, town: Town) -> None:
    exchange, place = town.city.city.services.exchange, town.hospital.id
    await exchange.senders.allow(SenderKind.PORT, "2576", place, "GB 18030-2000")
    for block in GIVEN:
        await exchange.receiver.take(block, Link(port=2576))
        await exchange.receiver.take(
            block.replace(b"|MSG00001|", b"|MSG00002|").replace(b"|EVERYMAN", b"|"), Link(port=2576)
        )
    dead = b"MSH|^~\\&|HIS|QY|CITY|HUB|20260301||ADT^A04|D1|P|2.5\rEVN|A04\rPID|1||ZY1\rPV1|1|O\r"
    await exchange.receiver.take(dead, Link(port=2576))
    await exchange.receiver.take(b"MSH|^~\\&|HIS|UNKNOWN HOSPITAL|||20260301||ADT^A04|D2|P|2.5\r", Link())

    await make_dead_outgoing(town.city.city.services, place)
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
        page = window.page
        await page.goto(f"{window.address}/admin/exchange")
        await pictures(window, "exchange-messages")
        await (
            page.get_by_role("row").filter(has_text="ORU^R01").get_by_role("link", name="查看").first.click()
        )
        await pictures(window, "exchange-message")
        await page.get_by_role("link", name="查看原文").click()
        await pictures(window, "exchange-revealing")
        await page.get_by_label("原因").fill("与医院核对")
        await page.get_by_role("button", name="查看原文").click()
        await expect(page.get_by_text("Huckleberry")).to_be_visible()
        await pictures(window, "exchange-revealed")
        await page.goto(f"{window.address}/admin/exchange?state=dead")
        await page.get_by_role("link", name="查看").first.click()
        await pictures(window, "exchange-dead")
        await page.get_by_role("link", name="更正后重放").click()
        await page.get_by_label("原因").fill("补姓名")
        await page.get_by_role("button", name="下一步").click()
        await pictures(window, "exchange-editing")
        await page.get_by_label("消息内容").fill(
            dead.decode().replace("ZY1", "ZY1||王秀英").replace("\r", "\n")
        )
        await page.get_by_role("button", name="重放更正后的消息").click()
        await expect(page.get_by_text("已入档")).to_be_visible()
        await _look_at_what_goes_out(window)
        await page.goto(f"{window.address}/admin/exchange/senders")
        await pictures(window, "exchange-senders")
        await page.goto(f"{window.address}/admin/exchange/tables?organization={place}")
        await pictures(window, "exchange-tables")
        await page.goto(f"{window.address}/admin/exchange/tables/{place}/relationship")
        await page.get_by_label("每行一条").fill("EMC = C\nFOO = O")
        await page.get_by_role("button", name="预览").click()
        await pictures(window, "exchange-table")


async def _look_at_what_goes_out(window: Window) -> None:
    """Say where messages go, and set one aside that a hospital has refused."""
    page = window.page
    await page.goto(f"{window.address}/admin/exchange/targets")
    await page.get_by_label("地址").fill("10.1.2.3")
    await page.get_by_label("端口").fill("2575")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("10.1.2.3:2575")).to_be_visible()
    await pictures(window, "exchange-targets")
    await page.goto(f"{window.address}/admin/exchange/outbound")
    await pictures(window, "exchange-outbound")
    await page.get_by_role("link", name="查看").first.click()
    await pictures(window, "exchange-outgoing")
    await page.get_by_role("link", name="搁置").click()
    await page.get_by_label("原因").fill("医院已另行处理")
    await page.get_by_role("button", name="搁置").click()
    await expect(page.get_by_text("已搁置")).to_be_visible()
