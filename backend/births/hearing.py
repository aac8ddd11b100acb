"""What an agency's word does to a filing: by the machine, once, and never backwards. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.births.handing import Handing
from backend.births.machine import By, MoveError, StepEvent, StepState
from backend.births.models import Concern, ConcernKind, Filing, Step
from backend.births.ports import Standing, Word
from backend.births.rules import Rules
from backend.births.settling import Change, Settling, noted, with_concern, with_step

_EVENTS = {
    Standing.ACCEPTED: StepEvent.ACCEPT,
    Standing.NEEDS_CORRECTION: StepEvent.WANT_CORRECTION,
    Standing.REJECTED: StepEvent.REJECT,
    Standing.DONE: StepEvent.FINISH,
    Standing.CANCELLED: StepEvent.CANCEL,
}
_SAME = {
    Standing.ACCEPTED: StepState.ACCEPTED,
    Standing.NEEDS_CORRECTION: StepState.NEEDS_CORRECTION,
    Standing.REJECTED: StepState.REJECTED,
    Standing.DONE: StepState.DONE,
    Standing.CANCELLED: StepState.CANCELLED,
}


class Hearing:
    """Takes words."""

    def __init__(self, rules: Rules, settling: Settling) -> None:
        self._rules = rules
        self._settling = settling
        self._handing = Handing(rules)

    def heard(self, filing: Filing, step: Step, word: Word, now: datetime) -> Change | None:
        """The filing after a word of its present question; None when the word is no news."""
        if word.revision <= step.heard:
            return None
        change = self._stands(filing, step, word, now)
        known = change.filing.step(step.code)
        if word.handover is None or known is None or known.state is not StepState.DONE:
            return change
        handed = self._handing.said(change.filing, known, word.handover, now)
        return change if handed is None else change.and_then(handed)

    def _stands(self, filing: Filing, step: Step, word: Word, now: datetime) -> Change:
        """The filing after what is new of a step itself."""
        if step.paper is not None and _bears_out(step, word):
            known = replace(step, heard=word.revision, results=step.results | word.results)
            return Change(with_step(filing, replace(known, receipt=word.receipt or step.receipt)))
        if _SAME.get(word.standing) is step.state and step.results == word.results:
            return Change(with_step(filing, replace(step, heard=word.revision)))
        if word.standing is Standing.CANCELLED and _never_arrived(step):
            # It did not come through, and will not any more: the next attempt is another question.
            lost = self._settling.step(filing, step.code, StepEvent.LOSE, By.SYSTEM, "system", now)
            return self._settling.settled(lost, now)
        try:
            moved = self._settling.step(
                filing, step.code, _EVENTS[word.standing], By.AGENCY, step.agency, now,
                **_told(step, word, now),
            )  # fmt: skip
        except MoveError:
            return self._contradiction(filing, step, word, now)
        return self._settling.settled(moved, now)

    def _contradiction(self, filing: Filing, step: Step, word: Word, now: datetime) -> Change:
        """Signed, new, and impossible: somebody has to telephone."""
        due_at = self._rules.calendar.after(now, self._rules.desk_working_days)
        concern = Concern(ConcernKind.CONTRADICTION, step.code, now, due_at)
        told = with_step(filing, replace(step, heard=word.revision))
        return Change(
            with_concern(noted(told, now, step.agency, f"said_{word.standing}", step.code), concern)
        )


def _bears_out(step: Step, word: Word) -> bool:
    """Whether a word says nothing else than the paper that staff have typed in before it came."""
    if word.standing is Standing.ACCEPTED:
        return True
    same = all(step.results.get(name, value) == value for name, value in word.results.items())
    return word.standing is Standing.DONE and same


def _never_arrived(step: Step) -> bool:
    return step.state is StepState.ASKED and not step.stopping


def _told(step: Step, word: Word, now: datetime) -> dict[str, Any]:
    """What a word carries beside its standing."""
    told: dict[str, Any] = {"heard": word.revision, "answered_at": now, "failures": 0}
    if word.receipt:
        told["receipt"] = word.receipt
    if word.standing in (Standing.NEEDS_CORRECTION, Standing.REJECTED):
        told["problems"] = tuple(replace(problem, step=step.code) for problem in word.problems)
    if word.standing is Standing.DONE:
        told |= {"results": dict(word.results), "problems": ()}
    return told
