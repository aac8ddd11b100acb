"""The follow-up plan of a referral on the way down: what is to be done, when it is told, what is said of it.

Pure rules; the plan itself stands in the referral's clinical part and does not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.referrals.follow_up import FollowUp, NotDone, Result
from backend.referrals.machine import FOLLOWED, ReferralState
from backend.referrals.models import Direction, Facts, Outcome, PlanItem, Referral, Step

# The day before, at ten; so late after its day nobody is reminded of anything any more.
DAYS_BEFORE, HOUR = 1, 10
LATE = timedelta(days=3)
# What a desk sees as due; and until when something counts as done in time.
SOON, GRACE = timedelta(days=7), timedelta(days=3)
# Something may have been done before he was sent home with the plan; no plan reaches farther than that.
_BEFORE, _FURTHEST = timedelta(days=31), timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a plan, and what has become of it."""

    item: PlanItem
    said: FollowUp
    result: Result

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed, and nobody has said anything."""
        return self.result is Result.OPEN and self.item.due_on < today


def is_late(due_on: date, now: datetime) -> bool:
    """Whether what was to be done on a day cannot be done in time any more."""
    return due_on + GRACE < clock.civil_date(now)


def has_died(referral: Referral) -> bool:
    """Whether it is known from this referral that its patient is dead."""
    said = any(each.not_done is NotDone.DIED for each in referral.follow_ups)
    return said or referral.outcome is Outcome.DIED


def is_followed(referral: Referral) -> bool:
    """Whether the receiver looks after the plan: from acceptance on, and beyond the end of the referral."""
    known = referral.direction is Direction.DOWN and referral.person_id and referral.clinical.plan
    # Whoever was missed here is looked after where he was sent instead.
    elsewhere = referral.state is ReferralState.NOT_ARRIVED and referral.followed_by
    return bool(known) and referral.state in FOLLOWED and not elsewhere and not has_died(referral)


def lines(referral: Referral) -> list[Line]:
    """The whole plan."""
    known = {each.number: each for each in referral.follow_ups}
    off = has_died(referral) or (referral.has_ended and not is_followed(referral))
    open_or_off = Result.OFF if off else Result.OPEN
    found = []
    for number, item in enumerate(referral.clinical.plan, 1):
        said = known.get(number, FollowUp(number))
        closed = Result.DONE if said.done_on else Result.NOT_DONE if said.not_done else open_or_off
        found.append(Line(item, said, closed))
    return found


def _open(referral: Referral) -> Iterator[Line]:
    if is_followed(referral):
        yield from (line for line in lines(referral) if line.result is Result.OPEN)


def next_on(referral: Referral) -> date | None:
    """The first day on which something is to be done still; None when nothing is."""
    return min((line.item.due_on for line in _open(referral)), default=None)


def closed_at(referral: Referral) -> datetime | None:
    """When something was last said of it; None when nothing was."""
    return max((each.said_at for each in referral.follow_ups if each.said_at), default=None)


def tell_at(referral: Referral, item: PlanItem) -> datetime:
    """When the patient is reminded: the day before, or as soon as somebody looks after him."""
    before = clock.city_instant(item.due_on - timedelta(days=DAYS_BEFORE), HOUR)
    return max(before, referral.accepted_at or referral.arrived_at or before)


def _untold(referral: Referral) -> Iterator[Line]:
    return (line for line in _open(referral) if not (line.said.told_at or line.said.late))


def remind_at(referral: Referral) -> datetime | None:
    """When there is next something to remind of; None when there is nothing."""
    return min((tell_at(referral, line.item) for line in _untold(referral)), default=None)


def to_tell(referral: Referral, now: datetime) -> dict[date, list[Line]]:
    """What is to be told now, by its day: things of one day are told in one message."""
    found: dict[date, list[Line]] = {}
    for line in _untold(referral):
        if tell_at(referral, line.item) <= now and clock.civil_date(now) <= line.item.due_on + LATE:
            found.setdefault(line.item.due_on, []).append(line)
    return found


def reminded(referral: Referral, now: datetime) -> Referral:
    """After what was due has been told, and what is long past has been let go."""
    due = [line for line in _untold(referral) if tell_at(referral, line.item) <= now]
    told = {line.said.number for day in to_tell(referral, now).values() for line in day}
    said = [
        replace(line.said, told_at=now) if line.said.number in told else replace(line.said, late=True)
        for line in due
    ]
    return _with(referral, said)


def check_plan(plan: Iterable[PlanItem]) -> None:
    """Raise BAD_REQUEST for days on which nobody follows anything up."""
    today = clock.today()
    if any(not today - _FURTHEST <= item.due_on <= today + _FURTHEST for item in plan):
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "plan", "problem": "too_far"}]})


def check_said(referral: Referral, facts: Facts) -> None:
    """Raise BAD_REQUEST for what cannot be said of a plan."""
    wrong = []
    if not 1 <= facts.item <= len(referral.clinical.plan):
        wrong.append("item")
    if (facts.done_on is None) == (facts.not_done is None):
        wrong.append("done_on")
    first = clock.civil_date(referral.created_at) - _BEFORE
    if facts.done_on is not None and not first <= facts.done_on <= clock.today():
        wrong.append("done_on")
    if facts.not_done is NotDone.OTHER and not facts.text.strip():
        wrong.append("text")
    if wrong:
        fields = [{"field": name, "problem": "wrong"} for name in dict.fromkeys(wrong)]
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": fields})


def is_said(referral: Referral, facts: Facts) -> bool:
    """Whether this is what is known of it already."""
    wanted = (facts.item, facts.done_on, facts.not_done, facts.text.strip())
    return any(
        each.is_closed and wanted == (each.number, each.done_on, each.not_done, each.note)
        for each in referral.follow_ups
    )


def said(referral: Referral, facts: Facts, step: Step) -> Referral:
    """The plan after somebody has said how one thing of it stands. Nobody looks for the dead any more."""
    numbers = {facts.item}
    if facts.not_done is NotDone.DIED:
        numbers |= {line.said.number for line in _open(referral)}
    return _with(
        referral,
        (
            replace(
                line.said,
                done_on=facts.done_on,
                not_done=facts.not_done,
                note=facts.text.strip(),
                said_at=step.at,
                said_by=f"{step.actor_kind}:{step.actor_id}",
            )
            for line in lines(referral)
            if line.said.number in numbers
        ),
    )


def _with(referral: Referral, said: Iterable[FollowUp]) -> Referral:
    known = {each.number: each for each in (*referral.follow_ups, *said)}
    return replace(referral, follow_ups=tuple(known[number] for number in sorted(known)))
