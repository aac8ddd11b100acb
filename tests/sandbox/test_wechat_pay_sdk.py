"""The SDK `wechatpayv3`, unmodified but for its address, through a whole payment."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from tests.sandbox.merchant import new_number
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

NOTICE = "/callbacks/wechat-pay/notice"


def make_sdk(outside: Outside, **more: Any) -> WeChatPay:
    account = outside.credentials["wechat_pay"]
    return WeChatPay(
        WeChatPayType.MINIPROG,
        account["mch_id"],
        account["merchant_private_key_pem"],
        account["cert_serial"],
        outside.credentials["wechat_mini"]["app_id"],
        account["api_v3_key"],
        outside.city_url + NOTICE,
        timeout=10,
        **more,
    )


@pytest.fixture
def sdk(outside: Outside) -> WeChatPay:
    account = outside.credentials["wechat_pay"]
    sdk = make_sdk(outside, public_key=account["public_key_pem"], public_key_id=account["public_key_id"])
    sdk._core._gate_way = f"{outside.url}/wechat-pay"
    return sdk


@pytest.fixture
def _gateway_from_birth(outside: Outside) -> Iterator[None]:
    """Certificate mode calls its gateway inside the constructor: give the address to the class."""

    class Address:
        def __get__(self, *_: Any) -> str:
            return f"{outside.url}/wechat-pay"

        def __set__(self, *_: Any) -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Core, "_gate_way", Address(), raising=False)
        yield


async def _go_through(sdk: WeChatPay, outside: Outside, city: Listener) -> dict[str, Any]:
    openid = (await outside.post("wechat-users", {"phone": "13800138000"}))["mini_openid"]
    number, amount = new_number(), {"total": 1500, "currency": "CNY"}
    status, text = await asyncio.to_thread(sdk.pay, "挂号费", number, amount, {"openid": openid})
    assert status == 200, text
    package = f"prepay_id={json.loads(text)['prepay_id']}"
    signed = sdk.sign([outside.credentials["wechat_mini"]["app_id"], "1700000000", "nonce", package])
    client = {"timeStamp": "1700000000", "nonceStr": "nonce", "package": package, "signType": "RSA"}
    await outside.post("request-payment", client | {"paySign": signed, "openid": openid})
    heard = await city.next(NOTICE)
    notice = await asyncio.to_thread(sdk.callback, heard.headers, heard.body)
    assert notice["resource"]["out_trade_no"] == number
    status, text = await asyncio.to_thread(sdk.query, out_trade_no=number)
    assert json.loads(text) == notice["resource"]
    return dict(notice["resource"])


async def test_public_key_mode_orders_pays_hears_and_queries(
    sdk: WeChatPay, outside: Outside, city: Listener
):
    paid = await _go_through(sdk, outside, city)
    assert (paid["trade_state"], paid["amount"]["total"]) == ("SUCCESS", 1500)


async def test_a_refund_is_told_and_queried(sdk: WeChatPay, outside: Outside, city: Listener):
    paid = await _go_through(sdk, outside, city)
    amount = {"total": 1500, "refund": 1500, "currency": "CNY"}
    refund_url = f"{outside.city_url}/callbacks/wechat-pay/refund-notice"
    status, text = await asyncio.to_thread(
        sdk.refund, "RF-0001", amount, transaction_id=paid["transaction_id"], notify_url=refund_url
    )
    assert (status, json.loads(text)["status"]) == (200, "PROCESSING")
    heard = await city.next("/callbacks/wechat-pay/refund-notice")
    notice = await asyncio.to_thread(sdk.callback, heard.headers, heard.body)
    assert notice["event_type"] == "REFUND.SUCCESS"
    assert notice["resource"]["refund_status"] == "SUCCESS"
    status, text = await asyncio.to_thread(sdk.query_refund, "RF-0001")
    assert json.loads(text)["status"] == "SUCCESS"


async def test_native_payment_gives_a_code_that_the_cashier_understands(sdk: WeChatPay, outside: Outside):
    number, amount = new_number(), {"total": 800, "currency": "CNY"}
    status, text = await asyncio.to_thread(sdk.pay, "挂号费", number, amount, pay_type=WeChatPayType.NATIVE)
    code_url = json.loads(text)["code_url"]
    assert status == 200
    assert code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    await outside.post(f"orders/{number}/pay", {"openid": "oSomebodyElse"})
    _, text = await asyncio.to_thread(sdk.query, out_trade_no=number)
    assert json.loads(text)["payer"] == {"openid": "oSomebodyElse"}
    assert json.loads(text)["trade_type"] == "NATIVE"


async def test_a_forged_answer_is_noticed_by_the_sdk(sdk: WeChatPay, outside: Outside):
    async with outside.misbehaving(forge_answers_pay=True):
        with pytest.raises(Exception, match="failed to verify the signature"):
            await asyncio.to_thread(
                sdk.pay, "挂号费", new_number(), {"total": 1}, pay_type=WeChatPayType.NATIVE
            )


@pytest.mark.usefixtures("_gateway_from_birth")
async def test_certificate_mode_fetches_the_platform_certificate_and_works(outside: Outside, city: Listener):
    sdk = await asyncio.to_thread(make_sdk, outside)
    number = new_number()
    status, _ = await asyncio.to_thread(
        sdk.pay, "挂号费", number, {"total": 100}, pay_type=WeChatPayType.NATIVE
    )
    assert status == 200
    assert (await asyncio.to_thread(sdk.close, number))[0] == 204


async def test_a_forged_notice_does_not_verify(sdk: WeChatPay, outside: Outside, city: Listener):
    number = new_number()
    await asyncio.to_thread(sdk.pay, "挂号费", number, {"total": 100}, pay_type=WeChatPayType.NATIVE)
    city.status = 401
    await outside.post(f"orders/{number}/forge")
    heard = await city.next(NOTICE)
    assert await asyncio.to_thread(sdk.callback, heard.headers, heard.body) is None

    async def is_refused() -> bool:
        found = (await outside.get("deliveries", subject=number))["items"]
        return bool(found) and found[0]["state"] == "refused"

    await poll(is_refused)
