"""Whatever a cloud's gateway answers, a call ends in a result or in one of our errors."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from notify.ports import (
    DeliveryReport,
    Inquiry,
    NotifyError,
    SendResult,
    TemplateSMS,
    Trace,
    UnknownResultError,
)
from notify.sms.aliyun import AliyunSMS, AliyunSMSConfig
from notify.sms.tencent import TencentSMS, TencentSMSConfig
from tests.notify.sms.test_clouds_hostile import values

MESSAGE = TemplateSMS("13912345678", "1", {"code": "123456"})
KNOWN = (
    "Code", "BizId", "SmsSendDetailDTOs", "SmsSendDetailDTO", "PhoneNum", "SendStatus", "OutId", "Response",
    "Error", "SendStatusSet", "SerialNo", "PullSmsSendStatusSet", "PullSmsReplyStatusSet", "ReportStatus",
    "UserReceiveTime", "SubscriberNumber",
)  # fmt: skip
likely = st.recursive(
    values | st.sampled_from(["OK", "Ok", "SUCCESS", 3, "13912345678", "Throttling", "InternalError.X"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=4),
    max_leaves=12,
)
statuses = st.sampled_from([200, 200, 200, 204, 302, 400, 403, 404, 429, 500, 502, 503])


class Gateway:
    """Answers every call with what the test says."""

    def __init__(self) -> None:
        self.url, self.status, self.body = "", 200, b""


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()

    class Answer(RequestHandler):
        def post(self) -> None:
            self.set_status(gateway.status)
            if gateway.status != 204:
                self.finish(gateway.body)

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r".*", Answer)], log_function=lambda _handler: None))
    server.add_sockets(sockets)
    gateway.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    yield gateway
    server.stop()
    await server.close_all_connections()


@pytest.fixture(scope="module")
async def adapters(gateway: Gateway) -> AsyncIterator[tuple[AliyunSMS, TencentSMS]]:
    aliyun = AliyunSMS(AliyunSMSConfig("id", "secret", "签名", url=gateway.url))
    tencent = TencentSMS(TencentSMSConfig("id", "secret", "1400", "签名", url=gateway.url))
    yield aliyun, tencent
    for adapter in (aliyun, tencent):
        await adapter.aclose()


def inquiry() -> Inquiry:
    return Inquiry("13912345678", datetime(2026, 1, 5, tzinfo=UTC), reference="1")


async def try_everything(adapter: AliyunSMS | TencentSMS) -> None:
    with contextlib.suppress(NotifyError):
        sent = await adapter.send_template(MESSAGE)
        assert isinstance(sent, SendResult)
        assert len(sent.provider_id.encode("utf-8", "strict")) <= 256
    with contextlib.suppress(NotifyError):
        assert isinstance(await adapter.trace(inquiry()), Trace)
    with contextlib.suppress(NotifyError):
        assert all(isinstance(one, DeliveryReport) for one in await adapter.fetch_reports())
    with contextlib.suppress(NotifyError):
        await adapter.fetch_replies()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(status=statuses, body=likely)
async def test_any_answer_is_a_result_or_an_error_of_ours(
    gateway: Gateway, adapters: tuple[AliyunSMS, TencentSMS], status: int, body: Any
):
    gateway.status, gateway.body = status, json.dumps(body).encode()
    for adapter in adapters:
        await try_everything(adapter)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b"[" * 100_000, b'{"Response": {}}', b'{"Code": ""}']
)
async def test_a_sent_message_with_an_unreadable_answer_is_in_doubt(
    gateway: Gateway, adapters: tuple[AliyunSMS, TencentSMS], body: bytes
):
    gateway.status, gateway.body = 200, body
    for adapter in adapters:
        with pytest.raises(UnknownResultError):
            await adapter.send_template(MESSAGE)
