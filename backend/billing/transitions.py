"""How an order changes: pure functions from an order and a fact to the next order and what to announce.

Every fact may come twice, late or out of order; applying one again changes nothing. This is where
"fen in = fen out" is decided, so nothing here talks to a database, a channel or a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.billing.models import (
    Attempt,
    AttemptState,
    Difference,
    Leg,
    LegKind,
    Order,
    OrderState,
    Refund,
    RefundCause,
    RefundProgress,
    order_id_of,
    out_refund_no_of,
    out_trade_no_of,
)
from backend.worker.events import Event, EventKind
from payment.ports import PaymentMethod, PaymentState, PaymentStatus, RefundState, RefundStatus

# Channels refuse a payment that would end sooner than this. Closing, not this, ends an order in time.
SHORTEST_WINDOW = timedelta(seconds=90)
FIRST_CHECK = timedelta(seconds=15)
_LAST_REFUND_STATES = frozenset({RefundProgress.SUCCEEDED, RefundProgress.FAILED, RefundProgress.REPLACED})
_NOT_COMING = frozenset({RefundProgress.FAILED, RefundProgress.REPLACED})


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: the order, the events that go with it, the differences found."""

    order: Order
    events: tuple[Event, ...] = ()
    differences: tuple[Difference, ...] = ()


Step = Callable[[Order], Change]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What the appointment's side knows."""

    appointment_id: str
    resident_id: str
    organization_id: str
    amount_fen: int
    description: str
    expires_at: datetime


def opened(new: NewOrder, now: datetime) -> Order:
    """A fresh order: the whole amount is one cash leg."""
    return Order(
        id=order_id_of(new.appointment_id),
        appointment_id=new.appointment_id,
        resident_id=new.resident_id,
        organization_id=new.organization_id,
        description=new.description,
        amount_fen=new.amount_fen,
        legs=(Leg(LegKind.CASH, new.amount_fen),),
        state=OrderState.CREATED,
        expires_at=new.expires_at,
        created_at=now,
        updated_at=now,
    )


def never_opened(appointment_id: str, now: datetime) -> Change:
    """A closed order for a hold whose order was never opened: a late opening finds the door shut."""
    order = replace(opened(NewOrder(appointment_id, "", "", 0, "", now), now), legs=())
    closed = replace(order, state=OrderState.CLOSED, closed_at=now)
    return Change(closed, (_event(EventKind.ORDER_CLOSED, closed),))


@dataclass(frozen=True, slots=True)
class Payer:
    """By what way, through which application, and (blind) by whom an attempt is paid."""

    method: PaymentMethod
    channel: str
    app_id: str
    payer: str


def attempt_started(order: Order, by: Payer, now: datetime) -> Change:
    """A further attempt; written before the channel is called, so that no payment is without a record."""
    if not order.is_open or order.open_attempts:
        return Change(order)
    number = len(order.attempts) + 1
    attempt = Attempt(
        number=number,
        out_trade_no=out_trade_no_of(order.id, number),
        method=by.method,
        channel=by.channel,
        app_id=by.app_id,
        payer=by.payer,
        amount_fen=sum(leg.amount_fen for leg in order.legs if leg.kind is LegKind.CASH),
        expires_at=max(order.expires_at, now + SHORTEST_WINDOW),
        state=AttemptState.OPEN,
        created_at=now,
    )
    return Change(
        replace(
            order,
            attempts=(*order.attempts, attempt),
            state=OrderState.PAYING,
            check_at=now + FIRST_CHECK,
        )
    )


def attempt_closed(order: Order, out_trade_no: str) -> Change:
    """An open attempt can no longer be paid."""
    attempt = order.find_attempt(out_trade_no)
    if attempt is None or attempt.state is not AttemptState.OPEN:
        return Change(order)
    return Change(_checked(order.with_attempt(replace(attempt, state=AttemptState.CLOSED))))


