"""Payments: orders and what moved for them, as a file too, the channel's word, differences, the books."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from admin import spreadsheet, words
from admin.base import PageHandler, page
from admin.forms import Filters, Period, ReasonForm
from admin.lookups import organization_names, organizations_in_scope
from admin.templating import local_time
from backend import clock
from backend.billing.comparing import Comparison
from backend.billing.finance import MOST_ASKED, MOST_ORDERS
from backend.billing.models import Order, OrderFilter, OrderState, RefundProgress
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission

PAGE_SIZE = 50
CSV_TYPE = "text/csv; charset=utf-8"
FILE_NAME = "orders.csv"


class OrderFilters(Period):
    """Which orders the list shows; the days are those of their making."""

    id: str = Field("", max_length=40, title="订单号")
    state: OrderState | None = Field(None, title="状态")
    organization: str = Field("", max_length=64, title="机构")

    def wanted(self) -> OrderFilter:
        """The service's words for it; days are the city's."""
        after = self.to_on + timedelta(days=1) if self.to_on else None
        return OrderFilter(
            organization_id=self.organization,
            states=(self.state,) if self.state else (),
            from_at=clock.city_instant(self.from_on, 0) if self.from_on else None,
            to_at=clock.city_instant(after, 0) if after else None,
        )


class DifferenceFilters(Filters):
    """Open differences, or those resolved."""

    resolved: bool = Field(False, title="已处理")


class PaymentsHandler(PageHandler):
    """Orders."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("Orders")
    async def get(self, query: OrderFilters) -> None:
        """One page, newest first, and what they come to; an order's own number leads straight to it."""
        billing = self.services.billing
        if query.id:
            order = await billing.get_order(self.actor, query.id.strip().partition("-")[0])
            self.go(f"/admin/payments/{order.id}")
            return
        wanted = query.wanted()
        orders, following = await billing.finance.list_orders(
            self.actor, wanted, cursor=query.cursor or None, limit=PAGE_SIZE
        )
        waiting, more = await billing.finance.list_differences(self.actor, limit=PAGE_SIZE)
        organizations = await organizations_in_scope(self.services, self.actor)
        self.show_page(
            "payments/list.html",
            orders=orders,
            following=following,
            sums=await billing.finance.sum_orders(self.actor, wanted),
            most_orders=MOST_ORDERS,
            names=await organization_names(self.services, [order.organization_id for order in orders]),
            organization_choices=[(one.id, one.name) for one in organizations],
            differing=await billing.finance.differences_of(orders),
            open_differences=f"{len(waiting)}{'+' if more else ''}" if waiting else "",
        )


class ExportHandler(PageHandler):
    """The filtered orders as a file for a spreadsheet."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("Orders as a file")
    async def get(self, query: OrderFilters) -> None:
        """Names are masked, as on every page; the file is sent while it is being read."""
        pages = await self.services.billing.finance.export(self.actor, query.wanted())
        self.set_header("Content-Type", CSV_TYPE)
        self.set_header("Content-Disposition", f'attachment; filename="{FILE_NAME}"')
        self.write(spreadsheet.lines([COLUMNS], first=True))
        async for orders in pages:
            names = await organization_names(self.services, [order.organization_id for order in orders])
            people = await self.services.residents.names({order.resident_id for order in orders})
            self.write(spreadsheet.lines(_row(order, names, people) for order in orders))
            await self.flush()
        self.finish()


class OrderHandler(PageHandler):
    """One order."""

    @requires(Permission.STAFF_PAYMENTS_READ)
    @page("An order")
    async def get(self, order_id: str) -> None:
        """Every fen that moved for it."""
        await self.show_order(order_id)

    async def show_order(self, order_id: str, compared: list[Comparison] | None = None) -> None:
        """The page, with the channel's word when it has been asked."""
        billing = self.services.billing
        order = await billing.get_order(self.actor, order_id)
        self.show_page(
            "payments/show.html",
            order=order,
            names=await organization_names(self.services, [order.organization_id]),
            differences=(await billing.finance.differences_of([order])).get(order.id, []),
            compared=compared,
            asked_at=clock.now(),
            can_retry=_can_retry(order),
        )


class AskChannelHandler(OrderHandler):
    """Asking the channel about an order."""

    @requires(Permission.STAFF_PAYMENTS_REFUND)
    @page("Ask the payment channel about an order")
    async def post(self, order_id: str) -> None:
        """Ask now and show what it said beside what we have."""
        compared = await self.services.billing.finance.ask_channel(self.actor, order_id)
        await self.show_order(order_id, compared)


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
        await self._show(resolved=query.resolved, cursor=query.cursor)

    async def show(self, **path: str) -> None:
        """The open ones."""
        await self._show(resolved=False)

    async def _show(self, *, resolved: bool, cursor: str = "") -> None:
        entries, following = await self.services.billing.finance.list_differences(
            self.actor, resolved=resolved, cursor=cursor or None, limit=PAGE_SIZE
        )
        names = await organization_names(self.services, [entry.organization_id or "" for entry in entries])
        self.show_page(
            "payments/differences.html",
            entries=entries,
            following=following,
            names=names,
            resolved=resolved,
        )


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
    async def post(self, body: OrderFilters) -> None:
        """Every order in itself: fen in, fen out, fen kept; the newest of them with the channel."""
        if self.actor.organization_ids is not None:
            raise AppError(ErrorCode.FORBIDDEN, "part of the city", text="核对全部账目需要全市范围的账号。")
        billing = self.services.billing
        asked = await billing.finance.ask_about(self.actor, body.wanted())
        self.show_page(
            "payments/books.html",
            books=await billing.check_books(),
            asked=asked,
            silent=sum(bool(one.error) for _, one in asked),
            wrong=[(order, one) for order, one in asked if not one.agrees and not one.error],
            most_asked=MOST_ASKED,
            checked_at=clock.now(),
        )


def _can_retry(order: Order) -> bool:
    return any(refund.state is RefundProgress.FAILED for refund in order.refunds)


COLUMNS = (
    "订单号", "创建时间", "机构", "项目", "居民", "状态", "应付（元）", "实收（元）", "已退（元）",
    "支付时间", "退款时间", "商户单号", "渠道单号",
)  # fmt: skip


def _row(order: Order, names: dict[str, str], people: dict[str, str]) -> tuple[str, ...]:
    return (
        order.id,
        local_time(order.created_at, seconds=True),
        names.get(order.organization_id, ""),
        order.description,
        people.get(order.resident_id, ""),
        words.state_of(words.ORDER_STATES, order.state)[0],
        *(f"{fen // 100}.{fen % 100:02d}" for fen in (order.amount_fen, order.paid_fen, order.refunded_fen)),
        local_time(order.paid_at, seconds=True) if order.paid_at else "",
        local_time(order.refunded_at, seconds=True) if order.refunded_at else "",
        " ".join(attempt.out_trade_no for attempt in order.attempts),
        " ".join(attempt.channel_trade_id for attempt in order.attempts if attempt.channel_trade_id),
    )


_ID = r"(?P<order_id>R[\w-]+)"
routes = [
    (r"/admin/payments", PaymentsHandler),
    (r"/admin/payments/export", ExportHandler),
    (r"/admin/payments/differences", DifferencesHandler),
    (r"/admin/payments/differences/resolve", ResolveHandler),
    (r"/admin/payments/books", BooksHandler),
    (rf"/admin/payments/{_ID}", OrderHandler),
    (rf"/admin/payments/{_ID}/check", AskChannelHandler),
    (rf"/admin/payments/{_ID}/refund", RetryRefundHandler),
]
