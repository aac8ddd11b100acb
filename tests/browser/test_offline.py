"""A phone without a network: it makes the code itself, and the hospital takes it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.qr import read_picture
from tests.browser.resident import MINE, Resident, stored_session
from tests.browser.town import Town
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
# A moment after it has started, the app fetches the pages that nobody has opened yet.
ALL_FETCHED = """() => {
  const pages = document.querySelector('meta[name="hc-pages"]').content.split(' ')
  const done = new Set(performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname))
  return pages.every((page) => done.has(page))
}"""
# What the browser itself says of a call that did not get out.
NO_NETWORK = "ERR_INTERNET_DISCONNECTED"


@pytest.fixture
async def resident(phone: Window, town: Town) -> Resident:
    caller = await town.city.resident()
    await phone.page.add_init_script(await stored_session(town, caller))
    return Resident(phone, town, await town.family())


async def test_the_code_is_made_by_the_phone_and_accepted(resident: Resident, town: Town) -> None:
    page, terminal = resident.page, await town.terminal()
    async with page.expect_response("**/health-codes/offline-device"):
        await resident.window.open("/#/pages/code/show/index")
    assert (await resident.code_text()).startswith("E1:")
    await page.wait_for_function(ALL_FETCHED)
    with resident.window.excusing(NO_NETWORK):
        await page.context.set_offline(True)
        await resident.tap("code-refresh")
        await expect(resident.see("code-offline")).to_be_visible()
        text = await resident.code_text()
        assert text.startswith("E2:")
        assert await read_picture(resident.see("code-qr")) == text
        seen = await town.verify(terminal, text)
        assert (seen["code_kind"], seen["patient"]["name"]) == ("phone", "张乙")
        # She looks elsewhere and comes back; the app is all there without a network.
        await resident.tab(MINE)
        await resident.tab("健康码")
        await expect(resident.see("code-offline")).to_be_visible()
        await page.context.set_offline(False)
        await resident.tap("code-refresh")
        await expect(resident.see("code-offline")).to_have_count(0)
    assert (await resident.code_text()).startswith("E1:")


async def test_a_code_is_replaced_before_it_ends(resident: Resident, town: Town) -> None:
    await resident.page.clock.install()
    await resident.window.open("/#/pages/code/show/index")
    first = await resident.code_text()
    await resident.page.clock.fast_forward(40_000)
    assert await resident.code_text() == first
    await resident.page.clock.fast_forward(6_000)
    await expect(resident.see("code-qr")).not_to_have_attribute("data-code-text", first)
    seen = await town.verify(await town.terminal(), await resident.code_text())
    assert seen["code_kind"] == "dynamic"
