"""Aliyun SMS 阿里云短信 (dysmsapi 2017-05-25): sending by template, receipts asked for and pushed, replies.

The RPC form of the API: form parameters signed with HMAC-SHA1. There is no list of new reports to fetch over
HTTP; a report that was not pushed is asked for message by message (`trace`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from notify.base import Observer, doubt, unobserved
from notify.ports import (
    DeliveryReport,
    Inquiry,
    NotifyError,
    Reply,
    SendResult,
    TemplateSMS,
    Trace,
    TraceState,
)
from notify.sms.aliyun_errors import error_of
from notify.sms.reading import (
    BEIJING,
    LONGEST_CODE,
    LONGEST_EXTENSION,
    LONGEST_ID,
    LONGEST_TEXT,
    Entry,
    beijing_time_of,
    entries_of,
    mainland_phone_of,
    pushed,
    text_of,
)
from notify.sms.wire import SMSProvider, answered_json, status_error

VERSION = "2017-05-25"
# What our callback has to answer, with status 200; anything else is pushed again after 1, 5 and 10 minutes.
PUSH_ANSWER: Mapping[str, Any] = {"code": 0, "msg": "接收成功"}

_TIME = "%Y-%m-%d %H:%M:%S"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_PAGE_SIZE = 50
# Nobody gets so many messages a day; the question must end whatever is answered.
_MOST_PAGES = 4
# Clocks differ: a message sent so near midnight may be listed under either day.
_NEAR_MIDNIGHT = timedelta(minutes=5)
_STATES = {"1": TraceState.WAITING, "2": TraceState.FAILED, "3": TraceState.DELIVERED}
_TRUTHS = {True: True, False: False, "true": True, "false": False}


@dataclass(frozen=True)
class AliyunSMSConfig:
    """A RAM user's access key, and the signature text that the carriers have registered (without 【】)."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    sign_name: str
    url: str = "https://dysmsapi.aliyuncs.com"
    region_id: str = "cn-hangzhou"
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 8.0


def _escaped(text: str) -> str:
    return quote(text, safe="")


def signature(method: str, params: Mapping[str, str], secret: str) -> str:
    """HMAC-SHA1 over the method and all parameters in their order, base64."""
    query = "&".join(f"{_escaped(name)}={_escaped(params[name])}" for name in sorted(params))
    text = f"{method}&{_escaped('/')}&{_escaped(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)).decode()


class AliyunSMS(SMSProvider):
    """`TemplateSMSSender`, `SMSReceiver` and `SMSTracer`. Belongs to the event loop of its first call."""

    name = "aliyun_sms"

    def __init__(self, config: AliyunSMSConfig, *, observe: Observer = unobserved) -> None:
        self._config = config
        self._open(config, observe)

    async def send_template(self, message: TemplateSMS) -> SendResult:
        """Submit one message to one phone; its slots are filled by name."""
        fields = {
            "PhoneNumbers": message.phone,
            "SignName": self._config.sign_name,
            "TemplateCode": message.template_id,
            "TemplateParam": json.dumps(dict(message.params), ensure_ascii=False),
            "SmsUpExtendCode": message.extension,
            "OutId": message.reference,
        }
        answer = await self._call("SendSms", fields, "send", read=False)
        return SendResult(self.name, text_of(answer, "BizId", LONGEST_ID))

    async def trace(self, inquiry: Inquiry) -> Trace:
        """Ask for the details of one message; Aliyun answers for the last 30 days."""
        for on in _days_of(inquiry.sent_at):
            for page in range(1, _MOST_PAGES + 1):
                details = await self._details(inquiry, on, page)
                found = next((one for one in details if _is_meant(one, inquiry)), None)
                if found is not None:
                    return _trace_of(found)
                if len(details) < _PAGE_SIZE:
                    break
        return Trace(TraceState.ABSENT)

    async def _details(self, inquiry: Inquiry, on: date, page: int) -> list[Any]:
        fields = {
            "PhoneNumber": inquiry.phone,
            "BizId": inquiry.provider_id,
            "SendDate": on.strftime("%Y%m%d"),
            "PageSize": str(_PAGE_SIZE),
            "CurrentPage": str(page),
        }
        answer = await self._call("QuerySendDetails", fields, "trace", read=True)
        listed = answer.get("SmsSendDetailDTOs")
        inner = listed.get("SmsSendDetailDTO") if isinstance(listed, dict) else None
        return [] if inner is None else entries_of(inner)

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed SmsReport."""
        return pushed(body, _reports_of, self.name)

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed SmsUp."""
        return pushed(body, _replies_of, self.name)

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Always nothing: Aliyun lists no new reports over HTTP; see `trace`."""
        return ()

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Always nothing: Aliyun gives replies by push only (or by its message queue)."""
        return ()

    async def _call(
        self, action: str, fields: Mapping[str, str], operation: str, *, read: bool
    ) -> dict[str, Any]:
        def judge(response: httpx.Response) -> dict[str, Any]:
            return _accepted(response, read=read)

        # In the body, not in the address: what proxies write down holds no phone number.
        body = urlencode(self._signed(action, fields)).encode()
        return await self._wire.post("/", body, operation, judge, read=read, headers=_FORM)

    def _signed(self, action: str, fields: Mapping[str, str]) -> dict[str, str]:
        params = {
            "AccessKeyId": self._config.access_key_id,
            "Action": action,
            "Format": "JSON",
            "RegionId": self._config.region_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": secrets.token_hex(16),
            "SignatureVersion": "1.0",
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": VERSION,
            **{name: value for name, value in fields.items() if value},
        }
        return params | {"Signature": signature("POST", params, self._config.access_key_secret)}


