"""Cloud MAS: the mac, the refusals, reports and replies by push and by pull."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import CALLBACK_SECRET, PHONE
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

REPORT = f"/callbacks/sms/mas/{CALLBACK_SECRET}/report"
REPLY = f"/callbacks/sms/mas/{CALLBACK_SECRET}/reply"


def submission(outside: Outside, **changes: str) -> dict[str, str]:
    mas = outside.credentials["mas"]
    body = {
        "ecName": mas["ec_name"],
        "apId": mas["ap_id"],
        "mobiles": PHONE,
        "content": "您的验证码是 123456",
        "sign": mas["sign_code"],
        "addSerial": "",
    } | changes
    parts = (body["ecName"], body["apId"], mas["secret_key"], body["mobiles"], body["content"])
    body.setdefault("mac", md5(*parts, body["sign"], body["addSerial"]))
    return body


def md5(*parts: str) -> str:
    return hashlib.md5("".join(parts).encode()).hexdigest()


async def post(web: httpx.AsyncClient, path: str, body: Any) -> Any:
    content = base64.b64encode(json.dumps(body, ensure_ascii=False).encode())
    answer = await web.post(f"/mas/sms/{path}", content=content)
    assert answer.status_code == 200
    return answer.json()


async def test_a_message_arrives_with_its_signature_and_is_reported(
    web: httpx.AsyncClient, outside: Outside, city: Listener
):
    answer = await post(web, "norsubmit", submission(outside))
    assert (answer["success"], answer["rspcod"]) == (True, "success")
    sms = (await outside.get("sms", phone=PHONE))["items"][0]
    assert sms["text"] == "【健康城市】您的验证码是 123456"
    heard = await city.next(REPORT)
    (report,) = json.loads(heard.body)
    assert report["msgGroup"] == answer["msgGroup"] == sms["msg_group"]
    assert (report["mobile"], report["reportStatus"], report["errorCode"]) == (PHONE, "DELIVRD", "DELIVRD")
    assert len(report["submitDate"]) == len(report["receiveDate"]) == 14


async def test_many_phones_are_one_group(web: httpx.AsyncClient, outside: Outside, city: Listener):
    mobiles = ",".join(f"139{number:08d}" for number in range(3))
    await post(web, "norsubmit", submission(outside, mobiles=mobiles))
    reports = json.loads((await city.next(REPORT)).body)
    assert [report["mobile"] for report in reports] == mobiles.split(",")


@pytest.mark.parametrize(
    ("changes", "rspcod"),
    [
        ({"mac": "0" * 32}, "IllegalMac"),
        ({"mac": ""}, "IllegalMac"),
        ({"ecName": "别人"}, "InvalidUsrOrPwd"),
        ({"apId": "nobody"}, "InvalidUsrOrPwd"),
        ({"secretKey": "wrong"}, "InvalidUsrOrPwd"),
        ({"sign": ""}, "NoSignId"),
        ({"sign": "unknown"}, "IllegalSignId"),
        ({"mobiles": "12345"}, "InvalidMobile"),
        ({"mobiles": ""}, "InvalidMobile"),
        ({"mobiles": ",".join([PHONE] * 5001)}, "TooManyMobiles"),
        ({"content": ""}, "InvalidMessage"),
        ({"content": "长" * 1001}, "InvalidMessage"),
        ({"addSerial": "abc"}, "InvalidMessage"),
    ],
    ids=lambda value: str(value)[:32],
)
async def test_a_wrong_submission_is_refused(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, str], rspcod: str
):
    answer = await post(web, "norsubmit", submission(outside, **changes))
    assert answer == {"msgGroup": "", "rspcod": rspcod, "success": False}
    assert not (await outside.get("sms"))["items"]


async def test_the_secret_may_come_along(web: httpx.AsyncClient, outside: Outside):
    secret = outside.credentials["mas"]["secret_key"]
    assert (await post(web, "norsubmit", submission(outside, secretKey=secret)))["success"]


@pytest.mark.parametrize("content", [b"", b"{}", b"not base64!", base64.b64encode(b"not json")])
async def test_a_body_that_is_not_base64_of_json_is_refused(
    web: httpx.AsyncClient, outside: Outside, content: bytes
):
    answer = await web.post("/mas/sms/norsubmit", content=content)
    assert (answer.status_code, answer.json()["rspcod"]) == (200, "InvalidMessage")


async def test_templates_are_filled_and_their_parameters_counted(web: httpx.AsyncClient, outside: Outside):
    mas = outside.credentials["mas"]
    template = mas["templates"]["login_code"]["id"]

    def templated(params: str) -> dict[str, str]:
        parts = (mas["ec_name"], mas["ap_id"], mas["secret_key"], template, PHONE, params, mas["sign_code"])
        body = {"ecName": mas["ec_name"], "apId": mas["ap_id"], "templateId": template, "mobiles": PHONE}
        return body | {"params": params, "sign": mas["sign_code"], "addSerial": "", "mac": md5(*parts)}

    assert (await post(web, "tmpsubmit", templated('["123456","5"]')))["success"]
    assert "123456，5分钟" in (await outside.get("sms"))["items"][0]["text"]
    for params in ('["123456"]', '[""]', "[1,2]", "no json"):
        assert (await post(web, "tmpsubmit", templated(params)))["rspcod"] == "InvalidMessage"


async def test_a_failed_message_is_reported_with_the_carriers_code(
    web: httpx.AsyncClient, outside: Outside, city: Listener
):
    async with outside.misbehaving(sms_fail="MK:0001"):
        await post(web, "norsubmit", submission(outside))
        (report,) = json.loads((await city.next(REPORT)).body)
    assert report["reportStatus"] != "DELIVRD"
    assert report["errorCode"] == "MK:0001"
    assert (await outside.get("sms"))["items"][0]["state"] == "failed"


async def test_a_gateway_that_refuses_keeps_the_message(web: httpx.AsyncClient, outside: Outside):
    async with outside.misbehaving(refuse_sms="NOT_WHITE_IP"):
        assert (await post(web, "norsubmit", submission(outside)))["rspcod"] == "NOT_WHITE_IP"
    assert not (await outside.get("sms"))["items"]


async def test_a_reply_is_pushed(outside: Outside, city: Listener):
    await outside.post("sms/reply", {"phone": PHONE, "content": " T ", "add_serial": "01"})
    (reply,) = json.loads((await city.next(REPLY)).body)
    assert (reply["mobile"], reply["smsContent"], reply["addSerial"]) == (PHONE, " T ", "01")


async def test_a_push_is_tried_again_when_refused(outside: Outside, city: Listener):
    city.status = 500
    await outside.post("time", {"factor": 100_000})
    await outside.post("sms/reply", {"phone": PHONE, "content": "1"})
    await poll(lambda: len(city.heard) == 4)


async def test_a_push_may_come_twice_and_without_an_array(outside: Outside, city: Listener):
    async with outside.misbehaving(duplicate_reports=True, single_reports=True):
        await outside.post("sms/reply", {"phone": PHONE, "content": "1"})
        await poll(lambda: len(city.heard) == 2)
    assert city.heard[0].body == city.heard[1].body
    assert json.loads(city.heard[0].body)["mobile"] == PHONE


async def test_without_a_push_address_reports_wait_to_be_pulled_once(
    web: httpx.AsyncClient, outside: Outside
):
    await outside.post("city", {"mas_callback_secret": ""})
    try:
        await post(web, "norsubmit", submission(outside))
        await outside.post("sms/reply", {"phone": PHONE, "content": "2"})
        mas = outside.credentials["mas"]
        login = {"ecName": mas["ec_name"], "apId": mas["ap_id"], "secretKey": mas["secret_key"]}

        async def pulled() -> Any:
            return await post(web, "report", login)

        reports = await poll(pulled)
        assert reports[0]["mobile"] == PHONE
        assert await pulled() == []
        assert (await post(web, "deliver", login))[0]["smsContent"] == "2"
        wrong = await post(web, "report", login | {"secretKey": "x"})
        assert wrong["rspcod"] == "InvalidUsrOrPwd"
    finally:
        await outside.post("city", {"mas_callback_secret": CALLBACK_SECRET})
