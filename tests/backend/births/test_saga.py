"""The saga against agencies that do anything: slow, away, deaf, forgetful, contradictory; and we are killed.

Whatever happens, each question arrives at most once, no agency has two applications of one step before it,
and a filing that is not over, or not all received, is somebody's, until a date. Once everybody behaves again,
everything comes to an end, and into the parents' hands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import clock
from backend.births.asking import WITHDRAWN, Asking, Kept, Pace
from backend.births.handing import Handing
from backend.births.handover_models import Told
from backend.births.machine import (
    AT_AGENCY,
    By,
    FilingEvent,
    FilingState,
    HandoverEvent,
    HandoverState,
    MoveError,
    StepEvent,
    StepState,
)
from backend.births.models import Answers, Birth, BirthFacts, BirthState, Filing, Parent, Step
from backend.births.owning import look_at, owner_of
from backend.births.ports import AgencyUnavailableError, Question, Standing, Word
from backend.births.questions import question_ids
from backend.births.rules import load_rules
from backend.births.settling import Settling, withdrawal
from backend.errors import AppError
from backend.worker.events import Event, EventKind

RULES = load_rules(None)
SETTLING = Settling(RULES)
HANDING = Handing(RULES)
BEGAN = datetime(2026, 11, 20, 4, tzinfo=UTC)
# What is sent back for correction comes again as another question.
FINAL = (Standing.DONE, Standing.REJECTED, Standing.CANCELLED, Standing.NEEDS_CORRECTION)
BIRTH = Birth(
    "birth", "hospital", "1", BirthState.NOTED, 0, BirthFacts(BEGAN, "female", 3000),
    Parent("李小红", "x", "", "mother"), None, BEGAN, BEGAN,
)  # fmt: skip


class Killed(BaseException):
    """`kill -9`, at this very line."""


@dataclass
class Application:
    """What an agency has before it."""

    step: str
    standing: Standing
    revision: int = 1
    arrivals: int = 0
    handover: Told | None = None

    def word(self, question_id: str) -> Word:
        results = {"number": question_id} if self.standing is Standing.DONE else {}
        return Word(
            question_id, self.standing, self.revision, "R-" + question_id[-4:], (), results, self.handover
        )


@dataclass
class World:
    """Agencies, the store, the outbox and the clock; `dice` decides what goes wrong."""

    dice: Random
    now: datetime = BEGAN
    behaves: bool = False
    filing: Filing | None = None
    outbox: list[Event] = field(default_factory=list)
    applications: dict[str, Application] = field(default_factory=dict)
    under_way: list[Question] = field(default_factory=list)
    callbacks: list[tuple[str, Word]] = field(default_factory=list)

    def chance(self, of: float) -> bool:
        return not self.behaves and self.dice.random() < of

    def maybe_die(self) -> None:
        if self.chance(0.04):
            raise Killed

    # The store.

    async def find(self, _id: str) -> Filing | None:
        self.maybe_die()
        return self.filing

    async def find_asked(self, question_id: str) -> Filing | None:
        assert self.filing is not None
        return self.filing if question_id in question_ids(self.filing) else None

    async def write(self, after: Filing, events: Sequence[Event] = ()) -> bool:
        self.maybe_die()
        assert self.filing is not None
        if after.turn != self.filing.turn or self.chance(0.05):
            return False
        self.filing = replace(after, turn=after.turn + 1)
        self.outbox += events
        self.maybe_die()
        return True

    async def take_due(self, now: datetime, lease: timedelta, limit: int) -> list[Filing]:
        at = look_at(self.filing) if self.filing else None
        return [self.filing] if self.filing and at is not None and at <= now else []

    async def content(self, _id: str) -> bytes | None:
        return None

    # An agency.

    def arrive(self, question: Question) -> Application:
        known = self.applications.get(question.id)
        if known is None:
            known = self.applications[question.id] = Application(question.step, Standing.ACCEPTED)
        known.arrivals += 1
        return known

    async def ask(self, question: Question) -> Word:
        self.maybe_die()
        if self.chance(0.15):
            raise AgencyUnavailableError("away")
        if self.chance(0.1):
            # It comes later than we wait.
            self.under_way.append(question)
            raise AgencyUnavailableError("slow")
        known = self.arrive(question)
        self.maybe_die()
        if self.chance(0.15):
            raise AgencyUnavailableError("the answer was lost")
        if self.chance(0.2):
            self.decide(question.id)
        return known.word(question.id)

    async def query(self, question_id: str) -> Word:
        self.maybe_die()
        if self.chance(0.2):
            raise AgencyUnavailableError("away")
        known = self.applications.get(question_id)
        return known.word(question_id) if known else Word(question_id, Standing.UNKNOWN)

    async def bar(self, question_id: str) -> Word:
        if self.chance(0.1):
            raise AgencyUnavailableError("away")
        known = self.applications.setdefault(question_id, Application("", Standing.CANCELLED))
        if self.chance(0.1):
            raise AgencyUnavailableError("the answer was lost")
        return known.word(question_id)

    async def cancel(self, question_id: str, reason: str) -> Word:
        # Nobody's own words, which may say more than an agency has to know.
        assert reason == WITHDRAWN
        known = self.applications.setdefault(question_id, Application("", Standing.CANCELLED))
        if known.standing in (Standing.ACCEPTED, Standing.NEEDS_CORRECTION):
            known.standing, known.revision = Standing.CANCELLED, known.revision + 1
        if self.chance(0.2):
            raise AgencyUnavailableError("the answer was lost")
        return known.word(question_id)

    def decide(self, question_id: str) -> None:
        """A clerk decides something that is open, and the city is told: never, once, twice, or later."""
        known = self.applications[question_id]
        if known.standing in FINAL:
            return
        weights = (1, 0, 0) if self.behaves else (6, 3, 1)
        choice = (Standing.DONE, Standing.NEEDS_CORRECTION, Standing.REJECTED)
        known.standing = self.dice.choices(choice, weights)[0]
        known.revision += 1
        times = 1 if self.behaves else self.dice.choice((0, 1, 1, 2, 3))
        agency = RULES.by_code[known.step].agency
        self.callbacks += [(agency, known.word(question_id))] * times

    def send(self, question_id: str) -> None:
        """What is done is posted, laid out or lost, and the city is told: or hears of it when it asks."""
        known = self.applications[question_id]
        states = (HandoverState.POSTED, HandoverState.READY, HandoverState.MISSING, HandoverState.RECEIVED)
        state = self.dice.choices(states, (4, 4, 0, 1) if self.behaves else (4, 4, 2, 1))[0]
        number = f"EM{self.dice.randrange(4)}"
        known.handover = Told(state, "邮政", number if state is HandoverState.POSTED else "", "")
        known.revision += 1
        if self.behaves or self.chance(0.7):
            self.callbacks.append((RULES.by_code[known.step].agency, known.word(question_id)))

    def not_received(self) -> list[str]:
        """The steps whose paper or card has not come yet."""
        assert self.filing is not None
        return [step.code for step in self.filing.steps if step.is_handing_over]


def check(world: World) -> None:
    """What must always hold."""
    filing = world.filing
    assert filing is not None
    owner = owner_of(filing)
    assert (owner is None) == (filing.is_over and not filing.concerns and not world.not_received())
    if owner is not None:
        assert owner.due_at is not None
        assert look_at(filing) is not None
    for known in world.applications.values():
        assert known.arrivals <= 1
    live = Counter(
        known.step
        for known in world.applications.values()
        if known.step and known.standing in (Standing.ACCEPTED, Standing.DONE)
    )
    assert all(count == 1 for count in live.values()), live
    known_ids = set(question_ids(filing))
    assert {each.id for each in world.under_way} <= known_ids
    assert set(world.applications) <= known_ids
    for step in filing.steps:
        if step.state in AT_AGENCY:
            assert step.look_at is not None or step.code in {each.step for each in filing.concerns}


async def act(world: World, asking: Asking) -> None:
    """Something happens somewhere."""
    dice, filing = world.dice, world.filing
    assert filing is not None
    deeds = ["event"] * 6 + ["callback"] * 4 + ["decide"] * 3 + ["time"] * 4 + ["late"]
    deeds += ["send"] * 2 + ["say"] * 2
    deeds += ["correct"] * 2 + ([] if world.behaves else ["withdraw", "retry"])
    match dice.choice(deeds):
        case "event" if world.outbox:
            number = dice.randrange(len(world.outbox))
            event = world.outbox[number]
            if event.kind is EventKind.BIRTH_STEP_DUE:
                await asking.on_step_due(event)
            # Only now: whoever dies before leaves the job to another. And jobs may run twice.
            if not world.chance(0.2):
                world.outbox.remove(event)
        case "callback" if world.callbacks:
            agency, word = world.callbacks.pop(dice.randrange(len(world.callbacks)))
            await asking.take(agency, word)
        case "decide":
            opened = [key for key, each in world.applications.items() if each.standing not in FINAL]
            if opened:
                world.decide(dice.choice(opened))
        case "late" if world.under_way:
            world.arrive(world.under_way.pop())
        case "time":
            world.now += timedelta(minutes=dice.choice((1, 5, 60, 60 * 24)))
            await asking.sweep()
        case "correct":
            wanted = [each for each in filing.steps if each.state is StepState.NEEDS_CORRECTION]
            if wanted:
                step = dice.choice(wanted).code
                moved = SETTLING.step(filing, step, StepEvent.CORRECT, By.RESIDENT, "mother", world.now)
                await asking.write(SETTLING.settled(moved, world.now))
        case "send":
            done = [key for key, each in world.applications.items() if each.standing is Standing.DONE]
            if done:
                world.send(dice.choice(done))
        case "say" if world.not_received():
            said = HandoverEvent.RECEIVE if world.behaves else dice.choice(list(HandoverEvent))
            by = By.STAFF if said in (HandoverEvent.POST, HandoverEvent.LAY_OUT) else By.RESIDENT
            with contextlib.suppress(MoveError):
                code = dice.choice(world.not_received())
                await asking.write(HANDING.move(filing, code, said, by, "mother", world.now))
        case "withdraw" if dice.random() < 0.05:
            may = (FilingState.SUBMITTED, FilingState.IN_PROGRESS, FilingState.NEEDS_CORRECTION)
            if filing.state in may:
                await asking.write(withdrawal(SETTLING, filing, By.RESIDENT, "mother", "撤回", world.now))
        case "retry" if dice.random() < 0.3 and not filing.reason:
            refused = [each for each in filing.steps if each.state is StepState.REJECTED]
            if refused:
                await asking.write(SETTLING.reopened(filing, refused[0].code, "staff", world.now, "再办"))


def handed_in(world: World) -> Filing:
    """A filing in which everything is wanted."""
    steps = tuple(
        Step(rule.code, rule.name, rule.agency, StepState.WAITING, rule.needs, False, rule.working_days)
        for rule in RULES.steps
    )
    draft = Filing(
        "filing", "birth", "hospital", "mother", ("mother",), FilingState.DRAFT, 0, "", Answers("李小宝"),
        steps, BEGAN, BEGAN, BEGAN + timedelta(days=60),
    )  # fmt: skip
    moved = SETTLING.move(draft, FilingEvent.SUBMIT, By.RESIDENT, "mother", BEGAN)
    change = SETTLING.settled(moved, BEGAN)
    world.outbox = [
        Event(EventKind.BIRTH_STEP_DUE, {"filing_id": "filing", "step": step.code})
        for step in change.filing.steps
        if step.state is StepState.READY
    ]
    return change.filing


async def live(world: World, rounds: int) -> None:
    async def birth(_id: str) -> Birth:
        return BIRTH

    async def place(_id: str) -> str:
        return "市人民医院"

    class Births:
        find = staticmethod(birth)

    world.filing = handed_in(world)
    kept = Kept(*(cast(Any, each) for each in (world, Births, world, None)))
    lines = dict.fromkeys(RULES.agencies, cast(Any, world))
    pace = Pace(timedelta(minutes=1), timedelta(minutes=30))
    asking = Asking(kept, RULES, SETTLING, lines, place, pace=pace, nudge=lambda: None)
    for _ in range(rounds):
        # Whoever died, or could not write, leaves it to the next.
        with contextlib.suppress(Killed, AppError):
            await act(world, asking)
        check(world)
    world.behaves = True
    world.outbox += [
        Event(EventKind.BIRTH_STEP_DUE, {"filing_id": "filing", "step": step.code})
        for step in world.filing.steps
        if step.state is StepState.READY
    ]
    for _ in range(3000):
        if owner_of(world.filing) is None and not world.under_way and not world.callbacks:
            break
        await act(world, asking)
        check(world)
    assert world.filing.is_over, world.filing.state
    assert not world.not_received()
    done = {step.code for step in world.filing.steps if step.state is StepState.DONE}
    assert done == {each.step for each in world.applications.values() if each.standing is Standing.DONE}


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), rounds=st.integers(0, 150))
def test_no_agency_is_asked_twice_and_no_filing_is_forgotten(seed: int, rounds: int):
    world = World(Random(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: world.now)
        asyncio.run(live(world, rounds))
