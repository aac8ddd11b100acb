"""Who has to move next, until when, and when we look again: until all is over, and received. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from backend.births.handing import WORRIES, is_to_be_asked
from backend.births.machine import FilingState, HandoverState, StepState
from backend.births.models import Concern, ConcernKind, Filing, Owner, OwnerKind, Step
from backend.births.rules import Rules
from backend.births.settling import with_concern

DESK = "births"


def owner_of(filing: Filing) -> Owner | None:
    """Who has to move; None when nobody has to any more."""
    if filing.concerns:
        due_at = min(concern.due_at for concern in filing.concerns)
        if filing.taken_by:
            return Owner(OwnerKind.STAFF, filing.taken_by, due_at)
        return Owner(OwnerKind.DESK, DESK, due_at)
    if filing.is_over:
        return _owner_of_handing(filing)
    if filing.state is FilingState.DRAFT:
        return Owner(OwnerKind.PARENTS, filing.applicant_id, filing.open_until)
    correcting = [step.correct_by for step in filing.steps if step.state is StepState.NEEDS_CORRECTION]
    dates = [each for each in correcting if each is not None]
    if dates:
        return Owner(OwnerKind.PARENTS, filing.applicant_id, min(dates))
    first = _first_due(filing.steps)
    if first is None or first.due_at is None:
        raise LookupError(f"filing {filing.id} is {filing.state} and nobody's")
    return Owner(OwnerKind.AGENCY, first.agency, first.due_at)


def _owner_of_handing(filing: Filing) -> Owner | None:
    """Of what is done and not yet received: who has it before him, the first one that is due."""
    open_ones = [
        (step.handover.due_at, step.code, step.agency, step.handover.state)
        for step in filing.steps
        if step.handover is not None and step.handover.due_at is not None
    ]
    if not open_ones:
        return None
    due_at, _, agency, state = min(open_ones)
    if state in (HandoverState.POSTED, HandoverState.READY):
        return Owner(OwnerKind.PARENTS, filing.applicant_id, due_at)
    return Owner(OwnerKind.AGENCY, agency, due_at)


def look_at(filing: Filing) -> datetime | None:
    """When the sweep has something to do for it."""
    moments = [concern.due_at for concern in filing.concerns]
    if filing.state is FilingState.DRAFT:
        moments.append(filing.open_until)
    promised = _promise_of(filing)
    if promised is not None:
        moments.append(promised)
    for step in filing.steps:
        if not filing.is_over or step.is_handing_over:
            moments += [at for at in (step.look_at, _clock_of(step, filing)) if at is not None]
    return min(moments, default=None)


def level_of(filing: Filing) -> int:
    """How far its most neglected concern has risen: above 1 a day has passed; 0 where there is none."""
    return max((concern.level for concern in filing.concerns), default=0)


def overdue(filing: Filing, rules: Rules, now: datetime) -> Filing:
    """The filing with the concerns that time alone brings: late agencies, silent parents, idle staff."""
    due_at = rules.calendar.after(now, rules.desk_working_days)
    risen = tuple(
        replace(each, level=each.level + 1, due_at=due_at) if each.due_at <= now else each
        for each in filing.concerns
    )
    # Whoever had taken it has let the day pass: it is everybody's again.
    taken_by = filing.taken_by if risen == filing.concerns else ""
    filing = replace(filing, concerns=risen, taken_by=taken_by)
    for step in filing.steps:
        worry = _worry(step, rules, now)
        if worry is not None:
            filing = with_concern(filing, Concern(worry, step.code, now, due_at))
    if filing.is_over or filing.state is FilingState.DRAFT:
        return filing
    for step in filing.steps:
        kind = _late(step, now)
        if kind is not None:
            filing = with_concern(filing, Concern(kind, step.code, now, due_at))
    promised = _promise_of(filing)
    if promised is not None and promised <= now:
        filing = with_concern(filing, Concern(ConcernKind.OVERDUE, "", now, due_at))
    return filing


def _promise_of(filing: Filing) -> datetime | None:
    """When all of it is promised, unless staff know already or the parents have to move first."""
    known = any((each.kind, each.step) == (ConcernKind.OVERDUE, "") for each in filing.concerns)
    at_work = filing.state in (FilingState.SUBMITTED, FilingState.IN_PROGRESS)
    return filing.done_by if at_work and not known else None


def _late(step: Step, now: datetime) -> ConcernKind | None:
    if step.state is StepState.NEEDS_CORRECTION and step.correct_by is not None and step.correct_by <= now:
        return ConcernKind.NOT_CORRECTED
    waits = step.is_out or step.state is StepState.READY
    return ConcernKind.OVERDUE if waits and step.due_at is not None and step.due_at <= now else None


_WORRIES = {
    HandoverState.AWAITED: ConcernKind.NOT_SENT,
    HandoverState.POSTED: ConcernKind.NOT_RECEIVED,
    HandoverState.READY: ConcernKind.NOT_RECEIVED,
    HandoverState.MISSING: ConcernKind.MISSING,
}


def _worry(step: Step, rules: Rules, now: datetime) -> ConcernKind | None:
    """What is handed over, and nobody says how: not sent, not come though asked for, not found."""
    known = step.handover
    if known is None or known.due_at is None or known.due_at > now or is_to_be_asked(known, rules, now):
        return None
    return _WORRIES[known.state]


def _clock_of(step: Step, filing: Filing) -> datetime | None:
    """When a step's time runs out, unless staff know already."""
    known = {concern.kind for concern in filing.concerns if concern.step == step.code}
    if step.handover is not None:
        return None if known & set(WORRIES) else step.handover.due_at
    if step.state is StepState.NEEDS_CORRECTION:
        return None if ConcernKind.NOT_CORRECTED in known else step.correct_by
    if step.is_out or step.state is StepState.READY:
        return None if ConcernKind.OVERDUE in known else step.due_at
    return None


def _first_due(steps: Iterable[Step]) -> Step | None:
    waiting = [step for step in steps if (step.is_out or step.state is StepState.READY) and step.due_at]
    return min(waiting, key=lambda step: (step.due_at, step.code), default=None)
