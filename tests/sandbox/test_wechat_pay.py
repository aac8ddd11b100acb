"""WeChat Pay as a merchant meets it: signed answers, and refusals in the real codes and words."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.merchant import JSAPI, NATIVE, REFUNDS, Merchant, new_number
from tests.support.outside import Outside
from tests.support.polling import poll


async def test_an_order_lives_from_unpaid_through_paid_to_refunded(merchant: Merchant, outside: Outside):
    number = await merchant.place()
    assert (await merchant.query(number)).json()["trade_state"] == "NOTPAY"
    await outside.post(f"orders/{number}/pay")
    paid = (await merchant.query(number)).json()
    assert paid["trade_state"] == "SUCCESS"
    assert paid["amount"] == {"total": 1500, "currency": "CNY", "payer_total": 1500, "payer_currency": "CNY"}
    assert paid["payer"] == {"openid": merchant.mini_openid}
    by_id = f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid={merchant.account['mch_id']}"
    assert (await merchant.send("GET", by_id)).json() == paid
    refund = (await merchant.refund(number, 1500)).json()
    assert refund["status"] == "PROCESSING"

    async def is_refunded() -> bool:
        answer = await merchant.send("GET", f"{REFUNDS}/{refund['out_refund_no']}")
        return answer.json()["status"] == "SUCCESS"

    await poll(is_refunded)
    assert (await merchant.query(number)).json()["trade_state"] == "REFUND"


async def test_every_answer_is_signed_also_an_empty_one(merchant: Merchant):
    number = await merchant.place()
    answers = [await merchant.query(number), await merchant.close(number)]
    assert [answer.status_code for answer in answers] == [200, 204]
    assert all(merchant.is_from_wechat(answer.headers, answer.content) for answer in answers)


@pytest.mark.parametrize(
    "broken",
    [
        {"signature": "bm90IGEgc2lnbmF0dXJl"},
        {"signature": "not base64 at all"},
        {"serial_no": "0" * 40},
        {"mchid": "1600000000"},
        {"timestamp": str(int(time.time()) - 301)},
        {"timestamp": str(int(time.time()) + 86_400)},
        {"timestamp": "yesterday"},
        {"nonce_str": ""},
    ],
    ids=lambda broken: "-".join(broken),
)
async def test_a_wrong_signature_time_or_serial_is_a_sign_error(merchant: Merchant, broken: dict[str, Any]):
    answer = await merchant.send("POST", JSAPI, merchant.order(), **broken)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


async def test_a_sign_error_tells_what_it_expected_to_be_signed(merchant: Merchant):
    answer = await merchant.send("POST", JSAPI, merchant.order(), signature="AAAA")
    detail = answer.json()["detail"]
    assert detail["detail"] == {"issue": "sign not match"}
    assert (detail["field"], detail["location"]) == ("signature", "authorization")
    assert detail["sign_information"]["method"] == "POST"
    assert detail["sign_information"]["url"] == JSAPI
    assert detail["sign_information"]["truncated_sign_message"].startswith(f"POST\n{JSAPI}\n")


async def test_a_changed_body_breaks_the_signature(merchant: Merchant):
    header = merchant.authorization("POST", JSAPI, b'{"amount":1}')
    answer = await merchant.send("POST", JSAPI, {"amount": 2}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


async def test_a_replayed_request_is_refused(merchant: Merchant):
    number = await merchant.place()
    path = f"/v3/pay/transactions/out-trade-no/{number}?mchid={merchant.account['mch_id']}"
    header = {"Authorization": merchant.authorization("GET", path, b"")}
    assert (await merchant.send("GET", path, headers=header)).status_code == 200
    again = await merchant.send("GET", path, headers=header)
    assert (again.status_code, again.json()["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Basic YTpi"}, 401, "SIGN_ERROR"),
        ({"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1"'}, 401, "SIGN_ERROR"),
        ({"Accept": ""}, 400, "PARAM_ERROR"),
        ({"Accept": "text/html"}, 400, "PARAM_ERROR"),
        ({"Content-Type": "text/plain"}, 400, "PARAM_ERROR"),
        ({"Wechatpay-Serial": "PUB_KEY_ID_0100000000"}, 400, "PARAM_ERROR"),
    ],
    ids=lambda value: str(value)[:32],
)
async def test_headers_are_checked(merchant: Merchant, headers: dict[str, str], status: int, code: str):
    answer = await merchant.send("POST", JSAPI, merchant.order(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": {"total": 0, "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": "1500", "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": 15.5, "currency": "CNY"}}, "PARAM_ERROR"),
        ({"amount": {"total": True}}, "PARAM_ERROR"),
        ({"amount": {"total": 1500, "currency": "USD"}}, "PARAM_ERROR"),
        ({"amount": 1500}, "PARAM_ERROR"),
        ({"amount": None}, "PARAM_ERROR"),
        ({"description": ""}, "PARAM_ERROR"),
        ({"description": "挂" * 43}, "PARAM_ERROR"),
        ({"attach": "a" * 129}, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, "PARAM_ERROR"),
        ({"out_trade_no": "x" * 33}, "PARAM_ERROR"),
        ({"out_trade_no": "有汉字的订单号"}, "PARAM_ERROR"),
        ({"notify_url": None}, "PARAM_ERROR"),
        ({"notify_url": "http://127.0.0.1:1/elsewhere"}, "PARAM_ERROR"),
        ({"notify_url": "https://example.com/notice"}, "PARAM_ERROR"),
        ({"time_expire": "2026-01-01 10:00:00"}, "PARAM_ERROR"),
        ({"time_expire": "2026-01-01T10:00:00+08:00"}, "PARAM_ERROR"),
        ({"time_expire": "next week"}, "PARAM_ERROR"),
        ({"payer": None}, "PARAM_ERROR"),
        ({"payer": {"openid": "oNobody"}}, "PARAM_ERROR"),
        ({"appid": "wx0000000000000000"}, "PARAM_ERROR"),
        ({"mchid": "1600000000"}, "INVALID_REQUEST"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_parameter_is_refused(merchant: Merchant, changes: dict[str, Any], code: str):
    answer = await merchant.send("POST", JSAPI, merchant.order(**changes))
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


async def test_an_expiry_too_near_or_too_far_is_refused(merchant: Merchant):
    for seconds in (30, 8 * 86400):
        answer = await merchant.send("POST", JSAPI, merchant.order(time_expire=_in(seconds)))
        assert answer.json()["code"] == "PARAM_ERROR", seconds
    await merchant.place(time_expire=_in(120))


async def test_a_notice_address_may_not_carry_a_query(merchant: Merchant):
    url = f"{merchant.outside.city_url}/notice?order=1"
    answer = await merchant.send("POST", JSAPI, merchant.order(notify_url=url))
    assert answer.json()["code"] == "PARAM_ERROR"
    assert answer.json()["detail"] == {"location": "body", "value": url}


async def test_an_unbound_app_does_not_match_the_merchant(merchant: Merchant):
    order = merchant.order(appid="wx0000000000000000", payer=None)
    answer = await merchant.send("POST", NATIVE, order)
    assert (answer.status_code, answer.json()["code"]) == (400, "APPID_MCHID_NOT_MATCH")


async def test_an_openid_of_the_other_app_is_refused(merchant: Merchant):
    answer = await merchant.send("POST", JSAPI, merchant.order(payer={"openid": merchant.oa_openid}))
    assert (answer.status_code, answer.json()["message"]) == (400, "appid和openid不匹配")


async def test_the_same_order_asked_again_is_the_same_order(merchant: Merchant):
    body = merchant.order()
    first, second = [(await merchant.send("POST", JSAPI, body)).json() for _ in range(2)]
    assert first == second


async def test_the_same_number_with_other_parameters_is_refused(merchant: Merchant):
    body = merchant.order()
    await merchant.send("POST", JSAPI, body)
    dearer = await merchant.send("POST", JSAPI, body | {"amount": {"total": 1501, "currency": "CNY"}})
    assert (dearer.status_code, dearer.json()["code"]) == (400, "INVALID_REQUEST")
    assert "与首次请求时不一致" in dearer.json()["message"]
    assert dearer.headers["Request-Id"].endswith("-268498688")
    native = await merchant.send("POST", NATIVE, body)
    assert (native.status_code, native.json()["code"]) == (403, "OUT_TRADE_NO_USED")


async def test_a_paid_order_can_be_neither_placed_nor_closed_again(merchant: Merchant, outside: Outside):
    body = merchant.order()
    await merchant.send("POST", JSAPI, body)
    await outside.post(f"orders/{body['out_trade_no']}/pay")
    for answer in (await merchant.send("POST", JSAPI, body), await merchant.close(body["out_trade_no"])):
        assert (answer.status_code, answer.json()["code"]) == (400, "ORDER_PAID")


async def test_a_closed_order_stays_closed_and_cannot_be_paid(merchant: Merchant):
    body = merchant.order()
    number = body["out_trade_no"]
    await merchant.send("POST", JSAPI, body)
    assert [(await merchant.close(number)).status_code for _ in range(2)] == [204, 204]
    assert (await merchant.query(number)).json()["trade_state"] == "CLOSED"
    assert (await merchant.send("POST", JSAPI, body)).json()["code"] == "ORDER_CLOSED"
    refused = await merchant.client.post(f"/control/orders/{number}/pay")
    assert refused.status_code == 409


async def test_an_unknown_order_or_refund_does_not_exist(merchant: Merchant):
    for answer, code in (
        (await merchant.query("T0000000"), "ORDER_NOT_EXIST"),
        (await merchant.close("T0000000"), "ORDER_NOT_EXIST"),
        (await merchant.send("GET", f"{REFUNDS}/R0"), "RESOURCE_NOT_EXISTS"),
        (await merchant.refund("T0000000", 1), "RESOURCE_NOT_EXISTS"),
        (await merchant.send("GET", "/v3/no/such/thing"), "RESOURCE_NOT_EXISTS"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_query_names_the_merchant(merchant: Merchant):
    answer = await merchant.send("GET", f"/v3/pay/transactions/out-trade-no/{new_number()}")
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


async def test_refunds_never_pass_what_was_paid(merchant: Merchant, outside: Outside):
    number = await merchant.paid()
    assert (await merchant.refund(number, 1000)).status_code == 200
    too_much = await merchant.refund(number, 501)
    assert (too_much.status_code, too_much.json()["code"]) == (400, "INVALID_REQUEST")
    assert (await merchant.refund(number, 500)).status_code == 200
    nothing_left = await merchant.refund(number, 1)
    assert nothing_left.json() == {"code": "INVALID_REQUEST", "message": "订单已全额退款"}
    more_than_total = await merchant.refund(number, 1501)
    assert (more_than_total.status_code, more_than_total.json()["code"]) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"refund": 0, "total": 1500, "currency": "CNY"}},
        {"amount": {"refund": 100, "total": 1500}},
        {"amount": {"refund": 100, "currency": "CNY"}},
        {"out_refund_no": ""},
        {"out_refund_no": "r" * 65},
        {"reason": "因" * 27},
        {"out_trade_no": None},
        {"notify_url": "http://192.0.2.1/notice"},
    ],
    ids=lambda changes: str(changes)[:40],
)
async def test_a_wrong_refund_parameter_is_refused(merchant: Merchant, changes: dict[str, Any]):
    answer = await merchant.refund(await merchant.paid(), 100, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR"), answer.text


async def test_the_same_refund_asked_again_moves_money_once(merchant: Merchant, outside: Outside):
    number, refund_no = await merchant.paid(), new_number("R")
    for _ in range(3):
        assert (await merchant.refund(number, 700, out_refund_no=refund_no)).status_code == 200
    other = await merchant.refund(number, 800, out_refund_no=refund_no)
    assert (other.status_code, other.json()["code"]) == (400, "INVALID_REQUEST")
    totals = (await outside.get("ledger"))["totals"]
    assert totals["merchant_fen"] == 800


async def test_what_was_not_paid_cannot_be_refunded(merchant: Merchant):
    answer = await merchant.refund(await merchant.place(), 1500)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


async def test_a_refund_must_name_the_orders_total(merchant: Merchant):
    answer = await merchant.refund(await merchant.paid(), 100, total=1400)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("switch", "code", "status"),
    [
        ("refuse_prepay", "SYSTEM_ERROR", 500),
        ("refuse_prepay", "FREQUENCY_LIMITED", 429),
        ("refuse_refund", "NOT_ENOUGH", 403),
        ("refuse_query", "SYSTEM_ERROR", 500),
    ],
)
async def test_it_refuses_when_told_to(
    merchant: Merchant, outside: Outside, switch: str, code: str, status: int
):
    number = await merchant.paid()
    async with outside.misbehaving(**{switch: code}):
        answer = {
            "refuse_prepay": lambda: merchant.send("POST", JSAPI, merchant.order()),
            "refuse_refund": lambda: merchant.refund(number, 1),
            "refuse_query": lambda: merchant.query(number),
        }[switch]()
        refused = await answer
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_the_books_balance_whatever_became_of_the_money(merchant: Merchant, outside: Outside):
    await merchant.place()
    for result, fen in (("SUCCESS", 400), ("CLOSED", 300), ("ABNORMAL", 200)):
        number = await merchant.paid()
        async with outside.misbehaving(refund_result=result):
            await merchant.refund(number, fen)

            async def is_settled(number: str = number, result: str = result) -> bool:
                orders = (await outside.get("orders"))["items"]
                order = next(one for one in orders if one["out_trade_no"] == number)
                return order["refunds"][0]["status"] == result

            await poll(is_settled)
    totals = (await outside.get("ledger"))["totals"]
    assert totals == {
        "paid_fen": 4500,
        "refunded_fen": 400,
        "refunding_fen": 200,
        "merchant_fen": 3900,
        "payers_fen": -4100,
        "sum_fen": 0,
    }
