"""The payment port: what the city asks of a payment channel, in its own words.

A channel is an adapter of `PaymentGateway`. Amounts are integer fen, instants are aware UTC, numbers
(`out_trade_no`, `out_refund_no`) are ours, so asking twice with the same number is asking once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class PaymentMethod(StrEnum):
    """How a resident pays; each method belongs to one gateway. Further channels add their own."""

    WECHAT_MINI = "wechat_mini"
    WECHAT_JSAPI = "wechat_jsapi"
    WECHAT_NATIVE = "wechat_native"

    @property
    def needs_payer(self) -> bool:
        """Whether the channel must be told who pays; a QR code is paid by whoever scans it."""
        return self is not PaymentMethod.WECHAT_NATIVE


class PaymentState(StrEnum):
    """What the channel says about a payment. ABSENT: it has never heard of the number."""

    ABSENT = "absent"
    UNPAID = "unpaid"
    PAYING = "paying"
    PAID = "paid"
    CLOSED = "closed"
    FAILED = "failed"


class RefundState(StrEnum):
    """What the channel says about a refund. ABNORMAL: the money could not reach the payer's account."""

    ABSENT = "absent"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    ABNORMAL = "abnormal"


class NoticeKind(StrEnum):
    """What a notice is about. OTHER: genuine, but of a kind this adapter does not know."""

    PAYMENT = "payment"
    REFUND = "refund"
    OTHER = "other"


class RejectReason(StrEnum):
    """Why a channel said no, as far as the caller would act differently."""

    OTHER = "other"
    ALREADY_PAID = "already_paid"
    CLOSED = "closed"
    NOT_ENOUGH_BALANCE = "not_enough_balance"
    ABSENT = "absent"
    MISCONFIGURED = "misconfigured"


class PaymentError(Exception):
    """Base of what a gateway raises. `code` is the channel's own word, `detail` is for the log."""

    def __init__(self, code: str = "", detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class RetryableError(PaymentError):
    """It did not happen; the same call may be made again later."""


class ThrottledError(RetryableError):
    """The channel asks us to slow down."""


class RejectedError(PaymentError):
    """The channel said no and would say no again."""

    def __init__(self, code: str = "", detail: str = "", reason: RejectReason = RejectReason.OTHER) -> None:
        super().__init__(code, detail)
        self.reason = reason


class DuplicateRequestError(PaymentError):
    """The number was used before with other content."""


class InvalidNoticeError(PaymentError):
    """A notice that cannot be believed: unsigned, forged, stale, of another key, or unreadable."""


class UnknownResultError(PaymentError):
    """Nobody knows whether it happened: query before acting again."""


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment to be opened. The same `out_trade_no` must always carry the same content."""

    out_trade_no: str
    method: PaymentMethod
    amount_fen: int
    description: str
    expires_at: datetime
    payer_id: str | None = None
    attach: str = ""


@dataclass(frozen=True, slots=True)
class PaymentStart:
    """What the payer's side needs: parameters for the channel's own client, or the text of a QR code."""

    method: PaymentMethod
    params: Mapping[str, str] | None = None
    code_url: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """The channel's word about one payment. Compare before believing: `billing` does."""

    out_trade_no: str
    state: PaymentState
    amount_fen: int = 0
    currency: str = ""
    merchant_id: str = ""
    app_id: str = ""
    channel_trade_id: str = ""
    payer_id: str = ""
    paid_at: datetime | None = None
    raw_state: str = ""
    # The channel says that some of it has gone, or is going, back.
    has_refunds: bool = False


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund to be asked for. The same `out_refund_no` must always carry the same content."""

    out_refund_no: str
    out_trade_no: str
    refund_fen: int
    total_fen: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefundStatus:
    """The channel's word about one refund."""

    out_refund_no: str
    state: RefundState
    out_trade_no: str = ""
    refund_fen: int = 0
    total_fen: int = 0
    channel_refund_id: str = ""
    merchant_id: str = ""
    refunded_at: datetime | None = None
    receiver: str = field(default="", repr=False)
    raw_state: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One verified, decrypted notice. `id` is the channel's own; a repeated notice carries it again."""

    id: str
    kind: NoticeKind
    event_type: str
    payment: PaymentStatus | None = None
    refund: RefundStatus | None = None


class PaymentGateway(Protocol):
    """One payment channel.

    Every call may raise the errors above. A read (`query`, `query_refund`) never raises `UnknownResultError`:
    nothing can have happened.
    """

    @property
    def name(self) -> str:
        """The channel's name in our books, such as `wechat_pay`."""

    @property
    def methods(self) -> frozenset[PaymentMethod]:
        """The methods this channel serves."""

    @property
    def merchant_id(self) -> str:
        """The account that money is paid to."""

    def app_id(self, method: PaymentMethod) -> str:
        """The application a payment by `method` belongs to; its notices carry the same."""

    async def create(self, payment: NewPayment) -> PaymentStart:
        """Open a payment, or open it again: the same number and content is harmless."""

    async def query(self, out_trade_no: str) -> PaymentStatus:
        """What the channel knows about a payment."""

    async def close(self, out_trade_no: str) -> None:
        """Make an unpaid payment unpayable; again is harmless.

        Rejected with `ALREADY_PAID` when it was paid, with `ABSENT` when the channel never heard of it.
        """

    async def refund(self, refund: NewRefund) -> RefundStatus:
        """Ask for a refund; the same number and content is harmless."""

    async def query_refund(self, out_refund_no: str) -> RefundStatus:
        """What the channel knows about a refund."""

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and open a notice, signature first; `InvalidNoticeError` for anything not to be believed."""

    async def aclose(self) -> None:
        """Let go of connections."""
