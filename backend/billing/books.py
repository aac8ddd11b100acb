"""Going through the books: every order in itself, and, when asked, against the channel's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.billing.gateways import Gateways
from backend.billing.models import (
    Attempt,
    AttemptState,
    Order,
    OrderState,
    Refund,
    RefundProgress,
)
from backend.billing.store import OrderStore
from payment.ports import PaymentState, RefundState

_BATCH = 500
_NOT_COMING = frozenset({RefundProgress.FAILED, RefundProgress.REPLACED})
_NOT_ON_THE_WAY = frozenset({RefundProgress.SUCCEEDED, RefundProgress.REPLACED})


@dataclass
class Books:
    """What came in, what went back, what is kept, and everything that does not agree."""

    orders: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    on_the_way_fen: int = 0
    earned_fen: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def balance(self) -> bool:
        """Fen in = fen out + fen on the way out + fen earned, and nothing disagrees."""
        kept = self.paid_fen - self.refunded_fen - self.on_the_way_fen
        return kept == self.earned_fen and not self.problems


class BookCheck:
    """Reads all orders; for tests and for the console's button. What runs by the clock is in `comparing`."""

    def __init__(self, orders: OrderStore, gateways: Gateways) -> None:
        self._orders = orders
        self._gateways = gateways

    async def check(self, *, ask_channel: bool = False) -> Books:
        """Check every order. `ask_channel` also compares with what the channel says now."""
        books, after = Books(), ""
        while batch := await self._orders.list_after(after, _BATCH):
            for order in batch:
                add_order(books, order)
                if ask_channel:
                    await self._compare(books, order)
            after = batch[-1].id
        return books

    async def _compare(self, books: Books, order: Order) -> None:
        for attempt in order.attempts:
            await self._compare_attempt(books, order, attempt)
        for refund in order.refunds:
            await self._compare_refund(books, order, refund)

    async def _compare_attempt(self, books: Books, order: Order, attempt: Attempt) -> None:
        status = await self._gateways.named(attempt.channel).query(attempt.out_trade_no)
        paid_there = status.amount_fen if status.state is PaymentState.PAID else 0
        if paid_there != attempt.paid_fen:
            books.problems.append(
                f"{order.id}: {attempt.out_trade_no}: {paid_there} fen paid there, {attempt.paid_fen} here"
            )

    async def _compare_refund(self, books: Books, order: Order, refund: Refund) -> None:
        attempt = order.find_attempt(refund.out_trade_no)
        if attempt is None:
            return
        status = await self._gateways.named(attempt.channel).query_refund(refund.out_refund_no)
        back_there = status.refund_fen if status.state is RefundState.SUCCEEDED else 0
        back_here = refund.amount_fen if refund.state is RefundProgress.SUCCEEDED else 0
        if back_there != back_here:
            books.problems.append(
                f"{order.id}: {refund.out_refund_no}: {back_there} fen back there, {back_here} here"
            )


def add_order(books: Books, order: Order) -> None:
    """Add one order to the sums and say what is wrong within it."""
    books.orders += 1
    books.paid_fen += order.paid_fen
    books.refunded_fen += order.refunded_fen
    books.on_the_way_fen += sum(r.amount_fen for r in order.refunds if r.state not in _NOT_ON_THE_WAY)
    if order.state is OrderState.PAID:
        books.earned_fen += order.amount_fen
    books.problems.extend(f"{order.id}: {problem}" for problem in problems_of(order))


def problems_of(order: Order) -> list[str]:
    """What contradicts itself within one order."""
    problems = []
    if sum(leg.amount_fen for leg in order.legs) != order.amount_fen:
        problems.append("legs do not add up")
    for attempt in order.attempts:
        problems += _problems_of_attempt(order, attempt)
    kept = order.paid_fen - sum(r.amount_fen for r in order.refunds if r.state is not RefundProgress.REPLACED)
    wanted = order.amount_fen if order.state is OrderState.PAID else 0
    if kept != wanted:
        problems.append(f"{order.state} but keeps {kept} fen instead of {wanted}")
    if order.state is OrderState.REFUNDED and order.refunded_fen != order.paid_fen:
        problems.append("refunded, but not all of it")
    return problems


def _problems_of_attempt(order: Order, attempt: Attempt) -> list[str]:
    back = sum(
        r.amount_fen
        for r in order.refunds
        if r.out_trade_no == attempt.out_trade_no and r.state not in _NOT_COMING
    )
    problems = []
    if back > attempt.paid_fen:
        problems.append(f"{attempt.out_trade_no}: {back} fen go back of {attempt.paid_fen} paid")
    if attempt.state is AttemptState.PAID and attempt.paid_fen != attempt.amount_fen:
        problems.append(
            f"{attempt.out_trade_no}: paid {attempt.paid_fen} fen instead of {attempt.amount_fen}"
        )
    if attempt.state is AttemptState.DISPUTED:
        problems.append(f"{attempt.out_trade_no}: disputed")
    return problems
