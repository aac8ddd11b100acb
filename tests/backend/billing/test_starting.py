"""Opening an order and starting a payment."""

from datetime import timedelta

import pytest

from backend import clock
from backend.billing.models import AttemptState, OrderState
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from payment.ports import (
    PaymentMethod,
    RejectedError,
    RetryableError,
    UnknownResultError,
)
from tests.backend.billing.till import FEE_FEN, MINI, NATIVE, Till, resident


async def test_opening_an_order_twice_opens_one(till: Till):
    appointment = new_id()
    first = await till.open_for(appointment)
    assert await till.open_for(appointment) == first
    assert first.state is OrderState.CREATED
    assert [leg.amount_fen for leg in first.legs] == [FEE_FEN]


async def test_a_payment_is_recorded_before_the_channel_hears_of_it(till: Till):
    order = await till.open()
    till.gateway.faults = [RetryableError("UNREACHABLE")]
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert [a.state for a in (await till.order(order.id)).attempts] == [AttemptState.OPEN]


async def test_starting_again_gives_the_same_number(till: Till):
    order = await till.open()
    numbers = {(await till.start(order)).attempt.out_trade_no for _ in range(3)}
    assert len(numbers) == 1


async def test_starting_again_after_a_lost_answer_gives_the_same_number(till: Till):
    order = await till.open()
    till.gateway.faults = ["after"]
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert (await till.start(order)).attempt.number == 1


async def test_changing_the_method_closes_the_first_number_before_a_second_is_opened(till: Till):
    order = await till.open()
    first = (await till.start(order, MINI)).attempt.out_trade_no
    second = (await till.start(order, NATIVE)).attempt.out_trade_no
    assert first != second
    assert not till.gateway.pay(first)
    assert till.gateway.pay(second)


async def test_another_payer_of_the_same_order_gets_a_number_of_his_own(till: Till):
    order = await till.open()
    first = (await till.start(order, MINI, "o-father")).attempt.out_trade_no
    second = (await till.start(order, MINI, "o-mother")).attempt.out_trade_no
    assert first != second


async def test_a_paid_first_number_is_noticed_when_the_method_changes(till: Till):
    order = await till.open()
    first = await till.start(order, MINI)
    till.gateway.pay(first.attempt.out_trade_no)
    with pytest.raises(AppError) as refused:
        await till.start(order, NATIVE)
    assert refused.value.code is ErrorCode.PAYMENT_NOT_DUE
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_no_second_number_is_opened_while_the_firsts_fate_is_unknown(till: Till):
    order = await till.open()
    await till.start(order, MINI)
    till.gateway.faults = [None, UnknownResultError("LOST")]
    with pytest.raises(AppError) as refused:
        await till.start(order, NATIVE)
    assert refused.value.code is ErrorCode.PAYMENT_UNKNOWN
    assert len((await till.order(order.id)).attempts) == 1


async def test_a_number_the_channel_has_closed_is_replaced(till: Till):
    order = await till.open()
    first = await till.start(order)
    await till.gateway.close(first.attempt.out_trade_no)
    again = await till.start(order)
    assert again.attempt.number == 2


async def test_a_refused_payment_says_so_and_the_next_try_is_fresh(till: Till):
    order = await till.open()
    till.gateway.faults = [RejectedError("RULE_LIMIT")]
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.PAYMENT_REFUSED
    assert (await till.start(order)).attempt.number == 2


async def test_a_payment_found_paid_while_opening_is_not_opened_again(till: Till):
    order = await till.open()
    first = await till.start(order)
    till.gateway.pay(first.attempt.out_trade_no)
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.PAYMENT_NOT_DUE
    assert (await till.order(order.id)).state is OrderState.PAID


async def test_somebody_elses_order_does_not_exist(till: Till):
    order = await till.open(payer=resident("mine"))
    with pytest.raises(AppError) as refused:
        await till.billing.start_payment(resident("other"), order.id, MINI, "o-1")
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_paying_in_wechat_needs_to_know_the_payer(till: Till):
    order = await till.open()
    with pytest.raises(AppError) as refused:
        await till.billing.start_payment(resident("resident-1"), order.id, MINI, None)
    assert refused.value.code is ErrorCode.PAYMENT_METHOD_UNAVAILABLE


async def test_a_method_no_channel_serves_is_unavailable(till: Till):
    till.gateway.methods = frozenset({NATIVE})
    from backend.billing.gateways import Gateways

    with pytest.raises(AppError) as refused:
        Gateways([till.gateway]).for_method(PaymentMethod.WECHAT_JSAPI)
    assert refused.value.code is ErrorCode.PAYMENT_METHOD_UNAVAILABLE


async def test_an_expired_order_cannot_be_paid(till: Till):
    order = await till.open(expires_in=timedelta(seconds=-1))
    with pytest.raises(AppError) as refused:
        await till.start(order)
    assert refused.value.code is ErrorCode.HOLD_EXPIRED


async def test_the_channel_is_told_until_when_and_never_less_than_it_accepts(till: Till):
    soon = await till.open(expires_in=timedelta(seconds=20))
    later = await till.open(expires_in=timedelta(minutes=9))
    assert (await till.start(soon)).attempt.expires_at > clock.now() + timedelta(seconds=60)
    assert (await till.start(later)).attempt.expires_at == later.expires_at


async def test_no_openid_is_kept_in_the_books(till: Till):
    order = await till.open()
    await till.start(order, MINI, "o-a-very-personal-openid")
    doc = await till.db.collection("orders").find_one({"_id": order.id})
    assert "o-a-very-personal-openid" not in repr(doc)
