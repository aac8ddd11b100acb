"""An order and its parts as frozen values, and their stored forms.

Order: what a resident settles for one thing (an appointment). Leg: one part of its amount, by who bears it.
Attempt: one payment opened at a channel. Refund: one amount going back to where an attempt's money came from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from payment.ports import PaymentMethod

# Longer ids than this are hashed, so that every number made from them fits the channels' 32 characters.
_LONGEST_SUBJECT_ID = 27


class OrderState(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    PAYING = "paying"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


OPEN_STATES = frozenset({OrderState.CREATED, OrderState.PAYING})


class LegKind(StrEnum):
    """Who bears a part of the amount. Only cash moves through channels."""

    CASH = "cash"
    POOLED_FUND = "pooled_fund"
    PERSONAL_ACCOUNT = "personal_account"
    PREPAID = "prepaid"


class AttemptState(StrEnum):
    """Where a payment at a channel stands. DISPUTED: the channel's facts are not ours; a person decides."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"
    DISPUTED = "disputed"


class RefundProgress(StrEnum):
    """Where a refund stands.

    ASKED: it may have reached the channel, so query before asking again. REPLACED: it failed for good and
    another number goes on in its place.
    """

    DUE = "due"
    ASKED = "asked"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REPLACED = "replaced"


class RefundCause(StrEnum):
    """Why money goes back."""

    CANCELLED = "cancelled"
    LATE = "late"  # paid after the order was closed
    EXCESS = "excess"  # paid a second time


@dataclass(frozen=True, slots=True)
class Leg:
    """One part of an order's amount."""

    kind: LegKind
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment opened at a channel under its own number. `payer` is a blind index, not an openid."""

    number: int
    out_trade_no: str
    method: PaymentMethod
    channel: str
    app_id: str
    payer: str
    amount_fen: int
    expires_at: datetime
    state: AttemptState
    created_at: datetime
    channel_trade_id: str = ""
    paid_fen: int = 0
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """One amount going back under its own number."""

    out_refund_no: str
    out_trade_no: str
    amount_fen: int
    cause: RefundCause
    reason: str
    state: RefundProgress
    created_at: datetime
    tries: int = 0
    channel_refund_id: str = ""
    last_error: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a resident settles for one appointment, with every fen that moved for it."""

    id: str
    appointment_id: str
    resident_id: str
    organization_id: str
    description: str
    amount_fen: int
    legs: tuple[Leg, ...]
    state: OrderState
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()
    refunds: tuple[Refund, ...] = ()
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    refunded_at: datetime | None = None
    check_at: datetime | None = None
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it can still be paid for its purpose."""
        return self.state in OPEN_STATES

    @property
    def open_attempts(self) -> tuple[Attempt, ...]:
        """Payments whose end is not known."""
        return tuple(a for a in self.attempts if a.state is AttemptState.OPEN)

    @property
    def paid_fen(self) -> int:
        """What came in and is ours beyond doubt."""
        return sum(a.paid_fen for a in self.attempts if a.state is AttemptState.PAID)

    @property
    def paid_through(self) -> str:
        """The channel the money came through; empty where none moved."""
        return next((a.channel for a in self.attempts if a.state is AttemptState.PAID), "")

    @property
    def refunded_fen(self) -> int:
        """What has gone back."""
        return sum(r.amount_fen for r in self.refunds if r.state is RefundProgress.SUCCEEDED)

    def find_attempt(self, out_trade_no: str) -> Attempt | None:
        """The attempt with that number."""
        return next((a for a in self.attempts if a.out_trade_no == out_trade_no), None)

    def find_refund(self, out_refund_no: str) -> Refund | None:
        """The refund with that number."""
        return next((r for r in self.refunds if r.out_refund_no == out_refund_no), None)

    def with_attempt(self, attempt: Attempt) -> Order:
        """The same order with one attempt replaced."""
        return replace(
            self, attempts=tuple(attempt if a.number == attempt.number else a for a in self.attempts)
        )

    def with_refund(self, refund: Refund) -> Order:
        """The same order with one refund replaced."""
        return replace(
            self,
            refunds=tuple(refund if r.out_refund_no == refund.out_refund_no else r for r in self.refunds),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Two books that do not agree; stays on finance's list until a person has resolved it."""

    key: str
    kind: str
    order_id: str | None
    expected: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DifferenceEntry:
    """A difference on the list."""

    id: str
    kind: str
    order_id: str | None
    organization_id: str | None
    expected: dict[str, Any]
    found: dict[str, Any]
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders: empty means all. The period is that of their making, its end not within it."""

    organization_id: str = ""
    states: tuple[OrderState, ...] = ()
    from_at: datetime | None = None
    to_at: datetime | None = None


def order_id_of(appointment_id: str) -> str:
    """The one order an appointment can have: known without looking it up, so opening twice opens one."""
    if len(appointment_id) > _LONGEST_SUBJECT_ID - 1:
        appointment_id = hashlib.blake2b(appointment_id.encode(), digest_size=13).hexdigest()
    return f"R{appointment_id}"


def out_trade_no_of(order_id: str, attempt: int) -> str:
    """The number of an attempt at the channel."""
    return f"{order_id}-{attempt:02d}"


def order_id_of_trade(out_trade_no: str) -> str:
    """The order an attempt's number belongs to."""
    return out_trade_no.rpartition("-")[0]


def out_refund_no_of(out_trade_no: str, refund: int) -> str:
    """The number of a refund at the channel."""
    return f"{out_trade_no}-R{refund}"


D = TypeVar("D", Leg, Attempt, Refund)


def _part_from(kind: type[D], doc: dict[str, Any], enums: dict[str, type[StrEnum]]) -> D:
    known = {f.name for f in fields(kind)}
    values: dict[str, Any] = {
        name: enums[name](v) if name in enums else v for name, v in doc.items() if name in known
    }
    return kind(**values)


def part_to_doc(part: Leg | Attempt | Refund) -> dict[str, Any]:
    """The stored form of a part."""
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    return {name: str(v) if isinstance(v, StrEnum) else v for name, v in values.items()}


def order_to_doc(order: Order) -> dict[str, Any]:
    """The stored form of an order, without `_id` and `version`, which the store handles."""
    doc = {f.name: getattr(order, f.name) for f in fields(order) if f.name not in ("id", "version")}
    doc["state"] = str(order.state)
    for name in ("legs", "attempts", "refunds"):
        doc[name] = [part_to_doc(part) for part in doc[name]]
    return doc


def order_from_doc(doc: dict[str, Any]) -> Order:
    """Read a stored order."""
    known = {f.name for f in fields(Order)}
    values = {name: v for name, v in doc.items() if name in known}
    values["state"] = OrderState(doc["state"])
    values["legs"] = tuple(_part_from(Leg, d, {"kind": LegKind}) for d in doc["legs"])
    values["attempts"] = tuple(
        _part_from(Attempt, d, {"method": PaymentMethod, "state": AttemptState}) for d in doc["attempts"]
    )
    values["refunds"] = tuple(
        _part_from(Refund, d, {"cause": RefundCause, "state": RefundProgress}) for d in doc["refunds"]
    )
    return Order(id=doc["_id"], **values)