def order_closed(order: Order, now: datetime) -> Change:
    """An open order without open attempts ends unpaid."""
    if not order.is_open or order.open_attempts:
        return Change(order)
    closed = replace(order, state=OrderState.CLOSED, closed_at=now, check_at=None)
    return Change(closed, (_event(EventKind.ORDER_CLOSED, closed),))


def payment_told(order: Order, status: PaymentStatus, merchant_id: str, now: datetime) -> Change:
    """The channel's word about one attempt, from a notice or a query."""
    attempt = order.find_attempt(status.out_trade_no)
    if attempt is None:
        return Change(order, differences=(_unexpected(order, status),))
    if status.state is PaymentState.PAID:
        return _paid(order, attempt, status, merchant_id, now)
    if status.state in (PaymentState.CLOSED, PaymentState.FAILED):
        return attempt_closed(order, attempt.out_trade_no)
    # ABSENT is not an end: the call that opens it may still be under way.
    return Change(order)


def _paid(order: Order, attempt: Attempt, status: PaymentStatus, merchant_id: str, now: datetime) -> Change:
    wrong = _disagreement(order, attempt, status, merchant_id)
    if attempt.state is AttemptState.PAID:
        # Believed once is believed; a second word that differs is for a person to read.
        return Change(order, differences=(wrong,) if wrong else ())
    if wrong is not None:
        disputed = replace(attempt, state=AttemptState.DISPUTED)
        return Change(_checked(order.with_attempt(disputed)), differences=(wrong,))
    paid = order.with_attempt(
        replace(
            attempt,
            state=AttemptState.PAID,
            paid_fen=status.amount_fen,
            paid_at=status.paid_at or now,
            channel_trade_id=status.channel_trade_id,
        )
    )
    if not order.is_open:
        late = order.state is OrderState.CLOSED
        return _refund(paid, attempt.out_trade_no, RefundCause.LATE if late else RefundCause.EXCESS, "", now)
    paid = _checked(replace(paid, state=OrderState.PAID, paid_at=status.paid_at or now))
    return Change(paid, (_event(EventKind.ORDER_PAID, paid),))


def _disagreement(
    order: Order, attempt: Attempt, status: PaymentStatus, merchant_id: str
) -> Difference | None:
    expected = {
        "amount_fen": attempt.amount_fen,
        "currency": "CNY",
        "merchant_id": merchant_id,
        "app_id": attempt.app_id,
    }
    found = {name: getattr(status, name) for name in expected}
    if attempt.channel_trade_id:
        expected["channel_trade_id"] = attempt.channel_trade_id
        found["channel_trade_id"] = status.channel_trade_id
    if found == expected:
        return None
    key = f"payment:{attempt.out_trade_no}:{status.amount_fen}"
    return Difference(key, "payment_mismatch", order.id, expected, found)


def _unexpected(order: Order, status: PaymentStatus) -> Difference:
    found = {"out_trade_no": status.out_trade_no, "amount_fen": status.amount_fen, "state": status.state}
    return Difference(f"payment:{status.out_trade_no}", "payment_unexpected", order.id, {}, found)


def _checked(order: Order) -> Order:
    """Nothing open, nothing to ask the channel about."""
    return order if order.open_attempts else replace(order, check_at=None)


def refund_wanted(order: Order, reason: str, now: datetime) -> Change:
    """Give back all of a paid order. Wanted again, nothing more happens."""
    if order.state is not OrderState.PAID:
        return Change(order)
    change = Change(order)
    for attempt in order.attempts:
        if attempt.state is AttemptState.PAID and refundable_fen(order, attempt) > 0:
            step = _refund(change.order, attempt.out_trade_no, RefundCause.CANCELLED, reason, now)
            change = Change(step.order, (*change.events, *step.events))
    return change


def refundable_fen(order: Order, attempt: Attempt) -> int:
    """What of an attempt's money is neither back nor on its way back."""
    promised = sum(
        r.amount_fen
        for r in order.refunds
        if r.out_trade_no == attempt.out_trade_no and r.state not in _NOT_COMING
    )
    return attempt.paid_fen - promised if attempt.state is AttemptState.PAID else 0


