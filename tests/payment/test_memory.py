"""The channel in memory keeps the same contract as the real adapters."""

from collections.abc import Mapping

import pytest

from payment.ports import PaymentMethod
from tests.payment.contract import PaymentGatewayContract
from tests.payment.memory import MemoryGateway


class MemoryWorld:
    def __init__(self) -> None:
        self.gateway = MemoryGateway()

    async def payer(self, method: PaymentMethod) -> str:
        return "o-payer"

    async def pay(self, out_trade_no: str) -> None:
        assert self.gateway.pay(out_trade_no)

    async def settle_refunds(self) -> None:
        self.gateway.finish_refunds()

    async def payment_notice(self, out_trade_no: str) -> tuple[Mapping[str, str], bytes]:
        return self.gateway.payment_notice(out_trade_no)

    async def refund_notice(self, out_refund_no: str) -> tuple[Mapping[str, str], bytes]:
        return self.gateway.refund_notice(out_refund_no)


class TestMemoryGateway(PaymentGatewayContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()
