"""Every fen is accounted for, whatever happens in whatever order, crashes between any two steps included.

A random story is told to billing over a real database: payments, notices that come twice, late or never,
holds that end, cancellations, refunds, a channel that loses answers, and a process that dies around any write
or call. Then the dust settles, and the channel's own book must say the same as ours.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backend import clock
from backend.billing import store
from backend.billing.books import Books, add_order, problems_of
from backend.billing.models import Order, OrderState
from backend.billing.transitions import Step
from backend.errors import AppError
from backend.worker.events import Event, EventKind, RetryLater
from tests.backend.billing.till import FEE_FEN, MINI, NATIVE, Till


class Killed(BaseException):
    """kill -9: nothing in the code may catch it."""


@dataclass
class Death:
    """Lets the process die before or after the n-th write or call from now."""

    countdown: int | None = None
    after: bool = False

    def strike(self, *, after: bool) -> None:
        if self.countdown is None or self.after is not after:
            return
        self.countdown -= 1
        if self.countdown < 0:
            self.countdown = None
            raise Killed


@dataclass
class Story:
    """One appointment's money from the first touch to the last."""

    till: Till
    order: Order
    death: Death = field(default_factory=Death)
    ended: bool = False
    booked: bool = False
    notices: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def run(self, act: str, chance: random.Random) -> None:
        """One thing happens; whatever goes wrong with it is part of the story."""
        try:
            await getattr(self, f"do_{act}")(chance)
        except (AppError, RetryLater, Killed):
            return
        finally:
            self.check_now()

    def check_now(self) -> None:
        ledger = self.till.gateway.ledger
        for number, paid in ledger.paid_fen.items():
            back = sum(r.refund_fen for r in ledger.refunds.values() if r.out_trade_no == number)
            assert back <= paid

    async def do_start(self, chance: random.Random) -> None:
        await self.till.start(self.order, chance.choice([MINI, NATIVE]), chance.choice(["o-1", "o-2"]))

    async def do_start_late(self, chance: random.Random) -> None:
        """The call that opens the payment takes its time on the way."""
        self.till.gateway.faults = ["late"]
        await self.do_start(chance)

    async def do_land(self, chance: random.Random) -> None:
        self.till.gateway.land()

    async def do_pay(self, chance: random.Random) -> None:
        mine = [no for no in self.till.gateway.ledger.payments if no.startswith(self.order.id)]
        if mine:
            number = chance.choice(mine)
            if self.till.gateway.pay(number):
                self.notices.append(self.till.gateway.payment_notice(number))

    async def do_notice(self, chance: random.Random) -> None:
        """Any notice so far, again or for the first time; those never chosen are lost."""
        if self.notices:
            await self.till.billing.receive_notice("memory", *chance.choice(self.notices))

    async def do_events(self, chance: random.Random) -> None:
        """Some pending events are handled, in any order, some of them twice."""
        events = await self.mine()
        chance.shuffle(events)
        for event in events[: chance.randint(1, 3)]:
            for _ in range(chance.choice([1, 1, 2])):
                await self.handle(event)

    async def do_hold_due(self, chance: random.Random) -> None:
        if not self.booked:
            await self.till.hold_due(self.order)

    async def do_cancel(self, chance: random.Random) -> None:
        if self.booked or chance.random() < 0.3:
            self.ended, self.booked = True, False
            await self.till.cancelled(self.order)

    async def do_query(self, chance: random.Random) -> None:
        past = clock.now() - timedelta(seconds=1)
        await self.till.db.collection("orders").update_one(
            {"_id": self.order.id, "check_at": {"$ne": None}}, {"$set": {"check_at": past}}
        )
        await self.till.billing.query_unpaid()

    async def do_bank(self, chance: random.Random) -> None:
        self.till.gateway.land()
        self.till.gateway.finish_refunds()
        for number in self.till.gateway.ledger.refunds:
            if number.startswith(self.order.id):
                self.notices.append(self.till.gateway.refund_notice(number))

    async def do_fault(self, chance: random.Random) -> None:
        self.till.gateway.faults = [chance.choice(FAULTS) for _ in range(chance.randint(1, 3))]

    async def do_death(self, chance: random.Random) -> None:
        self.death.countdown, self.death.after = chance.randint(0, 3), chance.random() < 0.5

    async def mine(self) -> list[Event]:
        about = (self.order.id, "")
        return [e for e in await self.till.pending() if e.data.get("order_id", "") in about]

    async def handle(self, event: Event) -> None:
        """What billing and the appointments' area do with an event."""
        if event.kind is EventKind.ORDER_PAID:
            await self.money_is_here()
        elif event.kind is EventKind.ORDER_CLOSED:
            self.ended = True
        await self.till.handle(event)

    async def money_is_here(self) -> None:
        if self.ended:
            await self.till.billing.request_refund(self.order.id, "the hold had ended")
        else:
            self.booked = True

    async def settle(self, chance: random.Random) -> Order:
        """Nothing goes wrong any more; everything that was promised gets its time."""
        self.death.countdown, self.till.gateway.faults = None, []
        if chance.random() < 0.5:
            await self.end()
        self.till.gateway.land()
        for _ in range(chance.randint(0, 3)):
            await self.do_pay(chance)
        await self.end()
        for notice in self.notices:
            await self.till.billing.receive_notice("memory", *notice)
        for _ in range(12):
            self.till.gateway.finish_refunds()
            events = await self.mine()
            for event in events:
                await self.handle(event)
            if not events:
                break
        return await self.till.order(self.order.id)

    async def end(self) -> None:
        """The hold's time is over, or the appointment's, unless it stands."""
        if self.ended:
            await self.till.cancelled(self.order)
        elif not self.booked:
            await self.till.hold_due(self.order)


