"""Giving money back: each refund under its own number, asked for until the channel has done it or refused."""

from __future__ import annotations

import logging
from datetime import timedelta

from backend import clock
from backend.billing import transitions
from backend.billing.gateways import Gateways
from backend.billing.models import Order, Refund, RefundCause, RefundProgress
from backend.billing.store import OrderStore
from backend.worker.events import Event, RetryLater
from payment.ports import (
    DuplicateRequestError,
    NewRefund,
    PaymentError,
    PaymentGateway,
    RefundState,
    RefundStatus,
    RejectedError,
    RejectReason,
    RetryableError,
)

log = logging.getLogger(__name__)

_FINAL = frozenset({RefundProgress.SUCCEEDED, RefundProgress.FAILED, RefundProgress.REPLACED})
_SOONEST_S, _LATEST_S = 5.0, 600.0
# What the payer reads beside the refund. Our own reasons stay with us: they may name people or doctors.
TOLD_REASONS = {
    RefundCause.CANCELLED: "预约已取消，挂号费原路退回",
    RefundCause.LATE: "支付时预约已超时，挂号费原路退回",
    RefundCause.EXCESS: "重复支付，原路退回",
}


class Refunding:
    """Carries out the refunds that orders owe."""

    def __init__(self, orders: OrderStore, gateways: Gateways) -> None:
        self._orders = orders
        self._gateways = gateways

    async def want(self, order_id: str, reason: str) -> Order | None:
        """Write down that all of a paid order goes back; REFUND_DUE carries it out."""
        now = clock.now()
        return await self._orders.apply(order_id, lambda order: transitions.refund_wanted(order, reason, now))

    async def retry(self, order_id: str) -> Order | None:
        """Write down that failed refunds are to be asked for again."""
        now = clock.now()
        return await self._orders.apply(order_id, lambda order: transitions.refund_retried(order, now))

    async def on_refund_due(self, event: Event) -> None:
        """Bring one refund a step further; asks to be called again until its end is known."""
        order = await self._orders.find(event.data["order_id"])
        refund = order.find_refund(event.data["out_refund_no"]) if order else None
        if order is None or refund is None or refund.state in _FINAL:
            return
        gateway = self.gateway_of(order, refund)
        if refund.state is not RefundProgress.DUE and await self._ask(order, refund, gateway):
            return
        await self._request(order, refund, gateway)

    def gateway_of(self, order: Order, refund: Refund) -> PaymentGateway:
        """The channel that a refund's money came through."""
        attempt = order.find_attempt(refund.out_trade_no)
        if attempt is None:
            raise LookupError(f"refund {refund.out_refund_no} without its payment")
        return self._gateways.named(attempt.channel)

    async def _ask(self, order: Order, refund: Refund, gateway: PaymentGateway) -> bool:
        """Whether the channel knows the refund and it is over. Comes back later while it is under way."""
        try:
            status = await gateway.query_refund(refund.out_refund_no)
        except PaymentError as error:
            raise _later(refund, error) from error
        if status.state is RefundState.ABSENT:
            return False
        await self._believe(order, refund, status)
        return True

    async def _request(self, order: Order, refund: Refund, gateway: PaymentGateway) -> None:
        await self._orders.apply(
            order.id, lambda found: transitions.refund_asked(found, refund.out_refund_no)
        )
        attempt = order.find_attempt(refund.out_trade_no)
        asked = NewRefund(
            out_refund_no=refund.out_refund_no,
            out_trade_no=refund.out_trade_no,
            refund_fen=refund.amount_fen,
            total_fen=attempt.amount_fen if attempt else refund.amount_fen,
            reason=TOLD_REASONS[refund.cause],
        )
        try:
            status = await gateway.refund(asked)
        except (RejectedError, DuplicateRequestError) as error:
            if isinstance(error, RejectedError) and error.reason is RejectReason.MISCONFIGURED:
                # Our fault, not the refund's: a wrong key or clock. It goes on when that is put right.
                raise _later(refund, error) from error
            await self._refused(order, refund, error)
            return
        except RetryableError as error:
            raise _later(refund, error) from error
        except PaymentError as error:
            # Unknown: the next round asks before it acts.
            raise _later(refund, error) from error
        await self._believe(order, refund, status)

    async def _refused(self, order: Order, refund: Refund, error: PaymentError) -> None:
        log.error("refund_refused", extra={"number": refund.out_refund_no, "code": error.code})
        now = clock.now()
        await self._orders.apply(
            order.id,
            lambda found: transitions.refund_refused(found, refund.out_refund_no, error.code, now),
        )

    async def _believe(self, order: Order, refund: Refund, status: RefundStatus) -> None:
        now = clock.now()
        after = await self._orders.apply(order.id, lambda found: transitions.refund_told(found, status, now))
        current = after.find_refund(refund.out_refund_no) if after else None
        if current is not None and current.state not in _FINAL:
            raise _later(current, None)

    async def told(self, order_id: str, status: RefundStatus) -> Order | None:
        """Apply the channel's word about a refund from a notice; None when we have no such order."""
        now = clock.now()
        return await self._orders.apply(order_id, lambda order: transitions.refund_told(order, status, now))


def _later(refund: Refund, error: PaymentError | None) -> RetryLater:
    """Soon at first, then ever less often; a refund may take days to reach a card."""
    if error is not None:
        log.warning(
            "refund_not_known",
            extra={"number": refund.out_refund_no, "code": error.code, "error": type(error).__name__},
        )
    age = clock.now() - refund.created_at
    return RetryLater(min(max(age / timedelta(seconds=2), _SOONEST_S), _LATEST_S))
