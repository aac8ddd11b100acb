"""Notices to the city: retried on the published schedule, and every way they can misbehave."""

import json

import pytest

from tests.sandbox.merchant import Merchant
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

NOTICE = "/callbacks/wechat-pay/notice"
REFUND_NOTICE = "/callbacks/wechat-pay/refund-notice"


async def delivery_of(outside: Outside, subject: str, event: str = "TRANSACTION.SUCCESS") -> dict:
    found = (await outside.get("deliveries", subject=subject))["items"]
    return next(one for one in found if one["event"] == event)


async def test_a_notice_is_signed_and_an_acknowledged_one_is_not_sent_again(
    merchant: Merchant, outside: Outside, city: Listener
):
    number = await merchant.paid()
    heard = await city.next(NOTICE)
    assert merchant.is_from_wechat(heard.headers, heard.body)
    assert json.loads(heard.body)["resource"]["algorithm"] == "AEAD_AES_256_GCM"

    async def is_delivered() -> bool:
        return (await delivery_of(outside, number))["state"] == "delivered"

    await poll(is_delivered)
    assert len(city.heard) == 1


async def test_an_unacknowledged_notice_comes_sixteen_times_and_is_given_up(
    merchant: Merchant, outside: Outside, city: Listener
):
    city.status = 500
    await outside.post("time", {"factor": 1_000_000})
    number = await merchant.paid()

    async def is_given_up() -> bool:
        return (await delivery_of(outside, number))["state"] == "given_up"

    await poll(is_given_up, deadline_s=30)
    assert len(city.heard) == 16
    assert len({heard.body for heard in city.heard}) == 1
    assert len({heard.headers["Wechatpay-Nonce"] for heard in city.heard}) == 16


async def test_time_runs_on_the_published_schedule(merchant: Merchant, outside: Outside, city: Listener):
    city.status = 500
    number = await merchant.paid()
    await city.next(NOTICE)

    async def was_tried() -> bool:
        return len((await delivery_of(outside, number))["attempts"]) == 1

    await poll(was_tried)
    assert len(city.heard) == 1  # the next one is fifteen seconds away
    await outside.post("time", {"factor": 1000})
    await poll(lambda: len(city.heard) >= 4, what="what was waiting moves closer")


async def test_a_lost_notice_comes_at_a_later_attempt(merchant: Merchant, outside: Outside, city: Listener):
    await outside.post("time", {"factor": 1000})
    await outside.post("switches", {"lose_notices": 2})
    number = await merchant.paid()
    await city.next(NOTICE)

    async def is_delivered() -> list[str]:
        delivery = await delivery_of(outside, number)
        return [one["outcome"] for one in delivery["attempts"]] if delivery["state"] == "delivered" else []

    assert await poll(is_delivered) == ["lost", "lost", ""]
    assert len(city.heard) == 1


async def test_no_notice_at_all_when_paid_silently(merchant: Merchant, outside: Outside, city: Listener):
    number = await merchant.place()
    await outside.post(f"orders/{number}/pay", {"notify": False})
    assert (await merchant.query(number)).json()["trade_state"] == "SUCCESS"
    assert not (await outside.get("deliveries", subject=number))["items"]


async def test_a_duplicate_carries_the_same_id(merchant: Merchant, outside: Outside, city: Listener):
    await outside.post("switches", {"duplicate_notices": True})
    await merchant.paid()
    await poll(lambda: len(city.heard) == 2)
    assert len({json.loads(heard.body)["id"] for heard in city.heard}) == 1


async def test_paying_twice_moves_money_once_and_tells_twice(
    merchant: Merchant, outside: Outside, city: Listener
):
    number = await merchant.place()
    answer = await outside.post(f"orders/{number}/pay", {"times": 2})
    assert answer["refused_again"] == 1
    await poll(lambda: len(city.heard) == 2)
    assert len({json.loads(heard.body)["id"] for heard in city.heard}) == 2
    assert (await outside.get("ledger"))["totals"]["paid_fen"] == 1500


