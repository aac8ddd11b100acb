"""Notices of WeChat Pay to the merchant: what they say, and how they misbehave when told to."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox import pay_wire
from sandbox.pay_wire import PayWire, dumps, iso
from sandbox.state import Delivery, Order, Refund
from sandbox.world import World

_REFUND_WORDS = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}
RECEIVED_BY = "支付用户零钱"
STATE_WORDS = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "CLOSED": "订单已关闭",
    "REFUND": "订单发生过退款，退款详情请查询退款单",
}


def transaction(order: Order, mch_id: str) -> dict[str, Any]:
    """An order as the query answers it and as its notice carries it."""
    paid = order.state in ("SUCCESS", "REFUND")
    amount: dict[str, Any] = {"total": order.paid_fen if paid else order.total_fen, "currency": "CNY"}
    body: dict[str, Any] = {
        "appid": order.app_id,
        "mchid": mch_id,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "trade_state_desc": STATE_WORDS[order.state],
        "attach": order.attach,
        "promotion_detail": [],
        "amount": amount,
    }
    if not paid:
        return body | ({"payer": {"openid": order.openid}} if order.openid else {})
    amount |= {"payer_total": order.paid_fen, "payer_currency": "CNY"}
    return body | {
        "transaction_id": order.transaction_id,
        "trade_type": order.trade_type,
        "bank_type": "OTHERS",
        "success_time": iso(order.paid_at),
        "payer": {"openid": order.payer_openid},
    }


def refund_notice(refund: Refund, mch_id: str) -> dict[str, Any]:
    """A refund as its notice carries it (other fields than the query's)."""
    body: dict[str, Any] = {
        "mchid": mch_id,
        "out_trade_no": refund.out_trade_no,
        "transaction_id": refund.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "user_received_account": RECEIVED_BY,
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
        },
    }
    return body | ({"success_time": iso(refund.done_at)} if refund.status == "SUCCESS" else {})


class Notices:
    """Writes notices and hands them to the courier."""

    def __init__(self, world: World, wire: PayWire) -> None:
        self._world = world
        self._pay = world.credentials.pay
        world.courier.sign_with("pay", wire.signed)
        world.courier.sign_with("forged", wire.signed_by_a_stranger)
        world.courier.sign_with("probe", wire.probing)
        world.bank.on_paid = self.paid
        world.bank.on_refunded = self.refunded

    def paid(self, order: Order, delay_s: float = 0.0) -> None:
        """Tell the merchant of a payment."""
        resource = transaction(order, self._pay["mch_id"])
        body = self._envelope("TRANSACTION.SUCCESS", "支付成功", resource, "transaction")
        self._send("TRANSACTION.SUCCESS", order.notify_url, body, order.out_trade_no, delay_s)

    def refunded(self, refund: Refund) -> None:
        """Tell the merchant how a refund ended."""
        event = f"REFUND.{refund.status}"
        resource = refund_notice(refund, self._pay["mch_id"])
        body = self._envelope(event, _REFUND_WORDS[refund.status], resource, "refund")
        if refund.notify_url:
            self._send(event, refund.notify_url, body, refund.out_refund_no, 0.0)

    def forge(self, order: Order, *, with_key: bool = False) -> Delivery:
        """A notice nobody at WeChat wrote: says paid, signed by a stranger and sealed with a wrong key."""
        lie = transaction(order, self._pay["mch_id"]) | {
            "trade_state": "SUCCESS",
            "transaction_id": order.transaction_id or "4200000000000000000000000000",
            "trade_type": order.trade_type,
            "success_time": iso(self._world.now()),
        }
        key = self._pay["api_v3_key"] if with_key else "0" * 32
        body = self._envelope("TRANSACTION.SUCCESS", "支付成功", lie, "transaction", key)
        return self._bait("forged", order.notify_url, body, order.out_trade_no)

    def _envelope(
        self, event: str, summary: str, resource: dict[str, Any], kind: str, key: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        sealed = pay_wire.seal(key or self._pay["api_v3_key"], dumps(resource).encode(), kind, kind)
        return {
            "id": str(uuid.uuid4()),
            "create_time": iso(self._world.now()),
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": summary,
            "resource": sealed,
        }

    def _send(self, event: str, url: str, body: dict[str, Any], subject: str, delay_s: float) -> None:
        switches, number = self._world.switches, self._world.state.count("notices")
        if switches.on("forge_notice"):
            stranger = self._envelope(event, "支付成功", {"out_trade_no": subject}, "transaction", "0" * 32)
            self._bait("forged", url, stranger, subject)
        every = switches.number("signtest_every")
        if every and number % every == 1 % every:
            self._bait("probe", url, body, subject)
        if switches.on("reorder_notices") and number % 2:
            delay_s += 3
        for copy in range(2 if switches.on("duplicate_notices") else 1):
            delivery_id = body["id"] + (f"#{copy + 1}" if copy else "")
            self._world.courier.send(self._delivery(delivery_id, event, url, body, "pay", subject), delay_s)

    def _bait(self, signer: str, url: str, body: dict[str, Any], subject: str) -> Delivery:
        delivery_id = f"{body['id']}#{signer}{self._world.state.count('baits')}"
        delivery = self._delivery(delivery_id, signer.upper(), url, body, signer, subject)
        delivery.expect_refusal = True
        self._world.courier.send(delivery)
        return delivery

    def _delivery(
        self, delivery_id: str, event: str, url: str, body: dict[str, Any], signer: str, subject: str
    ) -> Delivery:  # fmt: skip
        return Delivery(
            id=delivery_id,
            service="pay",
            event=event,
            url=url,
            body=dumps(body),
            created_at=self._world.now(),
            signer=signer,
            subject=subject,
        )
