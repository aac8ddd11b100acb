"""Money in the bank: whatever is done in whatever order, every fen has two sides."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.agenda import Agenda
from sandbox.bank import Bank, PayerError
from sandbox.pay_wire import PayError
from sandbox.state import AgendaItem, Keeper, Order, Refund
from sandbox.switches import Switches

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "pay", "close", "refund", "settle", "expire"]),
        st.integers(0, 3),
        st.integers(1, 120),
        st.sampled_from(["SUCCESS", "CLOSED", "ABNORMAL"]),
    ),
    max_size=40,
)


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def make_order(bank: Bank, number: str, now: float) -> Order:
    return Order(
        out_trade_no=number, app_id="wx", description="挂号费", total_fen=100, trade_type="JSAPI",
        notify_url="", created_at=now, expires_at=now + 600, request={}, prepay_id=bank.new_prepay_id(),
        openid="o1",
    )  # fmt: skip


def make_refund(order: Order, number: int, fen: int, now: float) -> Refund:
    return Refund(
        out_refund_no=f"R{number}", refund_id="", out_trade_no=order.out_trade_no, transaction_id="",
        refund_fen=fen, total_fen=100, notify_url="", created_at=now, request={"n": number},
    )  # fmt: skip


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.keeper = Keeper(Path("/nonexistent/state.json"), self.clock)
        self.switches = Switches(self.keeper.state)
        self.agenda = Agenda(self.keeper)
        self.bank = Bank(self.keeper, self.agenda, self.switches)
        self.refunds = 0

    def step(self, kind: str, which: int, fen: int, result: str) -> None:
        number = f"T{which}"
        order = self.bank.orders.get(number)
        if kind == "place":
            self.bank.place(make_order(self.bank, number, self.clock.at))
        elif kind == "expire":
            self.clock.at += 700
        elif kind == "settle":
            self.switches.set({"refund_result": result})
            self.settle()
        elif order is not None:
            self.act(order, kind, fen)

    def act(self, order: Order, kind: str, fen: int) -> None:
        if kind == "pay":
            self.bank.pay(order)
        elif kind == "close":
            self.bank.close(order)
        else:
            self.refunds += 1
            self.bank.refund(make_refund(order, self.refunds, fen, self.clock.at), order)

    def settle(self) -> None:
        items, self.keeper.state.agenda = list(self.keeper.state.agenda.values()), {}
        for item in items:
            asyncio.run(self._run(item))

    async def _run(self, item: AgendaItem) -> None:
        await self.agenda._actions[item.kind](item.data)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_books_balance_after_any_steps(steps: list[Any]):
    world = World()
    for step in steps:
        with contextlib.suppress(PayError, PayerError):
            world.step(*step)
        check(world.bank)


def check(bank: Bank) -> None:
    totals = bank.totals()
    assert totals["sum_fen"] == 0
    assert totals["paid_fen"] == totals["merchant_fen"] + totals["refunding_fen"] + totals["refunded_fen"]
    assert totals["merchant_fen"] >= 0
    for order in bank.orders.values():
        assert bank.refunded_of(order) <= order.paid_fen
        assert (order.paid_fen > 0) == (order.state in ("SUCCESS", "REFUND"))
