"""The bank behind WeChat Pay: orders, payments, refunds, and a ledger in which every fen has two sides."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.agenda import Agenda
from sandbox.pay_wire import CHINA, PayError
from sandbox.state import Keeper, Order, Refund, new_token
from sandbox.switches import Switches

PREPAY_LIVES_S = 2 * 3600
MOST_REFUNDS = 50
MERCHANT, ON_ITS_WAY = "merchant", "refunding"


class PayerError(Exception):
    """What the payer's phone shows instead of a payment."""


def _digits(prefix: str, size: int) -> str:
    return prefix + "".join(str(secrets.randbelow(10)) for _ in range(size - len(prefix)))


class Bank:
    """Every rule about orders and money; it knows nothing of HTTP."""

    def __init__(self, keeper: Keeper, agenda: Agenda, switches: Switches) -> None:
        self._keeper = keeper
        self._agenda = agenda
        self._switches = switches
        self.on_paid: Callable[[Order, float], None] = lambda _order, _delay_s: None
        self.on_refunded: Callable[[Refund], None] = lambda _refund: None
        agenda.serve("pay", self._pay_later)
        agenda.serve("refund", self._settle_refund)

    @property
    def orders(self) -> dict[str, Order]:
        """Orders by the merchant's number."""
        return self._keeper.state.orders

    @property
    def refunds(self) -> dict[str, Refund]:
        """Refunds by the merchant's number."""
        return self._keeper.state.refunds

    # Orders

    def place(self, order: Order) -> Order:
        """Take an order, or recognise the same one asked again."""
        known = self.orders.get(order.out_trade_no)
        if known is None:
            self.orders[order.out_trade_no] = order
            self._keeper.changed()
            return order
        self._expire(known)
        if known.state in ("SUCCESS", "REFUND"):
            raise PayError("ORDER_PAID", "该订单已支付")
        if known.state == "CLOSED":
            raise PayError("ORDER_CLOSED", "该订单已关闭，请更换商户订单号")
        if known.trade_type != order.trade_type:
            raise PayError("OUT_TRADE_NO_USED", "201 商户订单号重复")
        if known.request != order.request:
            raise PayError(
                "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致，请检查参数后再试", errno="REENTRY"
            )
        return known

    def new_prepay_id(self) -> str:
        """`wx` + time + random: 36 characters."""
        stamp = datetime.fromtimestamp(self._keeper.clock(), CHINA).strftime("%Y%m%d%H%M%S")
        return f"wx{stamp}{secrets.token_hex(10)}"

    def get(self, out_trade_no: str) -> Order:
        """An order by the merchant's number, or WeChat's refusal."""
        order = self.orders.get(out_trade_no)
        if order is None:
            raise PayError("ORDER_NOT_EXIST", "订单不存在")
        self._expire(order)
        return order

    def find_transaction(self, transaction_id: str) -> Order:
        """An order by WeChat's number."""
        for order in self.orders.values():
            if transaction_id and order.transaction_id == transaction_id:
                return order
        raise PayError("ORDER_NOT_EXIST", "订单不存在")

    def find_prepay(self, text: str) -> Order | None:
        """An order by prepay_id, by code_url or by the merchant's number."""
        wanted = text.strip().removeprefix("prepay_id=")
        token = wanted.partition("pr=")[2]
        for order in self.orders.values():
            if wanted in (order.prepay_id, order.out_trade_no) or (token and order.code_token == token):
                self._expire(order)
                return order
        return None

    def close(self, order: Order) -> None:
        """Close an unpaid order; asking again changes nothing."""
        if order.state in ("SUCCESS", "REFUND"):
            raise PayError("ORDER_PAID", "该订单已支付")
        if order.state == "NOTPAY":
            self._close(order)

    def _close(self, order: Order) -> None:
        order.state, order.closed_at = "CLOSED", self._keeper.clock()
        self._keeper.changed()

    def _expire(self, order: Order) -> None:
        if order.state == "NOTPAY" and self._keeper.clock() >= order.expires_at:
            self._close(order)

    # Paying

    def pay(
        self, order: Order, *, openid: str = "", amount_fen: int | None = None, notify: bool = True,
        notice_delay_s: float = 0.0,
    ) -> None:  # fmt: skip
        """Move the payer's money to the merchant, or say what the phone would show."""
        self._check_payable(order)
        order.state, order.paid_at = "SUCCESS", self._keeper.clock()
        order.transaction_id = _digits("4200", 28)
        order.paid_fen = order.total_fen if amount_fen is None else amount_fen
        order.payer_openid = order.openid or openid or "o" + secrets.token_urlsafe(24)[:27]
        self._move("pay", f"payer:{order.payer_openid}", MERCHANT, order.paid_fen, order.out_trade_no)
        if notify:
            self.on_paid(order, notice_delay_s)

    def _check_payable(self, order: Order) -> None:
        self._expire(order)
        if order.state in ("SUCCESS", "REFUND"):
            raise PayerError("该订单已支付，请勿重复支付")
        if order.state == "CLOSED":
            raise PayerError("订单已关闭或已过期")
        if self._keeper.clock() - order.created_at > PREPAY_LIVES_S:
            raise PayerError("支付会话已过期，请重新下单")

    def pay_later(self, order: Order, delay_s: float, arguments: dict[str, Any]) -> None:
        """The payer takes a while; what is true of the order then decides."""
        self._agenda.after(delay_s, "pay", {"order": order.out_trade_no} | arguments, compressed=False)

    async def _pay_later(self, data: dict[str, Any]) -> None:
        order = self.orders.get(data.pop("order"))
        if order is None:
            return
        try:
            self.pay(order, **data)
        except PayerError as refusal:
            self.refuse(order, str(refusal))

    def refuse(self, order: Order, why: str) -> None:
        """The payer (or the bank) says no: the order stays unpaid."""
        order.refused.append(why)
        self._keeper.changed()

    # Refunds

    def refund(self, refund: Refund, order: Order) -> Refund:
        """Take a refund, or recognise the same one asked again."""
        known = self.refunds.get(refund.out_refund_no)
        if known is not None:
            if known.request != refund.request:
                raise PayError("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
            return known
        self._check_refundable(refund, order)
        refund.refund_id = _digits("503", 29)
        self.refunds[refund.out_refund_no] = refund
        order.state = "REFUND"
        self._move(
            "refund", MERCHANT, ON_ITS_WAY, refund.refund_fen, order.out_trade_no, refund.out_refund_no
        )
        self._agenda.after(
            self._switches.number("refund_delay_s"), "refund", {"refund": refund.out_refund_no}
        )
        return refund

    def _check_refundable(self, refund: Refund, order: Order) -> None:
        if order.state not in ("SUCCESS", "REFUND"):
            raise PayError("INVALID_REQUEST", "订单未支付，不能退款")
        if refund.total_fen not in (order.total_fen, order.paid_fen):
            raise PayError("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        left = order.paid_fen - self.refunded_of(order)
        if left == 0:
            raise PayError("INVALID_REQUEST", "订单已全额退款")
        if refund.refund_fen > left:
            raise PayError("INVALID_REQUEST", "申请退款金额大于订单可退金额")
        if len(self.refunds_of(order)) >= MOST_REFUNDS:
            raise PayError("INVALID_REQUEST", f"一笔订单最多退款{MOST_REFUNDS}次")

    def refunds_of(self, order: Order) -> list[Refund]:
        """All refunds of an order."""
        return [one for one in self.refunds.values() if one.out_trade_no == order.out_trade_no]

    def refunded_of(self, order: Order) -> int:
        """What went back or is on its way back, in fen."""
        return sum(one.refund_fen for one in self.refunds_of(order) if one.status != "CLOSED")

    async def _settle_refund(self, data: dict[str, Any]) -> None:
        refund = self.refunds.get(data["refund"])
        if refund is None or refund.status != "PROCESSING":
            return
        refund.status = self._switches.text("refund_result")
        refund.done_at = self._keeper.clock()
        order = self.orders[refund.out_trade_no]
        numbers = (refund.refund_fen, order.out_trade_no, refund.out_refund_no)
        if refund.status == "SUCCESS":
            self._move("refund_success", ON_ITS_WAY, f"payer:{order.payer_openid}", *numbers)
        elif refund.status == "CLOSED":
            self._move("refund_closed", ON_ITS_WAY, MERCHANT, *numbers)
        self._keeper.changed()
        self.on_refunded(refund)

    # The ledger

    def _move(
        self, kind: str, source: str, target: str, amount_fen: int, out_trade_no: str, out_refund_no: str = ""
    ) -> None:  # fmt: skip
        self._keeper.state.ledger.append(
            {
                "id": new_token(size=8),
                "at": self._keeper.clock(),
                "kind": kind,
                "from": source,
                "to": target,
                "amount_fen": amount_fen,
                "out_trade_no": out_trade_no,
                "out_refund_no": out_refund_no,
            }
        )
        self._keeper.changed()

    def balances(self) -> dict[str, int]:
        """What each account holds; payers start at nothing, so theirs show what they are out of pocket."""
        accounts: dict[str, int] = {}
        for entry in self._keeper.state.ledger:
            accounts[entry["from"]] = accounts.get(entry["from"], 0) - entry["amount_fen"]
            accounts[entry["to"]] = accounts.get(entry["to"], 0) + entry["amount_fen"]
        return accounts

    def totals(self) -> dict[str, int]:
        """The books: paid = merchant + refunding + refunded, and all accounts add up to nothing."""
        ledger, accounts = self._keeper.state.ledger, self.balances()
        by_kind = {
            kind: sum(e["amount_fen"] for e in ledger if e["kind"] == kind)
            for kind in ("pay", "refund_success")
        }
        return {
            "paid_fen": by_kind["pay"],
            "refunded_fen": by_kind["refund_success"],
            "refunding_fen": accounts.get(ON_ITS_WAY, 0),
            "merchant_fen": accounts.get(MERCHANT, 0),
            "payers_fen": sum(v for name, v in accounts.items() if name.startswith("payer:")),
            "sum_fen": sum(accounts.values()),
        }
