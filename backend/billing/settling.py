"""Finding out what became of a payment: asking the channel, closing what was not paid.

Nothing is held while a channel is called: each answer is applied to the order as it is then.
"""

from __future__ import annotations

import asyncio
import logging

from backend import clock
from backend.billing import transitions
from backend.billing.gateways import Gateways
from backend.billing.models import Attempt, AttemptState, Order
from backend.billing.store import OrderStore
from backend.errors import AppError, ErrorCode, not_found
from payment.ports import (
    PaymentError,
    PaymentGateway,
    PaymentStatus,
    RejectedError,
    RejectReason,
)

log = logging.getLogger(__name__)
CHECK_BATCH = 100
# A slow channel delays the others by one answer, not by a hundred.
CHECKS_AT_ONCE = 10


class Settling:
    """Asks and closes."""

    def __init__(self, orders: OrderStore, gateways: Gateways) -> None:
        self._orders = orders
        self._gateways = gateways

    async def get(self, order_id: str) -> Order:
        """The order. Raises NOT_FOUND."""
        order = await self._orders.find(order_id)
        if order is None:
            raise not_found("order")
        return order

    async def believe(self, order_id: str, status: PaymentStatus, merchant_id: str) -> Order | None:
        """Apply the channel's word about a payment; None when we have no such order."""
        now = clock.now()
        return await self._orders.apply(
            order_id, lambda order: transitions.payment_told(order, status, merchant_id, now)
        )

    async def ask(self, order: Order, attempt: Attempt) -> Order:
        """Ask the channel about one attempt. Raises PAYMENT_UNKNOWN when it does not answer."""
        gateway = self._gateways.named(attempt.channel)
        try:
            status = await gateway.query(attempt.out_trade_no)
        except PaymentError as error:
            raise _unknown("query", attempt, error) from error
        found = await self.believe(order.id, status, gateway.merchant_id)
        return found or await self.get(order.id)

    async def refresh(self, order_id: str) -> Order:
        """Ask the channel about everything that is open."""
        order = await self.get(order_id)
        for attempt in order.open_attempts:
            order = await self.ask(order, attempt)
        return order

    async def settle_or_close(self, order_id: str) -> Order:
        """Bring an open order to its end, paid or closed. Raises PAYMENT_UNKNOWN while nobody knows."""
        order = await self.get(order_id)
        for attempt in order.open_attempts:
            order = await self.end_attempt(order, attempt)
        if not order.is_open:
            return order
        now = clock.now()
        closed = await self._orders.apply(order_id, lambda found: transitions.order_closed(found, now))
        if closed is None or closed.is_open:
            # An attempt was opened in between; it has its own end.
            raise AppError(ErrorCode.PAYMENT_UNKNOWN, f"order {order_id} was reopened meanwhile")
        return closed

    async def end_attempt(self, order: Order, attempt: Attempt) -> Order:
        """Make sure that an attempt is paid or can no longer be. Raises PAYMENT_UNKNOWN."""
        order = await self.ask(order, attempt)
        if _is_open(order, attempt):
            if await self._close(self._gateways.named(attempt.channel), attempt):
                return await self._mark_closed(order, attempt)
            # Somebody paid between the question and the closing.
            order = await self.ask(order, attempt)
        if _is_open(order, attempt):
            raise AppError(ErrorCode.PAYMENT_UNKNOWN, f"{attempt.out_trade_no} neither paid nor closed")
        return order

    async def _mark_closed(self, order: Order, attempt: Attempt) -> Order:
        closed = await self._orders.apply(
            order.id, lambda found: transitions.attempt_closed(found, attempt.out_trade_no)
        )
        return closed or await self.get(order.id)

    async def close_quietly(self, attempt: Attempt) -> None:
        """Close a payment we no longer want at the channel; should that fail, what is paid goes back."""
        try:
            await self._close(self._gateways.named(attempt.channel), attempt)
        except AppError as error:
            log.warning("payment_not_closed", extra={"number": attempt.out_trade_no, "detail": error.log})

    async def _close(self, gateway: PaymentGateway, attempt: Attempt) -> bool:
        """Close at the channel; False when it is paid. Raises PAYMENT_UNKNOWN."""
        try:
            await gateway.close(attempt.out_trade_no)
        except RejectedError as error:
            if error.reason is RejectReason.ABSENT:
                return True
            if error.reason is RejectReason.ALREADY_PAID:
                return False
            raise _unknown("close", attempt, error) from error
        except PaymentError as error:
            raise _unknown("close", attempt, error) from error
        return True

    async def query_unpaid(self) -> int:
        """Ask about payments whose notice has not come; returns how many orders were asked about."""
        due = await self._orders.list_due_checks(clock.now(), CHECK_BATCH)
        for first in range(0, len(due), CHECKS_AT_ONCE):
            batch = due[first : first + CHECKS_AT_ONCE]
            await asyncio.gather(*(self._check(order_id) for order_id in batch))
        return len(due)

    async def _check(self, order_id: str) -> None:
        now = clock.now()
        # First the next time, then the question: a channel that hangs is not asked by everybody at once.
        await self._orders.apply(order_id, lambda order: transitions.check_due_again(order, now))
        try:
            order = await self.refresh(order_id)
            # Paid or ended by another way: what is still payable could only be paid in vain.
            for attempt in () if order.is_open else order.open_attempts:
                order = await self.end_attempt(order, attempt)
        except AppError as error:
            log.warning("payment_check_failed", extra={"order_id": order_id, "detail": error.log})


def _is_open(order: Order, attempt: Attempt) -> bool:
    found = order.find_attempt(attempt.out_trade_no)
    return found is not None and found.state is AttemptState.OPEN


def _unknown(call: str, attempt: Attempt, error: PaymentError) -> AppError:
    return AppError(
        ErrorCode.PAYMENT_UNKNOWN, f"{call} {attempt.out_trade_no}: {type(error).__name__} {error}"
    )
