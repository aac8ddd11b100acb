"""WeChat Pay's JSON with everything that may be wrong in it: read or refused, never a crash."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.wechat_pay.wire import UnreadableError, instant_of, json_object, payment_status, refund_status

PAYMENT: dict[str, Any] = {
    "out_trade_no": "T1",
    "trade_state": "SUCCESS",
    "mchid": "1900000001",
    "appid": "wx1",
    "transaction_id": "42",
    "success_time": "2026-01-05T09:30:00+08:00",
    "amount": {"total": 1500, "currency": "CNY"},
    "payer": {"openid": "o1"},
}
REFUND: dict[str, Any] = {
    "out_trade_no": "T1",
    "out_refund_no": "R1",
    "refund_status": "SUCCESS",
    "mchid": "1900000001",
    "refund_id": "50",
    "success_time": "2026-01-05T09:30:00+08:00",
    "amount": {"total": 1500, "refund": 1500},
    "user_received_account": "零钱",
}

characters = st.text(st.characters(codec=None), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.integers(2**63, 2**70) | st.floats() | characters
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(characters, inner, max_size=3)
)


def changes(good: dict[str, Any]) -> Any:
    strange = dict.fromkeys(good, values)
    strange["amount"] = values | st.fixed_dictionaries({}, optional=dict.fromkeys(good["amount"], values))
    return st.fixed_dictionaries({}, optional=strange)


def check_storable(status: Any) -> None:
    for name in status.__dataclass_fields__:
        value = getattr(status, name)
        if isinstance(value, str):
            value.encode()
        if isinstance(value, int):
            assert value < 2**63


@given(change=changes(PAYMENT))
def test_a_payment_with_anything_in_it_is_read_or_refused(change: dict[str, Any]):
    try:
        check_storable(payment_status(json_object(json.dumps(PAYMENT | change))))
    except UnreadableError:
        return


@given(change=changes(REFUND))
def test_a_refund_with_anything_in_it_is_read_or_refused(change: dict[str, Any]):
    try:
        check_storable(refund_status(json_object(json.dumps(REFUND | change))))
    except UnreadableError:
        return


@pytest.mark.parametrize(
    "change",
    [
        {"success_time": "0001-01-01T00:00:00+08:00"},
        {"success_time": 20260105},
        {"out_trade_no": "T\ud800"},
        {"payer": {"openid": "\udfff"}},
        {"amount": {"total": 2**63}},
    ],
)
def test_what_no_database_would_keep_is_refused(change: dict[str, Any]):
    with pytest.raises(UnreadableError):
        payment_status(PAYMENT | change)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b"[]", b"\xff"])
def test_what_is_no_object_is_refused(text: bytes):
    with pytest.raises(UnreadableError):
        json_object(text)


def test_an_instant_that_is_not_there_is_none():
    assert instant_of(None) is None
