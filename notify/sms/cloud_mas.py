"""China Mobile cloud MAS 云MAS over HTTP: sending, delivery reports, replies.

Bodies are base64 of UTF-8 JSON, authenticity is an MD5 over the fields and the secret: the provider's choice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from notify.base import Observer, doubt, unobserved
from notify.ports import (
    SMS,
    DeliveryReport,
    InvalidNoticeError,
    RejectedError,
    RejectReason,
    Reply,
    SendResult,
    TemplateSMS,
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
    pushed,
    readable,
    text_of,
)
from notify.sms.wire import SMSProvider, answered_json, status_error

_TIME = "%Y%m%d%H%M%S"
_MISCONFIGURED = RejectReason.MISCONFIGURED
REJECT_REASONS: dict[str, RejectReason] = {
    "IllegalMac": _MISCONFIGURED,
    "IllegalSignId": _MISCONFIGURED,
    "InvalidUsrOrPwd": _MISCONFIGURED,
    "NoSignId": _MISCONFIGURED,
    "NOT_WHITE_IP": _MISCONFIGURED,
    "InvalidMessage": RejectReason.BAD_CONTENT,
    "InvalidMobile": RejectReason.BAD_RECIPIENT,
}


@dataclass(frozen=True)
class CloudMASConfig:
    """An enterprise's interface account. `url` ends before `/sms/norsubmit`.

    Some gateways demand the secret in the body, others refuse it with InvalidUsrOrPwd: `send_secret_key`.
    """

    url: str
    ec_name: str
    ap_id: str
    secret_key: str = field(repr=False)
    sign_code: str
    send_secret_key: bool = False
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 8.0


def encode(data: Mapping[str, Any]) -> bytes:
    """JSON as the gateway reads it."""
    return base64.b64encode(json.dumps(data, ensure_ascii=False).encode())


def mac(*parts: str) -> str:
    """MD5 of the parts put together, lower-case hex."""
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


class CloudMAS(SMSProvider):
    """`SMSSender`, `TemplateSMSSender` and `SMSReceiver`. Belongs to the event loop of its first call."""

    name = "cloud_mas"

    def __init__(self, config: CloudMASConfig, *, observe: Observer = unobserved) -> None:
        self._config = config
        self._open(config, observe)

    async def send(self, message: SMS) -> SendResult:
        """Submit one message to one phone."""
        fields = {"mobiles": message.phone, "content": message.text}
        return await self._submit("/sms/norsubmit", fields, message.extension)

    async def send_template(self, message: TemplateSMS) -> SendResult:
        """Submit one message by a template; the gateway knows its parameters by their order."""
        # The gateway wants one empty parameter where a template has none.
        params = json.dumps(list(message.params.values()) or [""], ensure_ascii=False)
        fields = {"templateId": message.template_id, "mobiles": message.phone, "params": params}
        return await self._submit("/sms/tmpsubmit", fields, message.extension)

    async def _submit(self, path: str, fields: Mapping[str, str], extension: str) -> SendResult:
        answer = await self._post(path, self._submission(fields, extension), "send", read=False)
        if not isinstance(answer, dict):
            raise doubt(read=False)("UNREADABLE")
        self._check_accepted(answer)
        # Published samples spell it both ways.
        group = text_of(answer, "msgGroup", LONGEST_ID) or text_of(answer, "mgsGroup", LONGEST_ID)
        return SendResult(self.name, group)

    def _submission(self, fields: Mapping[str, str], serial: str) -> dict[str, str]:
        config, sign = self._config, self._config.sign_code
        signed = (config.ec_name, config.ap_id, config.secret_key, *fields.values(), sign, serial)
        body = {"ecName": config.ec_name, "apId": config.ap_id, **fields, "sign": sign, "addSerial": serial}
        body["mac"] = mac(*signed)
        if config.send_secret_key:
            body["secretKey"] = config.secret_key
        return body

    @staticmethod
    def _check_accepted(answer: Mapping[str, Any]) -> None:
        code = text_of(answer, "rspcod", LONGEST_CODE)
        if code == "success" and answer.get("success", True) is not False:
            return
        raise RejectedError(code or "FAILED", reason=REJECT_REASONS.get(code, RejectReason.OTHER))

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Fetch delivery reports; the gateway forgets what it has handed out."""
        return readable(await self._fetch("/sms/report", "fetch_reports"), _reports_of, self.name)[0]

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Fetch replies; the gateway forgets what it has handed out."""
        return readable(await self._fetch("/sms/deliver", "fetch_replies"), _replies_of, self.name)[0]

    async def _fetch(self, path: str, operation: str) -> list[Any]:
        config = self._config
        login = {"ecName": config.ec_name, "apId": config.ap_id, "secretKey": config.secret_key}
        answer = await self._post(path, login, operation, read=True)
        if isinstance(answer, dict) and "rspcod" in answer:
            self._check_accepted(answer)
            return []
        return entries_of(answer)

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed report."""
        return pushed(_unwrapped(body), _reports_of, self.name)

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed reply."""
        return pushed(_unwrapped(body), _replies_of, self.name)

    async def _post(self, path: str, body: Mapping[str, Any], operation: str, *, read: bool) -> Any:
        def judge(response: httpx.Response) -> Any:
            if response.status_code != 200:
                raise status_error(response.status_code, read=read)
            return answered_json(response, read=read)

        return await self._wire.post(path, encode(body), operation, judge, read=read)


def _unwrapped(body: bytes) -> bytes:
    """JSON as the gateway pushes it: some send it in base64."""
    text = body.strip()
    if text[:1] not in (b"{", b"["):
        try:
            text = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise InvalidNoticeError("UNREADABLE", "not JSON") from error
    return text


def _phones(entry: Entry) -> Iterator[str]:
    value = entry.get("mobile")
    for phone in value if isinstance(value, list) else [value]:
        text = mainland_phone_of(phone)
        if text:
            yield text


def _reports_of(entry: Entry) -> Iterator[DeliveryReport]:
    status, group = text_of(entry, "reportStatus", LONGEST_CODE), text_of(entry, "msgGroup", LONGEST_ID)
    # The gateway's two addresses are easily confused: what lacks the one or the other is no report.
    for phone in _phones(entry) if status and group else ():
        yield DeliveryReport(
            provider_id=group,
            phone=phone,
            delivered=status.upper() == "DELIVRD",
            code=text_of(entry, "errorCode", LONGEST_CODE) or status,
            at=beijing_time_of(entry, "receiveDate", _TIME),
        )


def _replies_of(entry: Entry) -> Iterator[Reply]:
    for phone in _phones(entry) if isinstance(entry.get("smsContent"), str | int) else ():
        yield Reply(
            phone=phone,
            text=text_of(entry, "smsContent", LONGEST_TEXT),
            extension=text_of(entry, "addSerial", LONGEST_EXTENSION),
            at=beijing_time_of(entry, "sendTime", _TIME),
        )
