"""The machines as people and agencies meet them: each door, in each state, for each who may try it.

What the tables allow happens; everything else leaves the filing as it was. One city, many cases.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from backend import clock
from backend.births.handover_models import Handover, Told
from backend.births.machine import (
    ENDED,
    By,
    FilingEvent,
    FilingState,
    HandoverEvent,
    HandoverState,
    MoveError,
    StepEvent,
    StepState,
    filing_after,
    handover_after,
    step_after,
)
from backend.births.models import Answers, Birth, Filing, PaperResult, Step
from backend.births.ports import Standing, Word
from backend.births.receiving import Deed, Done
from backend.births.service import BirthService
from backend.births.settling import with_step
from backend.errors import AppError
from backend.permissions import Actor, Role
from backend.worker.events import Event, EventKind
from tests.factories.births import NewFamily, a_family, make_filing
from tests.support.city import TestCity

S, F, H = StepState, FilingState, HandoverState
CODE, AGENCY = "vaccination", "mch"
STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)
DOCTOR = Actor("staff", "doctor", Role.DOCTOR, None)
ELSEWHERE = Actor("staff", "other", Role.HOSPITAL_OPERATOR, frozenset({"another-hospital"}))
# What no door offers: it follows from something else, as other tests say.
INTERNAL_STEPS = {StepEvent.LEAVE_OUT, StepEvent.WANT, StepEvent.UNLOCK, StepEvent.LOSE, StepEvent.RESTORE}
FOLLOWING = {
    FilingEvent.BEGIN, FilingEvent.RESUME, FilingEvent.WANT_CORRECTION, FilingEvent.FINISH,
    FilingEvent.FINISH_PARTLY, FilingEvent.REFUSE, FilingEvent.END_WITHDRAWAL,
}  # fmt: skip


@dataclass
class Case:
    """A filing, those who may try something with it, and the service."""

    births: BirthService
    filing: Filing
    mother: Actor
    stranger: Actor

    @property
    def step(self) -> Step:
        """The step that is tried."""
        found = self.filing.step(CODE)
        assert found is not None
        return found

    @property
    def id(self) -> str:
        """The filing's id."""
        return self.filing.id

    async def says(self, standing: Standing, told: Told | None = None) -> None:
        """Its agency says so, by a word that is new."""
        word = Word(self.step.request_id or "0" * 26, standing, 50, "R1", (), {}, told)
        await self.births.asking.take(AGENCY, word)

    async def of_another(self) -> None:
        """Another agency speaks of it."""
        await self.births.asking.take("social", Word(self.step.request_id or "x", Standing.DONE, 50))


Try = Callable[[Case], Awaitable[Any]]
PAPER = ("P-1", "社区医院")


def _enter(who: Actor) -> Try:
    paper = PaperResult(PAPER[0], clock.today(), PAPER[1])
    return lambda case: case.births.desk.enter(who, case.id, CODE, paper)


def _correct(case: Case, who: Actor) -> Awaitable[Any]:
    return case.births.correct(who, case.id, CODE, case.filing.answers)


def _due(case: Case) -> Awaitable[Any]:
    told = {"filing_id": case.id, "step": CODE}
    return case.births.asking.on_step_due(Event(EventKind.BIRTH_STEP_DUE, told))


def _says(standing: Standing) -> Try:
    return lambda case: case.says(standing)


def _receive(who: str) -> Try:
    return lambda case: case.births.receiving.receive(getattr(case, who), case.id, CODE)


def _miss(who: str) -> Try:
    return lambda case: case.births.receiving.miss(getattr(case, who), case.id, CODE, "")


