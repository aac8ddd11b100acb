"""The control API about money: orders, what payers and strangers do with them, the books, the callbacks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.control import ControlError, ControlHandler
from sandbox.notices import Notices
from sandbox.pay_wire import is_signed
from sandbox.state import Order
from sandbox.web import SandboxHandler
from sandbox.world import World


def find_order(world: World, text: str) -> Order:
    """An order by out_trade_no, prepay_id or code_url."""
    order = world.bank.find_prepay(text)
    if order is None:
        raise ControlError(404, "no such order")
    return order


class OrdersHandler(ControlHandler):
    """GET /control/orders."""

    async def get(self) -> None:
        """Every order with its refunds, newest first."""
        self.reply(
            {"items": [order_view(self.world, order) for order in self.world.state.orders.values()][::-1]}
        )


def order_view(world: World, order: Order) -> dict[str, Any]:
    """An order with its refunds."""
    return asdict(order) | {"refunds": [asdict(refund) for refund in world.bank.refunds_of(order)]}


class OrderActionHandler(ControlHandler):
    """POST /control/orders/{out_trade_no}/{pay,refuse,forge}."""

    notices: Notices

    def initialize(self, world: World, notices: Notices | None = None) -> None:
        super().initialize(world)
        if notices is not None:
            self.notices = notices

    async def post(self, number: str, action: str) -> None:
        """Act as the payer, the bank, or a stranger."""
        order, body = find_order(self.world, number), self.body()
        if action == "pay":
            self.reply(pay(self.world, order, body))
        elif action == "refuse":
            self.world.bank.refuse(order, str(body.get("reason") or "用户取消支付"))
            self.reply(order_view(self.world, order))
        else:
            forged = self.notices.forge(order, with_key=bool(body.get("with_key")))
            self.reply({"delivery": forged.id}, 202)


def pay(world: World, order: Order, body: dict[str, Any]) -> dict[str, Any]:
    """Pay `times` times; the bank lets only the first through and tells the merchant again each time.

    delay_s: the payer takes so long (real seconds); notice_delay_s: the notice does (the sandbox's seconds).
    """
    amount = body.get("amount_fen")
    arguments: dict[str, Any] = {
        "openid": str(body.get("openid") or ""),
        "amount_fen": int(amount) if amount is not None else None,
        "notify": bool(body.get("notify", True)),
        "notice_delay_s": float(body.get("notice_delay_s") or 0),
    }
    delay = float(body.get("delay_s") or 0)
    if delay:
        world.bank.pay_later(order, delay, arguments)
        return order_view(world, order) | {"refused_again": 0}
    world.bank.pay(order, **arguments)
    again = max(0, int(body.get("times", 1)) - 1)
    for _ in range(again):
        world.bank.refuse(order, "该订单已支付，请勿重复支付")
        if arguments["notify"]:
            world.bank.on_paid(order, arguments["notice_delay_s"])
    return order_view(world, order) | {"refused_again": again}


class LedgerHandler(ControlHandler):
    """GET /control/ledger."""

    async def get(self) -> None:
        """Entries, balances and totals in fen."""
        bank = self.world.bank
        self.reply({"entries": self.world.state.ledger, "balances": bank.balances(), "totals": bank.totals()})


class DeliveriesHandler(ControlHandler):
    """GET /control/deliveries?subject=: callbacks with all their attempts, newest first."""

    async def get(self) -> None:
        """What was sent to the city, and what it answered."""
        subject = self.get_query_argument("subject", "")
        found = [d for d in self.world.state.deliveries.values() if not subject or d.subject == subject]
        self.reply({"items": [asdict(delivery) for delivery in found][::-1]})


class RequestPaymentHandler(ControlHandler):
    """POST /control/request-payment: wx.requestPayment or WeixinJSBridge; the paySign is checked.

    The body is what the city gave its client: timeStamp, nonceStr, package, signType, paySign, appId in a web
    page; with it `openid` or `phone` of the person holding the phone, and what `pay` takes.
    """

    async def post(self) -> None:
        """Pay, or fail in the client's words."""
        body = self.body()
        order = find_order(self.world, str(body.get("package") or ""))
        problem = self._problem(order, body)
        if problem:
            raise ControlError(400, f"requestPayment:fail {problem}")
        pay(self.world, order, body)
        self.reply({"errMsg": "requestPayment:ok", "out_trade_no": order.out_trade_no})

    def _problem(self, order: Order, body: dict[str, Any]) -> str:
        app_id = str(body.get("appId") or order.app_id)
        parts = (app_id, *(str(body.get(name) or "") for name in ("timeStamp", "nonceStr", "package")))
        message = "".join(f"{part}\n" for part in parts).encode()
        key = self.world.credentials.merchant_public_key
        if body.get("signType") != "RSA" or not all(
            isinstance(body.get(n), str) for n in ("timeStamp", "paySign")
        ):
            return "支付验证签名失败：timeStamp 和 paySign 应为字符串，signType 应为 RSA"
        if app_id != order.app_id or order.trade_type != "JSAPI":
            return "调用支付的应用与下单的应用不一致"
        if not str(body["package"]).startswith("prepay_id=") or not is_signed(key, message, body["paySign"]):
            return "支付验证签名失败"
        holder = self.world.people.user_of(body) if body.get("openid") or body.get("phone") else None
        if holder and order.openid not in (holder.mini_openid, holder.oa_openid):
            return "当前用户与下单用户不一致"
        return ""


def routes(world: World, notices: Notices) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The control paths about money."""
    given = {"world": world}
    return [
        (r"/control/orders", OrdersHandler, given),
        (r"/control/orders/([^/]+)/(pay|refuse|forge)", OrderActionHandler, given | {"notices": notices}),
        (r"/control/request-payment", RequestPaymentHandler, given),
        (r"/control/ledger", LedgerHandler, given),
        (r"/control/deliveries", DeliveriesHandler, given),
    ]