async def test_a_refund_notice_may_overtake_the_payment_notice(
    merchant: Merchant, outside: Outside, city: Listener
):
    await outside.post("time", {"factor": 10})
    await outside.post("switches", {"reorder_notices": True})
    number = await merchant.paid()
    await merchant.refund(number, 1500)
    await poll(lambda: len(city.heard) == 2)
    assert [heard.path for heard in city.heard] == [REFUND_NOTICE, NOTICE]


@pytest.mark.parametrize(("status", "verdict"), [(401, "refused"), (204, "swallowed")])
async def test_a_signature_probe_tells_whether_the_city_checks(
    merchant: Merchant, outside: Outside, city: Listener, status: int, verdict: str
):
    await outside.post("switches", {"signtest_every": 1})
    city.status = status
    number = await merchant.paid()
    probe = await city.next(NOTICE, header="WECHATPAY/SIGNTEST/")
    assert not merchant.is_from_wechat(probe.headers, probe.body)

    async def state() -> bool:
        return (await delivery_of(outside, number, "PROBE"))["state"] == verdict

    await poll(state)


async def test_a_forged_notice_comes_before_the_true_one(
    merchant: Merchant, outside: Outside, city: Listener
):
    await outside.post("switches", {"forge_notice": True})
    await merchant.paid()
    await poll(lambda: len(city.heard) == 2)
    genuine = [merchant.is_from_wechat(heard.headers, heard.body) for heard in city.heard]
    assert sorted(genuine) == [False, True]


async def test_somebody_who_takes_long_pays_later(merchant: Merchant, outside: Outside, city: Listener):
    number = await merchant.place()
    await outside.post(f"orders/{number}/pay", {"delay_s": 1.5})
    assert (await merchant.query(number)).json()["trade_state"] == "NOTPAY"
    await city.next(NOTICE)
    assert (await merchant.query(number)).json()["trade_state"] == "SUCCESS"


async def test_a_payer_who_takes_too_long_meets_a_closed_order(merchant: Merchant, outside: Outside):
    number = await merchant.place()
    await outside.post(f"orders/{number}/pay", {"delay_s": 2})
    await merchant.close(number)

    async def was_refused() -> bool:
        orders = (await outside.get("orders"))["items"]
        return bool(orders[0]["refused"])

    await poll(was_refused)
    assert (await merchant.query(number)).json()["trade_state"] == "CLOSED"
    assert (await outside.get("ledger"))["totals"]["paid_fen"] == 0


async def test_a_refusal_leaves_the_order_unpaid(merchant: Merchant, outside: Outside):
    number = await merchant.place()
    order = await outside.post(f"orders/{number}/refuse")
    assert order["refused"] == ["用户取消支付"]
    assert (await merchant.query(number)).json()["trade_state"] == "NOTPAY"


async def test_another_amount_than_asked_shows_in_query_and_notice(
    merchant: Merchant, outside: Outside, city: Listener
):
    number = await merchant.place()
    await outside.post(f"orders/{number}/pay", {"amount_fen": 1})
    assert (await merchant.query(number)).json()["amount"]["total"] == 1
    await city.next(NOTICE)


@pytest.mark.parametrize(
    "spoiled", [{"paySign": "AAAA"}, {"timeStamp": 1700000000}, {"signType": "MD5"}, {"appId": "wx0"}]
)
async def test_the_client_refuses_a_wrong_pay_sign(
    merchant: Merchant, outside: Outside, spoiled: dict[str, object]
):
    number = await merchant.place()
    prepay_id = (await outside.get("orders"))["items"][0]["prepay_id"]
    params = {
        "timeStamp": "1700000000",
        "nonceStr": "n",
        "package": f"prepay_id={prepay_id}",
        "signType": "RSA",
    }
    refused = await merchant.client.post(
        "/control/request-payment", json=params | {"paySign": "AAAA"} | spoiled
    )
    assert refused.status_code == 400
    assert (await merchant.query(number)).json()["trade_state"] == "NOTPAY"
