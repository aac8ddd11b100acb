"""Tencent Cloud SMS 腾讯云短信 (API 2021-01-11): sending by template, receipts and replies pulled and pushed.

JSON signed with TC3-HMAC-SHA256. A template's slots are known by their place, never by a name.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from notify.base import Observer, doubt, unobserved
from notify.ports import (
    DeliveryReport,
    Inquiry,
    Reply,
    SendResult,
    TemplateSMS,
    Trace,
    TraceState,
)
from notify.sms.reading import (
    LONGEST_CODE,
    LONGEST_EXTENSION,
    LONGEST_ID,
    LONGEST_TEXT,
    Entry,
    beijing_time_of,
    entries_of,
    mainland_phone_of,
    plain,
    pushed,
    readable,
    text_of,
    unix_time_of,
)
from notify.sms.tencent_errors import error_of
from notify.sms.wire import SMSProvider, answered_json, status_error

T = TypeVar("T")

VERSION = "2021-01-11"
# What our callback has to answer. How often Tencent pushes again else, it does not publish (not verified).
PUSH_ANSWER: Mapping[str, Any] = {"result": 0, "errmsg": "OK"}

_JSON = "application/json; charset=utf-8"
_SIGNED_HEADERS = "content-type;host"
_SCOPE_END = "tc3_request"
# Pushed times carry no zone; that it is Beijing's is not verified.
_TIME = "%Y-%m-%d %H:%M:%S"
_MOST_PULLED = 100
_CLOCK_SLACK = timedelta(minutes=5)
_STATES = {"SUCCESS": True, "FAIL": False}


@dataclass(frozen=True)
class TencentSMSConfig:
    """A CAM user's key, the SMS application, and the approved signature text (without 【】)."""

    secret_id: str
    secret_key: str = field(repr=False)
    sdk_app_id: str
    sign_name: str
    url: str = "https://sms.tencentcloudapi.com"
    region: str = "ap-guangzhou"
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 8.0


def authorization(
    secret_id: str, secret_key: str, *, service: str, host: str, timestamp: int, payload: bytes
) -> str:
    """The Authorization header of a JSON POST to `/`, whose signature covers content type and host."""
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/{_SCOPE_END}"
    request = "\n".join(
        ("POST", "/", "", f"content-type:{_JSON}", f"host:{host}", "", _SIGNED_HEADERS, _sha256(payload))
    )
    text = "\n".join(("TC3-HMAC-SHA256", str(timestamp), scope, _sha256(request.encode())))
    key = f"TC3{secret_key}".encode()
    for part in (day, service, _SCOPE_END):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    credential = f"Credential={secret_id}/{scope}"
    return f"TC3-HMAC-SHA256 {credential}, SignedHeaders={_SIGNED_HEADERS}, Signature={signature}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def international(phone: str) -> str:
    """A number as Tencent wants it: ours are mainland numbers unless they say otherwise."""
    return phone if phone.startswith("+") else f"+86{phone}"


class TencentSMS(SMSProvider):
    """`TemplateSMSSender`, `SMSReceiver` and `SMSTracer`. Belongs to the event loop of its first call."""

    name = "tencent_sms"

    def __init__(self, config: TencentSMSConfig, *, observe: Observer = unobserved) -> None:
        self._config = config
        self._host = urlsplit(config.url).netloc
        self._open(config, observe)

    async def send_template(self, message: TemplateSMS) -> SendResult:
        """Submit one message to one phone; its slots are filled by place."""
        fields = {
            "PhoneNumberSet": [international(message.phone)],
            "SmsSdkAppId": self._config.sdk_app_id,
            "SignName": self._config.sign_name,
            "TemplateId": message.template_id,
            "TemplateParamSet": list(message.params.values()),
            "ExtendCode": message.extension,
            "SessionContext": message.reference,
        }
        return await self._call("SendSms", fields, "send", _send_result, read=False)

    async def trace(self, inquiry: Inquiry) -> Trace:
        """Look through what a phone was sent in the last days, 7 at most; only carriers' words are listed.

        By our own number a message is found only if Tencent was asked to give SessionContext back.
        """
        fields = {
            "BeginTime": int((inquiry.sent_at - _CLOCK_SLACK).timestamp()),
            "Offset": 0,
            "Limit": _MOST_PULLED,
            "PhoneNumber": international(inquiry.phone),
            "SmsSdkAppId": self._config.sdk_app_id,
        }
        entries = await self._pull("PullSmsSendStatusByPhoneNumber", fields, "trace", "PullSmsSendStatusSet")
        reports, _ = readable(entries, _pulled_reports_of, self.name)
        found = next((report for report in reports if _is_meant(report, inquiry)), None)
        if found is None:
            return Trace(TraceState.ABSENT)
        return Trace(TraceState.DELIVERED if found.delivered else TraceState.FAILED, found.code, found.at)

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Fetch a hundred reports; Tencent opens this on request. That it gives each once is not verified."""
        entries = await self._pull(
            "PullSmsSendStatus", self._newest(), "fetch_reports", "PullSmsSendStatusSet"
        )
        return readable(entries, _pulled_reports_of, self.name)[0]

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Fetch a hundred replies; Tencent opens this on request. That it gives each once is not verified."""
        entries = await self._pull(
            "PullSmsReplyStatus", self._newest(), "fetch_replies", "PullSmsReplyStatusSet"
        )
        return readable(entries, _pulled_replies_of, self.name)[0]

    def _newest(self) -> dict[str, Any]:
        return {"Limit": _MOST_PULLED, "SmsSdkAppId": self._config.sdk_app_id}

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed status."""
        return pushed(body, _reports_of, self.name)

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed reply."""
        return pushed(body, _replies_of, self.name)

    async def _pull(self, action: str, fields: Mapping[str, Any], operation: str, name: str) -> Sequence[Any]:
        def listed(answer: Mapping[str, Any]) -> list[Any]:
            found = answer.get(name)
            return [] if found is None else entries_of(found)

        return await self._call(action, fields, operation, listed, read=True)

    async def _call(
        self,
        action: str,
        fields: Mapping[str, Any],
        operation: str,
        take: Callable[[Mapping[str, Any]], T],
        *,
        read: bool,
    ) -> T:
        def judge(response: httpx.Response) -> T:
            return take(_accepted(response, read=read))

        payload = json.dumps(dict(fields), ensure_ascii=False).encode()
        headers = self._headers(action, payload)
        return await self._wire.post("/", payload, operation, judge, read=read, headers=headers)

    def _headers(self, action: str, payload: bytes) -> dict[str, str]:
        config, timestamp = self._config, int(datetime.now(UTC).timestamp())
        return {
            "Authorization": authorization(
                config.secret_id,
                config.secret_key,
                service="sms",
                host=self._host,
                timestamp=timestamp,
                payload=payload,
            ),
            "Content-Type": _JSON,
            "Host": self._host,
            "X-TC-Action": action,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Version": VERSION,
            "X-TC-Region": config.region,
        }


