"""The Tencent Cloud SMS adapter against the sandbox, which checks signature, clock, template, parameters."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from notify.ports import (
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)
from notify.sms.tencent import PUSH_ANSWER, TencentSMS, TencentSMSConfig
from notify.sms.tencent_errors import error_of
from tests.notify.contract import SMSTracerContract, TemplateSMSSenderContract
from tests.notify.sms.clouds import CloudBehaviour, CloudWorld
from tests.support.outside import Outside
from tests.support.polling import poll


class TencentWorld(CloudWorld):
    service = "tencent"
    push_answer = PUSH_ANSWER
    throttled = "LimitExceeded.PhoneNumberThirtySecondLimit"
    doubtful = "InternalError.Timeout"

    def configured(self) -> TencentSMSConfig:
        return TencentSMSConfig(
            secret_id=self.account["secret_id"],
            secret_key=self.account["secret_key"],
            sdk_app_id=self.account["sdk_app_id"],
            sign_name=self.account["sign_name"],
            url=f"{self.outside.url}/tencent-sms",
        )

    def make(self, config: TencentSMSConfig) -> TencentSMS:
        return TencentSMS(config)


@pytest.fixture
async def cloud(outside: Outside) -> AsyncIterator[TencentWorld]:
    world = TencentWorld(outside)
    yield world
    await world.adapter.aclose()


@pytest.fixture
def traced(cloud: TencentWorld) -> TencentWorld:
    return cloud


@pytest.fixture
def templated(cloud: TencentWorld) -> TencentWorld:
    return cloud


class TestTencentSMS(TemplateSMSSenderContract, SMSTracerContract, CloudBehaviour):
    async def test_reports_that_were_not_pushed_are_fetched_once(self, cloud: TencentWorld):
        sent = await cloud.adapter.send_template(cloud.message(reference="try-7"))

        async def fetched() -> Any:
            reports = await cloud.adapter.fetch_reports()
            return [report for report in reports if report.provider_id == sent.provider_id]

        (report,) = await poll(fetched)
        assert (report.phone, report.delivered, report.reference) == (cloud.phone, True, "try-7")
        assert report.at is not None
        assert sent.provider_id not in {one.provider_id for one in await cloud.adapter.fetch_reports()}

    async def test_replies_that_were_not_pushed_are_fetched_once(self, cloud: TencentWorld):
        said = {"phone": cloud.phone, "content": "取消", "add_serial": "08", "provider": "tencent"}
        await cloud.outside.post("sms/reply", said)
        replies = [one for one in await cloud.adapter.fetch_replies() if one.phone == cloud.phone]
        assert [(reply.text, reply.extension) for reply in replies] == [("取消", "08")]
        assert replies[0].at is not None
        assert cloud.phone not in {one.phone for one in await cloud.adapter.fetch_replies()}

    async def test_another_application_is_our_own_fault(self, cloud: TencentWorld):
        async with cloud.other(sdk_app_id="1400000000") as adapter:
            for call in (adapter.send_template(cloud.message()), adapter.fetch_reports()):
                with pytest.raises(RejectedError) as refused:
                    await call
                assert refused.value.reason is RejectReason.MISCONFIGURED


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("LimitExceeded.AppDailyLimit", ThrottledError, None),
        ("RequestLimitExceeded.UinLimitExceeded", ThrottledError, None),
        ("AuthFailure.RequestLimitExceeded", ThrottledError, None),
        ("LimitExceeded.PhoneNumberCountLimit", RejectedError, RejectReason.OTHER),
        ("FailedOperation.PhoneNumberInBlacklist", RejectedError, RejectReason.BAD_RECIPIENT),
        ("FailedOperation.ContainSensitiveWord", RejectedError, RejectReason.BAD_CONTENT),
        ("FailedOperation.SomethingNew", RejectedError, RejectReason.OTHER),
        ("AuthFailure.SignatureExpire", RejectedError, RejectReason.MISCONFIGURED),
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", RejectedError, RejectReason.MISCONFIGURED),
        ("InvalidParameter", RejectedError, RejectReason.MISCONFIGURED),
        ("InvalidParameterValue", RejectedError, RejectReason.OTHER),
        ("InternalError.SigVerificationFail", RejectedError, RejectReason.MISCONFIGURED),
        ("InternalError.SendAndRecvFail", UnknownResultError, None),
        ("ServiceUnavailable", RetryableError, None),
    ],
)
def test_what_a_code_means_for_a_message(code: str, kind: type[NotifyError], reason: RejectReason | None):
    error = error_of(code, read=False)
    assert (type(error), getattr(error, "reason", None)) == (kind, reason)
    assert type(error_of("InternalError.Timeout", read=True)) is RetryableError
