"""The cashier: pay an order by its number, prepay_id or code; refuse it, take long, pay twice."""

from __future__ import annotations

import urllib.parse
from typing import Any

from sandbox.bank import PayerError
from sandbox.control_pay import pay
from sandbox.notices import STATE_WORDS, Notices
from sandbox.state import Order
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

SHOWN = 40
# What the buttons mean, in the words of the control API.
ACTIONS: dict[str, dict[str, Any]] = {
    "pay": {},
    "twice": {"times": 2},
    "delay": {"delay_s": 30},
    "silent": {"notify": False},
    "late_notice": {"notice_delay_s": 60},
    "less": {"amount_fen": 1},
}


class CashierHandler(PageHandler):
    """GET /cashier: orders waiting, orders done, the books."""

    async def get(self) -> None:
        """The list; ?code= leads to one order."""
        code = self.get_query_argument("code", "")
        order = self.world.bank.find_prepay(code) if code else None
        if order is not None:
            self.redirect(_address(order))
            return
        orders = list(self.world.state.orders.values())[::-1]
        for one in orders[:SHOWN]:
            self.world.bank.find_prepay(one.out_trade_no)  # closes it when its time is over
        self.page(
            "cashier.html",
            waiting=[one for one in orders if one.state == "NOTPAY"][:SHOWN],
            done=[one for one in orders if one.state != "NOTPAY"][:SHOWN],
            words=STATE_WORDS,
            totals=self.world.bank.totals(),
            problem="没有这个订单：请粘贴 code_url、prepay_id 或商户订单号" if code else "",
        )


def _address(order: Order) -> str:
    return f"/cashier/{order.prepay_id}"


class OrderHandler(PageHandler):
    """GET and POST /cashier/{prepay_id}."""

    notices: Notices

    def initialize(self, world: World, notices: Notices | None = None) -> None:
        super().initialize(world)
        if notices is not None:
            self.notices = notices

    async def get(self, prepay_id: str) -> None:
        """The sheet on which one order is paid."""
        order = self.world.bank.find_prepay(prepay_id)
        if order is None:
            self.redirect(f"/cashier?code={urllib.parse.quote(prepay_id)}")
            return
        self._show(order)

    async def post(self, prepay_id: str) -> None:
        """Do what the button says."""
        order, action = self.world.bank.find_prepay(prepay_id), self.get_body_argument("action", "")
        if order is None:
            self.redirect("/cashier")
            return
        try:
            self._act(order, action)
        except PayerError as refusal:
            self._show(order, str(refusal))
            return
        back = self._return_to()
        query = f"?return_to={urllib.parse.quote(back)}" if back else ""
        self.redirect(_address(order) + query, status=303)

    def _act(self, order: Order, action: str) -> None:
        phone = self.get_body_argument("phone", "")
        user = self.world.people.user_with_phone(phone) if phone else None
        app_is_mini = order.app_id == self.world.credentials.mini["app_id"]
        openid = (user.mini_openid if app_is_mini else user.oa_openid) if user else ""
        if action == "refuse":
            self.world.bank.refuse(order, "用户取消支付")
        elif action == "forge":
            self.notices.forge(order)
        elif action in ACTIONS:
            pay(self.world, order, ACTIONS[action] | {"openid": openid})

    def _show(self, order: Order, problem: str = "") -> None:
        payer = self.world.people.find_user(order.payer_openid or order.openid)
        self.page(
            "order.html",
            order=order,
            refunds=self.world.bank.refunds_of(order),
            payer=payer.nickname if payer else "",
            words=STATE_WORDS,
            problem=problem,
            return_to=self._return_to(),
            deliveries=[d for d in self.world.state.deliveries.values() if d.subject == order.out_trade_no],
        )

    def _return_to(self) -> str:
        """Where the city wants the payer back; nowhere else."""
        url = self.get_argument("return_to", "")
        return url if url and self.world.city.owns(url) else ""


def routes(world: World, notices: Notices) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The cashier's paths."""
    return [
        (r"/cashier", CashierHandler, {"world": world}),
        (r"/cashier/([^/]+)", OrderHandler, {"world": world, "notices": notices}),
    ]
