"""What follows when something happens to a step: others open or are called off, the filing moves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backend.births.handover_models import Handover
from backend.births.machine import (
    SETTLED,
    By,
    FilingEvent,
    FilingState,
    HandoverEvent,
    HandoverState,
    StepEvent,
    StepState,
    filing_after,
    step_after,
)
from backend.births.models import Concern, ConcernKind, DeliveryWay, Entry, Filing, Step
from backend.births.rules import Rules

# The longest history of one filing; what is older goes first.
MOST_ENTRIES = 200
# A step that is ready is asked for at once; should that be forgotten, the sweep finds it after so long.
FORGOTTEN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Change:
    """A filing as it is to be, and what has happened on the way: to it, its steps, and what they yield."""

    filing: Filing
    filing_events: tuple[FilingEvent, ...] = ()
    step_events: tuple[tuple[str, StepEvent], ...] = ()
    handover_events: tuple[tuple[str, HandoverEvent], ...] = ()

    def and_then(self, later: Change) -> Change:
        """Both, one after the other."""
        return Change(
            later.filing,
            self.filing_events + later.filing_events,
            self.step_events + later.step_events,
            self.handover_events + later.handover_events,
        )


class Settling:
    """Moves filings by the machines, under the city's rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def move(
        self, filing: Filing, event: FilingEvent, by: By, who: str, now: datetime, text: str = ""
    ) -> Change:
        """The filing's own move. Raises MoveError."""
        state = filing_after(filing.state, event, by)
        ended = now if replace(filing, state=state).is_over else None
        moved = replace(filing, state=state, ended_at=ended, updated_at=now)
        if event in (FilingEvent.SUBMIT, FilingEvent.REOPEN):
            promised = self._rules.promised_working_days
            moved = replace(moved, done_by=self._rules.calendar.after(now, promised))
        if moved.is_over:
            moved = without_concern(moved, ConcernKind.OVERDUE)
        return Change(noted(moved, now, who, str(event), text=text), (event,))

    def step(
        self, filing: Filing, code: str, event: StepEvent, by: By, who: str, now: datetime, **changes: Any
    ) -> Change:
        """A step's move, with what changes beside its state. Raises MoveError."""
        before = filing.step(code)
        if before is None:
            raise LookupError(f"no step {code}")
        state = step_after(before.state, event, by)
        timed = self._timed(state, before, now)
        if event is StepEvent.LOSE:
            # Nobody has worked on it, but the parents have waited all the same; and whoever refuses each
            # question is asked ever more slowly, too.
            del timed["due_at"], timed["promised_at"], timed["failures"]
        if state is StepState.DONE:
            timed |= self._to_hand_over(filing, code, now)
        after = replace(before, state=state, **(timed | changes))
        moved = noted(with_step(filing, after), now, who, str(event), code)
        return Change(_without_answered_concerns(moved), (), ((code, event),))

    def settled(self, change: Change, now: datetime) -> Change:
        """Everything that follows by itself."""
        while True:
            following = self._next_step(change.filing, now) or self._next_filing(change.filing, now)
            if following is None:
                return change
            change = change.and_then(following)

    def _timed(self, state: StepState, before: Step, now: datetime) -> dict[str, Any]:
        """The clocks that a state starts and stops."""
        calendar = self._rules.calendar
        if state is StepState.READY:
            due_at = calendar.after(now, before.working_days)
            return {
                "due_at": due_at, "promised_at": due_at, "look_at": now + FORGOTTEN, "failures": 0,
                "correct_by": None, "problems": (), "receipt": "", "stopping": False, "heard": 0,
                "request_id": "",
            }  # fmt: skip
        if state is StepState.NEEDS_CORRECTION:
            return {"look_at": None, "failures": 0,
                    "correct_by": calendar.after(now, self._rules.correct_working_days)}  # fmt: skip
        if state in SETTLED:
            return {"look_at": None, "failures": 0, "stopping": False, "ended_at": now, "correct_by": None}
        return {}

    def _to_hand_over(self, filing: Filing, code: str, now: datetime) -> dict[str, Any]:
        """What is done is not yet in the parents' hands, where there is something to be held."""
        rule = self._rules.by_code.get(code)
        if rule is None or rule.hands_over is None:
            return {}
        mailed = rule.hands_over.mailed and filing.answers.delivery.way is DeliveryWay.MAIL
        due_at = self._rules.calendar.after(now, rule.hands_over.working_days)
        return {"handover": Handover(HandoverState.AWAITED, mailed, now, due_at), "look_at": now + FORGOTTEN}

    def _next_step(self, filing: Filing, now: datetime) -> Change | None:
        if filing.state in (FilingState.DRAFT, FilingState.EXPIRED) or filing.is_over:
            return None
        stopping = filing.state is FilingState.WITHDRAWING
        for step in filing.steps:
            event = _withdrawn(step) if stopping else _unlocked(step, filing)
            if event is not None:
                return self.step(filing, step.code, event, By.SYSTEM, "system", now)
            if stopping and step.is_out and not step.stopping:
                # Told to stop at once; what the agency says to that decides.
                return Change(with_step(filing, replace(step, stopping=True, look_at=now)))
        return None

    def _next_filing(self, filing: Filing, now: datetime) -> Change | None:
        event = following_event(filing)
        return None if event is None else self.move(filing, event, By.SYSTEM, "system", now)

    def reopened(self, filing: Filing, code: str, who: str, now: datetime, reason: str) -> Change:
        """Staff have an agency asked again for what it rejected; what waited for it waits again."""
        change = self.step(filing, code, StepEvent.RETRY, By.STAFF, who, now)
        for later in _later_than(code, filing.steps):
            if later.state is StepState.CANCELLED:
                change = change.and_then(
                    self.step(
                        change.filing, later.code, StepEvent.RESTORE, By.SYSTEM, "system", now, ended_at=None
                    )
                )
        if change.filing.is_over:
            event = FilingEvent.REOPEN
            change = change.and_then(self.move(change.filing, event, By.STAFF, who, now, reason))
        return self.settled(change, now)


