"""By the clock, orders are held beside the channel's book; what differs is on the list within a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backend import clock
from backend.billing.comparing import BATCH, COMPARED_FOR, REFUND_TAKES
from backend.billing.models import AttemptState, Order, OrderState
from payment.ports import NewRefund, PaymentState, RefundState, RetryableError
from tests.backend.billing.till import FEE_FEN, Till, finance


async def later(till: Till, order: Order, by: timedelta = timedelta(hours=2)) -> dict[str, Any]:
    """So much time passes for an order, and its comparison; the document afterwards."""
    orders = till.db.collection("orders")
    doc = await orders.find_one({"_id": order.id})
    assert doc is not None
    shifted = {name: doc[name] - by for name in ("created_at", "updated_at", "compare_at") if doc.get(name)}
    shifted["refunds"] = [{**each, "created_at": each["created_at"] - by} for each in doc["refunds"]]
    await orders.update_one({"_id": order.id}, {"$set": shifted})
    await till.billing.compare_books()
    after = await orders.find_one({"_id": order.id})
    assert after is not None
    return after


async def kinds(till: Till) -> list[str]:
    """What is on the list."""
    return [entry.kind for entry in (await till.billing.finance.list_differences(finance()))[0]]


async def test_what_agrees_is_not_listed_and_is_compared_daily_for_some_days(till: Till):
    order = await till.paid()
    assert await till.billing.compare_books() == 0
    doc = await later(till, order)
    assert await kinds(till) == []
    assert doc["compare_at"] > clock.now() + timedelta(hours=23)
    doc = await later(till, order, COMPARED_FOR)
    assert doc["compare_at"] is None
    assert await till.billing.compare_books() == 0


async def test_an_order_that_nobody_ever_paid_for_is_not_asked_about(till: Till):
    order = await till.open()
    await till.hold_due(order)
    assert (await later(till, order)).get("compare_at") is None
    assert till.gateway.calls == []


async def test_a_payment_that_the_channel_no_longer_knows_is_listed_once(till: Till):
    order = await till.paid()
    till.gateway.ledger.states[order.attempts[0].out_trade_no] = PaymentState.CLOSED
    await later(till, order)
    await later(till, order, timedelta(days=1))
    [entry], _ = await till.billing.finance.list_differences(finance("hospital-1"))
    assert (entry.kind, entry.expected, entry.found["amount_fen"]) == (
        "payment_differs",
        {"amount_fen": FEE_FEN},
        0,
    )


async def test_what_a_person_has_seen_to_does_not_come_back(till: Till):
    order = await till.paid()
    till.gateway.ledger.states[order.attempts[0].out_trade_no] = PaymentState.CLOSED
    await later(till, order)
    [entry], _ = await till.billing.finance.list_differences(finance())
    await till.billing.resolve_difference(finance(), entry.id, "渠道已更正")
    await later(till, order, timedelta(days=1))
    assert await kinds(till) == []


async def test_money_given_back_at_the_channels_own_counter_is_listed(till: Till):
    order = await till.paid()
    number = order.attempts[0].out_trade_no
    await till.gateway.refund(NewRefund("BY-HAND", number, FEE_FEN, FEE_FEN))
    await later(till, order)
    assert await kinds(till) == ["refund_unexpected"]


async def test_a_payment_found_by_comparing_counts(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await later(till, order)
    after = await till.order(order.id)
    assert (after.state, after.attempts[0].state) == (OrderState.PAID, AttemptState.PAID)
    assert await kinds(till) == []


async def test_a_refund_that_takes_too_long_is_listed_and_still_followed(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen(rounds=1)
    doc = await later(till, order, REFUND_TAKES + timedelta(days=2))
    assert await kinds(till) == ["refund_overdue"]
    assert doc["compare_at"] is not None
    till.gateway.finish_refunds(RefundState.SUCCEEDED)
    await later(till, order, timedelta(days=1))
    assert (await till.order(order.id)).state is OrderState.REFUNDED


async def test_an_order_that_contradicts_itself_is_listed(till: Till):
    order = await till.paid()
    await till.db.collection("orders").update_one({"_id": order.id}, {"$set": {"state": "closed"}})
    await later(till, order)
    assert await kinds(till) == ["order_inconsistent"]


async def test_a_silent_channel_is_asked_again_within_the_hour(till: Till):
    order = await till.paid()
    till.gateway.faults = [RetryableError("DOWN")]
    doc = await later(till, order)
    assert await kinds(till) == []
    assert clock.now() < doc["compare_at"] <= clock.now() + timedelta(hours=1)


async def test_one_that_cannot_be_compared_does_not_stop_the_others(till: Till):
    first, second = await till.paid(), await till.paid()
    channel = {"attempts.0.channel": "a channel of the past"}
    await till.db.collection("orders").update_one({"_id": first.id}, {"$set": channel})
    number = second.attempts[0].out_trade_no
    till.gateway.ledger.states[number] = PaymentState.CLOSED
    past = {"compare_at": clock.now() - timedelta(minutes=1)}
    await till.db.collection("orders").update_many({}, {"$set": past})
    assert await till.billing.compare_books() == 2 < BATCH
    assert await kinds(till) == ["payment_differs"]
