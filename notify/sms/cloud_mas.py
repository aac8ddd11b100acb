"""China Mobile cloud MAS 云MAS over HTTP: sending, delivery reports, replies.

Bodies are base64 of UTF-8 JSON, authenticity is an MD5 over the fields and the secret: the provider's choice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

from notify.base import Observer, doubt, observed_call, unobserved
from notify.ports import (
    SMS,
    DeliveryReport,
    InvalidNoticeError,
    NotifyError,
    RejectedError,
    RejectReason,
    Reply,
    RetryableError,
    SendResult,
    ThrottledError,
)

BEIJING = timezone(timedelta(hours=8))
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


class CloudMAS:
    """`SMSSender` and `SMSReceiver`. Belongs to the event loop of its first call."""

    name = "cloud_mas"

    def __init__(self, config: CloudMASConfig, *, observe: Observer = unobserved) -> None:
        self._config = config
        self._observe = observe
        timeout = httpx.Timeout(config.read_timeout_s, connect=config.connect_timeout_s)
        self._deadline_s = config.connect_timeout_s + config.read_timeout_s + 1
        self._http = httpx.AsyncClient(base_url=config.url.rstrip("/"), timeout=timeout)

    async def send(self, message: SMS) -> SendResult:
        """Submit one message to one phone."""
        answer = await self._post("/sms/norsubmit", self._submission(message), "send", read=False)
        if not isinstance(answer, dict):
            raise doubt(read=False)("UNREADABLE")
        self._check_accepted(answer)
        # Published samples spell it both ways.
        group = answer.get("msgGroup") or answer.get("mgsGroup") or ""
        return SendResult(self.name, str(group))

    def _submission(self, message: SMS) -> dict[str, str]:
        config = self._config
        text, sign, serial = message.text, config.sign_code, message.extension
        body = {
            "ecName": config.ec_name,
            "apId": config.ap_id,
            "mobiles": message.phone,
            "content": text,
            "sign": sign,
            "addSerial": serial,
            "mac": mac(config.ec_name, config.ap_id, config.secret_key, message.phone, text, sign, serial),
        }
        if config.send_secret_key:
            body["secretKey"] = config.secret_key
        return body

    @staticmethod
    def _check_accepted(answer: Mapping[str, Any]) -> None:
        code = str(answer.get("rspcod", ""))
        if code == "success" and answer.get("success", True) is not False:
            return
        raise RejectedError(code or "FAILED", reason=REJECT_REASONS.get(code, RejectReason.OTHER))

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Fetch delivery reports; the gateway forgets what it has handed out."""
        return _reports(await self._fetch("/sms/report", "fetch_reports"))

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Fetch replies; the gateway forgets what it has handed out."""
        return _replies(await self._fetch("/sms/deliver", "fetch_replies"))

    async def _fetch(self, path: str, operation: str) -> list[Mapping[str, Any]]:
        config = self._config
        login = {"ecName": config.ec_name, "apId": config.ap_id, "secretKey": config.secret_key}
        answer = await self._post(path, login, operation, read=True)
        if isinstance(answer, dict) and "rspcod" in answer:
            self._check_accepted(answer)
            return []
        try:
            return _entries(answer)
        except InvalidNoticeError as error:
            raise RetryableError("UNREADABLE", error.detail) from error

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed report."""
        return _reports(_entries(_pushed(body)))

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed reply."""
        return _replies(_entries(_pushed(body)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _post(self, path: str, body: Mapping[str, Any], operation: str, *, read: bool) -> Any:
        async with observed_call(
            self.name, operation, deadline_s=self._deadline_s, read=read, observe=self._observe
        ):
            try:
                response = await self._http.post(path, content=encode(body))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise RetryableError("UNREACHABLE", type(error).__name__) from error
            except httpx.HTTPError as error:
                raise doubt(read=read)("CONNECTION", type(error).__name__) from error
            if response.status_code != 200:
                raise _status_error(response.status_code, read=read)
            try:
                return response.json()
            except ValueError as error:
                raise doubt(read=read)("UNREADABLE") from error


def _status_error(status: int, *, read: bool) -> NotifyError:
    code = f"HTTP_{status}"
    if status == 429:
        return ThrottledError(code)
    if status == 503:
        return RetryableError(code)
    if status >= 500:
        return doubt(read=read)(code)
    return RejectedError(code, reason=_MISCONFIGURED)


def _pushed(body: bytes) -> Any:
    """A push carries JSON, by some gateways in base64."""
    text = body.strip()
    try:
        if text[:1] not in (b"{", b"["):
            text = base64.b64decode(text, validate=True)
        return json.loads(text)
    except (binascii.Error, ValueError) as error:
        raise InvalidNoticeError("UNREADABLE", "not JSON") from error


def _entries(data: Any) -> list[Mapping[str, Any]]:
    entries = data if isinstance(data, list) else [data]
    if not all(isinstance(entry, dict) for entry in entries):
        raise InvalidNoticeError("UNREADABLE", "not an object")
    return entries


def _phones(value: Any) -> Sequence[str]:
    phones = value if isinstance(value, list) else [value]
    if not phones or not all(isinstance(phone, str) and phone for phone in phones):
        raise InvalidNoticeError("UNREADABLE", "mobile")
    return phones


def _instant(value: Any) -> datetime | None:
    """`yyyyMMddHHmmss` of Beijing; a report without a readable time is still a report."""
    try:
        local = datetime.strptime(str(value), "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None
    return local.astimezone(UTC)


def _reports(entries: Sequence[Mapping[str, Any]]) -> tuple[DeliveryReport, ...]:
    return tuple(
        DeliveryReport(
            provider_id=str(entry.get("msgGroup", "")),
            phone=phone,
            delivered=str(entry.get("reportStatus", "")).upper() == "DELIVRD",
            code=str(entry.get("errorCode") or entry.get("reportStatus") or "")[:40],
            at=_instant(entry.get("receiveDate")),
        )
        for entry in entries
        for phone in _phones(entry.get("mobile"))
    )


def _replies(entries: Sequence[Mapping[str, Any]]) -> tuple[Reply, ...]:
    return tuple(
        Reply(
            phone=phone,
            text=str(entry.get("smsContent", "")),
            extension=str(entry.get("addSerial", "")),
            at=_instant(entry.get("sendTime")),
        )
        for entry in entries
        for phone in _phones(entry.get("mobile"))
    )
