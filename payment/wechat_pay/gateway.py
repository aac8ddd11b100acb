"""`PaymentGateway` by WeChat Pay API v3, through the SDK `wechatpayv3` in public-key mode.

The SDK builds, signs, sends and verifies. What it leaves open is closed here: notices older or newer than
five minutes, unexpected headers and key ids, bare exceptions, results as text, the gateway's address.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

from payment.base import Observer, observed_call, unobserved
from payment.ports import (
    InvalidNoticeError,
    NewPayment,
    NewRefund,
    Notice,
    NoticeKind,
    PaymentError,
    PaymentMethod,
    PaymentStart,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
    RejectedError,
    RejectReason,
    RetryableError,
    UnknownResultError,
)
from payment.wechat_pay import wire

# A notice older than this is a replay; one from the future was not signed by an honest clock.
NOTICE_WINDOW_S = 300
_SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
_NOTICE_HEADERS = (
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Signature",
    "Wechatpay-Serial",
    "Wechatpay-Signature-Type",
)
_DESCRIPTION_BYTES = 127
_REASON_BYTES = 80
T = TypeVar("T")
_PAY_TYPES = {
    PaymentMethod.WECHAT_MINI: WeChatPayType.MINIPROG,
    PaymentMethod.WECHAT_JSAPI: WeChatPayType.JSAPI,
    PaymentMethod.WECHAT_NATIVE: WeChatPayType.NATIVE,
}


@dataclass(frozen=True)
class WeChatPayConfig:
    """A merchant at WeChat Pay and the two applications it is paid through."""

    gateway_url: str
    merchant_id: str
    cert_serial: str
    private_key_pem: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    public_key_pem: str = field(repr=False)
    public_key_id: str
    mini_app_id: str
    oa_app_id: str
    notice_url: str
    refund_notice_url: str
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 8.0


def _pkcs8(pem: str) -> str:
    """The SDK reads PKCS#8 only; merchants' tools also write PKCS#1."""
    if "-----BEGIN PRIVATE KEY-----" in pem:
        return pem
    key = load_pem_private_key(pem.encode(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _cut(text: str, size: int) -> str:
    """At most `size` UTF-8 bytes, never half a character."""
    return text.encode()[:size].decode(errors="ignore")


class WeChatPayGateway:
    """One merchant's payments. Belongs to the event loop of its first call."""

    name = "wechat_pay"
    methods = frozenset(_PAY_TYPES)

    def __init__(
        self,
        config: WeChatPayConfig,
        *,
        observe: Observer = unobserved,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._clock = clock
        self._observe = observe
        self._deadline_s = config.connect_timeout_s + config.read_timeout_s + 1
        self._pay = AsyncWeChatPay(
            WeChatPayType.MINIPROG,
            config.merchant_id,
            _pkcs8(config.private_key_pem),
            config.cert_serial,
            config.mini_app_id,
            config.api_v3_key,
            notify_url=config.notice_url,
            timeout=(config.connect_timeout_s, config.read_timeout_s),
            public_key=config.public_key_pem,
            public_key_id=config.public_key_id,
        )
        # The SDK has no option for its address.
        self._pay._core._gate_way = config.gateway_url.rstrip("/")
        self._entered = False

    @property
    def merchant_id(self) -> str:
        """The merchant number."""
        return self._config.merchant_id

    def app_id(self, method: PaymentMethod) -> str:
        """JSAPI belongs to the official account; the rest to the mini-program."""
        return self._config.oa_app_id if method is PaymentMethod.WECHAT_JSAPI else self._config.mini_app_id

    async def create(self, payment: NewPayment) -> PaymentStart:
        """Open or re-open a payment and sign what the payer's client needs."""
        arguments: dict[str, Any] = {
            "description": _cut(payment.description, _DESCRIPTION_BYTES),
            "out_trade_no": payment.out_trade_no,
            "amount": {"total": payment.amount_fen, "currency": "CNY"},
            "time_expire": wire.rfc3339(payment.expires_at),
            "appid": self.app_id(payment.method),
            "pay_type": _PAY_TYPES[payment.method],
        }
        if payment.attach:
            arguments["attach"] = payment.attach
        if payment.method.needs_payer:
            arguments["payer"] = {"openid": payment.payer_id}
        parse = partial(self._start, payment.method)
        return await self._call("create", payment.out_trade_no, "pay", parse, **arguments)

    def _start(self, method: PaymentMethod, data: Mapping[str, Any]) -> PaymentStart:
        if method is PaymentMethod.WECHAT_NATIVE:
            return PaymentStart(method, code_url=wire.text_of(data, "code_url"))
        return PaymentStart(method, params=self._client_params(method, wire.text_of(data, "prepay_id")))

    def _client_params(self, method: PaymentMethod, prepay_id: str) -> dict[str, str]:
        app_id, package = self.app_id(method), f"prepay_id={prepay_id}"
        timestamp, nonce = str(int(self._clock())), secrets.token_hex(16)
        params = {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._pay.sign([app_id, timestamp, nonce, package]),
        }
        # A mini-program's call takes its app id from where it runs; a web page's must name it.
        return params if method is PaymentMethod.WECHAT_MINI else {"appId": app_id, **params}

    async def query(self, out_trade_no: str) -> PaymentStatus:
        """The order as WeChat Pay has it; ABSENT when it has none."""
        try:
            return await self._call(
                "query", out_trade_no, "query", wire.payment_status, read=True, out_trade_no=out_trade_no
            )
        except RejectedError as error:
            if error.reason is RejectReason.ABSENT:
                return PaymentStatus(out_trade_no, PaymentState.ABSENT)
            raise

    async def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; a closed one stays closed."""
        try:
            await self._call("close", out_trade_no, "close", dict, out_trade_no=out_trade_no)
        except RejectedError as error:
            if error.reason is not RejectReason.CLOSED:
                raise

    async def refund(self, refund: NewRefund) -> RefundStatus:
        """Ask for a refund to where the money came from."""
        return await self._call(
            "refund",
            refund.out_refund_no,
            "refund",
            wire.refund_status,
            out_refund_no=refund.out_refund_no,
            out_trade_no=refund.out_trade_no,
            amount={"refund": refund.refund_fen, "total": refund.total_fen, "currency": "CNY"},
            reason=_cut(refund.reason, _REASON_BYTES) or None,
            notify_url=self._config.refund_notice_url,
        )

    async def query_refund(self, out_refund_no: str) -> RefundStatus:
        """The refund as WeChat Pay has it; ABSENT when it has none."""
        try:
            return await self._call(
                "query_refund",
                out_refund_no,
                "query_refund",
                wire.refund_status,
                read=True,
                out_refund_no=out_refund_no,
            )
        except RejectedError as error:
            if error.reason is RejectReason.ABSENT:
                return RefundStatus(out_refund_no, RefundState.ABSENT)
            raise

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Signature first, then age, then content."""
        marks = self._check_headers(headers)
        try:
            text = body.decode()
            genuine = self._pay._core._verify_signature(marks, text)
        except Exception as error:  # the SDK raises bare exceptions of every kind
            raise InvalidNoticeError("UNVERIFIABLE", type(error).__name__) from error
        if not genuine:
            raise InvalidNoticeError("FORGED")
        try:
            return self._notice(marks, text)
        except wire.UnreadableError as error:
            raise InvalidNoticeError("UNREADABLE", str(error)) from error

    def _check_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        lowered = {name.lower(): value for name, value in headers.items()}
        marks = {name: lowered.get(name.lower(), "") for name in _NOTICE_HEADERS}
        if not all(marks.values()):
            raise InvalidNoticeError("HEADERS", "missing")
        if marks["Wechatpay-Signature-Type"] != _SIGNATURE_TYPE:
            raise InvalidNoticeError("HEADERS", "signature type")
        # Any other id would send the SDK looking for certificates that public-key mode does not have.
        if marks["Wechatpay-Serial"] != self._config.public_key_id:
            raise InvalidNoticeError("KEY")
        timestamp = marks["Wechatpay-Timestamp"]
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise InvalidNoticeError("HEADERS", "timestamp")
        if abs(self._clock() - int(timestamp)) > NOTICE_WINDOW_S:
            raise InvalidNoticeError("STALE")
        return marks

    def _notice(self, marks: Mapping[str, str], text: str) -> Notice:
        envelope = wire.json_object(text)
        notice_id, event_type = wire.text_of(envelope, "id"), wire.text_of(envelope, "event_type")
        kind = _notice_kind(event_type)
        if kind is NoticeKind.OTHER:
            return Notice(notice_id, kind, event_type)
        resource = self._resource(marks, text)
        if kind is NoticeKind.PAYMENT:
            return Notice(notice_id, kind, event_type, payment=wire.payment_status(resource))
        return Notice(notice_id, kind, event_type, refund=wire.refund_status(resource))

    def _resource(self, marks: Mapping[str, str], text: str) -> dict[str, Any]:
        try:
            opened = self._pay.callback(marks, text)
        except Exception as error:  # the SDK raises bare exceptions of every kind
            raise InvalidNoticeError("UNDECIPHERABLE", type(error).__name__) from error
        resource = opened.get("resource") if isinstance(opened, dict) else None
        if not isinstance(resource, dict):
            raise InvalidNoticeError("UNDECIPHERABLE")
        return resource

    async def aclose(self) -> None:
        """Close the connections."""
        if self._entered:
            self._entered = False
            await self._pay.__aexit__(None, None, None)

    async def _call(
        self,
        operation: str,
        number: str,
        method: str,
        parse: Callable[[dict[str, Any]], T],
        *,
        read: bool = False,
        **arguments: Any,
    ) -> T:
        """One call of the SDK: its connection errors, its bare exceptions and its statuses made ours."""
        if not self._entered:
            # In public-key mode entering only makes the client; nothing awaits, so nobody comes between.
            self._entered = True
            await self._pay.__aenter__()
        async with observed_call(
            self.name, operation, number, deadline_s=self._deadline_s, read=read, observe=self._observe
        ):
            status, text = await self._send(getattr(self._pay, method), arguments, read=read)
            if status not in (200, 204):
                raise wire.error_of(status, text, read=read)
            try:
                return parse(wire.json_object(text) if text else {})
            except wire.UnreadableError as error:
                raise _doubt(read)("UNREADABLE", str(error)) from error

    async def _send(
        self, method: Callable[..., Any], arguments: dict[str, Any], *, read: bool
    ) -> tuple[int, str | bytes]:
        try:
            status, text = await method(**arguments)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryableError("UNREACHABLE", type(error).__name__) from error
        except (PaymentError, TimeoutError):
            raise
        except httpx.HTTPError as error:
            raise _doubt(read)("CONNECTION", type(error).__name__) from error
        except Exception as error:  # an answer whose signature fails is a bare Exception of the SDK
            raise _doubt(read)("UNVERIFIABLE", str(error)[:200]) from error
        return int(status), text


def _doubt(read: bool) -> type[PaymentError]:
    return RetryableError if read else UnknownResultError


def _notice_kind(event_type: str) -> NoticeKind:
    if event_type == "TRANSACTION.SUCCESS":
        return NoticeKind.PAYMENT
    if event_type in ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"):
        return NoticeKind.REFUND
    return NoticeKind.OTHER