def _accepted(response: httpx.Response, *, read: bool) -> dict[str, Any]:
    """The inside of an answer that is no refusal."""
    if response.status_code != 200:
        raise status_error(response.status_code, read=read)
    answer = answered_json(response, read=read)
    inner = answer.get("Response") if isinstance(answer, dict) else None
    if not isinstance(inner, dict):
        raise doubt(read=read)("UNREADABLE")
    error = inner.get("Error")
    if isinstance(error, dict):
        raise error_of(text_of(error, "Code", _LONGEST_ERROR) or "FAILED", read=read)
    return inner


# Tencent's error codes are sentences.
_LONGEST_ERROR = 80


def _send_result(answer: Mapping[str, Any]) -> SendResult:
    """One number was asked for, so there is one status; it may be a refusal of its own."""
    statuses = answer.get("SendStatusSet")
    status = statuses[0] if isinstance(statuses, list) and statuses else None
    if not isinstance(status, dict):
        raise doubt(read=False)("UNREADABLE")
    code = text_of(status, "Code", _LONGEST_ERROR)
    if code != "Ok":
        raise error_of(code, read=False) if code else doubt(read=False)("UNREADABLE")
    return SendResult(TencentSMS.name, text_of(status, "SerialNo", LONGEST_ID))


def _is_meant(report: DeliveryReport, inquiry: Inquiry) -> bool:
    if inquiry.provider_id:
        return report.provider_id == inquiry.provider_id
    return report.reference == inquiry.reference


def _phone_of(entry: Entry, number: str, country: str) -> str:
    """The number with its country's code unless it is ours."""
    code, phone = plain(entry.get(country)), mainland_phone_of(entry.get(number))
    return phone if code in ("", "86") else mainland_phone_of(f"+{code}{phone}") if phone else ""


def _reports_of(entry: Entry) -> Iterator[DeliveryReport]:
    phone, serial = _phone_of(entry, "mobile", "nationcode"), text_of(entry, "sid", LONGEST_ID)
    delivered = _STATES.get(text_of(entry, "report_status", LONGEST_CODE))
    if phone and serial and delivered is not None:
        yield DeliveryReport(
            provider_id=serial,
            phone=phone,
            delivered=delivered,
            code=text_of(entry, "errmsg", LONGEST_CODE),
            at=beijing_time_of(entry, "user_receive_time", _TIME),
        )


def _pulled_reports_of(entry: Entry) -> Iterator[DeliveryReport]:
    phone = _phone_of(entry, "SubscriberNumber", "CountryCode")
    serial = text_of(entry, "SerialNo", LONGEST_ID)
    delivered = _STATES.get(text_of(entry, "ReportStatus", LONGEST_CODE))
    if phone and serial and delivered is not None:
        yield DeliveryReport(
            provider_id=serial,
            phone=phone,
            delivered=delivered,
            # What is pulled has no code, only words.
            code=text_of(entry, "Description", LONGEST_CODE),
            at=unix_time_of(entry, "UserReceiveTime"),
            reference=text_of(entry, "SessionContext", LONGEST_ID),
        )


def _replies_of(entry: Entry) -> Iterator[Reply]:
    phone = _phone_of(entry, "mobile", "nationcode")
    if phone and isinstance(entry.get("text"), str):
        yield Reply(
            phone=phone,
            text=text_of(entry, "text", LONGEST_TEXT),
            extension=text_of(entry, "extend", LONGEST_EXTENSION),
            at=unix_time_of(entry, "time"),
        )


def _pulled_replies_of(entry: Entry) -> Iterator[Reply]:
    phone = _phone_of(entry, "SubscriberNumber", "CountryCode")
    if phone and isinstance(entry.get("ReplyContent"), str):
        yield Reply(
            phone=phone,
            text=text_of(entry, "ReplyContent", LONGEST_TEXT),
            extension=text_of(entry, "ExtendCode", LONGEST_EXTENSION),
            at=unix_time_of(entry, "ReplyTime"),
        )