# By whom a step's event is brought about, through which door; None: somebody who may not.
STEP_DOORS: list[tuple[StepEvent, By | None, Try]] = [
    (StepEvent.ASK, By.SYSTEM, _due),
    (StepEvent.ACCEPT, By.AGENCY, lambda case: case.says(Standing.ACCEPTED)),
    (StepEvent.WANT_CORRECTION, By.AGENCY, lambda case: case.says(Standing.NEEDS_CORRECTION)),
    (StepEvent.REJECT, By.AGENCY, lambda case: case.says(Standing.REJECTED)),
    (StepEvent.FINISH, By.AGENCY, lambda case: case.says(Standing.DONE)),
    (StepEvent.CANCEL, By.AGENCY, lambda case: case.says(Standing.CANCELLED)),
    (StepEvent.FINISH, None, lambda case: case.of_another()),
    (StepEvent.FINISH, By.STAFF, _enter(STAFF)),
    (StepEvent.FINISH, None, _enter(DOCTOR)),
    (StepEvent.FINISH, None, _enter(ELSEWHERE)),
    (StepEvent.CORRECT, By.RESIDENT, lambda case: _correct(case, case.mother)),
    (StepEvent.CORRECT, None, lambda case: _correct(case, case.stranger)),
    (StepEvent.CORRECT, None, lambda case: _correct(case, STAFF)),
    (StepEvent.CORRECT, By.STAFF, lambda case: case.births.desk.mark_corrected(STAFF, case.id, CODE, "已补")),
    (StepEvent.CORRECT, None, lambda case: case.births.desk.mark_corrected(DOCTOR, case.id, CODE, "已补")),
    (StepEvent.RETRY, By.STAFF, lambda case: case.births.desk.retry(STAFF, case.id, CODE, "再办")),
    (StepEvent.RETRY, None, lambda case: case.births.desk.retry(ELSEWHERE, case.id, CODE, "再办")),
    (StepEvent.RETRY, None, lambda case: case.births.desk.retry(case.mother, case.id, CODE, "再办")),
]
FILING_DOORS: list[tuple[FilingEvent, By | None, Try]] = [
    (FilingEvent.AMEND, By.RESIDENT, lambda case: case.births.amend(case.mother, case.id, Answers("张二宝"))),
    (FilingEvent.AMEND, None, lambda case: case.births.amend(case.stranger, case.id, Answers("张二宝"))),
    (FilingEvent.AMEND, None, lambda case: case.births.amend(STAFF, case.id, Answers("张二宝"))),
    (FilingEvent.SUBMIT, None, lambda case: case.births.submit(case.stranger, case.id)),
    (FilingEvent.SUBMIT, None, lambda case: case.births.submit(STAFF, case.id)),
    (FilingEvent.SUBMIT, By.RESIDENT, lambda case: case.births.submit(case.mother, case.id)),
    (FilingEvent.WITHDRAW, By.RESIDENT, lambda case: case.births.withdraw(case.mother, case.id, "")),
    (FilingEvent.WITHDRAW, By.STAFF, lambda case: case.births.desk.withdraw(STAFF, case.id, "来电")),
    (FilingEvent.WITHDRAW, None, lambda case: case.births.withdraw(case.stranger, case.id, "")),
    (FilingEvent.WITHDRAW, None, lambda case: case.births.desk.withdraw(DOCTOR, case.id, "来电")),
    (FilingEvent.EXPIRE, By.SYSTEM, lambda case: case.births.asking.sweep()),
    (FilingEvent.REOPEN, By.STAFF, lambda case: case.births.desk.retry(STAFF, case.id, "household", "再办")),
    (FilingEvent.REOPEN, None, lambda case: case.births.desk.retry(DOCTOR, case.id, "household", "再办")),
]
HANDOVER_DOORS: list[tuple[HandoverEvent, By | None, Try]] = [
    (HandoverEvent.POST, By.AGENCY, lambda case: case.says(Standing.DONE, Told(H.POSTED, "邮政", "EM9"))),
    (HandoverEvent.LAY_OUT, By.AGENCY, lambda case: case.says(Standing.DONE, Told(H.READY, place="别处"))),
    (HandoverEvent.MISS, By.AGENCY, lambda case: case.says(Standing.DONE, Told(H.MISSING))),
    (HandoverEvent.RECEIVE, By.AGENCY, lambda case: case.says(Standing.DONE, Told(H.RECEIVED))),
    (HandoverEvent.REMIND, By.SYSTEM, lambda case: case.births.asking.sweep()),
    *(
        (event, by, lambda case, who=who, done=done: case.births.receiving.do(who, case.id, CODE, done))
        for event, done in (
            (HandoverEvent.POST, Done(Deed.POST, "邮政", "EM8")),
            (HandoverEvent.LAY_OUT, Done(Deed.LAY_OUT)),
            (HandoverEvent.RECEIVE, Done(Deed.CONFIRM, text="家长来电")),
            (HandoverEvent.MISS, Done(Deed.MISS, text="邮政退回")),
        )
        for who, by in ((STAFF, By.STAFF), (DOCTOR, None), (ELSEWHERE, None))
    ),
    (HandoverEvent.RECEIVE, By.RESIDENT, _receive("mother")),
    (HandoverEvent.RECEIVE, None, _receive("stranger")),
    (HandoverEvent.MISS, By.RESIDENT, _miss("mother")),
    (HandoverEvent.MISS, None, _miss("stranger")),
    (HandoverEvent.MISS, None, lambda case: case.births.receiving.miss(STAFF, case.id, CODE, "")),
]  # fmt: skip


