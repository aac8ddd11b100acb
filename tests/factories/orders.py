"""Orders in the states that a test needs, written as billing itself would write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.billing.models import (
    Attempt,
    AttemptState,
    Order,
    OrderState,
    Refund,
    RefundCause,
    RefundProgress,
    out_refund_no_of,
    out_trade_no_of,
)
from backend.billing.store import OrderStore
from backend.billing.transitions import Change
from backend.bootstrap import Services
from backend.slotpool.claims_models import Claim
from payment.ports import PaymentMethod


async def make_order(
    services: Services, claim: Claim, amount_fen: int = 2500, *, refund: RefundProgress | None = None
) -> Order:
    """A paid order of an appointment, with a refund in the given state."""
    now = clock.now()
    order = await services.billing.open_order(
        appointment_id=claim.id,
        resident_id=claim.resident_id,
        organization_id=claim.organization_id,
        amount_fen=amount_fen,
        description="预约挂号费",
        expires_at=now + timedelta(minutes=10),
    )
    trade = out_trade_no_of(order.id, 1)
    attempt = Attempt(
        number=1, out_trade_no=trade, method=PaymentMethod.WECHAT_MINI, channel="wechat_pay", app_id="wx",
        payer="payer", amount_fen=amount_fen, expires_at=order.expires_at, state=AttemptState.PAID,
        created_at=now, channel_trade_id="4200000001", paid_fen=amount_fen, paid_at=now,
    )  # fmt: skip
    refunds = () if refund is None else (_refund(trade, amount_fen, refund),)
    paid = replace(order, state=_state(refund), attempts=(attempt,), refunds=refunds, paid_at=now)
    after = await OrderStore(services.db).apply(order.id, lambda _: Change(paid))
    assert after is not None
    return after


def _refund(trade: str, amount_fen: int, state: RefundProgress) -> Refund:
    now = clock.now()
    failed = state is RefundProgress.FAILED
    return Refund(
        out_refund_no=out_refund_no_of(trade, 1), out_trade_no=trade, amount_fen=amount_fen,
        cause=RefundCause.CANCELLED, reason="预约已取消", state=state, created_at=now,
        last_error="NOT_ENOUGH" if failed else "", done_at=now,
    )  # fmt: skip


def _state(refund: RefundProgress | None) -> OrderState:
    return {
        None: OrderState.PAID,
        RefundProgress.SUCCEEDED: OrderState.REFUNDED,
        RefundProgress.FAILED: OrderState.REFUND_FAILED,
    }.get(refund, OrderState.REFUNDING)
