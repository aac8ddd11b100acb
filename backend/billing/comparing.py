"""Our orders beside what the channel knows: one when a person asks, and by the clock all that moved lately.

Asking may bring news; they are applied as a notice's would be. What disagrees even then comes onto the list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from backend import clock
from backend.billing.books import problems_of
from backend.billing.gateways import Gateways
from backend.billing.models import Attempt, AttemptState, Difference, Order, Refund, RefundProgress
from backend.billing.refunding import Refunding
from backend.billing.settling import Settling
from backend.billing.store import OrderStore
from backend.errors import AppError
from payment.ports import PaymentError, PaymentState, PaymentStatus, RefundState

log = logging.getLogger(__name__)

BATCH = 100
# A slow channel delays the others by one answer, not by a hundred.
AT_ONCE = 10
# An hour after its last change an order is compared (the store says so), then daily for as long as this.
COMPARED_FOR = timedelta(days=3)
_EVERY = timedelta(days=1)
_AFTER_SILENCE = timedelta(hours=1)
# A card's bank may take that long; what takes longer is somebody's business.
REFUND_TAKES = timedelta(days=3)
Facts = Mapping[str, int | str]
_UNDER_WAY = frozenset({RefundProgress.DUE, RefundProgress.ASKED, RefundProgress.PROCESSING})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number of ours beside the channel's word; `error` when the channel gave none."""

    number: str
    kind: str
    here_fen: int
    there_fen: int | None
    there_state: str = ""
    error: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.there_fen == self.here_fen


class Comparing:
    """Asks, compares, lists."""

    def __init__(
        self, orders: OrderStore, gateways: Gateways, settling: Settling, refunding: Refunding
    ) -> None:
        self._orders = orders
        self._gateways = gateways
        self._settling = settling
        self._refunding = refunding

    async def compare(self, order: Order) -> list[Comparison]:
        """Ask about every payment and refund of an order now; what disagrees comes onto the list."""
        found = [await self._compare_payment(order, attempt) for attempt in order.attempts]
        found += [await self._compare_refund(order, refund) for refund in order.refunds]
        for one in found:
            await self._list(order, one)
        return found

    async def compare_due(self) -> int:
        """Periodic: compare orders whose money moved lately; returns how many."""
        due = await self._orders.list_due_comparisons(clock.now(), BATCH)
        for first in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(self._compare_one(order) for order in due[first : first + AT_ONCE]))
        return len(due)

    async def _compare_one(self, order: Order) -> None:
        # First the next time, then the question: a channel that hangs is not asked by everybody at once.
        await self._orders.compare_next(order, clock.now() + _AFTER_SILENCE)
        compared = await self.compare(order)
        order = await self._settling.get(order.id)
        await self._look_within(order)
        if any(one.there_fen is None for one in compared):
            log.warning("books_not_compared", extra={"order_id": order.id})
            return
        now = clock.now()
        unfinished = any(refund.state in _UNDER_WAY for refund in order.refunds)
        again = unfinished or now - order.updated_at < COMPARED_FOR
        await self._orders.compare_next(order, now + _EVERY if again else None)

    async def _look_within(self, order: Order) -> None:
        """What is wrong without asking anybody."""
        if not any(attempt.state is AttemptState.DISPUTED for attempt in order.attempts):
            for problem in problems_of(order):
                key = f"order:{order.id}:{problem}"
                await self._add(order, key, "order_inconsistent", {"reason": problem})
        for refund in order.refunds:
            if refund.state in _UNDER_WAY and clock.now() - refund.created_at > REFUND_TAKES:
                found: Facts = {"number": refund.out_refund_no, "amount_fen": refund.amount_fen}
                await self._add(order, f"refund:{refund.out_refund_no}:overdue", "refund_overdue", found)

    async def _compare_payment(self, order: Order, attempt: Attempt) -> Comparison:
        number = attempt.out_trade_no
        try:
            gateway = self._gateways.named(attempt.channel)
            status = await gateway.query(number)
        except (PaymentError, AppError) as error:
            return Comparison(number, "payment", attempt.paid_fen, None, error=type(error).__name__)
        after = await self._settling.believe(order.id, status, gateway.merchant_id) or order
        await self._list_unknown_refund(after, status)
        now = after.find_attempt(number) or attempt
        here = now.paid_fen if now.state is AttemptState.PAID else 0
        there = status.amount_fen if status.state is PaymentState.PAID else 0
        return Comparison(number, "payment", here, there, str(status.state))

    async def _list_unknown_refund(self, order: Order, status: PaymentStatus) -> None:
        """Money that went back though nobody here had asked for it: by hand, at the channel's own counter."""
        asked = any(
            refund.out_trade_no == status.out_trade_no and refund.state is not RefundProgress.DUE
            for refund in order.refunds
        )
        if status.has_refunds and not asked:
            found = {"number": status.out_trade_no, "state": status.raw_state}
            await self._add(order, f"payment:{status.out_trade_no}:refunded", "refund_unexpected", found)

    async def _compare_refund(self, order: Order, refund: Refund) -> Comparison:
        number = refund.out_refund_no
        try:
            status = await self._refunding.gateway_of(order, refund).query_refund(number)
        except (PaymentError, AppError) as error:
            return Comparison(number, "refund", refund.amount_fen, None, error=type(error).__name__)
        after = await self._refunding.told(order.id, status) or order
        now = after.find_refund(number) or refund
        here = now.amount_fen if now.state is RefundProgress.SUCCEEDED else 0
        there = status.refund_fen if status.state is RefundState.SUCCEEDED else 0
        return Comparison(number, "refund", here, there, str(status.state))

    async def _list(self, order: Order, one: Comparison) -> None:
        """Put on the list what nobody lists yet; what cannot be applied was listed by who tried."""
        unapplied = one.here_fen == 0 if one.kind == "payment" else one.here_fen < (one.there_fen or 0)
        if one.there_fen is None or one.agrees or unapplied:
            return
        found: Facts = {"amount_fen": one.there_fen, "state": one.there_state}
        # The same figures stay settled once a person has seen to them.
        key = f"{one.kind}:{one.number}:{one.here_fen}:{one.there_fen}:{one.there_state}"
        await self._add(order, key, f"{one.kind}_differs", found, {"amount_fen": one.here_fen})

    async def _add(
        self, order: Order, key: str, kind: str, found: Facts, expected: Facts | None = None
    ) -> None:
        await self._orders.add_difference(
            Difference(key, kind, order.id, dict(expected or {}), dict(found)), order.organization_id
        )
