"""The cloud MAS adapter against the sandbox, which checks mac, signature and recipients."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from notify.ports import (
    SMS,
    InvalidNoticeError,
    RejectedError,
    RejectReason,
    RetryableError,
    TemplateSMS,
    UnknownResultError,
)
from notify.sms.cloud_mas import CloudMAS, CloudMASConfig, mac
from tests.notify.conftest import MAS_SECRET
from tests.notify.contract import PHONE, SMSSenderContract, TemplateSMSSenderContract
from tests.support.outside import Listener, Outside
from tests.support.polling import poll


class SandboxSMS:
    phone = "13912340001"

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        mas = outside.credentials["mas"]
        self.template_id = mas["templates"]["visit_reminder"]["id"]
        self.config = CloudMASConfig(
            url=f"{outside.url}/mas",
            ec_name=mas["ec_name"],
            ap_id=mas["ap_id"],
            secret_key=mas["secret_key"],
            sign_code=mas["sign_code"],
        )
        self.sender = self.templates = CloudMAS(self.config)

    async def texts(self, phone: str) -> list[str]:
        found = await self.outside.get("sms", phone=phone)
        return [sms["text"] for sms in reversed(found["items"])]


@pytest.fixture
async def sms(outside: Outside) -> AsyncIterator[SandboxSMS]:
    world = SandboxSMS(outside)
    yield world
    await world.sender.aclose()


class TestCloudMAS(SMSSenderContract, TemplateSMSSenderContract):
    @pytest.fixture
    def templated(self, sms: SandboxSMS) -> SandboxSMS:
        return sms

    async def test_parameters_that_do_not_fill_the_template_are_the_contents_fault(self, sms: SandboxSMS):
        with pytest.raises(RejectedError) as refused:
            await sms.sender.send_template(TemplateSMS(PHONE, sms.template_id, {}))
        assert refused.value.reason is RejectReason.BAD_CONTENT

    @pytest.mark.parametrize("send_secret_key", [True, False])
    async def test_the_secret_goes_along_only_where_the_gateway_wants_it(
        self, sms: SandboxSMS, send_secret_key: bool
    ):
        sender = CloudMAS(replace(sms.config, send_secret_key=send_secret_key))
        assert (await sender.send(SMS(PHONE, "您好"))).provider_id
        await sender.aclose()

    async def test_an_extension_lengthens_the_senders_number(self, sms: SandboxSMS):
        assert (await sms.sender.send(SMS(PHONE, "请回复1", extension="08"))).provider_id

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"secret_key": "wrong"}, "IllegalMac"),
            ({"ap_id": "nobody"}, "InvalidUsrOrPwd"),
            ({"sign_code": "wrong"}, "IllegalSignId"),
        ],
    )
    async def test_wrong_settings_say_so(self, sms: SandboxSMS, changes: dict[str, Any], code: str):
        sender = CloudMAS(replace(sms.config, **changes))
        with pytest.raises(RejectedError) as refused:
            await sender.send(SMS(PHONE, "您好"))
        assert (refused.value.code, refused.value.reason) == (code, RejectReason.MISCONFIGURED)
        await sender.aclose()

    async def test_a_message_whose_answer_is_lost_is_unknown_and_was_sent(self, sms: SandboxSMS):
        before = len(await sms.texts(PHONE))
        async with sms.outside.misbehaving(lose_answers_mas=True):
            with pytest.raises(UnknownResultError):
                await sms.sender.send(SMS(PHONE, "丢失的答复"))
        assert len(await sms.texts(PHONE)) == before + 1

    async def test_a_gateway_that_is_away_was_not_told(self, sms: SandboxSMS):
        sender = CloudMAS(replace(sms.config, url="http://127.0.0.1:9"))
        with pytest.raises(RetryableError):
            await sender.send(SMS(PHONE, "您好"))
        await sender.aclose()

    async def test_a_slow_gateway_is_given_up_in_time(self, sms: SandboxSMS):
        sender = CloudMAS(replace(sms.config, read_timeout_s=0.2))
        async with sms.outside.misbehaving(slow_mas_ms=2000):
            with pytest.raises(UnknownResultError):
                await sender.send(SMS(PHONE, "您好"))
        await sender.aclose()

    async def test_a_pushed_report_names_the_message_it_is_about(self, sms: SandboxSMS, listener: Listener):
        before = len(listener.heard)
        sent = await sms.sender.send(SMS(PHONE, "您好"))
        group = sent.provider_id.encode()
        heard = await listener.next(f"/callbacks/sms/mas/{MAS_SECRET}/report", before, containing=group)
        (report,) = sms.sender.parse_reports(heard.body)
        assert (report.provider_id, report.phone, report.delivered) == (sent.provider_id, PHONE, True)
        assert report.at is not None

    async def test_a_failed_delivery_says_why(self, sms: SandboxSMS, listener: Listener):
        before = len(listener.heard)
        async with sms.outside.misbehaving(sms_fail="DB:0140"):
            sent = await sms.sender.send(SMS(PHONE, "您好"))
            group = sent.provider_id.encode()
            heard = await listener.next(f"/callbacks/sms/mas/{MAS_SECRET}/report", before, containing=group)
        (report,) = sms.sender.parse_reports(heard.body)
        assert (report.delivered, report.code) == (False, "DB:0140")

    async def test_a_reply_carries_the_persons_words(self, sms: SandboxSMS, listener: Listener):
        before = len(listener.heard)
        await sms.outside.post("sms/reply", {"phone": PHONE, "content": "取消", "add_serial": "08"})
        heard = await listener.next(f"/callbacks/sms/mas/{MAS_SECRET}/reply", before)
        (reply,) = sms.sender.parse_replies(heard.body)
        assert (reply.phone, reply.text, reply.extension) == (PHONE, "取消", "08")

    async def test_reports_that_were_not_pushed_are_fetched_once(self, sms: SandboxSMS):
        await sms.outside.post("city", {"mas_callback_secret": ""})
        try:
            sent = await sms.sender.send(SMS(PHONE, "您好"))

            async def fetched() -> bool:
                reports = await sms.sender.fetch_reports()
                return sent.provider_id in {report.provider_id for report in reports}

            cond: Any = fetched
            await poll(cond)
            again = await sms.sender.fetch_reports()
            assert sent.provider_id not in {report.provider_id for report in again}
        finally:
            await sms.outside.post("city", {"mas_callback_secret": MAS_SECRET})

    async def test_nothing_to_fetch_is_nothing(self, sms: SandboxSMS):
        await sms.sender.fetch_replies()
        assert await sms.sender.fetch_replies() == ()


REPORT = {
    "reportStatus": "DELIVRD",
    "mobile": ["13911112222"],
    "submitDate": "20260105093000",
    "receiveDate": "20260105093002",
    "errorCode": "DELIVRD",
    "msgGroup": "0105093000001000123456",
}


@pytest.fixture
def mas() -> CloudMAS:
    return CloudMAS(CloudMASConfig("http://127.0.0.1:9", "单位", "ap", "key", "sign"))


class TestPushes:
    @pytest.mark.parametrize(
        "body",
        [
            json.dumps(REPORT).encode(),
            json.dumps([REPORT]).encode(),
            json.dumps(REPORT | {"mobile": "13911112222"}).encode(),
            base64.b64encode(json.dumps([REPORT]).encode()),
            b"  " + json.dumps(REPORT).encode() + b"\n",
        ],
    )
    def test_a_report_is_read_in_every_form_gateways_send(self, mas: CloudMAS, body: bytes):
        (report,) = mas.parse_reports(body)
        assert (report.phone, report.delivered) == ("13911112222", True)
        assert report.at == datetime(2026, 1, 5, 1, 30, 2, tzinfo=UTC)

    def test_one_report_about_several_phones_is_one_for_each(self, mas: CloudMAS):
        reports = mas.parse_reports(json.dumps(REPORT | {"mobile": ["13911112222", "13933334444"]}).encode())
        assert [report.phone for report in reports] == ["13911112222", "13933334444"]

    def test_fractions_of_a_second_behind_the_time_are_left_out(self, mas: CloudMAS):
        (whole,) = mas.parse_reports(json.dumps(REPORT).encode())
        (finer,) = mas.parse_reports(json.dumps(REPORT | {"receiveDate": "20260105093002123"}).encode())
        assert finer.at == whole.at
        assert finer.at is not None

    def test_a_report_with_an_unreadable_time_is_still_a_report(self, mas: CloudMAS):
        (report,) = mas.parse_reports(json.dumps(REPORT | {"receiveDate": "yesterday"}).encode())
        assert report.at is None

    @pytest.mark.parametrize(
        "body", [b"", b"hello", b"[1]", b'{"mobile": 1}', b'{"mobile": []}', b"{", b"\xff\xff"]
    )
    def test_what_cannot_be_read_is_refused(self, mas: CloudMAS, body: bytes):
        with pytest.raises(InvalidNoticeError):
            mas.parse_reports(body)

    def test_the_mac_is_the_md5_of_the_fields_in_their_order(self):
        parts = ("政企分公司测试", "demo0", "123qwe", "13800138000", "移动改变生活。", "DWItALe3A", "")
        assert mac(*parts) == "7997ddb079db2155b517b21b2a812370"

    def test_the_secret_does_not_print(self, mas: CloudMAS):
        assert "secret-text" not in repr(replace(mas._config, secret_key="secret-text"))
