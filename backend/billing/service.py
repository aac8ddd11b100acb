"""Billing's service: one order per appointment, from opening to the last fen. What other areas call.

Announces ORDER_PAID, ORDER_CLOSED, REFUND_SUCCEEDED and REFUND_FAILED with the ids of order, appointment and
resident; the methods named `on_…` are subscribed to events in `bootstrap.py`, each may be called twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from backend import clock
from backend.audit.service import AuditService
from backend.billing import transitions
from backend.billing.books import BookCheck, Books
from backend.billing.comparing import Comparing
from backend.billing.finance import Finance
from backend.billing.finance_store import FinanceStore
from backend.billing.gateways import Gateways
from backend.billing.models import DifferenceEntry, Order, OrderState, order_id_of
from backend.billing.notices import Notices
from backend.billing.refunding import Refunding
from backend.billing.settling import Settling
from backend.billing.starting import StartedPayment, Starting
from backend.billing.store import NoticeStore, OrderStore
from backend.billing.transitions import Change, NewOrder
from backend.db.client import Database
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.security.fields import BlindIndex
from backend.worker.events import Event, RetryLater
from payment.ports import PaymentGateway, PaymentMethod

_ASK_AGAIN_S = 15


class BillingService:
    """Orders, payments, refunds. Every method may be repeated."""

    def __init__(
        self,
        db: Database,
        gateways: Sequence[PaymentGateway],
        blind: BlindIndex,
        audit: AuditService,
        *,
        nudge: Callable[[], None] = lambda: None,
    ) -> None:
        self._orders = OrderStore(db)
        registry = Gateways(gateways)
        self._settling = Settling(self._orders, registry)
        self._refunding = Refunding(self._orders, registry)
        self._starting = Starting(self._orders, registry, self._settling, blind)
        self._notices = Notices(NoticeStore(db), self._orders, registry, self._settling, self._refunding)
        self._books = BookCheck(self._orders, registry)
        self._comparing = Comparing(self._orders, registry, self._settling, self._refunding)
        self.finance = Finance(self._orders, FinanceStore(db), self._settling, self._comparing, audit)
        self._audit = audit
        self._nudge = nudge

    # What the appointments' side asks for.

    async def open_order(
        self,
        *,
        appointment_id: str,
        resident_id: str,
        organization_id: str,
        amount_fen: int,
        description: str,
        expires_at: datetime,
    ) -> Order:
        """The appointment's order, opened if need be. Raises HOLD_EXPIRED if it was shut unopened."""
        if amount_fen <= 0:
            raise AppError(ErrorCode.PAYMENT_NOT_DUE, "nothing to pay")
        new = NewOrder(appointment_id, resident_id, organization_id, amount_fen, description, expires_at)
        order = await self._orders.insert(Change(transitions.opened(new, clock.now())))
        if order.amount_fen != amount_fen:
            # Only an order that was never opened differs: its hold had ended before.
            raise AppError(ErrorCode.HOLD_EXPIRED, f"order {order.id} is shut")
        return order

    async def order_of(self, appointment_id: str) -> Order | None:
        """The appointment's order, or None when nothing was ever to be paid."""
        return await self._orders.find(order_id_of(appointment_id))

    async def orders_of(self, appointment_ids: Sequence[str]) -> dict[str, Order]:
        """Orders by appointment id, for lists."""
        found = await self._orders.find_many([order_id_of(each) for each in appointment_ids])
        return {order.appointment_id: order for order in found.values()}

    async def start_payment(
        self, actor: Actor, order_id: str, method: PaymentMethod, payer_id: str | None
    ) -> StartedPayment:
        """Open a payment of the actor's own order; asked again, the same payment.

        `payer_id` is the openid of the application that `method` belongs to; a native QR code needs none.
        """
        order = await self._access(actor, order_id)
        return await self._starting.start(order, method, payer_id)

    async def refresh(self, actor: Actor, order_id: str) -> Order:
        """Ask the channel now. Raises PAYMENT_UNKNOWN when it does not answer."""
        order = await self._access(actor, order_id)
        after = await self._settling.refresh(order.id)
        self._nudge()
        return after

    async def settle_or_close(self, order_id: str) -> Order:
        """Bring an order to its end, paid or closed. Raises PAYMENT_UNKNOWN while nobody knows."""
        return await self._settling.settle_or_close(order_id)

    async def request_refund(self, order_id: str, reason: str) -> Order:
        """Give back a paid order; an order that is not paid stays as it is."""
        order = await self._refunding.want(order_id, reason)
        if order is None:
            raise not_found("order")
        self._nudge()
        return order

    # What the channel tells.

    async def receive_notice(self, channel: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a channel's notice. Raises NOTICE_INVALID for anything not signed by it."""
        if await self._notices.receive(channel, headers, body):
            self._nudge()

    async def on_notice(self, event: Event) -> None:
        """PAYMENT_NOTICE_RECEIVED."""
        await self._notices.on_notice(event)

    # What time and other areas bring.

    async def on_hold_due(self, event: Event) -> None:
        """HOLD_DUE: a hold that waits for its payment has come to its end; say ORDER_PAID or ORDER_CLOSED."""
        appointment_id = event.data["appointment_id"]
        if await self.order_of(appointment_id) is None:
            await self._orders.insert(transitions.never_opened(appointment_id, clock.now()))
        await self._end(order_id_of(appointment_id))

    async def on_appointment_ended(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED, APPOINTMENT_STOPPED: what was or is still being paid goes back."""
        order = await self.order_of(event.data["appointment_id"])
        if order is None:
            return
        if order.is_open:
            order = await self._end(order.id)
        if order.state is OrderState.PAID:
            await self._refunding.want(order.id, "预约已取消")

    async def on_refund_due(self, event: Event) -> None:
        """REFUND_DUE."""
        await self._refunding.on_refund_due(event)

    async def query_unpaid(self) -> int:
        """Periodic: ask about payments whose notice has not come."""
        return await self._settling.query_unpaid()

    async def compare_books(self) -> int:
        """Periodic: compare what moved in the last days with what the channel knows of it."""
        return await self._comparing.compare_due()

    async def _end(self, order_id: str) -> Order:
        try:
            return await self._settling.settle_or_close(order_id)
        except AppError as error:
            if error.code is not ErrorCode.PAYMENT_UNKNOWN:
                raise
            raise RetryLater(_ASK_AGAIN_S) from error

    # What staff see and do.

    async def get_order(self, actor: Actor, order_id: str) -> Order:
        """One order the actor may see. Raises NOT_FOUND."""
        return await self._access(actor, order_id)

    async def resolve_difference(self, actor: Actor, difference_id: str, note: str) -> DifferenceEntry:
        """Take a difference off the list. Raises REASON_REQUIRED; NOT_FOUND outside the actor's scope."""
        self._check_staff(actor, note)
        entry = await self._orders.resolve_difference(
            difference_id, actor.id, note, organization_ids=actor.organization_ids
        )
        if entry is None:
            raise not_found("difference")
        await self._audit.record(
            actor, "billing.difference_resolved", f"difference/{entry.id}", note, entry.organization_id
        )
        return entry

    async def retry_refund(self, actor: Actor, order_id: str, reason: str) -> Order:
        """Ask the channel again for what it refused. Raises REFUND_REFUSED when nothing has failed."""
        self._check_staff(actor, reason)
        order = await self._access(actor, order_id)
        after = await self._refunding.retry(order_id)
        if after is None or after.version == order.version:
            raise AppError(ErrorCode.REFUND_REFUSED, "no failed refund")
        await self._audit.record(
            actor, "billing.refund_retried", f"order/{order_id}", reason, order.organization_id
        )
        self._nudge()
        return after

    async def check_books(self, *, ask_channel: bool = False) -> Books:
        """Go through every order; `ask_channel` compares with the channel's own books too."""
        return await self._books.check(ask_channel=ask_channel)

    @staticmethod
    def _check_staff(actor: Actor, reason: str) -> None:
        if not actor.may(Permission.STAFF_PAYMENTS_REFUND):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_PAYMENTS_REFUND)
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)

    async def _access(self, actor: Actor, order_id: str) -> Order:
        """The resident's own order, or one within the staff member's scope; else NOT_FOUND."""
        order = await self._settling.get(order_id)
        own = actor.kind == "resident" and actor.id == order.resident_id
        scoped = actor.may(Permission.STAFF_PAYMENTS_READ) and actor.covers(order.organization_id)
        if not (own or scoped):
            raise not_found("order")
        return order
