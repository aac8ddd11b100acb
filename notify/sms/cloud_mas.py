"""China Mobile cloud MAS 云MAS over HTTP: sending, delivery reports, replies.

Bodies are base64 of UTF-8 JSON, authenticity is an MD5 over the fields and the secret: the provider's choice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

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

log = logging.getLogger(__name__)

T = TypeVar("T")

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
        group = _text(answer, "msgGroup", _LONGEST_ID) or _text(answer, "mgsGroup", _LONGEST_ID)
        return SendResult(self.name, group)

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
        code = _text(answer, "rspcod", _LONGEST_CODE)
        if code == "success" and answer.get("success", True) is not False:
            return
        raise RejectedError(code or "FAILED", reason=REJECT_REASONS.get(code, RejectReason.OTHER))

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Fetch delivery reports; the gateway forgets what it has handed out."""
        return _readable(await self._fetch("/sms/report", "fetch_reports"), _reports_of)[0]

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Fetch replies; the gateway forgets what it has handed out."""
        return _readable(await self._fetch("/sms/deliver", "fetch_replies"), _replies_of)[0]

    async def _fetch(self, path: str, operation: str) -> list[Any]:
        config = self._config
        login = {"ecName": config.ec_name, "apId": config.ap_id, "secretKey": config.secret_key}
        answer = await self._post(path, login, operation, read=True)
        if isinstance(answer, dict) and "rspcod" in answer:
            self._check_accepted(answer)
            return []
        return _entries(answer)

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed report."""
        return _pushed(body, _reports_of)

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed reply."""
        return _pushed(body, _replies_of)

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
                return _json(response.content)
            except InvalidNoticeError as error:
                raise doubt(read=read)(error.code, error.detail) from error


def _status_error(status: int, *, read: bool) -> NotifyError:
    code = f"HTTP_{status}"
    if status == 429:
        return ThrottledError(code)
    if status == 503:
        return RetryableError(code)
    if status >= 500:
        return doubt(read=read)(code)
    return RejectedError(code, reason=_MISCONFIGURED)


# What the gateway's own fields never pass; a longer text is cut, so that nobody fills our books through them.
_LONGEST_ID, _LONGEST_CODE, _LONGEST_EXTENSION, _LONGEST_TEXT = 64, 40, 20, 2000
_PHONE = re.compile(r"\+?[0-9]{5,20}", re.ASCII)
_MOST_DIGITS = 30


def _pushed(body: bytes, read: Callable[[Mapping[str, Any]], Iterator[T]]) -> tuple[T, ...]:
    """A push carries JSON, by some gateways in base64. It is refused when nothing in it can be read."""
    text = body.strip()
    if text[:1] not in (b"{", b"["):
        try:
            text = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise InvalidNoticeError("UNREADABLE", "not JSON") from error
    found, refused = _readable(_entries(_json(text)), read)
    if refused and not found:
        raise InvalidNoticeError("UNREADABLE", "no entry can be read")
    return found


def _json(text: bytes) -> Any:
    """JSON from outside, however deep, huge or broken."""
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise InvalidNoticeError("UNREADABLE", "not JSON") from error


def _integer(digits: str) -> int | str:
    # Python refuses to read thousands of digits; as a text they spoil their own entry only.
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _entries(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _readable(
    entries: list[Any], read: Callable[[Mapping[str, Any]], Iterator[T]]
) -> tuple[tuple[T, ...], int]:
    """What can be read, and how many entries hold nothing that can: one bad entry loses no good one."""
    found: list[T] = []
    refused = 0
    for entry in entries:
        items = list(read(entry)) if isinstance(entry, dict) else []
        found += items
        refused += not items
    if refused:
        log.warning("mas_entries_refused", extra={"refused": refused, "kept": len(found)})
    return tuple(found), refused


def _phones(entry: Mapping[str, Any]) -> Iterator[str]:
    value = entry.get("mobile")
    for phone in value if isinstance(value, list) else [value]:
        text = _plain(phone)
        if _PHONE.fullmatch(text):
            yield text


def _text(entry: Mapping[str, Any], name: str, longest: int) -> str:
    return _plain(entry.get(name))[:longest]


def _plain(value: Any) -> str:
    """A text or a number as a text that can be stored: half a character becomes U+FFFD; else nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _instant(entry: Mapping[str, Any], name: str) -> datetime | None:
    """`yyyyMMddHHmmss` of Beijing; a report without a readable time is still a report."""
    try:
        local = datetime.strptime(_text(entry, name, 14), "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _reports_of(entry: Mapping[str, Any]) -> Iterator[DeliveryReport]:
    for phone in _phones(entry):
        status = _text(entry, "reportStatus", _LONGEST_CODE)
        yield DeliveryReport(
            provider_id=_text(entry, "msgGroup", _LONGEST_ID),
            phone=phone,
            delivered=status.upper() == "DELIVRD",
            code=_text(entry, "errorCode", _LONGEST_CODE) or status,
            at=_instant(entry, "receiveDate"),
        )


def _replies_of(entry: Mapping[str, Any]) -> Iterator[Reply]:
    for phone in _phones(entry):
        yield Reply(
            phone=phone,
            text=_text(entry, "smsContent", _LONGEST_TEXT),
            extension=_text(entry, "addSerial", _LONGEST_EXTENSION),
            at=_instant(entry, "sendTime"),
        )