FAULTS = ["before", "after", "late", None]
ACTS = ["hold_due", "cancel", "query", "bank", "land", "fault", "death"]
OFTEN = ["start", "start_late", "pay", "notice", "events", "events"]


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch, till: Till) -> Death:
    """Writes and calls that may be the last thing the process does."""
    death = Death()
    write = store.OrderStore.apply
    enter, leave = till.gateway._enter, till.gateway._leave

    async def apply(self: Any, order_id: str, step: Step) -> Order | None:
        death.strike(after=False)
        result = await write(self, order_id, step)
        death.strike(after=True)
        return result

    def entering(call: str, number: str) -> bool:
        death.strike(after=False)
        return enter(call, number)

    def leaving(lost: bool, error: Any) -> None:
        death.strike(after=True)
        leave(lost, error)

    monkeypatch.setattr(store.OrderStore, "apply", apply)
    monkeypatch.setattr(till.gateway, "_enter", entering)
    monkeypatch.setattr(till.gateway, "_leave", leaving)
    return death


@settings(
    max_examples=80,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    acts=st.lists(st.sampled_from(ACTS + 3 * OFTEN), min_size=8, max_size=30), seed=st.integers(0, 2**32 - 1)
)
async def test_every_fen_is_accounted_for(till: Till, mortal: Death, acts: list[str], seed: int):
    chance = random.Random(seed)
    mortal.countdown, till.gateway.faults = None, []
    till.gateway.land()
    kept_before = till.gateway.ledger.kept_fen
    story = Story(till, await till.open(), mortal)
    for act in [chance.choice(["start", "start_late"]), *acts]:
        await story.run(act, chance)

    order = await story.settle(chance)

    served = story.booked and not story.ended
    assert till.gateway.ledger.kept_fen - kept_before == (FEE_FEN if served else 0)
    assert order.state is not OrderState.PAYING
    assert order.state is not OrderState.REFUNDING
    assert (order.state is OrderState.PAID) == served
    assert problems_of(order) == []
    books = Books()
    add_order(books, order)
    assert books.balance
