"""Giving money back: never more than came in, never twice, never forgotten."""

import pytest

from backend.billing.models import OrderFilter, OrderState, RefundCause, RefundProgress
from backend.errors import AppError, ErrorCode
from backend.worker.events import Event, EventKind, RetryLater
from payment.ports import (
    RefundState,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)
from tests.backend.billing.till import FEE_FEN, NATIVE, Till, finance, resident


async def _refund_events(till: Till) -> list[Event]:
    return [event for event in await till.pending() if event.kind is EventKind.REFUND_DUE]


async def test_a_cancelled_appointment_is_refunded_in_full(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    order = await till.order(order.id)
    assert order.state is OrderState.REFUNDED
    assert order.refunded_fen == FEE_FEN
    assert order.refunded_at is not None
    assert till.gateway.ledger.kept_fen == 0
    kinds = await till.kinds_of(order.id)
    assert kinds == [EventKind.ORDER_PAID, EventKind.REFUND_DUE, EventKind.REFUND_SUCCEEDED]
    await till.assert_books_balance()


async def test_cancelling_twice_refunds_once(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.cancelled(order)
    await till.billing.request_refund(order.id, "again")
    assert len((await till.order(order.id)).refunds) == 1


async def test_an_unpaid_order_is_not_refunded(till: Till):
    order = await till.open()
    assert (await till.billing.request_refund(order.id, "why not")).state is OrderState.CREATED


async def test_an_appointment_stopped_while_being_paid_closes_the_payment(till: Till):
    order = await till.open()
    started = await till.start(order)
    await till.cancelled(order)
    assert (await till.order(order.id)).state is OrderState.CLOSED
    assert not till.gateway.pay(started.attempt.out_trade_no)


async def test_an_appointment_stopped_just_after_paying_is_refunded(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.cancelled(order)
    assert (await till.order(order.id)).state is OrderState.REFUNDING


async def test_an_appointment_without_an_order_has_nothing_to_refund(till: Till):
    data = {"appointment_id": "free-of-charge"}
    await till.billing.on_appointment_ended(Event(EventKind.APPOINTMENT_CANCELLED, data))
    assert await till.db.collection("orders").count_documents({}) == 0


async def test_a_late_payment_on_a_closed_order_goes_back_by_itself(till: Till):
    order = await till.open()
    started = await till.start(order)
    number = started.attempt.out_trade_no
    headers_and_body = None
    till.gateway.pay(number)
    headers_and_body = till.gateway.payment_notice(number)
    till.gateway.faults = []
    # The channel had not known of it when the hold ended.
    till.gateway.ledger.states[number] = type(till.gateway.ledger.states[number]).UNPAID
    await till.hold_due(order)
    till.gateway.ledger.states[number] = type(till.gateway.ledger.states[number]).PAID
    assert (await till.order(order.id)).state is OrderState.CLOSED
    await till.billing.receive_notice("memory", *headers_and_body)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    order = await till.order(order.id)
    assert order.state is OrderState.REFUNDED
    assert order.refunds[0].cause is RefundCause.LATE
    assert EventKind.ORDER_PAID not in await till.kinds_of(order.id)
    assert till.gateway.ledger.kept_fen == 0
    await till.assert_books_balance()


async def test_paid_by_two_numbers_the_second_goes_back_and_the_first_serves(till: Till):
    order = await till.open()
    first = (await till.start(order)).attempt.out_trade_no
    till.gateway.pay(first)
    # The channel hid the first payment while the method was changed.
    paid = till.gateway.ledger.states[first]
    till.gateway.ledger.states[first] = type(paid).CLOSED
    second = (await till.start(order, NATIVE)).attempt.out_trade_no
    till.gateway.ledger.states[first] = paid
    till.gateway.pay(second)
    await till.notice(first)
    await till.notice(second)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    order = await till.order(order.id)
    assert order.state is OrderState.PAID
    assert [refund.cause for refund in order.refunds] == [RefundCause.EXCESS]
    assert till.gateway.ledger.kept_fen == FEE_FEN
    await till.assert_books_balance()


async def test_a_refund_whose_answer_is_lost_is_asked_about_before_it_is_repeated(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    (event,) = await _refund_events(till)
    till.gateway.faults = ["after"]
    till.gateway.calls.clear()
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    assert [call for call, _ in till.gateway.calls] == ["refund", "query_refund"]
    till.gateway.finish_refunds()
    await till.billing.on_refund_due(event)
    assert (await till.order(order.id)).state is OrderState.REFUNDED


async def test_a_refund_the_channel_never_heard_of_is_asked_for_again(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    (event,) = await _refund_events(till)
    till.gateway.faults = [UnknownResultError("LOST")]
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    assert len(till.gateway.ledger.refunds) == 1


@pytest.mark.parametrize("error", [RetryableError("UNREACHABLE"), ThrottledError("FREQUENCY_LIMITED")])
async def test_a_channel_that_is_away_is_asked_later(till: Till, error: Exception):
    order = await till.paid()
    await till.cancelled(order)
    (event,) = await _refund_events(till)
    till.gateway.faults = [error]
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    refund = (await till.order(order.id)).refunds[0]
    assert (refund.state, refund.tries) == (RefundProgress.ASKED, 1)


async def test_a_notice_finishes_a_refund_before_it_is_asked_about(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    number = (await till.order(order.id)).refunds[0].out_refund_no
    till.gateway.finish_refunds()
    headers, body = till.gateway.refund_notice(number)
    for _ in range(2):
        await till.billing.receive_notice("memory", headers, body)
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED
    assert (await till.kinds_of(order.id)).count(EventKind.REFUND_SUCCEEDED) == 1


async def test_a_notice_of_success_before_our_own_answer_is_believed(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    (event,) = await _refund_events(till)
    till.gateway.faults = ["after"]
    with pytest.raises(RetryLater):
        await till.billing.on_refund_due(event)
    till.gateway.finish_refunds()
    number = (await till.order(order.id)).refunds[0].out_refund_no
    await till.billing.receive_notice("memory", *till.gateway.refund_notice(number))
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED


async def test_an_empty_purse_fails_the_refund_and_puts_it_on_the_list(till: Till):
    order = await _failed(till, "NOT_ENOUGH")
    assert order.state is OrderState.REFUND_FAILED
    assert EventKind.REFUND_FAILED in await till.kinds_of(order.id)
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert (difference.kind, difference.found) == ("refund_failed", {"code": "NOT_ENOUGH"})


async def test_staff_may_ask_again_under_the_same_number_when_the_channel_never_took_it(till: Till):
    order = await _failed(till, "NOT_ENOUGH")
    number = order.refunds[0].out_refund_no
    after = await till.billing.retry_refund(finance("hospital-1"), order.id, "账户已充值")
    assert [refund.out_refund_no for refund in after.refunds] == [number]
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED
    await till.assert_books_balance()


@pytest.mark.parametrize("end", [RefundState.CLOSED, RefundState.ABNORMAL])
async def test_a_refund_that_ended_badly_at_the_channel_fails(till: Till, end: RefundState):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds(end)
    await till.happen()
    order = await till.order(order.id)
    assert (order.state, order.refunds[0].state) == (OrderState.REFUND_FAILED, RefundProgress.FAILED)


async def test_a_refund_the_channel_gave_up_goes_on_under_a_new_number(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds(RefundState.CLOSED)
    await till.happen()
    after = await till.billing.retry_refund(finance(), order.id, "重新发起")
    assert [refund.state for refund in after.refunds] == [RefundProgress.REPLACED, RefundProgress.DUE]
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED
    assert till.gateway.ledger.kept_fen == 0
    await till.assert_books_balance()


async def test_an_abnormal_refund_that_a_person_settled_at_the_channel_is_believed(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds(RefundState.ABNORMAL)
    await till.happen()
    number = order.attempts[0].out_trade_no + "-R1"
    till.gateway.ledger.refund_states[number] = RefundState.SUCCEEDED
    await till.billing.receive_notice("memory", *till.gateway.refund_notice(number))
    await till.happen()
    assert (await till.order(order.id)).state is OrderState.REFUNDED


async def test_retrying_without_a_failure_is_refused(till: Till):
    order = await till.paid()
    with pytest.raises(AppError) as refused:
        await till.billing.retry_refund(finance(), order.id, "为什么不")
    assert refused.value.code is ErrorCode.REFUND_REFUSED


async def test_retrying_needs_the_permission_a_reason_and_the_scope(till: Till):
    order = await _failed(till, "NOT_ENOUGH")
    attempts = [
        (resident("resident-1"), "原因", ErrorCode.FORBIDDEN),
        (finance(), "  ", ErrorCode.REASON_REQUIRED),
        (finance("hospital-2"), "原因", ErrorCode.NOT_FOUND),
    ]
    for actor, reason, code in attempts:
        with pytest.raises(AppError) as refused:
            await till.billing.retry_refund(actor, order.id, reason)
        assert refused.value.code is code


async def test_the_payer_never_reads_our_internal_reason(till: Till):
    order = await till.paid()
    await till.billing.request_refund(order.id, "appointment is stopped by Dr. X")
    await till.happen()
    (refund,) = till.gateway.ledger.refunds.values()
    assert "Dr. X" not in refund.reason
    assert "退回" in refund.reason


async def test_a_refund_of_another_merchant_is_a_strangers(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    number = order.attempts[0].out_trade_no + "-R1"
    till.gateway.finish_refunds()
    till.gateway.merchant_id = "another"
    notice = till.gateway.refund_notice(number)
    till.gateway.merchant_id = "1600000000"
    await till.billing.receive_notice("memory", *notice)
    for event in await till.pending():
        if event.kind is EventKind.PAYMENT_NOTICE_RECEIVED:
            await till.handle(event)
    assert (await till.order(order.id)).state is OrderState.REFUNDING
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert difference.kind == "notice_unexpected"


async def test_a_difference_leaves_the_list_with_a_name_and_a_reason(till: Till):
    await _failed(till, "NOT_ENOUGH")
    [difference], _ = await till.billing.finance.list_differences(finance("hospital-1"))
    assert (await till.billing.finance.list_differences(finance("hospital-2")))[0] == []
    await till.billing.resolve_difference(finance("hospital-1"), difference.id, "已线下退款")
    assert (await till.billing.finance.list_differences(finance()))[0] == []
    with pytest.raises(AppError):
        await till.billing.resolve_difference(finance(), difference.id, "再来一次")


async def test_orders_are_listed_within_scope_page_by_page(till: Till):
    orders = sorted([(await till.open()).id for _ in range(5)], reverse=True)
    first, cursor = await till.billing.finance.list_orders(finance("hospital-1"), limit=3)
    rest, end = await till.billing.finance.list_orders(finance("hospital-1"), cursor=cursor, limit=3)
    assert [order.id for order in (*first, *rest)] == orders
    assert end is None
    assert await till.billing.finance.list_orders(finance("hospital-2")) == ([], None)
    paid = await till.billing.finance.list_orders(finance(), OrderFilter(states=(OrderState.PAID,)))
    assert paid == ([], None)


async def _failed(till: Till, code: str):
    order = await till.paid()
    await till.cancelled(order)
    till.gateway.faults = [RejectedError(code, reason=RejectReason.NOT_ENOUGH_BALANCE)]
    await till.happen()
    return await till.order(order.id)
