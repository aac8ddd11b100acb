"""Opening a payment at a channel: the same number for the same wish, a fresh one after a failure."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from backend import clock
from backend.billing import transitions
from backend.billing.gateways import Gateways
from backend.billing.models import Attempt, AttemptState, Order, OrderState
from backend.billing.settling import Settling
from backend.billing.store import OrderStore
from backend.billing.transitions import Payer
from backend.errors import AppError, ErrorCode
from backend.security.fields import BlindIndex
from payment.ports import (
    DuplicateRequestError,
    NewPayment,
    PaymentError,
    PaymentGateway,
    PaymentMethod,
    PaymentStart,
    RejectedError,
    RejectReason,
)

log = logging.getLogger(__name__)
# A change of mind, a channel that closed on us, a lost race: more tries than that are not a resident's wish.
_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class StartedPayment:
    """An order being paid and what the payer's side needs for it."""

    order: Order
    attempt: Attempt
    start: PaymentStart


class Starting:
    """Opens payments."""

    def __init__(self, orders: OrderStore, gateways: Gateways, settling: Settling, blind: BlindIndex) -> None:
        self._orders = orders
        self._gateways = gateways
        self._settling = settling
        self._blind = blind

    async def start(self, order: Order, method: PaymentMethod, payer_id: str | None) -> StartedPayment:
        """Open a payment, or the same one again. Raises PAYMENT_* or UNAVAILABLE."""
        gateway = self._gateways.for_method(method)
        if method.needs_payer and not payer_id:
            raise AppError(ErrorCode.PAYMENT_METHOD_UNAVAILABLE, f"{method} without a payer")
        by = self._payer(gateway, method, payer_id)
        for _ in range(_MOST_TRIES):
            _check_payable(order)
            attempt, order = await self._attempt(order, by)
            if attempt is None:
                continue
            start = await self._create(gateway, order, attempt, payer_id)
            order = await self._settling.get(order.id)
            if start is not None and await self._still_wanted(order, attempt):
                return StartedPayment(order, attempt, start)
        raise AppError(ErrorCode.PAYMENT_REFUSED, f"order {order.id}: no payment could be opened")

    def _payer(self, gateway: PaymentGateway, method: PaymentMethod, payer_id: str | None) -> Payer:
        blind = self._blind.of("openid", payer_id) if method.needs_payer and payer_id else ""
        return Payer(method, gateway.name, gateway.app_id(method), blind)

    async def _attempt(self, order: Order, by: Payer) -> tuple[Attempt | None, Order]:
        """The running attempt if it is for the same payer, else a new one; None: look again."""
        for running in order.open_attempts:
            if (running.method, running.app_id, running.payer) == (by.method, by.app_id, by.payer):
                return running, order
            # Two payable numbers for one order would let a resident pay twice.
            return None, await self._settling.end_attempt(order, running)
        now = clock.now()
        after = await self._orders.apply(order.id, lambda found: transitions.attempt_started(found, by, now))
        order = after or await self._settling.get(order.id)
        fresh = order.open_attempts[-1] if order.open_attempts else None
        return (fresh if fresh and fresh.payer == by.payer and fresh.method == by.method else None), order

    async def _create(
        self, gateway: PaymentGateway, order: Order, attempt: Attempt, payer_id: str | None
    ) -> PaymentStart | None:
        """Call the channel; None when this number is used up and another may be tried."""
        payment = NewPayment(
            out_trade_no=attempt.out_trade_no,
            method=attempt.method,
            amount_fen=attempt.amount_fen,
            description=order.description,
            expires_at=attempt.expires_at,
            payer_id=payer_id if attempt.method.needs_payer else None,
        )
        try:
            return await gateway.create(payment)
        except RejectedError as error:
            if error.reason is RejectReason.ALREADY_PAID:
                await self._settling.ask(order, attempt)
                return None
            await self._give_up(order, attempt, error)
            if error.reason is RejectReason.CLOSED:
                return None
            raise AppError(ErrorCode.PAYMENT_REFUSED, f"create {attempt.out_trade_no}: {error}") from error
        except DuplicateRequestError as error:
            await self._give_up(order, attempt, error)
            return None
        except PaymentError as error:
            # Nothing is lost: the same number is tried when the resident asks again.
            raise AppError(ErrorCode.UNAVAILABLE, f"create {attempt.out_trade_no}: {error}") from error

    async def _give_up(self, order: Order, attempt: Attempt, error: PaymentError) -> None:
        log.warning("payment_not_opened", extra={"number": attempt.out_trade_no, "code": error.code})
        await self._settling.end_attempt(order, attempt)

    async def _still_wanted(self, order: Order, attempt: Attempt) -> bool:
        """The order may have ended while the channel opened the payment, which must then not stay payable."""
        found = order.find_attempt(attempt.out_trade_no)
        if found is not None and found.state is AttemptState.OPEN and order.is_open:
            return True
        if found is not None and found.state is AttemptState.CLOSED:
            await self._settling.close_quietly(attempt)
        return False


def _check_payable(order: Order) -> None:
    if not order.is_open:
        data = {"state": str(order.state)}
        paid = order.state is OrderState.PAID
        raise AppError(ErrorCode.PAYMENT_NOT_DUE, "paid already" if paid else "closed", data=data)
    if any(attempt.state is AttemptState.DISPUTED for attempt in order.attempts):
        raise AppError(ErrorCode.PAYMENT_UNKNOWN, f"order {order.id} is disputed")
    if order.expires_at <= clock.now():
        raise AppError(ErrorCode.HOLD_EXPIRED)
