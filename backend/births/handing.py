"""What becomes of the paper or card of a step that is done: posted or laid out, lost, received. Pure.

An agency that has issued it is never asked for it again: whatever is lost is sent again or found by whoever
has it, and the application stays the one it was.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backend.births.handover_models import Handover, Told
from backend.births.machine import By, HandoverEvent, HandoverState, MoveError, handover_after
from backend.births.models import Concern, ConcernKind, Filing, Step
from backend.births.rules import Rules
from backend.births.settling import Change, noted, with_concern, with_step, without_concern

# How often the agency of something on its way is asked where it is.
LOOK_EVERY = timedelta(hours=6)
CODE_DIGITS = 6
# What staff are told of it; another word of it, or another day, settles that.
WORRIES = (ConcernKind.NOT_SENT, ConcernKind.NOT_RECEIVED, ConcernKind.MISSING)
_EVENTS = {
    HandoverState.POSTED: HandoverEvent.POST,
    HandoverState.READY: HandoverEvent.LAY_OUT,
    HandoverState.MISSING: HandoverEvent.MISS,
    HandoverState.RECEIVED: HandoverEvent.RECEIVE,
}
_WITH_PARENTS = (HandoverState.POSTED, HandoverState.READY)


class Handing:
    """Moves what is handed over by its machine, under the city's rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def move(
        self, filing: Filing, code: str, event: HandoverEvent, by: By, who: str, now: datetime,
        text: str = "", **changes: Any,
    ) -> Change:  # fmt: skip
        """The move, with the clocks and concerns that follow. Raises MoveError, LookupError."""
        step = filing.step(code)
        if step is None or step.handover is None:
            raise LookupError(f"step {code} hands nothing over")
        before = step.handover
        after = replace(before, state=handover_after(before.state, event, by))
        after = replace(after, **(self._timed(after, event, now) | changes))
        watched = replace(step, handover=after)
        look_at = (watched.look_at or now + LOOK_EVERY) if watched.is_watched else None
        moved = noted(with_step(filing, replace(watched, look_at=look_at)), now, who, str(event), code, text)
        return Change(self._worried(moved, code, after, now), handover_events=((code, event),))

    def said(self, filing: Filing, step: Step, told: Told, now: datetime) -> Change | None:
        """After an agency's word; None where it is no news, or comes after the parents have it."""
        event = _EVENTS.get(told.state)
        known = step.handover
        if event is None or known is None or _is_known(known, told):
            return None
        place = told.place or self._place(step.code) if event is HandoverEvent.LAY_OUT else ""
        where = {
            HandoverEvent.POST: {"courier": told.courier, "tracking_no": told.tracking_no, "place": ""},
            HandoverEvent.LAY_OUT: {"place": place, "courier": "", "tracking_no": ""},
        }.get(event, {})
        try:
            return self.move(filing, step.code, event, By.AGENCY, step.agency, now, **where)
        except MoveError:
            return None

    def reminded(self, filing: Filing, now: datetime) -> Change:
        """The parents asked whether it has come, where nobody has said so for long enough."""
        change = Change(filing)
        for step in filing.steps:
            known = step.handover
            if known is not None and is_to_be_asked(known, self._rules, now):
                event = HandoverEvent.REMIND
                change = change.and_then(self.move(change.filing, step.code, event, By.SYSTEM, "system", now))
        return change

    def _timed(self, after: Handover, event: HandoverEvent, now: datetime) -> dict[str, Any]:
        receiving = self._rules.receiving
        match event:
            case HandoverEvent.POST:
                due_at = now + timedelta(days=receiving.posted_days)
                return {"since": now, "due_at": due_at, "reminded": 0}
            case HandoverEvent.LAY_OUT:
                due_at = now + timedelta(days=receiving.ready_days)
                return {"since": now, "due_at": due_at, "reminded": 0, "code": after.code or _new_code()}
            case HandoverEvent.REMIND:
                due_at = now + timedelta(days=receiving.again_days)
                return {"due_at": due_at, "reminded": after.reminded + 1}
            case HandoverEvent.MISS:
                due_at = self._rules.calendar.after(now, self._rules.desk_working_days)
                return {"since": now, "due_at": due_at, "lost": after.lost + 1, "received_at": None}
            case HandoverEvent.RECEIVE:
                return {"since": now, "due_at": None, "received_at": now}

    def _worried(self, filing: Filing, code: str, after: Handover, now: datetime) -> Filing:
        filing = without_concern(filing, *WORRIES, step=code)
        if after.state is not HandoverState.MISSING or after.due_at is None:
            return filing
        return with_concern(filing, Concern(ConcernKind.MISSING, code, now, after.due_at))

    def _place(self, code: str) -> str:
        rule = self._rules.by_code.get(code)
        return rule.hands_over.place if rule and rule.hands_over else ""


def is_to_be_asked(known: Handover, rules: Rules, now: datetime) -> bool:
    """Whether the parents are to be asked now: so often only, then it is for staff."""
    waits = known.state in _WITH_PARENTS and known.reminded < rules.receiving.times
    return waits and known.due_at is not None and known.due_at <= now


def _is_known(known: Handover, told: Told) -> bool:
    """Whether it is the same parcel at the same place: also after somebody has said that it is lost."""
    if told.state is known.state and told.state not in _WITH_PARENTS:
        return True
    if told.state is HandoverState.POSTED:
        same = (told.courier, told.tracking_no) == (known.courier, known.tracking_no)
        return same and known.state is not HandoverState.AWAITED
    same_place = told.place in ("", known.place) and bool(known.code)
    return told.state is HandoverState.READY and same_place and known.state is not HandoverState.POSTED


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
