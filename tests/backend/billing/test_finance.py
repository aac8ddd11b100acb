"""What finance looks at: lists in pages, sums, one order beside the channel's books."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.billing import finance as finance_module
from backend.billing.finance_store import Sums
from backend.billing.models import AttemptState, OrderFilter, OrderState
from backend.errors import AppError, ErrorCode
from payment.ports import PaymentState, RefundState, RetryableError
from tests.backend.billing.till import FEE_FEN, Till, finance, resident


async def test_orders_of_a_period_are_listed_and_summed_up(till: Till):
    paid, unpaid = await till.paid(), await till.open()
    now = clock.now()
    today = OrderFilter(from_at=now - timedelta(hours=1), to_at=now + timedelta(hours=1))
    listed, _ = await till.billing.finance.list_orders(finance(), today)
    assert {order.id for order in listed} == {paid.id, unpaid.id}
    assert await till.billing.finance.sum_orders(finance("hospital-1"), today) == Sums(2, FEE_FEN, 0)
    before = replace(today, to_at=now - timedelta(minutes=30))
    assert (await till.billing.finance.list_orders(finance(), before))[0] == []
    assert await till.billing.finance.sum_orders(finance(), before) == Sums()


async def test_sums_know_what_went_back_and_keep_within_hospital_and_scope(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    mine = OrderFilter(organization_id="hospital-1")
    assert await till.billing.finance.sum_orders(finance(), mine) == Sums(1, FEE_FEN, FEE_FEN)
    assert await till.billing.finance.sum_orders(finance("hospital-2"), mine) == Sums()
    assert await till.billing.finance.sum_orders(finance(), OrderFilter(organization_id="other")) == Sums()


async def test_too_many_orders_are_not_summed_up(till: Till, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(finance_module, "MOST_ORDERS", 1)
    await till.open()
    assert await till.billing.finance.sum_orders(finance()) == Sums(1, 0, 0)
    await till.open()
    assert await till.billing.finance.sum_orders(finance()) is None


async def test_a_forged_cursor_is_refused(till: Till):
    for cursor in ("x", "99999999999999.R1", ".R1"):
        with pytest.raises(AppError) as refused:
            await till.billing.finance.list_orders(finance(), cursor=cursor)
        assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_differences_come_in_pages(till: Till):
    for _ in range(3):
        order = await till.paid()
        till.gateway.ledger.states[order.attempts[0].out_trade_no] = PaymentState.CLOSED
        await till.billing.finance.ask_channel(finance(), order.id)
    first, cursor = await till.billing.finance.list_differences(finance(), limit=2)
    rest, end = await till.billing.finance.list_differences(finance(), cursor=cursor, limit=2)
    assert len({entry.id for entry in (*first, *rest)}) == 3
    assert end is None


async def test_the_channel_agrees_about_a_paid_and_refunded_order(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    compared = await till.billing.finance.ask_channel(finance(), order.id)
    assert [(one.kind, one.here_fen, one.there_fen) for one in compared] == [
        ("payment", FEE_FEN, FEE_FEN),
        ("refund", FEE_FEN, FEE_FEN),
    ]
    assert all(one.agrees for one in compared)
    assert (await till.billing.finance.list_differences(finance()))[0] == []


async def test_asking_brings_the_news_of_a_payment_nobody_told_of(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    [one] = await till.billing.finance.ask_channel(finance(), order.id)
    assert one.agrees
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_money_that_the_channel_knows_nothing_of_comes_onto_the_list(till: Till):
    order = await till.paid()
    till.gateway.ledger.states[order.attempts[0].out_trade_no] = PaymentState.CLOSED
    [one] = await till.billing.finance.ask_channel(finance(), order.id)
    assert (one.agrees, one.here_fen, one.there_fen) == (False, FEE_FEN, 0)
    await till.billing.finance.ask_channel(finance(), order.id)
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert (difference.kind, difference.order_id) == ("payment_differs", order.id)
    assert (await till.order(order.id)).attempts[0].state is AttemptState.PAID


async def test_a_refund_that_the_channel_has_not_made_comes_onto_the_list(till: Till):
    order = await till.paid()
    await till.cancelled(order)
    await till.happen()
    till.gateway.finish_refunds()
    await till.happen()
    number = order.attempts[0].out_trade_no + "-R1"
    till.gateway.ledger.refund_states[number] = RefundState.PROCESSING
    compared = await till.billing.finance.ask_channel(finance(), order.id)
    assert [one.agrees for one in compared] == [True, False]
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert difference.kind == "refund_differs"


async def test_a_silent_channel_is_said_to_be_silent(till: Till):
    order = await till.paid()
    till.gateway.faults = [RetryableError("DOWN")]
    [one] = await till.billing.finance.ask_channel(finance(), order.id)
    assert (one.there_fen, one.error, one.agrees) == (None, "RetryableError", False)
    assert (await till.billing.finance.list_differences(finance()))[0] == []


async def test_many_orders_are_asked_about_at_once(till: Till):
    good, wrong = await till.paid(), await till.paid()
    till.gateway.ledger.states[wrong.attempts[0].out_trade_no] = PaymentState.CLOSED
    found = await till.billing.finance.ask_about(finance("hospital-1"))
    assert {(order.id, one.agrees) for order, one in found} == {(good.id, True), (wrong.id, False)}
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert difference.order_id == wrong.id
    assert await till.billing.finance.ask_about(finance("hospital-2")) == []
    with pytest.raises(AppError) as refused:
        await till.billing.finance.ask_about(resident())
    assert refused.value.code is ErrorCode.FORBIDDEN


async def test_only_those_who_may_refund_ask_the_channel_and_only_within_their_scope(till: Till):
    order = await till.paid()
    for actor, code in ((resident("resident-1"), ErrorCode.FORBIDDEN), (finance("h2"), ErrorCode.NOT_FOUND)):
        with pytest.raises(AppError) as refused:
            await till.billing.finance.ask_channel(actor, order.id)
        assert refused.value.code is code
    with pytest.raises(AppError) as refused:
        await till.billing.finance.export(resident(), OrderFilter())
    assert refused.value.code is ErrorCode.FORBIDDEN
