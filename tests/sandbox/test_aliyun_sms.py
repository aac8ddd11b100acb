"""Aliyun SMS in the sandbox: what its gateway and its product refuse, reports by push and by question."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.clouds import aliyun, aliyun_call, aliyun_message, aliyun_signature, pushing_to
from tests.sandbox.conftest import PHONE
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

SECRET = "aliyun-path-part"
REPORT, REPLY = (f"/callbacks/sms/aliyun/{SECRET}/{kind}" for kind in ("report", "reply"))


@pytest.fixture
async def pushing(outside: Outside, city: Listener) -> AsyncIterator[Outside]:
    """With an address to push to, where somebody answers as Aliyun wants it."""
    async with pushing_to(city, outside, "aliyun", SECRET, b'{"code": 0, "msg": "OK"}'):
        yield outside


async def send(
    web: httpx.AsyncClient, outside: Outside, phone: str = PHONE, **changes: str
) -> dict[str, Any]:
    fields = aliyun_message(outside, phone, **changes)
    _, answer = await aliyun(web, aliyun_call(outside, "SendSms", fields))
    return answer


async def test_a_filled_template_arrives_under_its_signature(web: httpx.AsyncClient, outside: Outside):
    answer = await send(web, outside, OutId="our-7", SmsUpExtendCode="08")
    assert (answer["Code"], answer["Message"]) == ("OK", "OK")
    (sms,) = (await outside.get("sms", phone=PHONE))["items"]
    assert sms["text"] == "【健康城市】张*您好，请记得明天上午的就诊。"
    assert (sms["msg_group"], sms["reference"], sms["add_serial"]) == (answer["BizId"], "our-7", "08")
    page = (await web.get("/phone", params={"number": PHONE})).text
    assert "张*您好，请记得明天上午的就诊" in page
    assert "· 阿里云" in page


async def test_a_call_by_get_is_signed_as_such(web: httpx.AsyncClient, outside: Outside):
    params = aliyun_call(outside, "SendSms", aliyun_message(outside, PHONE))
    assert (await web.get("/aliyun-sms/", params=params)).json()["Code"] == "SignatureDoesNotMatch"
    del params["Signature"]
    params["SignatureNonce"] += "-2"
    secret = outside.credentials["aliyun_sms"]["access_key_secret"]
    params["Signature"] = aliyun_signature("GET", params, secret)
    assert (await web.get("/aliyun-sms/", params=params)).json()["Code"] == "OK"


async def test_at_the_root_a_call_is_known_by_its_address(web: httpx.AsyncClient, outside: Outside):
    params = aliyun_call(outside, "SendSms", aliyun_message(outside, PHONE))
    assert (await web.post("/", params=params)).json()["Code"] == "OK"


def stamp(seconds_from_now: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"AccessKeyId": "LTAIsomebody"}, "InvalidAccessKeyId.NotFound", 404),
        ({"AccessKeyId": ""}, "MissingAccessKeyId", 400),
        ({"SignatureNonce": ""}, "MissingSignatureNonce", 400),
        ({"Timestamp": "-1000"}, "InvalidTimeStamp.Expired", 400),
        ({"Timestamp": "+1000"}, "InvalidTimeStamp.Expired", 400),
        ({"Timestamp": "2026-01-01 00:00:00"}, "InvalidTimeStamp.Format", 400),
        ({"Version": "2016-01-01"}, "InvalidVersion", 400),
        ({"SignatureMethod": "HMAC-MD5"}, "InvalidSignatureMethod", 400),
        ({"Action": "SendLetter"}, "InvalidAction.NotFound", 404),
        ({"PhoneNumbers": ""}, "MissingPhoneNumbers", 400),
        ({"TemplateCode": ""}, "MissingTemplateCode", 400),
        ({"PhoneNumbers": "12345"}, "isv.MOBILE_NUMBER_ILLEGAL", 200),
        ({"PhoneNumbers": ",".join([PHONE] * 1001)}, "isv.MOBILE_COUNT_OVER_LIMIT", 200),
        ({"SignName": "别人"}, "isv.SMS_SIGNATURE_ILLEGAL", 200),
        ({"TemplateCode": "SMS_1"}, "isv.SMS_TEMPLATE_ILLEGAL", 200),
        ({"TemplateParam": "no json"}, "isv.INVALID_JSON_PARAM", 200),
        ({"TemplateParam": '{"patient": 1, "when": "x"}'}, "isv.INVALID_JSON_PARAM", 200),
        ({"TemplateParam": '{"patient": "张*"}'}, "isv.TEMPLATE_MISSING_PARAMETERS", 200),
        ({"TemplateParam": '{"patient": "张*", "when": ""}'}, "isv.PARAM_LENGTH_LIMIT", 200),
        ({"TemplateParam": json.dumps({"patient": "长" * 36, "when": "x"})}, "isv.PARAM_LENGTH_LIMIT", 200),
        ({"TemplateParam": '{"patient": "www.x.cn", "when": "x"}'}, "isv.PARAM_NOT_SUPPORT_URL", 200),
        ({"TemplateParam": '{"patient": "😀", "when": "x"}'}, "isv.UNSUPPORTED_CONTENT", 200),
        ({"SmsUpExtendCode": "ab"}, "isv.EXTEND_CODE_ERROR", 200),
        ({"OutId": "9" * 257}, "isv.INVALID_PARAMETERS", 200),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_is_refused_with_its_own_code(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, str], code: str, status: int
):
    if changes.get("Timestamp", "")[:1] in ("-", "+"):
        # So many seconds from now, not from when the tests were collected.
        changes = {"Timestamp": stamp(float(changes["Timestamp"]))}
    params = aliyun_call(outside, "SendSms", aliyun_message(outside, PHONE), **changes)
    answered, answer = await aliyun(web, params)
    assert (answer["Code"], answered) == (code, status)
    assert not (await outside.get("sms"))["items"]


async def test_a_changed_parameter_breaks_the_signature(web: httpx.AsyncClient, outside: Outside):
    params = aliyun_call(outside, "SendSms", aliyun_message(outside, PHONE))
    status, answer = await aliyun(web, params | {"PhoneNumbers": "13800138001"})
    assert (status, answer["Code"]) == (400, "SignatureDoesNotMatch")
    assert answer["HostId"]


async def test_the_same_call_again_is_refused(web: httpx.AsyncClient, outside: Outside):
    params = aliyun_call(outside, "SendSms", aliyun_message(outside, PHONE))
    assert (await aliyun(web, params))[1]["Code"] == "OK"
    assert (await aliyun(web, params))[1]["Code"] == "SignatureNonceUsed"
    assert len((await outside.get("sms"))["items"]) == 1


async def test_a_phone_gets_one_code_a_minute_and_notices_all_the_same(
    web: httpx.AsyncClient, outside: Outside
):
    async def code(phone: str = PHONE) -> str:
        return str((await send(web, outside, phone, kind="login_code"))["Code"])

    assert [await code(), await code()] == ["OK", "isv.BUSINESS_LIMIT_CONTROL"]
    assert await code("13800138001") == "OK"
    assert (await send(web, outside))["Code"] == "OK"


async def test_compressed_time_lifts_a_limit_sooner(web: httpx.AsyncClient, outside: Outside):
    await outside.post("time", {"factor": 1_000_000})
    assert {(await send(web, outside, kind="login_code"))["Code"] for _ in range(2)} == {"OK"}


async def test_a_code_is_four_to_six_letters_or_digits(web: httpx.AsyncClient, outside: Outside):
    for code in ("12", "1234567", "验证码啊"):
        answer = await send(web, outside, kind="login_code", TemplateParam=json.dumps({"code": code}))
        assert answer["Code"] == "isv.TEMPLATE_PARAMS_ILLEGAL"


async def test_a_report_is_pushed_in_a_list(web: httpx.AsyncClient, pushing: Outside, city: Listener):
    answer = await send(web, pushing, OutId="our-8")
    (report,) = json.loads((await city.next(REPORT)).body)
    assert (report["biz_id"], report["out_id"], report["phone_number"]) == (answer["BizId"], "our-8", PHONE)
    assert (report["success"], report["err_code"], report["sms_size"]) == (True, "DELIVERED", "1")
    assert len(report["send_time"]) == len(report["report_time"]) == 19


async def test_a_failure_is_reported_with_its_code(web: httpx.AsyncClient, pushing: Outside, city: Listener):
    async with pushing.misbehaving(aliyun_fail="MOBILE_IN_BLACK"):
        await send(web, pushing)
        (report,) = json.loads((await city.next(REPORT)).body)
    assert (report["success"], report["err_code"]) == (False, "MOBILE_IN_BLACK")


@pytest.mark.parametrize(
    ("status", "body"), [(204, b""), (200, b""), (200, b'{"code": "0"}'), (500, b'{"code": 0}')]
)
async def test_an_answer_that_is_not_aliyuns_is_pushed_again(
    pushing: Outside, city: Listener, status: int, body: bytes
):
    city.status, city.answer = status, body
    await pushing.post("time", {"factor": 100_000})
    await pushing.post("sms/reply", {"phone": PHONE, "content": "1", "provider": "aliyun"})
    await poll(lambda: len(city.heard) == 4)


async def test_a_reply_is_pushed_in_a_list(pushing: Outside, city: Listener):
    reply = {"phone": PHONE, "content": " T ", "add_serial": "08", "provider": "aliyun"}
    await pushing.post("sms/reply", reply)
    (said,) = json.loads((await city.next(REPLY)).body)
    assert (said["phone_number"], said["content"], said["dest_code"]) == (PHONE, " T ", "08")


async def test_reports_come_twice_and_late_when_told_to(pushing: Outside, city: Listener):
    await pushing.post("time", {"factor": 100})
    async with pushing.misbehaving(duplicate_reports=True, reorder_reports=True):
        for content in ("1", "2"):
            reply = {"phone": PHONE, "content": content, "provider": "aliyun"}
            await pushing.post("sms/reply", reply)
        await poll(lambda: len(city.heard) == 4)
    assert sorted(json.loads(heard.body)[0]["content"] for heard in city.heard) == ["1", "1", "2", "2"]


async def test_a_lost_report_is_found_by_asking(web: httpx.AsyncClient, pushing: Outside, city: Listener):
    async with pushing.misbehaving(lose_reports=True):
        answer = await send(web, pushing)
        fields = {
            "PhoneNumber": PHONE,
            "BizId": answer["BizId"],
            "SendDate": time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600)),
            "PageSize": "10",
            "CurrentPage": "1",
        }

        async def detail() -> Any:
            _, found = await aliyun(web, aliyun_call(pushing, "QuerySendDetails", fields))
            (one,) = found["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
            return one if one["SendStatus"] == 3 else None

        assert (await poll(detail))["ErrCode"] == "DELIVERED"
    assert not city.heard


async def test_a_question_without_a_page_is_refused(web: httpx.AsyncClient, outside: Outside):
    fields = {"PhoneNumber": PHONE, "SendDate": "20260101", "PageSize": "51", "CurrentPage": "1"}
    _, answer = await aliyun(web, aliyun_call(outside, "QuerySendDetails", fields))
    assert answer["Code"] == "isv.INVALID_PARAMETERS"
    del fields["PageSize"]
    _, answer = await aliyun(web, aliyun_call(outside, "QuerySendDetails", fields))
    assert answer["Code"] == "MissingPageSize"


async def test_a_template_applied_for_can_be_used_at_once(web: httpx.AsyncClient, outside: Outside):
    wording = {"provider": "aliyun", "text": "${patient}的报告已出，请到${place}领取。"}
    made = await outside.post("sms-templates", wording)
    assert made["slots"] == ["patient", "place"]
    params = json.dumps({"patient": "张*", "place": "二楼"})
    await send(web, outside, TemplateCode=made["code"], TemplateParam=params)
    (sms,) = (await outside.get("sms"))["items"]
    assert sms["text"] == "【健康城市】张*的报告已出，请到二楼领取。"
