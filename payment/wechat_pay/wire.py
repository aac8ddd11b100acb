"""The forms of WeChat Pay v3 in both directions: JSON of orders and refunds, error codes, instants.

Pure functions; nothing here talks to the network or knows a key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from payment.ports import (
    DuplicateRequestError,
    PaymentError,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)

BEIJING = timezone(timedelta(hours=8))

# A refunded order was paid: what was refunded is told by the refunds themselves.
PAYMENT_STATES: dict[str, PaymentState] = {
    "NOTPAY": PaymentState.UNPAID,
    "USERPAYING": PaymentState.PAYING,
    "ACCEPT": PaymentState.PAYING,
    "SUCCESS": PaymentState.PAID,
    "REFUND": PaymentState.PAID,
    "CLOSED": PaymentState.CLOSED,
    "REVOKED": PaymentState.CLOSED,
    "PAYERROR": PaymentState.FAILED,
}

REFUND_STATES: dict[str, RefundState] = {
    "PROCESSING": RefundState.PROCESSING,
    "SUCCESS": RefundState.SUCCEEDED,
    "CLOSED": RefundState.CLOSED,
    "ABNORMAL": RefundState.ABNORMAL,
}

REJECT_REASONS: dict[str, RejectReason] = {
    "ORDER_PAID": RejectReason.ALREADY_PAID,
    "ORDERPAID": RejectReason.ALREADY_PAID,
    "ORDER_CLOSED": RejectReason.CLOSED,
    "ORDERCLOSED": RejectReason.CLOSED,
    "NOT_ENOUGH": RejectReason.NOT_ENOUGH_BALANCE,
    "ORDER_NOT_EXIST": RejectReason.ABSENT,
    "ORDERNOTEXIST": RejectReason.ABSENT,
    "RESOURCE_NOT_EXISTS": RejectReason.ABSENT,
    "MCH_NOT_EXISTS": RejectReason.MISCONFIGURED,
    "SIGN_ERROR": RejectReason.MISCONFIGURED,
    "NO_AUTH": RejectReason.MISCONFIGURED,
    "APPID_MCHID_NOT_MATCH": RejectReason.MISCONFIGURED,
}

_THROTTLED = frozenset({"FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED"})
_DUPLICATE = frozenset({"OUT_TRADE_NO_USED"})
# WeChat answers a re-entry with other content as INVALID_REQUEST; only the sentence tells it apart.
_DUPLICATE_SENTENCE = "与首次请求时不一致"


# What a database's whole number holds; nobody moves more.
_MOST_FEN = 2**63 - 1


class UnreadableError(ValueError):
    """JSON that does not have the published form."""


def rfc3339(instant: datetime) -> str:
    """An instant as WeChat Pay writes it: whole seconds, Beijing time."""
    return instant.astimezone(BEIJING).isoformat(timespec="seconds")


def instant_of(text: str | None) -> datetime | None:
    """An RFC 3339 instant in UTC, or None when absent."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise UnreadableError("instant without zone")
        return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise UnreadableError("instant") from error


def json_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object, or `UnreadableError`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableError("not an object")
    return value


def storable(text: str) -> str:
    """The text, unless it holds half a character, which no database keeps."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnreadableError("half a character") from error
    return text


def text_of(data: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableError(f"{name} missing")
    return storable(value)


def _optional_text(data: Mapping[str, Any], name: str, otherwise: str = "") -> str:
    value = data.get(name)
    return storable(value) if isinstance(value, str) else otherwise


def _fen(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    # bool is an int to Python, not to an accountant.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_FEN:
        raise UnreadableError(f"{name} is not an amount in fen")
    return value


def _amount(data: Mapping[str, Any]) -> Mapping[str, Any]:
    amount = data.get("amount")
    return amount if isinstance(amount, dict) else {}


def payment_status(data: Mapping[str, Any]) -> PaymentStatus:
    """An order as the query answers it and a payment notice carries it."""
    raw = text_of(data, "trade_state")
    state = PAYMENT_STATES.get(raw)
    if state is None:
        raise UnreadableError(f"trade_state {raw}")
    amount = _amount(data)
    paid = state is PaymentState.PAID
    payer = data.get("payer")
    return PaymentStatus(
        out_trade_no=text_of(data, "out_trade_no"),
        state=state,
        # An unpaid order's answer may leave the amount out; a paid one's may not.
        amount_fen=_fen(amount, "total") if paid or "total" in amount else 0,
        currency=_optional_text(amount, "currency", "CNY"),
        merchant_id=text_of(data, "mchid"),
        app_id=text_of(data, "appid"),
        channel_trade_id=text_of(data, "transaction_id") if paid else "",
        payer_id=_optional_text(payer, "openid") if isinstance(payer, dict) else "",
        paid_at=instant_of(data.get("success_time")),
        raw_state=raw,
        has_refunds=raw == "REFUND",
    )


def refund_status(data: Mapping[str, Any]) -> RefundStatus:
    """A refund as refund and query answer it (`status`) and a notice carries it (`refund_status`)."""
    raw = text_of(data, "status" if "status" in data else "refund_status")
    state = REFUND_STATES.get(raw)
    if state is None:
        raise UnreadableError(f"refund status {raw}")
    amount = _amount(data)
    return RefundStatus(
        out_refund_no=text_of(data, "out_refund_no"),
        state=state,
        out_trade_no=text_of(data, "out_trade_no"),
        refund_fen=_fen(amount, "refund"),
        total_fen=_fen(amount, "total"),
        channel_refund_id=text_of(data, "refund_id"),
        merchant_id=_optional_text(data, "mchid"),
        refunded_at=instant_of(data.get("success_time")),
        receiver=_optional_text(data, "user_received_account"),
        raw_state=raw,
    )


def error_of(status: int, text: str | bytes, *, read: bool) -> PaymentError:
    """What an answer other than 200 and 204 means to the caller."""
    try:
        data = json_object(text)
    except UnreadableError:
        data = {}
    code, detail = str(data.get("code", f"HTTP_{status}")), str(data.get("message", ""))[:200]
    if status == 429 or code in _THROTTLED:
        return ThrottledError(code, detail)
    if status >= 500 or status < 300:
        # SYSTEM_ERROR: "call again with the same parameters"; 202: the payer is at it. Neither says what is.
        return RetryableError(code, detail) if read else UnknownResultError(code, detail)
    if code in _DUPLICATE or _DUPLICATE_SENTENCE in detail:
        return DuplicateRequestError(code, detail)
    reason = REJECT_REASONS.get(code, RejectReason.MISCONFIGURED if status == 401 else RejectReason.OTHER)
    return RejectedError(code, detail, reason)
