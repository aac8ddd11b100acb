"""What a billing test does: open an order, pay at the channel, let events happen, look at the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.billing.models import Order
from backend.billing.service import BillingService
from backend.billing.starting import StartedPayment
from backend.db.client import Database
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.worker.events import Event, EventKind, RetryLater
from payment.ports import PaymentMethod
from tests.payment.memory import MemoryGateway

MINI, NATIVE = PaymentMethod.WECHAT_MINI, PaymentMethod.WECHAT_NATIVE
FEE_FEN = 1500


def resident(resident_id: str = "") -> Actor:
    return Actor(kind="resident", id=resident_id or new_id(), role=Role.RESIDENT, channel="wechat")


def finance(*organization_ids: str) -> Actor:
    scope = frozenset(organization_ids) if organization_ids else None
    return Actor(kind="staff", id=new_id(), role=Role.FINANCE, organization_ids=scope)


@dataclass
class Till:
    """Billing, its channel, and a hand on its events."""

    billing: BillingService
    gateway: MemoryGateway
    db: Database
    handled: set[str] = field(default_factory=set)
    told: list[Event] = field(default_factory=list)

    async def open(
        self, *, payer: Actor | None = None, expires_in: timedelta = timedelta(minutes=10)
    ) -> Order:
        """An order for a new appointment."""
        return await self.open_for(new_id(), payer=payer, expires_at=clock.now() + expires_in)

    async def open_for(
        self, appointment_id: str, *, payer: Actor | None = None, expires_at: datetime | None = None
    ) -> Order:
        return await self.billing.open_order(
            appointment_id=appointment_id,
            resident_id=payer.id if payer else "resident-1",
            organization_id="hospital-1",
            amount_fen=FEE_FEN,
            description="预约挂号费",
            expires_at=expires_at or clock.now() + timedelta(minutes=10),
        )

    async def start(
        self, order: Order, method: PaymentMethod = MINI, payer_id: str = "o-1"
    ) -> StartedPayment:
        actor = resident(order.resident_id)
        return await self.billing.start_payment(actor, order.id, method, payer_id)

    async def notice(self, out_trade_no: str, /, **changes: Any) -> None:
        """The channel tells of a payment."""
        await self.billing.receive_notice("memory", *self.gateway.payment_notice(out_trade_no, **changes))

    async def paid(self) -> Order:
        """An order that was paid and whose notice has been acted upon."""
        order = await self.open()
        started = await self.start(order)
        self.gateway.pay(started.attempt.out_trade_no)
        await self.notice(started.attempt.out_trade_no)
        await self.happen()
        return await self.order(order.id)

    async def order(self, order_id: str) -> Order:
        doc = await self.db.collection("orders").find_one({"_id": order_id})
        assert doc is not None
        found = await self.billing.order_of(doc["appointment_id"])
        assert found is not None
        return found

    async def pending(self) -> list[Event]:
        """Events written and not yet handled here, oldest first."""
        docs = [
            raw
            for name in ("orders", "payment_notices")
            async for doc in self.db.collection(name).find({"events_due": True}, {"events": 1})
            for raw in doc["events"]
        ]
        events = [Event.from_doc(raw) for raw in docs if raw["id"] not in self.handled]
        return sorted(events, key=lambda event: event.id)

    async def handle(self, event: Event) -> bool:
        """Run the handler of an event; False when it wants to be asked again."""
        handler = {
            EventKind.PAYMENT_NOTICE_RECEIVED: self.billing.on_notice,
            EventKind.REFUND_DUE: self.billing.on_refund_due,
        }.get(event.kind)
        try:
            if handler is not None:
                await handler(event)
        except RetryLater:
            return False
        self.handled.add(event.id)
        self.told.append(event)
        return True

    async def happen(self, rounds: int = 10) -> None:
        """Let what is pending happen until nothing more comes of it."""
        for _ in range(rounds):
            if not any([await self.handle(event) for event in await self.pending()]):
                return

    async def kinds_of(self, order_id: str) -> list[EventKind]:
        """What was announced about an order, in order."""
        doc = await self.db.collection("orders").find_one({"_id": order_id})
        return [EventKind(raw["kind"]) for raw in (doc or {})["events"]]

    async def hold_due(self, order: Order) -> None:
        await self.billing.on_hold_due(Event(EventKind.HOLD_DUE, {"appointment_id": order.appointment_id}))

    async def cancelled(self, order: Order) -> None:
        data = {"appointment_id": order.appointment_id}
        await self.billing.on_appointment_ended(Event(EventKind.APPOINTMENT_CANCELLED, data))

    async def assert_books_balance(self) -> None:
        books = await self.billing.check_books(ask_channel=True)
        assert books.problems == []
        assert books.balance
