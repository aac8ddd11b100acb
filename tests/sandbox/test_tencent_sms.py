"""Tencent Cloud SMS in the sandbox: what it refuses and how, reports and replies by push and by pull."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.clouds import pushing_to, tencent, tencent_headers, tencent_message
from tests.sandbox.conftest import PHONE
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

SECRET = "tencent-path-part"
REPORT, REPLY = (f"/callbacks/sms/tencent/{SECRET}/{kind}" for kind in ("report", "reply"))


@pytest.fixture
async def pushing(outside: Outside, city: Listener) -> AsyncIterator[Outside]:
    """With an address to push to, where somebody answers as Tencent wants it."""
    async with pushing_to(city, outside, "tencent", SECRET, b'{"result": 0, "errmsg": "OK"}'):
        yield outside


async def send(
    web: httpx.AsyncClient, outside: Outside, phone: str = PHONE, **changes: Any
) -> dict[str, Any]:
    """The status of the one number."""
    answer = await tencent(web, outside, "SendSms", tencent_message(outside, phone, **changes))
    (status,) = answer["SendStatusSet"]
    return dict(status)


async def refusal(web: httpx.AsyncClient, outside: Outside, params: Any, **changes: Any) -> str:
    answer = await tencent(web, outside, changes.pop("action", "SendSms"), params, **changes)
    return str(answer["Error"]["Code"])


async def test_a_filled_template_arrives_under_its_signature(web: httpx.AsyncClient, outside: Outside):
    status = await send(web, outside, SessionContext="our-7", ExtendCode="08")
    assert (status["Code"], status["Fee"], status["SessionContext"]) == ("Ok", 1, "our-7")
    (sms,) = (await outside.get("sms", phone=PHONE))["items"]
    assert sms["text"] == "【健康城市】张*您好，请记得明天上午的就诊。"
    assert (sms["msg_group"], sms["provider"]) == (status["SerialNo"], "tencent")
    assert "· 腾讯云" in (await web.get("/phone", params={"number": PHONE})).text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDnobody"}, "AuthFailure.SecretIdNotFound"),
        ({"at_from_now": -400}, "AuthFailure.SignatureExpire"),
        ({"at_from_now": 4000}, "AuthFailure.SignatureExpire"),
        ({"service": "cvm"}, "AuthFailure.InvalidAuthorization"),
        ({"version": "2019-07-11"}, "NoSuchVersion"),
        ({"region": ""}, "MissingParameter"),
        ({"action": "SendLetter"}, "InvalidAction"),
    ],
    ids=str,
)
async def test_who_calls_wrongly_is_refused(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, Any], code: str
):
    if "at_from_now" in changes:
        changes = {"at": time.time() + changes["at_from_now"]}
    assert await refusal(web, outside, tencent_message(outside, PHONE), **changes) == code
    assert not (await outside.get("sms"))["items"]


async def test_a_changed_body_breaks_the_signature(web: httpx.AsyncClient, outside: Outside):
    headers = tencent_headers(outside, "SendSms", b"{}")
    answer = await web.post("/tencent-sms/", content=b"{ }", headers=headers)
    assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.SignatureFailure"
    # Tencent's own client sees an error under no other type.
    assert answer.headers["Content-Type"] == "application/json"


async def test_at_the_root_a_call_is_known_by_its_headers(web: httpx.AsyncClient, outside: Outside):
    body = json.dumps(tencent_message(outside, PHONE)).encode()
    answer = await web.post("/", content=body, headers=tencent_headers(outside, "SendSms", body))
    assert answer.json()["Response"]["SendStatusSet"][0]["Code"] == "Ok"
    assert (await web.get("/")).headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": [f"+86{PHONE}"] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        ({"PhoneNumberSet": PHONE}, "InvalidParameter"),
        ({"TemplateParamSet": [1, 2]}, "InvalidParameter"),
        ({"SmsSdkAppId": "1400000000"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"Sign": "old name of the field"}, "UnknownParameter"),
    ],
    ids=str,
)
async def test_a_wrong_request_is_refused_as_a_whole(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, Any], code: str
):
    assert await refusal(web, outside, tencent_message(outside, PHONE, **changes)) == code


@pytest.mark.parametrize("body", [b"", b"[]", b"no json"])
async def test_a_body_that_is_no_object_is_refused(web: httpx.AsyncClient, outside: Outside, body: bytes):
    assert await refusal(web, outside, body) == "InvalidParameter"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PhoneNumberSet": ["+8612"]}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"PhoneNumberSet": [PHONE]}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"SignName": "别人"}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateId": "1"}, "FailedOperation.TemplateIncorrectOrUnapproved"),
        ({"TemplateParamSet": ["1"]}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": ["长" * 600, "1"]}, "InvalidParameterValue.ContentLengthLimit"),
        (
            {"TemplateParamSet": ["http://x.cn", "1"]},
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        ),
        ({"ExtendCode": "ab"}, "FailedOperation.FailResolvePacket"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_number_is_refused_by_itself(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, Any], code: str
):
    status = await send(web, outside, **changes)
    assert (status["Code"], status["SerialNo"], status["Fee"]) == (code, "", 0)
    assert not (await outside.get("sms"))["items"]


async def test_a_bad_number_spoils_no_good_one(web: httpx.AsyncClient, outside: Outside):
    params = tencent_message(outside, PHONE, PhoneNumberSet=["+8612", f"+86{PHONE}"])
    answer = await tencent(web, outside, "SendSms", params)
    codes = [status["Code"] for status in answer["SendStatusSet"]]
    assert codes == ["InvalidParameterValue.IncorrectPhoneNumber", "Ok"]


async def test_a_phone_gets_one_code_in_half_a_minute(web: httpx.AsyncClient, outside: Outside):
    codes = [(await send(web, outside, kind="login_code"))["Code"] for _ in range(2)]
    assert codes == ["Ok", "LimitExceeded.PhoneNumberThirtySecondLimit"]
    assert (await send(web, outside))["Code"] == "Ok"


async def test_a_code_is_up_to_six_digits(web: httpx.AsyncClient, outside: Outside):
    status = await send(web, outside, kind="login_code", TemplateParamSet=["1234567"])
    assert status["Code"] == "InvalidParameterValue.TemplateParameterFormatError"


async def test_a_report_is_pushed_in_a_list(web: httpx.AsyncClient, pushing: Outside, city: Listener):
    status = await send(web, pushing)
    (report,) = json.loads((await city.next(REPORT)).body)
    assert set(report) == {
        "user_receive_time", "nationcode", "mobile", "report_status", "errmsg", "description", "sid",
    }  # fmt: skip
    assert (report["sid"], report["mobile"]) == (status["SerialNo"], PHONE)
    assert (report["report_status"], report["errmsg"]) == ("SUCCESS", "DELIVRD")


async def test_a_failure_is_reported_with_its_code(web: httpx.AsyncClient, pushing: Outside, city: Listener):
    async with pushing.misbehaving(tencent_fail="MK:0001"):
        await send(web, pushing)
        (report,) = json.loads((await city.next(REPORT)).body)
    assert (report["report_status"], report["errmsg"]) == ("FAIL", "MK:0001")


async def test_a_reply_is_pushed_by_itself(pushing: Outside, city: Listener):
    before = int(time.time())
    reply = {"phone": PHONE, "content": " T ", "add_serial": "08", "provider": "tencent"}
    await pushing.post("sms/reply", reply)
    said = json.loads((await city.next(REPLY)).body)
    assert (said["mobile"], said["text"], said["extend"]) == (PHONE, " T ", "08")
    assert before <= said["time"] <= time.time()


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b"OK"), (200, b'{"result": 1}')])
async def test_an_answer_that_is_not_tencents_is_pushed_again(
    pushing: Outside, city: Listener, status: int, body: bytes
):
    city.status, city.answer = status, body
    await pushing.post("time", {"factor": 100_000})
    await pushing.post("sms/reply", {"phone": PHONE, "content": "1", "provider": "tencent"})
    await poll(lambda: len(city.heard) == 4)


async def test_what_was_not_pushed_is_pulled_once(web: httpx.AsyncClient, outside: Outside):
    status = await send(web, outside, SessionContext="our-9")
    await outside.post("sms/reply", {"phone": PHONE, "content": "2", "provider": "tencent"})
    params = {"Limit": 100, "SmsSdkAppId": outside.credentials["tencent_sms"]["sdk_app_id"]}

    async def pulled(kind: str) -> Any:
        answer = await tencent(web, outside, f"PullSms{kind}Status", params)
        return answer[f"PullSms{kind}StatusSet"]

    (report,) = await poll(lambda: pulled("Send"))
    assert (report["SerialNo"], report["SessionContext"]) == (status["SerialNo"], "our-9")
    assert (report["SubscriberNumber"], report["ReportStatus"]) == (PHONE, "SUCCESS")
    (reply,) = await pulled("Reply")
    assert (reply["ReplyContent"], reply["PhoneNumber"]) == ("2", f"+86{PHONE}")
    assert [await pulled("Send"), await pulled("Reply")] == [[], []]


async def test_one_phones_reports_can_be_asked_for_again_and_again(web: httpx.AsyncClient, outside: Outside):
    status = await send(web, outside)
    params = {
        "BeginTime": int(time.time()) - 60,
        "Offset": 0,
        "Limit": 10,
        "PhoneNumber": f"+86{PHONE}",
        "SmsSdkAppId": outside.credentials["tencent_sms"]["sdk_app_id"],
    }

    async def listed() -> Any:
        answer = await tencent(web, outside, "PullSmsSendStatusByPhoneNumber", params)
        return answer["PullSmsSendStatusSet"]

    (report,) = await poll(listed)
    assert report["SerialNo"] == status["SerialNo"]
    assert await listed() == [report]
    wrong = params | {"Offset": 5}
    assert await refusal(web, outside, wrong, action="PullSmsSendStatusByPhoneNumber") == (
        "InvalidParameterValue"
    )


async def test_a_person_answers_whoever_wrote_last(web: httpx.AsyncClient, outside: Outside):
    await send(web, outside)
    page = (await web.get("/phone", params={"number": PHONE})).text
    assert '<input type="hidden" name="provider" value="tencent">' in page
    answer = {"number": PHONE, "action": "reply", "content": "好的", "provider": "tencent"}
    assert (await web.post("/phone", data=answer)).status_code == 303
    assert (await web.post("/phone", data=answer | {"provider": "nobody"})).status_code == 400
    params = {"Limit": 100, "SmsSdkAppId": outside.credentials["tencent_sms"]["sdk_app_id"]}
    (reply,) = (await tencent(web, outside, "PullSmsReplyStatus", params))["PullSmsReplyStatusSet"]
    assert reply["ReplyContent"] == "好的"