class Stage:
    """Makes filings that stand as wanted, of one family."""

    def __init__(self, town: TestCity, family: NewFamily, birth: Birth, stranger: Actor) -> None:
        self._town = town
        self._birth = birth
        self._births = town.city.services.births
        self._mother = Actor("resident", family.mother.id, Role.RESIDENT, real_name=True)
        self._stranger = stranger

    async def case(
        self, state: FilingState, steps: Mapping[str, StepState], handover: HandoverState | None = None
    ) -> Case:
        """A filing of its own."""
        city, now = self._town.city, clock.now()
        ended_at = now if state in ENDED else None
        filing = await make_filing(city, self._birth, state, steps, ended_at=ended_at)
        open_until = now - timedelta(days=1) if state is F.DRAFT else filing.open_until
        submitted_at = None if state is F.DRAFT else now
        filing = replace(filing, answers=Answers("张小宝"), open_until=open_until, submitted_at=submitted_at)
        found = filing.step(CODE)
        if handover is not None and found is not None:
            known = Handover(handover, False, now, now - timedelta(days=1), "邮政", "EM1", "窗口", "123456")
            filing = with_step(filing, replace(found, handover=known))
        assert await self._births._filings.write(filing)
        return Case(self._births, replace(filing, turn=filing.turn + 1), self._mother, self._stranger)

    async def after(self, case: Case, door: Try) -> Filing:
        """The filing once somebody has tried it; a refusal is an answer, too."""
        try:
            await door(case)
        except AppError as error:
            if error.status >= 500:
                raise
        found = await self._births._filings.find(case.id)
        assert found is not None
        # Whatever was tried, it is out of the way of the next case.
        await self._births._filings.delete(case.id)
        return found


async def a_stage(town: TestCity) -> Stage:
    family, stranger = await a_family(town), await town.resident()
    # Nobody answers: only the words of these cases are heard.
    await town.outside.post("switches", {"agencies_down": "mch,civil,social,insurance"})
    birth = await town.city.services.births.noting.read(STAFF, town.hospital.id, family.external_id)
    return Stage(town, family, birth, Actor("resident", stranger.id, Role.RESIDENT, real_name=True))


def expected(after: Callable[..., Any], state: Any, event: Any, by: By | None) -> Any:
    """What the table says: where it leads, or that it stays."""
    if by is None:
        return state
    try:
        return after(state, event, by)
    except MoveError:
        return state


async def test_each_step_moves_through_its_doors_as_the_table_says(town: TestCity):
    stage = await a_stage(town)
    assert {event for event, _, _ in STEP_DOORS} | INTERNAL_STEPS == set(StepEvent)
    for state in StepState:
        before = S.ACCEPTED if state is S.WAITING else S.DONE
        steps = {"birth_certificate": before, "household": S.ACCEPTED, CODE: state}
        whole = F.NEEDS_CORRECTION if state is S.NEEDS_CORRECTION else F.IN_PROGRESS
        for event, by, door in STEP_DOORS:
            filing = await stage.after(await stage.case(whole, steps), door)
            to = expected(step_after, state, event, by)
            if (state, event) == (S.ASKED, StepEvent.CANCEL):
                # Nobody wished it to stop: it never arrived, and is asked for anew.
                to = S.READY
            step = filing.step(CODE)
            assert step is not None
            assert step.state is to, (state, event, by)


