"""A payment channel in memory: the same promises as a real one, and faults on demand.

It passes the contract that the real adapters pass, so that what is proven with it holds for them.
"""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from payment.ports import (
    DuplicateRequestError,
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

KEY = b"the channel's secret"


@dataclass
class Ledger:
    """What the channel knows: its own book, kept apart from ours."""

    payments: dict[str, NewPayment] = field(default_factory=dict)
    states: dict[str, PaymentState] = field(default_factory=dict)
    paid_fen: dict[str, int] = field(default_factory=dict)
    paid_at: dict[str, datetime] = field(default_factory=dict)
    refunds: dict[str, NewRefund] = field(default_factory=dict)
    refund_states: dict[str, RefundState] = field(default_factory=dict)

    @property
    def kept_fen(self) -> int:
        """What the merchant has been paid and has not given back."""
        back = sum(r.refund_fen for no, r in self.refunds.items() if self._is_back(no))
        return sum(self.paid_fen.values()) - back

    def _is_back(self, out_refund_no: str) -> bool:
        return self.refund_states[out_refund_no] is RefundState.SUCCEEDED


class MemoryGateway:
    """`PaymentGateway` in memory.

    `faults` are consumed one per call: `before` fails before the channel has done anything, `after` loses the
    answer of a call that was carried out, `late` keeps a `create` on its way until `land`, an exception is
    raised as it is before anything is done.
    """

    name = "memory"
    methods = frozenset({PaymentMethod.WECHAT_MINI, PaymentMethod.WECHAT_JSAPI, PaymentMethod.WECHAT_NATIVE})
    merchant_id = "1600000000"

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.faults: list[str | Exception | None] = []
        self.calls: list[tuple[str, str]] = []
        self._notices = 0
        self._under_way: list[NewPayment] = []

    def app_id(self, method: PaymentMethod) -> str:
        return "wx-oa" if method is PaymentMethod.WECHAT_JSAPI else "wx-mini"

    async def create(self, payment: NewPayment) -> PaymentStart:
        if self.faults[:1] == ["late"]:
            self._under_way.append(payment)
        lost = self._enter("create", payment.out_trade_no)
        if payment in self._under_way:
            raise UnknownResultError("LATE")
        self._create(payment)
        self._leave(lost, UnknownResultError)
        if payment.method is PaymentMethod.WECHAT_NATIVE:
            return PaymentStart(payment.method, code_url=f"weixin://wxpay/{payment.out_trade_no}")
        params = {"package": f"prepay_id={payment.out_trade_no}", "signType": "RSA", "paySign": "signed"}
        params |= {"timeStamp": "1", "nonceStr": "n"}
        if payment.method is PaymentMethod.WECHAT_JSAPI:
            params["appId"] = self.app_id(payment.method)
        return PaymentStart(payment.method, params=params)

    def _create(self, payment: NewPayment) -> None:
        number = payment.out_trade_no
        known = self.ledger.payments.get(number)
        if known is None:
            self.ledger.payments[number], self.ledger.states[number] = payment, PaymentState.UNPAID
        elif self.ledger.states[number] is PaymentState.PAID:
            raise RejectedError("ORDER_PAID", reason=RejectReason.ALREADY_PAID)
        elif self.ledger.states[number] is PaymentState.CLOSED:
            raise RejectedError("ORDER_CLOSED", reason=RejectReason.CLOSED)
        elif known != payment:
            raise DuplicateRequestError("OUT_TRADE_NO_USED")

    async def query(self, out_trade_no: str) -> PaymentStatus:
        lost = self._enter("query", out_trade_no)
        status = self.status(out_trade_no)
        self._leave(lost, RetryableError)
        return status

    def status(self, out_trade_no: str) -> PaymentStatus:
        """What a query would answer."""
        payment = self.ledger.payments.get(out_trade_no)
        if payment is None:
            return PaymentStatus(out_trade_no, PaymentState.ABSENT)
        state = self.ledger.states[out_trade_no]
        paid = state is PaymentState.PAID
        return PaymentStatus(
            out_trade_no,
            state,
            amount_fen=self.ledger.paid_fen.get(out_trade_no, payment.amount_fen),
            currency="CNY",
            merchant_id=self.merchant_id,
            app_id=self.app_id(payment.method),
            channel_trade_id=f"T{out_trade_no}" if paid else "",
            paid_at=self.ledger.paid_at.get(out_trade_no),
            raw_state=str(state),
            has_refunds=any(r.out_trade_no == out_trade_no for r in self.ledger.refunds.values()),
        )

    async def close(self, out_trade_no: str) -> None:
        lost = self._enter("close", out_trade_no)
        state = self.ledger.states.get(out_trade_no)
        if state is None:
            raise RejectedError("ORDER_NOT_EXIST", reason=RejectReason.ABSENT)
        if state is PaymentState.PAID:
            raise RejectedError("ORDER_PAID", reason=RejectReason.ALREADY_PAID)
        self.ledger.states[out_trade_no] = PaymentState.CLOSED
        self._leave(lost, UnknownResultError)

    async def refund(self, refund: NewRefund) -> RefundStatus:
        lost = self._enter("refund", refund.out_refund_no)
        known = self.ledger.refunds.get(refund.out_refund_no)
        if known is None:
            self._check_refundable(refund)
            self.ledger.refunds[refund.out_refund_no] = refund
            self.ledger.refund_states[refund.out_refund_no] = RefundState.PROCESSING
        elif known != refund:
            raise DuplicateRequestError("REFUND_DIFFERS")
        self._leave(lost, UnknownResultError)
        return self.refund_status(refund.out_refund_no)

    def _check_refundable(self, refund: NewRefund) -> None:
        paid = self.ledger.paid_fen.get(refund.out_trade_no, 0)
        gone = sum(
            r.refund_fen
            for no, r in self.ledger.refunds.items()
            if r.out_trade_no == refund.out_trade_no
            and self.ledger.refund_states[no] is not RefundState.CLOSED
        )
        if refund.refund_fen > paid - gone:
            raise RejectedError("INVALID_REQUEST", "more than was paid")

    async def query_refund(self, out_refund_no: str) -> RefundStatus:
        lost = self._enter("query_refund", out_refund_no)
        status = self.refund_status(out_refund_no)
        self._leave(lost, RetryableError)
        return status

    def refund_status(self, out_refund_no: str) -> RefundStatus:
        """What a refund's query would answer."""
        refund = self.ledger.refunds.get(out_refund_no)
        if refund is None:
            return RefundStatus(out_refund_no, RefundState.ABSENT)
        state = self.ledger.refund_states[out_refund_no]
        done_at = datetime.now(UTC).replace(microsecond=0) if state is RefundState.SUCCEEDED else None
        return RefundStatus(
            out_refund_no,
            state,
            out_trade_no=refund.out_trade_no,
            refund_fen=refund.refund_fen,
            total_fen=refund.total_fen,
            channel_refund_id=f"F{out_refund_no}",
            merchant_id=self.merchant_id,
            refunded_at=done_at,
            raw_state=str(state),
        )

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        if not hmac.compare_digest(headers.get("Signature", ""), _signature(body)):
            raise InvalidNoticeError("FORGED")
        data = json.loads(body)
        kind = NoticeKind(data["kind"])
        if kind is NoticeKind.PAYMENT:
            payment = _payment(data["status"])
            return Notice(data["id"], kind, "TRANSACTION.SUCCESS", payment=payment)
        if kind is NoticeKind.REFUND:
            return Notice(data["id"], kind, "REFUND.SUCCESS", refund=_refund(data["status"]))
        return Notice(data["id"], kind, data["type"])

    async def aclose(self) -> None:
        return None

    # What happens at the channel.

    def pay(self, out_trade_no: str, amount_fen: int | None = None) -> bool:
        """The resident pays; False when the channel does not let him."""
        if self.ledger.states.get(out_trade_no) is not PaymentState.UNPAID:
            return False
        amount = self.ledger.payments[out_trade_no].amount_fen if amount_fen is None else amount_fen
        self.ledger.states[out_trade_no] = PaymentState.PAID
        self.ledger.paid_fen[out_trade_no] = amount
        self.ledger.paid_at[out_trade_no] = datetime.now(UTC).replace(microsecond=0)
        return True

    def land(self) -> None:
        """What was on its way arrives."""
        arrived, self._under_way = self._under_way, []
        for payment in arrived:
            with contextlib.suppress(PaymentError):
                self._create(payment)

    def finish_refunds(self, state: RefundState = RefundState.SUCCEEDED) -> None:
        """The bank has done what was asked."""
        for number, current in self.ledger.refund_states.items():
            if current is RefundState.PROCESSING:
                self.ledger.refund_states[number] = state

    def payment_notice(self, out_trade_no: str, /, **changes: Any) -> tuple[dict[str, str], bytes]:
        """A signed notice of a payment, as it stands."""
        status = replace(self.status(out_trade_no), **changes)
        return self._notice("payment", status)

    def refund_notice(self, out_refund_no: str) -> tuple[dict[str, str], bytes]:
        """A signed notice of a refund, as it stands."""
        return self._notice("refund", self.refund_status(out_refund_no))

    def other_notice(self, event_type: str) -> tuple[dict[str, str], bytes]:
        """A signed notice of a kind nobody here knows."""
        self._notices += 1
        return _signed({"id": f"N{self._notices}", "kind": "other", "type": event_type})

    def _notice(self, kind: str, status: PaymentStatus | RefundStatus) -> tuple[dict[str, str], bytes]:
        self._notices += 1
        fields = {name: getattr(status, name) for name in status.__slots__}
        told = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in fields.items()
        }
        return _signed({"id": f"N{self._notices}", "kind": kind, "status": told})

    def _enter(self, call: str, number: str) -> bool:
        self.calls.append((call, number))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if fault == "before":
            raise RetryableError("UNREACHABLE")
        return fault == "after"

    @staticmethod
    def _leave(lost: bool, error: type[PaymentError]) -> None:
        if lost:
            raise error("LOST")


def _signature(body: bytes) -> str:
    return hmac.digest(KEY, body, hashlib.sha256).hex()


def _signed(data: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    body = json.dumps(data).encode()
    return {"Signature": _signature(body)}, body


def _payment(data: dict[str, Any]) -> PaymentStatus:
    paid_at = datetime.fromisoformat(data["paid_at"]) if data["paid_at"] else None
    return PaymentStatus(**{**data, "state": PaymentState(data["state"]), "paid_at": paid_at})


def _refund(data: dict[str, Any]) -> RefundStatus:
    at = datetime.fromisoformat(data["refunded_at"]) if data["refunded_at"] else None
    return RefundStatus(**{**data, "state": RefundState(data["state"]), "refunded_at": at})