def _refund(order: Order, out_trade_no: str, cause: RefundCause, reason: str, now: datetime) -> Change:
    attempt = order.find_attempt(out_trade_no)
    if attempt is None or (amount := refundable_fen(order, attempt)) <= 0:
        return Change(order)
    number = 1 + sum(r.out_trade_no == out_trade_no for r in order.refunds)
    refund = Refund(
        out_refund_no=out_refund_no_of(out_trade_no, number),
        out_trade_no=out_trade_no,
        amount_fen=amount,
        cause=cause,
        reason=reason,
        state=RefundProgress.DUE,
        created_at=now,
    )
    # A second payment goes back while the first keeps serving its purpose.
    serving = order.state is OrderState.PAID and cause is RefundCause.EXCESS
    state = OrderState.PAID if serving else OrderState.REFUNDING
    before = _without_failed(order, out_trade_no).refunds
    changed = _checked(replace(order, refunds=(*before, refund), state=state))
    return Change(changed, (_event(EventKind.REFUND_DUE, changed, out_refund_no=refund.out_refund_no),))


def _without_failed(order: Order, out_trade_no: str) -> Order:
    """What had failed for a payment counts no more: another refund has taken its place."""
    for refund in order.refunds:
        if refund.out_trade_no == out_trade_no and refund.state is RefundProgress.FAILED:
            order = order.with_refund(replace(refund, state=RefundProgress.REPLACED))
    return order


def refund_asked(order: Order, out_refund_no: str) -> Change:
    """About to ask the channel; written first, so that a crash in between is known as a doubt."""
    refund = order.find_refund(out_refund_no)
    if refund is None or refund.state in _LAST_REFUND_STATES:
        return Change(order)
    state = RefundProgress.ASKED if refund.state is RefundProgress.DUE else refund.state
    return Change(order.with_refund(replace(refund, state=state, tries=refund.tries + 1)))


def refund_told(order: Order, status: RefundStatus, now: datetime) -> Change:
    """The channel's word about one refund, from its answer, a notice or a query."""
    refund = order.find_refund(status.out_refund_no)
    if refund is None:
        found = {"out_refund_no": status.out_refund_no, "amount_fen": status.refund_fen}
        wrong = Difference(f"refund:{status.out_refund_no}", "refund_unexpected", order.id, {}, found)
        return Change(order, differences=(wrong,))
    if refund.state is RefundProgress.SUCCEEDED or status.state is RefundState.ABSENT:
        return Change(order)
    if refund.state is RefundProgress.REPLACED:
        return _replaced_told(order, refund, status, now)
    if status.refund_fen != refund.amount_fen:
        expected, found = {"amount_fen": refund.amount_fen}, {"amount_fen": status.refund_fen}
        wrong = Difference(f"refund:{status.out_refund_no}", "refund_mismatch", order.id, expected, found)
        return Change(order, differences=(wrong,))
    refund = replace(refund, channel_refund_id=status.channel_refund_id or refund.channel_refund_id)
    if status.state is RefundState.PROCESSING:
        return Change(order.with_refund(_processing(refund)))
    if status.state is RefundState.SUCCEEDED:
        return _refund_succeeded(order, refund, status, now)
    return _refund_failed(order, refund, status.raw_state, now)


def _refund_succeeded(order: Order, refund: Refund, status: RefundStatus, now: datetime) -> Change:
    done_at = status.refunded_at or now
    done = replace(refund, state=RefundProgress.SUCCEEDED, done_at=done_at, last_error="")
    changed = _refund_state(order.with_refund(done), done_at)
    return Change(changed, (_event(EventKind.REFUND_SUCCEEDED, changed, out_refund_no=done.out_refund_no),))