def withdrawal(settling: Settling, filing: Filing, by: By, who: str, reason: str, now: datetime) -> Change:
    """A filing taken back, with everything that follows from it. Raises MoveError."""
    moved = settling.move(replace(filing, reason=reason), FilingEvent.WITHDRAW, by, who, now, reason)
    return settling.settled(moved, now)


def following_event(filing: Filing) -> FilingEvent | None:
    """What the steps make of the filing; None when it stands where they say."""
    state, steps = filing.state, [step for step in filing.steps if step.state is not StepState.NOT_WANTED]
    if state is FilingState.DRAFT or filing.is_over:
        return None
    if state is FilingState.SUBMITTED:
        begun = any(step.state not in (StepState.WAITING, StepState.READY, StepState.DONE) for step in steps)
        # Nothing is left to do where an earlier filing has done it all.
        begun = begun or all(step.state is StepState.DONE for step in steps)
        return FilingEvent.BEGIN if begun else None
    if all(step.state in SETTLED for step in steps):
        return _ending(state, [step.state is StepState.DONE for step in steps])
    corrects = any(step.state is StepState.NEEDS_CORRECTION for step in steps)
    if state is FilingState.IN_PROGRESS and corrects:
        return FilingEvent.WANT_CORRECTION
    if state is FilingState.NEEDS_CORRECTION and not corrects:
        return FilingEvent.RESUME
    return None


def _ending(state: FilingState, done: list[bool]) -> FilingEvent:
    if all(done):
        return FilingEvent.FINISH
    if any(done):
        return FilingEvent.FINISH_PARTLY
    return FilingEvent.END_WITHDRAWAL if state is FilingState.WITHDRAWING else FilingEvent.REFUSE


def _unlocked(step: Step, filing: Filing) -> StepEvent | None:
    """What the steps before it make of a waiting step."""
    if step.state is not StepState.WAITING:
        return None
    needed = [found.state for code in step.needs for found in [filing.step(code)] if found]
    if any(state in SETTLED and state is not StepState.DONE for state in needed):
        return StepEvent.CANCEL
    return StepEvent.UNLOCK if all(state is StepState.DONE for state in needed) else None


def _withdrawn(step: Step) -> StepEvent | None:
    stoppable = (StepState.WAITING, StepState.READY, StepState.NEEDS_CORRECTION)
    return StepEvent.CANCEL if step.state in stoppable else None


def _later_than(code: str, steps: Iterable[Step]) -> list[Step]:
    """The steps that need this one, and those that need them."""
    found: list[Step] = []
    codes = {code}
    for step in steps:
        if codes & set(step.needs):
            codes.add(step.code)
            found.append(step)
    return found


def with_step(filing: Filing, after: Step) -> Filing:
    """The filing with one step replaced."""
    return replace(filing, steps=tuple(after if step.code == after.code else step for step in filing.steps))


def noted(filing: Filing, at: datetime, by: str, event: str, step: str = "", text: str = "") -> Filing:
    """The filing with one more line of history."""
    history = (*filing.history, Entry(at, by, event, step, text))[-MOST_ENTRIES:]
    return replace(filing, history=history, updated_at=at)


def with_concern(filing: Filing, concern: Concern) -> Filing:
    """The filing with something for staff; the same again changes nothing."""
    if any((known.kind, known.step) == (concern.kind, concern.step) for known in filing.concerns):
        return filing
    return replace(filing, concerns=(*filing.concerns, concern))


def without_concern(filing: Filing, *kinds: ConcernKind, step: str = "") -> Filing:
    """The filing without concerns of these kinds, of one step or of all."""
    kept = tuple(each for each in filing.concerns if each.kind not in kinds or (step and each.step != step))
    return replace(filing, concerns=kept, taken_by=filing.taken_by if kept else "")


def _without_answered_concerns(filing: Filing) -> Filing:
    """What was silent has spoken, what was to be corrected is corrected: those concerns are gone."""
    answered: list[Concern] = []
    for concern in filing.concerns:
        step = filing.step(concern.step)
        waits = {
            # Without a step it is about all of them, until the last is there.
            ConcernKind.OVERDUE: not concern.step
            or (step is not None and (step.is_out or step.state is StepState.READY)),
            ConcernKind.UNREACHABLE: step is not None
            and (step.is_out or step.state is StepState.READY)
            and step.failures > 0,
            ConcernKind.NOT_CORRECTED: step is not None and step.state is StepState.NEEDS_CORRECTION,
        }
        if not waits.get(concern.kind, True):
            answered.append(concern)
    kept = tuple(each for each in filing.concerns if each not in answered)
    return replace(filing, concerns=kept, taken_by=filing.taken_by if kept else "")
