"""What every payment channel must do: one class of tests, run against each adapter."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

import pytest

from backend.ids import new_id
from payment.ports import (
    DuplicateRequestError,
    InvalidNoticeError,
    NewPayment,
    NewRefund,
    NoticeKind,
    PaymentGateway,
    PaymentMethod,
    PaymentState,
    RefundState,
    RejectedError,
    RejectReason,
)
from tests.support.polling import poll

Raw = tuple[Mapping[str, str], bytes]


class World(Protocol):
    """What a test does on the payer's and the bank's side."""

    @property
    def gateway(self) -> PaymentGateway:
        """The channel as our adapter shows it."""

    async def payer(self, method: PaymentMethod) -> str:
        """Somebody who can pay."""

    async def pay(self, out_trade_no: str) -> None:
        """He pays."""

    async def settle_refunds(self) -> None:
        """The bank does what it was asked."""

    async def payment_notice(self, out_trade_no: str) -> Raw:
        """The notice of a payment."""

    async def refund_notice(self, out_refund_no: str) -> Raw:
        """The notice of a refund."""


class PaymentGatewayContract:
    """Subclasses bring a `world` fixture."""

    async def opened(
        self, world: World, method: PaymentMethod = PaymentMethod.WECHAT_MINI, amount_fen: int = 1500
    ) -> NewPayment:
        payment = NewPayment(
            out_trade_no=f"R{new_id()}-01",
            method=method,
            amount_fen=amount_fen,
            description="预约挂号费",
            expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10),
            payer_id=await world.payer(method) if method.needs_payer else None,
        )
        await world.gateway.create(payment)
        return payment

    async def paid(self, world: World, amount_fen: int = 1500) -> NewPayment:
        payment = await self.opened(world, amount_fen=amount_fen)
        await world.pay(payment.out_trade_no)
        return payment

    def refund_of(self, payment: NewPayment, fen: int | None = None, number: int = 1) -> NewRefund:
        refund_fen = payment.amount_fen if fen is None else fen
        number_text = f"{payment.out_trade_no}-R{number}"
        return NewRefund(number_text, payment.out_trade_no, refund_fen, payment.amount_fen, "预约已取消")

    @pytest.mark.parametrize("method", [PaymentMethod.WECHAT_MINI, PaymentMethod.WECHAT_JSAPI])
    async def test_a_payment_in_wechat_gets_signed_parameters(self, world: World, method: PaymentMethod):
        payment = await self.opened(world, method)
        start = await world.gateway.create(payment)
        assert start.params is not None
        names = {"timeStamp", "nonceStr", "package", "signType", "paySign"}
        assert set(start.params) == (names | {"appId"} if method is PaymentMethod.WECHAT_JSAPI else names)
        assert start.params["package"].startswith("prepay_id=")
        assert start.code_url is None

    async def test_a_native_payment_gets_the_text_of_a_qr_code(self, world: World):
        start = await world.gateway.create(await self.opened(world, PaymentMethod.WECHAT_NATIVE))
        assert start.code_url is not None
        assert start.code_url.startswith("weixin://")
        assert start.params is None

    async def test_opening_again_with_other_content_is_refused_as_a_duplicate(self, world: World):
        payment = await self.opened(world)
        with pytest.raises(DuplicateRequestError):
            await world.gateway.create(replace(payment, amount_fen=payment.amount_fen + 1))

    async def test_an_unpaid_payment_says_so(self, world: World):
        payment = await self.opened(world)
        assert (await world.gateway.query(payment.out_trade_no)).state is PaymentState.UNPAID

    async def test_a_number_never_used_is_absent_and_no_error(self, world: World):
        assert (await world.gateway.query(f"R{new_id()}-01")).state is PaymentState.ABSENT

    async def test_a_paid_payment_carries_every_fact_that_is_compared(self, world: World):
        payment = await self.paid(world)
        status = await world.gateway.query(payment.out_trade_no)
        assert status.state is PaymentState.PAID
        assert status.amount_fen == payment.amount_fen
        assert status.currency == "CNY"
        assert status.merchant_id == world.gateway.merchant_id
        assert status.app_id == world.gateway.app_id(payment.method)
        assert status.channel_trade_id
        assert status.paid_at is not None
        assert abs(datetime.now(UTC) - status.paid_at) < timedelta(minutes=1)

    async def test_a_closed_payment_is_closed_and_closing_again_is_harmless(self, world: World):
        payment = await self.opened(world)
        await world.gateway.close(payment.out_trade_no)
        await world.gateway.close(payment.out_trade_no)
        assert (await world.gateway.query(payment.out_trade_no)).state is PaymentState.CLOSED

    async def test_a_closed_number_cannot_be_opened_again(self, world: World):
        payment = await self.opened(world)
        await world.gateway.close(payment.out_trade_no)
        with pytest.raises(RejectedError) as refused:
            await world.gateway.create(payment)
        assert refused.value.reason is RejectReason.CLOSED

    async def test_a_paid_payment_cannot_be_closed(self, world: World):
        payment = await self.paid(world)
        with pytest.raises(RejectedError) as refused:
            await world.gateway.close(payment.out_trade_no)
        assert refused.value.reason is RejectReason.ALREADY_PAID

    async def test_a_paid_number_cannot_be_opened_again(self, world: World):
        payment = await self.paid(world)
        with pytest.raises(RejectedError) as refused:
            await world.gateway.create(payment)
        assert refused.value.reason is RejectReason.ALREADY_PAID

    async def test_closing_a_number_never_used_says_absent(self, world: World):
        with pytest.raises(RejectedError) as refused:
            await world.gateway.close(f"R{new_id()}-01")
        assert refused.value.reason is RejectReason.ABSENT

    async def test_a_refund_arrives(self, world: World):
        payment = await self.paid(world)
        refund = self.refund_of(payment)
        asked = await world.gateway.refund(refund)
        assert asked.state in (RefundState.PROCESSING, RefundState.SUCCEEDED)
        await world.settle_refunds()

        async def arrived() -> bool:
            status = await world.gateway.query_refund(refund.out_refund_no)
            return status.state is RefundState.SUCCEEDED

        await poll(cast("Any", arrived))
        done = await world.gateway.query_refund(refund.out_refund_no)
        assert done.refund_fen == done.total_fen == payment.amount_fen
        assert done.out_trade_no == payment.out_trade_no
        assert done.channel_refund_id
        assert done.refunded_at is not None

    async def test_a_refunded_payment_was_still_paid(self, world: World):
        payment = await self.paid(world)
        await world.gateway.refund(self.refund_of(payment))
        assert (await world.gateway.query(payment.out_trade_no)).state is PaymentState.PAID

    async def test_asking_for_the_same_refund_twice_refunds_once(self, world: World):
        payment = await self.paid(world)
        first = await world.gateway.refund(self.refund_of(payment))
        again = await world.gateway.refund(self.refund_of(payment))
        assert again.channel_refund_id == first.channel_refund_id

    async def test_more_than_was_paid_is_never_refunded(self, world: World):
        payment = await self.paid(world)
        await world.gateway.refund(self.refund_of(payment, 1000))
        with pytest.raises(RejectedError):
            await world.gateway.refund(self.refund_of(payment, 501, number=2))

    async def test_a_refund_never_asked_for_is_absent_and_no_error(self, world: World):
        status = await world.gateway.query_refund(f"R{new_id()}-01-R1")
        assert status.state is RefundState.ABSENT

    async def test_a_notice_of_a_payment_says_what_a_query_says(self, world: World):
        payment = await self.paid(world)
        notice = world.gateway.parse_notice(*await world.payment_notice(payment.out_trade_no))
        assert notice.kind is NoticeKind.PAYMENT
        assert notice.id
        told, asked = notice.payment, await world.gateway.query(payment.out_trade_no)
        assert told == asked

    async def test_a_notice_of_a_refund_says_what_a_query_says(self, world: World):
        payment = await self.paid(world)
        refund = self.refund_of(payment)
        await world.gateway.refund(refund)
        await world.settle_refunds()
        notice = world.gateway.parse_notice(*await world.refund_notice(refund.out_refund_no))
        assert notice.kind is NoticeKind.REFUND
        assert notice.refund is not None
        assert notice.refund.state is RefundState.SUCCEEDED
        assert notice.refund.out_refund_no == refund.out_refund_no
        assert notice.refund.refund_fen == refund.refund_fen
        assert notice.refund.merchant_id == world.gateway.merchant_id

    async def test_a_changed_notice_is_not_believed(self, world: World):
        payment = await self.paid(world)
        headers, body = await world.payment_notice(payment.out_trade_no)
        with pytest.raises(InvalidNoticeError):
            world.gateway.parse_notice(headers, body.replace(b"1", b"2", 1))

    async def test_an_unsigned_notice_is_not_believed(self, world: World):
        payment = await self.paid(world)
        _, body = await world.payment_notice(payment.out_trade_no)
        with pytest.raises(InvalidNoticeError):
            world.gateway.parse_notice({}, body)
