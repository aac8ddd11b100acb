"""Learning what became of a payment: notices, questions, the end of a hold."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.billing.models import AttemptState, OrderState
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.worker.events import EventKind, RetryLater
from payment.ports import (
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
)
from tests.backend.billing.till import FEE_FEN, Till, finance, resident


async def test_a_notice_makes_the_order_paid_and_announces_it_once(till: Till):
    order = await till.paid()
    assert order.state is OrderState.PAID
    assert order.paid_fen == FEE_FEN
    assert order.paid_at is not None
    assert order.check_at is None
    assert await till.kinds_of(order.id) == [EventKind.ORDER_PAID]
    await till.assert_books_balance()


async def test_a_notice_is_only_kept_at_first_and_acted_upon_later(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.notice(started.attempt.out_trade_no)
    assert (await till.order(order.id)).state is OrderState.PAYING
    assert [event.kind for event in await till.pending()] == [EventKind.PAYMENT_NOTICE_RECEIVED]


async def test_a_notice_that_comes_twice_is_kept_once(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    headers, body = till.gateway.payment_notice(started.attempt.out_trade_no)
    for _ in range(3):
        await till.billing.receive_notice("memory", headers, body)
    assert await till.db.collection("payment_notices").count_documents({}) == 1


async def test_two_notices_of_one_payment_make_one_payment(till: Till):
    order = await till.paid()
    await till.notice(order.attempts[0].out_trade_no)
    await till.happen()
    assert await till.kinds_of(order.id) == [EventKind.ORDER_PAID]


async def test_a_forged_notice_is_refused_and_not_kept(till: Till):
    order = await till.open()
    started = await till.start(order)
    headers, body = till.gateway.payment_notice(started.attempt.out_trade_no)
    with pytest.raises(AppError) as refused:
        await till.billing.receive_notice("memory", headers, body + b" ")
    assert refused.value.status == 401
    assert await till.db.collection("payment_notices").count_documents({}) == 0


async def test_a_notice_of_an_unknown_kind_is_kept_and_nothing_follows(till: Till):
    await till.billing.receive_notice("memory", *till.gateway.other_notice("COUPON.USE"))
    assert await till.pending() == []
    doc = await till.db.collection("payment_notices").find_one({})
    assert doc is not None
    assert doc["state"] == "ignored"


@pytest.mark.parametrize(
    "lie", [{"amount_fen": 1}, {"app_id": "wx-other"}, {"merchant_id": "1"}, {"currency": "USD"}]
)
async def test_a_payment_whose_facts_are_not_ours_is_not_believed(till: Till, lie: dict[str, object]):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.notice(started.attempt.out_trade_no, **lie)
    await till.happen()
    order = await till.order(order.id)
    assert order.state is OrderState.PAYING
    assert order.attempts[0].state is AttemptState.DISPUTED
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert (difference.kind, difference.order_id) == ("payment_mismatch", order.id)


async def test_a_disputed_payment_cannot_be_paid_again_and_its_hold_still_ends(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no, amount_fen=1)
    await till.notice(started.attempt.out_trade_no)
    await till.happen()
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.PAYMENT_UNKNOWN
    await till.hold_due(order)
    assert (await till.order(order.id)).state is OrderState.CLOSED


async def test_a_genuine_notice_about_nothing_of_ours_goes_on_the_list(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.notice(started.attempt.out_trade_no, out_trade_no="SOMEBODY-ELSE-01")
    await till.happen()
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert difference.kind == "notice_unexpected"


async def test_a_number_we_never_opened_goes_on_the_list(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.notice(started.attempt.out_trade_no, out_trade_no=f"{order.id}-77")
    await till.happen()
    [difference], _ = await till.billing.finance.list_differences(finance())
    assert difference.kind == "payment_unexpected"
    assert (await till.order(order.id)).state is OrderState.PAYING


async def test_the_channel_is_asked_when_no_notice_comes(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    assert await till.billing.query_unpaid() == 0
    await _make_check_due(till, order.id)
    assert await till.billing.query_unpaid() == 1
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_asking_in_vain_asks_again_later(till: Till):
    order = await till.open()
    await till.start(order)
    await _make_check_due(till, order.id)
    await till.billing.query_unpaid()
    check_at = (await till.order(order.id)).check_at
    assert check_at is not None
    assert check_at > clock.now()


async def test_a_channel_that_is_away_does_not_stop_the_other_questions(till: Till):
    orders = [await till.open() for _ in range(2)]
    for order in orders:
        started = await till.start(order)
        till.gateway.pay(started.attempt.out_trade_no)
        await _make_check_due(till, order.id)
    till.gateway.faults = [ThrottledError("FREQUENCY_LIMITED")]
    assert await till.billing.query_unpaid() == 2
    states = {(await till.order(order.id)).state for order in orders}
    assert states == {OrderState.PAID, OrderState.PAYING}


async def test_i_have_paid_asks_the_channel_now(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    after = await till.billing.refresh(resident("resident-1"), order.id)
    assert after.state is OrderState.PAID


async def test_a_hold_that_ends_unpaid_closes_its_order_here_and_there(till: Till):
    order = await till.open()
    started = await till.start(order)
    await till.hold_due(order)
    assert (await till.order(order.id)).state is OrderState.CLOSED
    assert await till.kinds_of(order.id) == [EventKind.ORDER_CLOSED]
    assert not till.gateway.pay(started.attempt.out_trade_no)


async def test_a_hold_that_ends_just_after_paying_is_paid(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.hold_due(order)
    assert await till.kinds_of(order.id) == [EventKind.ORDER_PAID]


async def test_a_hold_whose_payment_is_unknown_waits_for_the_answer(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.faults = [RetryableError("UNREACHABLE")]
    with pytest.raises(RetryLater):
        await till.hold_due(order)
    assert (await till.order(order.id)).state is OrderState.PAYING
    till.gateway.pay(started.attempt.out_trade_no)
    await till.hold_due(order)
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_a_payment_between_question_and_closing_counts(till: Till, monkeypatch: pytest.MonkeyPatch):
    order = await till.open()
    started = await till.start(order)
    number = started.attempt.out_trade_no
    ask = till.gateway.query

    async def ask_and_then_he_pays(out_trade_no: str):
        status = await ask(out_trade_no)
        till.gateway.pay(number)
        return status

    monkeypatch.setattr(till.gateway, "query", ask_and_then_he_pays)
    await till.hold_due(order)
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_a_hold_without_an_order_is_closed_and_stays_closed(till: Till):
    appointment = new_id()
    order_stub = type("Hold", (), {"appointment_id": appointment})()
    await till.hold_due(order_stub)
    with pytest.raises(AppError) as refused:
        await till.open_for(appointment)
    assert refused.value.code is ErrorCode.HOLD_EXPIRED
    found = await till.billing.order_of(appointment)
    assert found is not None
    assert await till.kinds_of(found.id) == [EventKind.ORDER_CLOSED]


async def test_a_closed_order_cannot_be_paid(till: Till):
    order = await till.open()
    await till.hold_due(order)
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.PAYMENT_NOT_DUE


async def test_an_order_closed_while_its_payment_is_being_opened_does_not_stay_payable(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    order = await till.open()
    create = till.gateway.create

    async def create_after_the_hold_ended(payment):
        await till.hold_due(order)
        return await create(payment)

    monkeypatch.setattr(till.gateway, "create", create_after_the_hold_ended)
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.PAYMENT_NOT_DUE
    number = (await till.order(order.id)).attempts[0].out_trade_no
    assert not till.gateway.pay(number)


async def test_two_writers_of_one_order_lose_nothing(till: Till):
    order = await till.open()
    started = await till.start(order)
    till.gateway.pay(started.attempt.out_trade_no)
    await till.notice(started.attempt.out_trade_no)
    await asyncio.gather(
        till.happen(), *(till.billing.refresh(resident("resident-1"), order.id) for _ in range(8))
    )
    assert await till.kinds_of(order.id) == [EventKind.ORDER_PAID]


async def test_reject_reasons_of_closing_other_than_paid_are_doubts(till: Till):
    order = await till.open()
    await till.start(order)
    till.gateway.faults = [None, RejectedError("USERPAYING", reason=RejectReason.OTHER)]
    with pytest.raises(RetryLater):
        await till.hold_due(order)


async def _make_check_due(till: Till, order_id: str) -> None:
    past = clock.now() - timedelta(seconds=1)
    await till.db.collection("orders").update_one({"_id": order_id}, {"$set": {"check_at": past}})
