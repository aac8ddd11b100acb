"""What finance looks at: orders by hospital, day and state, what they come to, one order beside the channel.

Money is moved elsewhere. Asking the channel may bring news; they are applied as a notice's would be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from backend.audit.service import AuditService
from backend.billing.comparing import AT_ONCE, Comparing, Comparison
from backend.billing.finance_store import FinanceStore, Sums, write_cursor
from backend.billing.models import (
    DifferenceEntry,
    Order,
    OrderFilter,
)
from backend.billing.settling import Settling
from backend.billing.store import OrderStore
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission

# What one page sums up and one file holds; a longer period is asked for in parts.
MOST_ORDERS = 10_000
_EXPORT_PAGE = 500
# How many orders one tap asks the channel about.
MOST_ASKED = 100
ALL_ORDERS = OrderFilter()
# Why finance looks at orders without giving a reason each time.
BOOKKEEPING = "bookkeeping"


class Finance:
    """Lists, sums, and the question to the channel. Everything stays within the actor's institutions."""

    def __init__(
        self,
        orders: OrderStore,
        store: FinanceStore,
        settling: Settling,
        comparing: Comparing,
        audit: AuditService,
    ) -> None:
        self._orders = orders
        self._store = store
        self._settling = settling
        self._comparing = comparing
        self._audit = audit

    async def list_orders(
        self, actor: Actor, wanted: OrderFilter = ALL_ORDERS, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Order], str | None]:
        """One page, newest first, and the cursor of the next."""
        found = await self._store.list_orders(wanted, actor.organization_ids, cursor=cursor, limit=limit + 1)
        page = found[:limit]
        return page, write_cursor(page[-1]) if len(found) > limit else None

    async def sum_orders(self, actor: Actor, wanted: OrderFilter = ALL_ORDERS) -> Sums | None:
        """What the orders come to; None when they are too many to be summed up at once."""
        sums = await self._store.sum_orders(wanted, actor.organization_ids, most=MOST_ORDERS + 1)
        return sums if sums.orders <= MOST_ORDERS else None

    async def export(self, actor: Actor, wanted: OrderFilter) -> AsyncIterator[list[Order]]:
        """All of them, in pages, at most MOST_ORDERS; that they left the house goes on record first."""
        if not actor.may(Permission.STAFF_PAYMENTS_READ):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_PAYMENTS_READ)
        data = {
            "from_at": str(wanted.from_at or ""),
            "to_at": str(wanted.to_at or ""),
            "states": ",".join(wanted.states),
        }
        place = wanted.organization_id or None
        await self._audit.record(actor, "billing.exported", "orders", BOOKKEEPING, place, data)
        return self._pages(actor, wanted)

    async def _pages(self, actor: Actor, wanted: OrderFilter) -> AsyncIterator[list[Order]]:
        cursor: str | None = None
        for _ in range(MOST_ORDERS // _EXPORT_PAGE):
            page, cursor = await self.list_orders(actor, wanted, cursor=cursor, limit=_EXPORT_PAGE)
            yield page
            if cursor is None:
                return

    async def list_differences(
        self, actor: Actor, *, resolved: bool = False, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[DifferenceEntry], str | None]:
        """One page of what does not agree and waits for a person, newest first."""
        state = "resolved" if resolved else "open"
        found = await self._store.list_differences(
            actor.organization_ids, state=state, cursor=cursor, limit=limit + 1
        )
        page = found[:limit]
        return page, write_cursor(page[-1]) if len(found) > limit else None

    async def differences_of(self, orders: list[Order]) -> dict[str, list[DifferenceEntry]]:
        """What did not agree in some orders, settled or not, by order."""
        by_order: dict[str, list[DifferenceEntry]] = {}
        for entry in await self._store.differences_of([order.id for order in orders]):
            by_order.setdefault(entry.order_id or "", []).append(entry)
        return by_order

    async def ask_channel(self, actor: Actor, order_id: str) -> list[Comparison]:
        """Ask about every payment and refund of an order now; what disagrees comes onto the list."""
        if not actor.may(Permission.STAFF_PAYMENTS_REFUND):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_PAYMENTS_REFUND)
        order = await self._settling.get(order_id)
        if not actor.covers(order.organization_id):
            raise not_found("order")
        await self._audit.record(
            actor, "billing.channel_asked", f"order/{order.id}", BOOKKEEPING, order.organization_id
        )
        return await self._comparing.compare(order)

    async def ask_about(
        self, actor: Actor, wanted: OrderFilter = ALL_ORDERS
    ) -> list[tuple[Order, Comparison]]:
        """Ask about the newest of these orders, MOST_ASKED at most; what disagrees comes onto the list."""
        if not actor.may(Permission.STAFF_PAYMENTS_REFUND):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_PAYMENTS_REFUND)
        place = wanted.organization_id or None
        await self._audit.record(actor, "billing.channel_asked", "orders", BOOKKEEPING, place)
        orders, _ = await self.list_orders(actor, wanted, limit=MOST_ASKED)
        found: list[tuple[Order, Comparison]] = []
        for first in range(0, len(orders), AT_ONCE):
            batch = orders[first : first + AT_ONCE]
            compared = await asyncio.gather(*(self._comparing.compare(order) for order in batch))
            found += [(order, one) for order, each in zip(batch, compared, strict=True) for one in each]
        return found