def _accepted(response: httpx.Response, *, read: bool) -> dict[str, Any]:
    """The answer of a call that was taken; a refusal's Code stands in the body, whatever the status."""
    status = response.status_code
    try:
        answer = answered_json(response, read=read)
    except NotifyError as error:
        if status != 200:
            raise status_error(status, read=read) from error
        raise
    code = text_of(answer, "Code", LONGEST_CODE) if isinstance(answer, dict) else ""
    if status == 200 and code == "OK":
        return dict(answer)
    if code and code != "OK":
        raise error_of(code, status, read=read)
    raise status_error(status, read=read) if status != 200 else doubt(read=read)("UNREADABLE")


def _days_of(instant: datetime) -> list[date]:
    """The days in Beijing under which a message may be listed."""
    near = (instant, instant - _NEAR_MIDNIGHT, instant + _NEAR_MIDNIGHT)
    return list(dict.fromkeys(one.astimezone(BEIJING).date() for one in near))


def _is_meant(detail: Any, inquiry: Inquiry) -> bool:
    if not isinstance(detail, dict):
        return False
    if mainland_phone_of(detail.get("PhoneNum")) != mainland_phone_of(inquiry.phone):
        return False
    # Where the BizId was part of the question, the answer holds nothing else.
    return bool(inquiry.provider_id) or text_of(detail, "OutId", LONGEST_ID) == inquiry.reference


def _trace_of(detail: Entry) -> Trace:
    # A state Aliyun has not published yet is no end of the story.
    state = _STATES.get(text_of(detail, "SendStatus", 2), TraceState.WAITING)
    code = text_of(detail, "ErrCode", LONGEST_CODE)
    return Trace(state, code, beijing_time_of(detail, "ReceiveDate", _TIME))


def _reports_of(entry: Entry) -> Iterator[DeliveryReport]:
    phone = mainland_phone_of(entry.get("phone_number"))
    said = entry.get("success")
    delivered = _TRUTHS.get(said) if isinstance(said, bool | str) else None
    biz_id, out_id = text_of(entry, "biz_id", LONGEST_ID), text_of(entry, "out_id", LONGEST_ID)
    if phone and delivered is not None and (biz_id or out_id):
        yield DeliveryReport(
            provider_id=biz_id,
            phone=phone,
            delivered=delivered,
            code=text_of(entry, "err_code", LONGEST_CODE),
            at=beijing_time_of(entry, "report_time", _TIME),
            reference=out_id,
        )


def _replies_of(entry: Entry) -> Iterator[Reply]:
    phone = mainland_phone_of(entry.get("phone_number"))
    if phone and isinstance(entry.get("content"), str):
        yield Reply(
            phone=phone,
            text=text_of(entry, "content", LONGEST_TEXT),
            extension=text_of(entry, "dest_code", LONGEST_EXTENSION),
            at=beijing_time_of(entry, "send_time", _TIME),
        )
