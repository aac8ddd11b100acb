"""Several providers: refusal and outage lead to the next, doubt does not; pace and health are kept to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.messages import chooser
from backend.messages import lines as lines_module
from backend.messages.lines import Draft, SMSLine, SMSLines
from backend.messages.models import MessageKind
from backend.messages.tally_store import Tallies
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.worker.events import RetryLater
from notify.ports import NotifyError, RejectedError, RejectReason, RetryableError, UnknownResultError
from tests.backend.messages.conftest import PHONE
from tests.notify.memory import MemorySMS

BOOKED, ANSWER = MessageKind.APPOINTMENT_BOOKED, MessageKind.ANSWER


class Town:
    """Two providers: `one` takes any words, `two` takes bookings by a template; `one` is always first."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self.one, self.two = MemorySMS(), MemorySMS()
        self.tallies = Tallies(db)
        self.tried: list[str] = []
        self.line_one = SMSLine("one", "mas", self.one, "secret-one", texts=self.one, share=1000)
        self.line_two = SMSLine(
            "two", "aliyun", self.two, "secret-two", by_template=self.two, templates={BOOKED: "您好{patient}"}
        )
        self.limits = RateLimiter(keyring)
        self.lines = self.made()

    def made(self, **one: Any) -> SMSLines:
        # Halfway is certain enough: 0.5 to the power of a thousandth is nearly one.
        both = [replace(self.line_one, **one), self.line_two]
        return SMSLines(both, self.tallies, self.limits, dice=lambda: 0.5)

    async def send(self, kind: MessageKind = BOOKED) -> str:
        async def trying(line: SMSLine) -> None:
            self.tried.append(line.name)

        ids = self.lines.first_ids(kind)
        draft = Draft(PHONE, "您好，张三", {"patient": "张*"}, "R1", ids)
        return (await self.lines.send(await self.lines.order(ids), draft, trying)).provider_id


@pytest.fixture
async def town(db: Database, keyring: Keyring) -> AsyncIterator[Town]:
    made = Town(db, keyring)
    yield made
    await made.tallies.close()


@pytest.mark.parametrize(
    "error",
    [
        RetryableError("UNREACHABLE"),
        RejectedError("IllegalMac", reason=RejectReason.MISCONFIGURED),
        RejectedError("InvalidMessage", reason=RejectReason.BAD_CONTENT),
    ],
)
async def test_what_one_refuses_the_other_carries(town: Town, error: NotifyError):
    town.one.faults.queue = [error]
    await town.send()
    assert town.tried == ["one", "two"]
    assert town.two.texts_to(PHONE) == ["您好张*"]


@pytest.mark.parametrize(
    "error", [UnknownResultError("LOST"), RejectedError("blocked", reason=RejectReason.BAD_RECIPIENT)]
)
async def test_doubt_and_a_refused_recipient_go_nowhere_else(town: Town, error: NotifyError):
    town.one.faults.queue = [error]
    with pytest.raises(type(error)):
        await town.send()
    assert town.tried == ["one"]
    assert town.two.sent == []


async def test_when_all_refuse_the_more_hopeful_word_counts(town: Town):
    town.one.faults.queue = [RetryableError("AWAY")]
    town.two.faults.queue = [RejectedError("NO", reason=RejectReason.OTHER)]
    with pytest.raises(RetryableError):
        await town.send()


async def test_a_kind_without_a_template_goes_to_who_takes_any_words(town: Town):
    assert [line.name for line in await town.lines.order({})] == ["one"]
    town.one.faults.queue = [RetryableError("AWAY")]
    with pytest.raises(RetryableError):
        await town.send(ANSWER)


async def test_who_was_away_is_asked_last_for_a_while(town: Town, monkeypatch: pytest.MonkeyPatch):
    town.one.faults.queue = [RetryableError("AWAY")]
    await town.send()
    town.tried.clear()
    await town.send()
    assert town.tried == ["two"]
    monkeypatch.setattr(lines_module, "AWAY_S", -1.0)
    town.lines._away_until.clear()
    town.tried.clear()
    await town.send()
    assert town.tried == ["one"]


async def test_receipts_that_stay_away_move_the_messages_to_the_other(town: Town):
    sent_at = clock.now() - chooser.LATE * 2
    for _ in range(40):
        town.tallies.sent("one", sent_at)
    for _ in range(10):
        town.tallies.reported("one", sent_at, delivered=True, at=sent_at)
    weights = await town.lines.weights()
    assert weights["one"] == pytest.approx(1000 * chooser.LEAST_HEALTH)
    assert weights["two"] == 1


async def test_a_provider_that_has_had_its_fill_today_rests(town: Town):
    town.lines = town.made(per_day=2)
    assert (await town.lines.weights())["one"] == 1000
    for _ in range(2):
        await town.send()
    await town.tallies.flush()
    assert (await town.lines.weights())["one"] == 0
    town.lines._weighed_at = float("-inf")
    ids = town.lines.first_ids(BOOKED)
    assert [line.name for line in await town.lines.await_turn(ids)] == ["two"]
    assert [line.name for line in await town.lines.await_turn(ids, urgent=True)] == ["two", "one"]


async def test_when_all_have_had_their_fill_what_can_wait_waits_for_midnight_and_no_longer(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    town.lines = town.made(per_day=1)
    await town.send(ANSWER)
    town.lines._weighed_at = float("-inf")
    tomorrow = clock.city_instant(clock.today() + timedelta(days=1), 0)
    with pytest.raises(RetryLater) as later:
        await town.lines.await_turn({})
    assert 0 < later.value.after_s - (tomorrow - clock.now()).total_seconds() <= 61
    assert [line.name for line in await town.lines.order({}, urgent=True)] == ["one"]
    # The day after, what was known a moment ago holds no more.
    monkeypatch.setattr(clock, "today", lambda: clock.civil_date(tomorrow))
    assert [line.name for line in await town.lines.await_turn({})] == ["one"]


async def test_a_provider_that_was_sent_enough_in_this_second_lets_the_other_go_first(town: Town):
    town.lines = town.made(per_second=1)
    firsts = [(await town.lines.await_turn(town.lines.first_ids(BOOKED)))[0].name for _ in range(3)]
    assert firsts == ["one", "two", "two"]


async def test_when_nobody_has_room_the_message_waits_in_the_outbox(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lines_module, "PATIENCE_S", 0.0)
    town.lines = town.made(per_second=1)
    await town.lines.await_turn({})
    with pytest.raises(RetryLater):
        await town.lines.await_turn({})
