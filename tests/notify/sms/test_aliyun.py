"""The Aliyun SMS adapter against the sandbox, which checks signature, clock, template and parameters."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from notify.ports import (
    Inquiry,
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    TraceState,
    UnknownResultError,
)
from notify.sms.aliyun import PUSH_ANSWER, AliyunSMS, AliyunSMSConfig, _days_of
from notify.sms.aliyun_errors import error_of
from tests.notify.contract import SMSTracerContract, TemplateSMSSenderContract
from tests.notify.sms.clouds import CloudBehaviour, CloudWorld
from tests.support.outside import Outside


class AliyunWorld(CloudWorld):
    service = "aliyun"
    push_answer = PUSH_ANSWER
    throttled = "isv.BUSINESS_LIMIT_CONTROL"
    doubtful = "isp.SYSTEM_ERROR"

    def configured(self) -> AliyunSMSConfig:
        return AliyunSMSConfig(
            access_key_id=self.account["access_key_id"],
            access_key_secret=self.account["access_key_secret"],
            sign_name=self.account["sign_name"],
            url=f"{self.outside.url}/aliyun-sms",
        )

    def make(self, config: AliyunSMSConfig) -> AliyunSMS:
        return AliyunSMS(config)


@pytest.fixture
async def cloud(outside: Outside) -> AsyncIterator[AliyunWorld]:
    world = AliyunWorld(outside)
    yield world
    await world.adapter.aclose()


@pytest.fixture
def traced(cloud: AliyunWorld) -> AliyunWorld:
    return cloud


@pytest.fixture
def templated(cloud: AliyunWorld) -> AliyunWorld:
    return cloud


class TestAliyunSMS(TemplateSMSSenderContract, SMSTracerContract, CloudBehaviour):
    async def test_a_message_on_its_way_is_waiting(self, cloud: AliyunWorld):
        async with cloud.outside.misbehaving(sms_report_delay_s=3600):
            sent = await cloud.adapter.send_template(cloud.message())
        trace = await cloud.adapter.trace(cloud.inquiry(provider_id=sent.provider_id))
        assert (trace.state, trace.at) == (TraceState.WAITING, None)

    async def test_slots_are_filled_by_name_in_whatever_order(self, cloud: AliyunWorld):
        turned = {"when": "周五", "patient": "李*"}
        await cloud.adapter.send_template(cloud.message(params=turned))
        assert (await cloud.texts(cloud.phone))[-1].endswith("李*您好，请记得周五的就诊。")

    async def test_a_missing_slot_is_our_own_fault(self, cloud: AliyunWorld):
        with pytest.raises(RejectedError) as refused:
            await cloud.adapter.send_template(cloud.message(params={"patient": "张*"}))
        assert refused.value.code == "isv.TEMPLATE_MISSING_PARAMETERS"
        assert refused.value.reason is RejectReason.MISCONFIGURED

    async def test_there_is_nothing_to_fetch(self, cloud: AliyunWorld):
        assert await cloud.adapter.fetch_reports() == ()
        assert await cloud.adapter.fetch_replies() == ()

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("Throttling.User", ThrottledError),
            ("ServiceUnavailable", RetryableError),
            ("InternalError", UnknownResultError),
        ],
    )
    async def test_the_gateways_refusals_come_with_other_statuses(
        self, cloud: AliyunWorld, code: str, kind: type[NotifyError]
    ):
        async with cloud.outside.misbehaving(refuse_aliyun=code):
            with pytest.raises(kind) as refused:
                await cloud.adapter.send_template(cloud.message())
        assert type(refused.value) is kind
        assert refused.value.code == code


def test_a_message_near_midnight_is_looked_for_under_both_days():
    assert _days_of(datetime(2026, 1, 5, 16, 2, tzinfo=UTC)) == [date(2026, 1, 6), date(2026, 1, 5)]
    assert _days_of(datetime(2026, 1, 5, 15, 58, tzinfo=UTC)) == [date(2026, 1, 5), date(2026, 1, 6)]
    assert _days_of(datetime(2026, 1, 5, 4, 0, tzinfo=UTC)) == [date(2026, 1, 5)]


def test_a_message_known_by_no_number_cannot_be_asked_about():
    with pytest.raises(ValueError, match="number"):
        Inquiry("13912345678", datetime.now(UTC))


@pytest.mark.parametrize(
    ("code", "status", "kind", "reason"),
    [
        ("isv.DAY_LIMIT_CONTROL", 200, ThrottledError, None),
        ("isv.MOBILE_NUMBER_ILLEGAL", 200, RejectedError, RejectReason.BAD_RECIPIENT),
        ("isv.SMS_CONTENT_ILLEGAL", 200, RejectedError, RejectReason.BAD_CONTENT),
        ("isv.AMOUNT_NOT_ENOUGH", 200, RejectedError, RejectReason.MISCONFIGURED),
        ("isv.SOMETHING_NEW", 200, RejectedError, RejectReason.OTHER),
        ("InvalidTimeStamp.Expired", 400, RejectedError, RejectReason.MISCONFIGURED),
        ("MissingSignName", 400, RejectedError, RejectReason.MISCONFIGURED),
        ("SignatureNonceUsed", 400, UnknownResultError, None),
        ("SomethingNew", 502, UnknownResultError, None),
    ],
)
def test_what_a_code_means_for_a_message(
    code: str, status: int, kind: type[NotifyError], reason: RejectReason | None
):
    error = error_of(code, status, read=False)
    assert (type(error), getattr(error, "reason", None)) == (kind, reason)
    assert type(error_of("isp.SYSTEM_ERROR", 200, read=True)) is RetryableError
