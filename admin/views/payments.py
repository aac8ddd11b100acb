"""Payments: orders and what moved for them, failed refunds, differences, and going through the books."""

from __future__ import annotations

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Filters, ReasonForm
from admin.lookups import organization_names
from backend import clock
from backend.billing.models import Order, OrderState, RefundProgress
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission

PAGE_SIZE = 50
DIFFERENCES_SHOWN = 100


class OrderFilters(Filters):
    """Which orders the list shows."""

    id: str = Field("", max_length=40, title="订单号")
    state: OrderState | None = Field(None, title="状态")


class DifferenceFilters(Filters):
    """Open differences, or those resolved."""

    resolved: bool = Field(False, title="已处理")


class PaymentsHandler(PageHandler):
    """Orders."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("Orders")
    async def get(self, query: OrderFilters) -> None:
        """One page, newest first; an order's own number leads straight to it."""
        billing = self.services.billing
        if query.id:
            order = await billing.get_order(self.actor, query.id.strip().partition("-")[0])
            self.go(f"/admin/payments/{order.id}")
            return
        states = (query.state,) if query.state else ()
        orders, following = await billing.list_orders(
            self.actor, states=states, cursor=query.cursor or None, limit=PAGE_SIZE
        )
        names = await organization_names(self.services, [order.organization_id for order in orders])
        differences = await billing.list_differences(self.actor, limit=DIFFERENCES_SHOWN)
        self.show_page(
            "payments/list.html",
            orders=orders,
            following=following,
            names=names,
            open_differences=len(differences),
        )


class OrderHandler(PageHandler):
    """One order."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("An order")
    async def get(self, order_id: str) -> None:
        """Every fen that moved for it."""
        order = await self.services.billing.get_order(self.actor, order_id)
        names = await organization_names(self.services, [order.organization_id])
        self.show_page("payments/show.html", order=order, names=names, can_retry=_can_retry(order))


class RetryRefundHandler(PageHandler):
    """Asking the channel again for what it refused."""

    @requires(Permission.STAFF_PAYMENTS_REFUND)
    @page("Ask why the refund is tried again")
    async def get(self, order_id: str) -> None:
        """Show the form."""
        await self.show(order_id=order_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        order = await self.services.billing.get_order(self.actor, path["order_id"])
        self.show_page("payments/refund.html", order=order)

    @requires(Permission.STAFF_PAYMENTS_REFUND)
    @page("Try a refund again", errors=(ErrorCode.REFUND_REFUSED, ErrorCode.REASON_REQUIRED), again=True)
    async def post(self, body: ReasonForm, order_id: str) -> None:
        """Try it again."""
        await self.services.billing.retry_refund(self.actor, order_id, body.given())
        self.go(f"/admin/payments/{order_id}", "refund-retried")


class DifferencesHandler(PageHandler):
    """What does not agree and waits for a person."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("Differences")
    async def get(self, query: DifferenceFilters) -> None:
        """The list."""
        await self._show(resolved=query.resolved)

    async def show(self, **path: str) -> None:
        """The open ones."""
        await self._show(resolved=False)

    async def _show(self, *, resolved: bool) -> None:
        entries = await self.services.billing.list_differences(
            self.actor, resolved=resolved, limit=DIFFERENCES_SHOWN
        )
        names = await organization_names(self.services, [entry.organization_id or "" for entry in entries])
        self.show_page("payments/differences.html", entries=entries, names=names, resolved=resolved)


class DifferenceForm(ReasonForm):
    """How a difference was settled."""

    difference_id: str = Field("", max_length=120, title="差异编号")


class ResolveHandler(DifferencesHandler):
    """Taking a difference off the list."""

    @requires(Permission.STAFF_PAYMENTS_REFUND)
    @page("Resolve a difference", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: DifferenceForm) -> None:
        """Take it off, saying how it was settled."""
        await self.services.billing.resolve_difference(self.actor, body.difference_id, body.given())
        self.go("/admin/payments/differences", "difference-resolved")


class BooksHandler(PageHandler):
    """Going through the books."""

    @requires(Permission.STAFF_PAYMENTS_REFUND)
    @page("Go through the books")
    async def post(self) -> None:
        """Every order in itself: fen in, fen out, fen kept."""
        if self.actor.organization_ids is not None:
            raise AppError(ErrorCode.FORBIDDEN, "part of the city", text="核对全部账目需要全市范围的账号。")
        books = await self.services.billing.check_books()
        self.show_page("payments/books.html", books=books, checked_at=clock.now())


def _can_retry(order: Order) -> bool:
    return any(refund.state is RefundProgress.FAILED for refund in order.refunds)


_ID = r"(?P<order_id>R[\w-]+)"
routes = [
    (r"/admin/payments", PaymentsHandler),
    (r"/admin/payments/differences", DifferencesHandler),
    (r"/admin/payments/differences/resolve", ResolveHandler),
    (r"/admin/payments/books", BooksHandler),
    (rf"/admin/payments/{_ID}", OrderHandler),
    (rf"/admin/payments/{_ID}/refund", RetryRefundHandler),
]
