"""What an accountant would ask: second words that differ, refunds that fail twice, what stays payable."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend import clock
from backend.billing.models import AttemptState, Order, OrderState, RefundCause, RefundProgress
from payment.ports import PaymentState, RefundState, RejectedError, RejectReason
from tests.backend.billing.till import FEE_FEN, NATIVE, Till, finance


async def differences(till: Till, kind: str) -> list[dict[str, object]]:
    found = till.db.collection("billing_differences").find({"kind": kind, "state": "open"})
    return await found.to_list(None)


async def paid_twice(till: Till) -> Order:
    """Paid by two numbers; the second's refund is due."""
    order = await till.open()
    first = (await till.start(order)).attempt.out_trade_no
    till.gateway.ledger.states[first] = PaymentState.CLOSED
    second = (await till.start(order, NATIVE)).attempt.out_trade_no
    till.gateway.ledger.states[first] = PaymentState.UNPAID
    for number in (first, second):
        till.gateway.pay(number)
        await till.notice(number)
    return order


async def refund_failed(till: Till, order: Order, code: str = "NOT_ENOUGH") -> Order:
    """What is due to go back is refused."""

    async def refused(refund: object) -> object:
        raise RejectedError(code, reason=RejectReason.NOT_ENOUGH_BALANCE)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(till.gateway, "refund", refused)
        await till.happen()
    return await till.order(order.id)


@pytest.mark.parametrize("lie", [{"amount_fen": 1}, {"channel_trade_id": "another"}, {"merchant_id": "2"}])
async def test_a_second_word_that_contradicts_the_first_changes_nothing_and_is_listed(
    till: Till, lie: dict[str, object]
):
    order = await till.paid()
    await till.notice(order.attempts[0].out_trade_no, **lie)
    await till.happen()
    after = await till.order(order.id)
    assert (after.state, after.paid_fen) == (OrderState.PAID, FEE_FEN)
    assert [entry["order_id"] for entry in await differences(till, "payment_mismatch")] == [order.id]


async def test_the_same_word_again_is_no_difference(till: Till):
    order = await till.paid()
    await till.notice(order.attempts[0].out_trade_no)
    await till.happen()
    assert await differences(till, "payment_mismatch") == []


async def test_a_refund_refused_again_after_somebody_has_seen_to_it_is_listed_again(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await refund_failed(till, order)
    (first,) = await differences(till, "refund_failed")
    await till.billing.resolve_difference(finance(), str(first["_id"]), "账户已充值")
    await till.billing.retry_refund(finance(), order.id, "账户已充值")
    after = await refund_failed(till, order)
    assert after.state is OrderState.REFUND_FAILED
    assert len(await differences(till, "refund_failed")) == 1


async def test_cancelling_after_the_second_payments_refund_failed_gives_back_both_once(till: Till):
    order = await paid_twice(till)
    await refund_failed(till, order)
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    after = await till.order(order.id)
    assert after.state is OrderState.REFUNDED
    causes = {(refund.cause, refund.state) for refund in after.refunds}
    assert (RefundCause.EXCESS, RefundProgress.REPLACED) in causes
    assert till.gateway.ledger.kept_fen == 0
    await till.assert_books_balance()


async def test_the_first_refund_that_a_person_settled_at_the_channel_counts_when_its_successor_was_refused(
    till: Till,
):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds(RefundState.ABNORMAL)
    await till.happen()
    await till.billing.retry_refund(finance(), order.id, "收款账户异常")
    # The channel gives nothing back a second time while the first refund is its own affair.
    assert (await refund_failed(till, order)).state is OrderState.REFUND_FAILED
    number = f"{order.attempts[0].out_trade_no}-R1"
    till.gateway.ledger.refund_states[number] = RefundState.SUCCEEDED
    await till.billing.receive_notice("memory", *till.gateway.refund_notice(number))
    await till.happen()
    after = await till.order(order.id)
    assert after.state is OrderState.REFUNDED
    assert [refund.state for refund in after.refunds] == [RefundProgress.SUCCEEDED, RefundProgress.REPLACED]
    assert await differences(till, "refund_twice") == []
    await till.assert_books_balance()


async def test_a_refund_that_went_through_beside_its_successor_is_one_too_many(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds(RefundState.CLOSED)
    await till.happen()
    await till.billing.retry_refund(finance(), order.id, "重新发起")
    await till.happen()
    number = f"{order.attempts[0].out_trade_no}-R1"
    till.gateway.ledger.refund_states[number] = RefundState.SUCCEEDED
    await till.billing.receive_notice("memory", *till.gateway.refund_notice(number))
    await till.happen()
    assert len(await differences(till, "refund_twice")) == 1


async def test_a_wrong_key_or_clock_of_ours_delays_refunds_and_fails_none(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    till.gateway.faults = [RejectedError("SIGN_ERROR", reason=RejectReason.MISCONFIGURED)]
    await till.happen(rounds=1)
    waiting = await till.order(order.id)
    assert (waiting.state, waiting.refunds[0].state) == (OrderState.REFUNDING, RefundProgress.ASKED)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED
    await till.assert_books_balance()


async def test_what_is_still_payable_is_closed_once_another_number_has_paid(till: Till):
    order = await till.open()
    first = (await till.start(order)).attempt.out_trade_no
    till.gateway.ledger.states[first] = PaymentState.CLOSED
    second = (await till.start(order, NATIVE)).attempt.out_trade_no
    till.gateway.ledger.states[first] = PaymentState.UNPAID
    till.gateway.pay(first)
    await till.notice(first)
    await till.happen()
    past = clock.now() - timedelta(seconds=1)
    await till.db.collection("orders").update_one({"_id": order.id}, {"$set": {"check_at": past}})
    await till.billing.query_unpaid()
    after = await till.order(order.id)
    assert (after.state, after.attempts[1].state) == (OrderState.PAID, AttemptState.CLOSED)
    assert after.check_at is None
    assert not till.gateway.pay(second)