async def test_each_filing_moves_through_its_doors_as_the_table_says(town: TestCity):
    stage = await a_stage(town)
    assert {event for event, _, _ in FILING_DOORS} | FOLLOWING == set(FilingEvent)
    for state in FilingState:
        steps = {"birth_certificate": S.DONE, CODE: S.ACCEPTED, "household": S.ACCEPTED}
        if state is F.NEEDS_CORRECTION:
            steps[CODE] = S.NEEDS_CORRECTION
        if state in (F.DRAFT, F.SUBMITTED):
            steps = {"birth_certificate": S.READY} if state is F.SUBMITTED else {}
        if state in (F.PARTLY_DONE, F.REJECTED):
            steps = {"birth_certificate": S.DONE, "household": S.REJECTED, CODE: S.REJECTED}
        if state in (F.COMPLETED, F.WITHDRAWN):
            steps = dict.fromkeys(("birth_certificate", "household", CODE), S.DONE)
        for event, by, door in FILING_DOORS:
            filing = await stage.after(await stage.case(state, steps), door)
            to = expected(filing_after, state, event, by)
            assert filing.state in _settled(to), (state, event, by)


def _settled(state: FilingState) -> set[FilingState]:
    """Where it stands after what follows by itself: an agency asked, or one that is told to stop."""
    follows = {F.SUBMITTED: {F.IN_PROGRESS}, F.WITHDRAWING: {F.WITHDRAWN, F.PARTLY_DONE}}
    return {state} | follows.get(state, set())


async def test_a_filing_follows_its_last_step(town: TestCity):
    stage = await a_stage(town)
    three = ("household", "insurance", "social_card")
    done = {"birth_certificate": S.DONE, CODE: S.ACCEPTED, "maternity_claim": S.NOT_WANTED}
    lost = {"birth_certificate": S.REJECTED, CODE: S.ACCEPTED, "maternity_claim": S.NOT_WANTED}
    lost |= dict.fromkeys(three, S.CANCELLED)
    for state, steps, standing, event in (
        (F.IN_PROGRESS, done | dict.fromkeys(three, S.DONE), Standing.DONE, FilingEvent.FINISH),
        (F.IN_PROGRESS, done | dict.fromkeys(three, S.DONE), Standing.REJECTED, FilingEvent.FINISH_PARTLY),
        (F.IN_PROGRESS, lost, Standing.DONE, FilingEvent.FINISH_PARTLY),
        (F.IN_PROGRESS, lost, Standing.REJECTED, FilingEvent.REFUSE),
        (F.IN_PROGRESS, lost, Standing.NEEDS_CORRECTION, FilingEvent.WANT_CORRECTION),
        (F.WITHDRAWING, lost, Standing.CANCELLED, FilingEvent.END_WITHDRAWAL),
        (F.WITHDRAWING, lost, Standing.DONE, FilingEvent.FINISH_PARTLY),
        (F.WITHDRAWING, done | dict.fromkeys(three, S.DONE), Standing.DONE, FilingEvent.FINISH),
    ):
        filing = await stage.after(await stage.case(state, steps), _says(standing))
        assert filing.state is filing_after(state, event, By.SYSTEM), (state, standing)
    waiting = {"birth_certificate": S.DONE, CODE: S.NEEDS_CORRECTION, "household": S.ACCEPTED}
    resumed = await stage.after(
        await stage.case(F.NEEDS_CORRECTION, waiting), lambda case: _correct(case, case.mother)
    )
    assert resumed.state is F.IN_PROGRESS
    handed_in = {"birth_certificate": S.DONE, CODE: S.READY, "household": S.READY}
    begun = await stage.after(await stage.case(F.SUBMITTED, handed_in), _due)
    assert begun.state is F.IN_PROGRESS


async def test_what_is_handed_over_moves_through_its_doors_as_the_table_says(town: TestCity):
    stage = await a_stage(town)
    assert {event for event, _, _ in HANDOVER_DOORS} == set(HandoverEvent)
    steps = dict.fromkeys(("birth_certificate", "household", "insurance", "social_card", CODE), S.DONE)
    for state in HandoverState:
        for event, by, door in HANDOVER_DOORS:
            filing = await stage.after(await stage.case(F.PARTLY_DONE, steps, state), door)
            step = filing.step(CODE)
            assert step is not None
            assert step.handover is not None
            assert step.handover.state is expected(handover_after, state, event, by), (state, event, by)
            # Where the table lets it stay as it is, it has been said once more, or asked.
            if (state, event, by) in ((H.POSTED, HandoverEvent.REMIND, By.SYSTEM),):
                assert step.handover.reminded == 1
