"""What Aliyun's and Tencent's adapters must do alike against the sandbox, beside the ports' contracts."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from notify.ports import (
    Inquiry,
    RejectedError,
    RejectReason,
    RetryableError,
    TemplateSMS,
    ThrottledError,
    TraceState,
    UnknownResultError,
)
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

SECRET = "cloud-path-part"


class CloudWorld:
    """One cloud in the sandbox; subclasses say which, and make the adapter."""

    service = ""
    push_answer: Any = None
    throttled = ""
    doubtful = ""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.account = outside.credentials[f"{self.service}_sms"]
        self.template_id = self.account["templates"]["visit_reminder"]["code"]
        self.code_id = self.account["templates"]["login_code"]["code"]
        self.phone = f"139{random.randrange(10**8):08d}"
        self.config = self.configured()
        self.adapter = self.templates = self.tracer = self.make(self.config)

    def configured(self) -> Any:
        """The settings under which the sandbox knows the city."""
        raise NotImplementedError

    def make(self, config: Any) -> Any:
        """The adapter under other settings."""
        raise NotImplementedError

    def message(self, **changes: Any) -> TemplateSMS:
        """A message that is right in every way."""
        params = {"patient": "张*", "when": "明天上午"}
        return replace(TemplateSMS(self.phone, self.template_id, params), **changes)

    async def texts(self, phone: str) -> list[str]:
        """What a phone has received, oldest first."""
        found = await self.outside.get("sms", phone=phone)
        return [sms["text"] for sms in reversed(found["items"])]

    @asynccontextmanager
    async def other(self, **changes: Any) -> AsyncIterator[Any]:
        """An adapter with other settings."""
        adapter = self.make(replace(self.config, **changes))
        yield adapter
        await adapter.aclose()

    @asynccontextmanager
    async def pushing(self, listener: Listener) -> AsyncIterator[str]:
        """Pushes go to a listener that answers well; their path up to the kind."""
        name = f"{self.service}_callback_secret"
        await self.outside.post("city", {name: SECRET})
        before, listener.status = listener.status, 200
        listener.answer = json.dumps(self.push_answer).encode()
        try:
            yield f"/callbacks/sms/{self.service}/{SECRET}"
        finally:
            listener.status, listener.answer = before, b""
            await self.outside.post("city", {name: ""})

    def inquiry(self, **known: str) -> Inquiry:
        """A question about the phone's message of just now."""
        return Inquiry(self.phone, datetime.now(UTC), **known)


