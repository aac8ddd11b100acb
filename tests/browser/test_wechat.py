"""Inside WeChat: signing in through the official account, paying with WeChat's own sheet."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.resident import Resident
from tests.browser.town import FEE_FEN, Town
from tests.browser.window import open_window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

USER_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0 "
    "Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MicroMessenger/8.0.47.2560 WeChat/arm64 NetType/WIFI"
)
# WeChat's bridge comes after the page; what the page asks of it goes to the test, as it would to WeChat.
BRIDGE = """window.addEventListener('load', () => {
  window.WeixinJSBridge = {
    invoke: async (method, params, answered) => answered({ err_msg: await window.askWeChat(method, params) })
  }
  document.dispatchEvent(new Event('WeixinJSBridgeReady'))
})"""


@pytest.fixture
async def resident(chromium: Browser, town: Town) -> AsyncIterator[Resident]:
    family = await town.family()
    options = {"user_agent": USER_AGENT, "has_touch": True}
    async with open_window(chromium, town.url, "h5", width=375, height=812, **options) as window:
        await window.page.add_init_script(BRIDGE)
        yield Resident(window, town, family)


async def test_a_payment_by_wechats_own_sheet(resident: Resident) -> None:
    answers = iter(["get_brand_wcpay_request:cancel"])
    asked: list[str] = []

    async def ask_wechat(method: str, params: dict[str, str]) -> str:
        asked.append(method)
        told = next(answers, None)
        if told:
            return told
        # The sandbox checks the signature, the app and the payer as WeChat does.
        body = params | {"phone": resident.family.grown_up.phone}
        await resident.town.city.outside.post("request-payment", body)
        await resident.town.city.later()
        return "get_brand_wcpay_request:ok"

    await resident.page.expose_function("askWeChat", ask_wechat)
    await signs_in_through_the_official_account(resident)
    await resident.tap("mine-appointments")
    await resident.window.open(f"/#/pages/booking/slots/index?schedule_id={resident.town.schedules[0].id}")
    await resident.tap("slot-item")
    await resident.expect_title("确认预约")
    await resident.tap("confirm-submit")
    await resident.tap("pay-start")
    await expect(resident.see("pay-note")).to_contain_text("您取消了支付")
    await resident.tap("pay-start")
    await resident.appointment_state("预约成功")
    assert asked == ["getBrandWCPayRequest"] * 2
    [order] = (await resident.town.city.outside.get("orders"))["items"]
    assert (order["trade_type"], order["paid_fen"]) == ("JSAPI", FEE_FEN)


async def signs_in_through_the_official_account(resident: Resident) -> None:
    await resident.window.open("/#/pages/mine/index")
    await resident.tap("go-sign-in")
    await resident.tap("login-wechat")
    await resident.tap("login-agree-continue")
    await resident.page.get_by_role("button", name=resident.family.grown_up.name).click()
    # The account has no phone number yet: a message proves it.
    await expect(resident.page.get_by_text("首次登录需要验证手机号")).to_be_visible()
    assert re.search(r"/#/pages/login/index\?ticket=", resident.page.url)
    await resident.sign_in()
    await resident.expect_title("我的")
    await resident.tap("go-realname")
    await resident.prove_name()
    await expect(resident.page.get_by_text("已实名")).to_be_visible()