def _replaced_told(order: Order, refund: Refund, status: RefundStatus, now: datetime) -> Change:
    """A refund that was given up has gone through after all: in the end the only one, or one too many."""
    if status.state is not RefundState.SUCCEEDED:
        return Change(order)
    attempt = order.find_attempt(refund.out_trade_no)
    if attempt is not None and status.refund_fen == refund.amount_fen <= refundable_fen(order, attempt):
        # What took its place has failed, as it must once the money is back.
        return _refund_succeeded(_without_failed(order, refund.out_trade_no), refund, status, now)
    found = {"amount_fen": status.refund_fen}
    wrong = Difference(f"refund:{status.out_refund_no}:twice", "refund_twice", order.id, {}, found)
    return Change(order, differences=(wrong,))


def _processing(refund: Refund) -> Refund:
    # A failed refund that a person started again at the channel is under way once more; both are told here.
    return replace(refund, state=RefundProgress.PROCESSING, done_at=None)


def refund_refused(order: Order, out_refund_no: str, code: str, now: datetime) -> Change:
    """The channel will not do it."""
    refund = order.find_refund(out_refund_no)
    if refund is None or refund.state in _LAST_REFUND_STATES:
        return Change(order)
    return _refund_failed(order, refund, code, now)


def _refund_failed(order: Order, refund: Refund, code: str, now: datetime) -> Change:
    if refund.state is RefundProgress.FAILED:
        return Change(order)
    failed = replace(refund, state=RefundProgress.FAILED, last_error=code, done_at=now)
    changed = _refund_state(order.with_refund(failed), now)
    wrong = Difference(
        # Refused again after somebody has seen to it, it is on the list again.
        f"refund:{failed.out_refund_no}:{failed.tries}:{code}",
        "refund_failed",
        order.id,
        {"amount_fen": failed.amount_fen},
        {"code": code},
    )
    event = _event(EventKind.REFUND_FAILED, changed, out_refund_no=failed.out_refund_no)
    return Change(changed, (event,), (wrong,))


def _refund_state(order: Order, at: datetime) -> Order:
    if order.state not in (OrderState.REFUNDING, OrderState.REFUND_FAILED):
        return order
    if order.refunded_fen == order.paid_fen:
        return replace(order, state=OrderState.REFUNDED, refunded_at=at)
    failed = any(refundable_fen(order, attempt) > 0 for attempt in order.attempts)
    return replace(order, state=OrderState.REFUND_FAILED if failed else OrderState.REFUNDING)


def refund_retried(order: Order, now: datetime) -> Change:
    """Ask again for what failed: under the same number if the channel never took it, else under a new one."""
    change = Change(order)
    for refund in order.refunds:
        if refund.state is RefundProgress.FAILED:
            step = _retry(change.order, refund, now)
            change = Change(step.order, (*change.events, *step.events))
    return change


def _retry(order: Order, refund: Refund, now: datetime) -> Change:
    attempt = order.find_attempt(refund.out_trade_no)
    if attempt is None or refundable_fen(order, attempt) < refund.amount_fen:
        return Change(order)
    if refund.channel_refund_id:
        return _refund(order, refund.out_trade_no, refund.cause, refund.reason, now)
    again = replace(refund, state=RefundProgress.ASKED, done_at=None)
    changed = order.with_refund(again)
    if order.state is OrderState.REFUND_FAILED:
        changed = replace(changed, state=OrderState.REFUNDING)
    return Change(changed, (_event(EventKind.REFUND_DUE, changed, out_refund_no=again.out_refund_no),))


def check_due_again(order: Order, now: datetime) -> Change:
    """When to ask the channel next: soon at first, then ever less often."""
    if not order.open_attempts:
        return Change(replace(order, check_at=None))
    age = now - order.open_attempts[0].created_at
    return Change(replace(order, check_at=now + min(max(age, FIRST_CHECK), timedelta(minutes=5))))


def _event(kind: EventKind, order: Order, **more: str) -> Event:
    return Event(
        kind,
        {
            "order_id": order.id,
            "appointment_id": order.appointment_id,
            "resident_id": order.resident_id,
            **more,
        },
    )