class CloudBehaviour:
    """Tests that both adapters pass; `cloud` is a `CloudWorld`."""

    async def test_an_extension_and_our_number_go_along(self, cloud: CloudWorld):
        message = cloud.message(extension="08", reference="01J-our-try")
        sent = await cloud.adapter.send_template(message)
        (sms,) = (await cloud.outside.get("sms", phone=cloud.phone))["items"]
        assert (sms["msg_group"], sms["reference"]) == (sent.provider_id, "01J-our-try")
        assert sms["add_serial"] == "08"

    async def test_an_unknown_template_or_signature_is_our_own_fault(self, cloud: CloudWorld):
        with pytest.raises(RejectedError) as refused:
            await cloud.adapter.send_template(cloud.message(template_id="1"))
        assert refused.value.reason is RejectReason.MISCONFIGURED
        async with cloud.other(sign_name="别人家") as adapter:
            with pytest.raises(RejectedError) as refused:
                await adapter.send_template(cloud.message())
        assert refused.value.reason is RejectReason.MISCONFIGURED

    async def test_a_second_code_at_once_is_throttled(self, cloud: CloudWorld):
        code = cloud.message(template_id=cloud.code_id, params={"code": "123456"})
        await cloud.adapter.send_template(code)
        with pytest.raises(ThrottledError) as slowed:
            await cloud.adapter.send_template(code)
        assert slowed.value.code == cloud.throttled

    async def test_the_providers_own_trouble_leaves_a_message_in_doubt(self, cloud: CloudWorld):
        async with cloud.outside.misbehaving(**{f"refuse_{cloud.service}": cloud.doubtful}):
            with pytest.raises(UnknownResultError) as doubted:
                await cloud.adapter.send_template(cloud.message())
        assert doubted.value.code == cloud.doubtful

    async def test_a_message_whose_answer_is_lost_is_unknown_and_was_sent(self, cloud: CloudWorld):
        async with cloud.outside.misbehaving(**{f"lose_answers_{cloud.service}": True}):
            with pytest.raises(UnknownResultError):
                await cloud.adapter.send_template(cloud.message())
        assert len(await cloud.texts(cloud.phone)) == 1

    async def test_a_provider_that_is_away_was_not_told(self, cloud: CloudWorld):
        async with cloud.other(url="http://127.0.0.1:9") as adapter:
            with pytest.raises(RetryableError):
                await adapter.send_template(cloud.message())

    async def test_a_slow_provider_is_given_up_in_time(self, cloud: CloudWorld):
        async with (
            cloud.other(read_timeout_s=0.2) as adapter,
            cloud.outside.misbehaving(**{f"slow_{cloud.service}_ms": 2000}),
        ):
            with pytest.raises(UnknownResultError):
                await adapter.send_template(cloud.message())
            with pytest.raises(RetryableError):
                await adapter.trace(cloud.inquiry(provider_id="1"))

    async def test_a_pushed_report_names_the_message_it_is_about(self, cloud: CloudWorld, listener: Listener):
        before = len(listener.heard)
        async with cloud.pushing(listener) as path:
            sent = await cloud.adapter.send_template(cloud.message())
            heard = await listener.next(f"{path}/report", before, containing=sent.provider_id.encode())
        (report,) = cloud.adapter.parse_reports(heard.body)
        assert (report.provider_id, report.phone) == (sent.provider_id, cloud.phone)
        assert report.delivered
        assert abs((report.at - datetime.now(UTC)).total_seconds()) < 60

    async def test_a_failed_delivery_says_why(self, cloud: CloudWorld, listener: Listener):
        before = len(listener.heard)
        async with (
            cloud.pushing(listener) as path,
            cloud.outside.misbehaving(**{f"{cloud.service}_fail": "MK:0001"}),
        ):
            sent = await cloud.adapter.send_template(cloud.message())
            heard = await listener.next(f"{path}/report", before, containing=sent.provider_id.encode())
        (report,) = cloud.adapter.parse_reports(heard.body)
        assert (report.delivered, report.code) == (False, "MK:0001")

    async def test_a_pushed_reply_carries_the_persons_words(self, cloud: CloudWorld, listener: Listener):
        before = len(listener.heard)
        said = {"phone": cloud.phone, "content": "退订 😀", "add_serial": "08", "provider": cloud.service}
        async with cloud.pushing(listener) as path:
            await cloud.outside.post("sms/reply", said)
            heard = await listener.next(f"{path}/reply", before, containing=cloud.phone.encode())
        (reply,) = cloud.adapter.parse_replies(heard.body)
        assert (reply.phone, reply.text, reply.extension) == (cloud.phone, "退订 😀", "08")
        assert abs((reply.at - datetime.now(UTC)).total_seconds()) < 60

    async def test_a_report_that_was_lost_is_found_by_asking(self, cloud: CloudWorld, listener: Listener):
        async with cloud.pushing(listener), cloud.outside.misbehaving(lose_reports=True):
            sent = await cloud.adapter.send_template(cloud.message())

            async def reported() -> Any:
                trace = await cloud.adapter.trace(cloud.inquiry(provider_id=sent.provider_id))
                return trace if trace.state is TraceState.DELIVERED else None

            trace: Any = await poll(reported)
            assert trace.at is not None

    async def test_a_message_whose_answer_was_lost_is_found_by_our_number(self, cloud: CloudWorld):
        async with cloud.outside.misbehaving(**{f"lose_answers_{cloud.service}": True}):
            with pytest.raises(UnknownResultError):
                await cloud.adapter.send_template(cloud.message(reference="try-1"))

        async def found() -> bool:
            trace = await cloud.adapter.trace(cloud.inquiry(reference="try-1"))
            return trace.state is TraceState.DELIVERED

        condition: Any = found
        await poll(condition)
        other = await cloud.adapter.trace(cloud.inquiry(reference="try-2"))
        assert other.state is TraceState.ABSENT

    async def test_a_failed_message_is_told_when_asked(self, cloud: CloudWorld):
        async with cloud.outside.misbehaving(**{f"{cloud.service}_fail": "MK:0001"}):
            sent = await cloud.adapter.send_template(cloud.message())

            async def failed() -> bool:
                trace = await cloud.adapter.trace(cloud.inquiry(provider_id=sent.provider_id))
                return trace.state is TraceState.FAILED

            condition: Any = failed
            await poll(condition)

    async def test_a_message_nobody_sent_is_absent(self, cloud: CloudWorld):
        trace = await cloud.adapter.trace(cloud.inquiry(provider_id="12345^0"))
        assert trace.state is TraceState.ABSENT

    async def test_wrong_keys_say_so_in_questions_too(self, cloud: CloudWorld):
        key = "access_key_secret" if cloud.service == "aliyun" else "secret_key"
        async with cloud.other(**{key: "wrong"}) as adapter:
            for call in (adapter.send_template(cloud.message()), adapter.trace(cloud.inquiry(reference="1"))):
                with pytest.raises(RejectedError) as refused:
                    await call
                assert refused.value.reason is RejectReason.MISCONFIGURED

    async def test_every_call_is_observed_with_what_became_of_it(self, cloud: CloudWorld):
        seen: list[tuple[str, str, str]] = []
        adapter = type(cloud.adapter)(
            cloud.config, observe=lambda name, call, outcome, _s: seen.append((name, call, outcome))
        )
        await adapter.send_template(cloud.message())
        with pytest.raises(RejectedError):
            await adapter.send_template(cloud.message(phone="12"))
        await adapter.trace(cloud.inquiry(reference="1"))
        await adapter.aclose()
        name = adapter.name
        assert seen == [(name, "send", "ok"), (name, "send", "rejected"), (name, "trace", "ok")]
