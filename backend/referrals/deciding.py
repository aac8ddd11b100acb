"""What an event makes of a referral: pure rules over the table, without database or clock of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from backend.errors import AppError, ErrorCode
from backend.ids import named_id
from backend.permissions import Actor
from backend.referrals.limits import TimeLimits
from backend.referrals.machine import (
    ENDED,
    PLACED,
    THERE,
    WAITING,
    Need,
    Part,
    ReferralEvent,
    Rule,
    rule_for,
)
from backend.referrals.models import (
    Clinical,
    Facts,
    Level,
    Loose,
    Outcome,
    Place,
    Referral,
    Step,
    Transport,
    Urgency,
    Who,
)
from backend.referrals.plans import check_plan, is_followed, is_said, said

# Who acts in several parts at once acts in the first of these that may.
_ORDER = (Part.RECEIVER, Part.SENDER, Part.RESIDENT, Part.CITY, Part.SYSTEM)
# What has been may be written down after a weekend; nobody is expected in more than a year.
LONG_AGO, FURTHEST = timedelta(days=3), timedelta(days=366)
_PASSING = frozenset({ReferralEvent.ESCALATE, ReferralEvent.FOLLOW_UP})
# What stands beside the way of a referral moves no clock of it.
_ASIDE = frozenset({ReferralEvent.IDENTIFY, ReferralEvent.FOLLOW_UP})
_HAS: dict[Need, Callable[[Facts], bool]] = {
    Need.TEXT: lambda facts: bool(facts.text.strip()),
    Need.REASON: lambda facts: facts.reason is not None,
    Need.TRANSPORT: lambda facts: facts.transport is not None,
    Need.OUTCOME: lambda facts: facts.outcome is not None,
    Need.RECEIVER: lambda facts: bool(facts.to_organization_id) or facts.nearest,
    Need.IDENTITY: lambda facts: _says_who(facts.who),
    Need.ITEM: lambda facts: facts.item > 0,
    Need.PLACE: lambda facts: bool(facts.schedule_id) or facts.expected_at is not None,
}
_FIELDS = {
    Need.TEXT: "text",
    Need.REASON: "reason",
    Need.TRANSPORT: "transport",
    Need.OUTCOME: "outcome",
    Need.RECEIVER: "to_organization_id",
    Need.IDENTITY: "patient",
    Need.ITEM: "item",
    Need.PLACE: "schedule_id",
}


def facts_key(facts: Facts) -> str:
    """By which a repeated request is known: the same facts, the same key."""
    return named_id("referral_facts", orjson.dumps(facts).decode())


def is_repeat(referral: Referral, event: ReferralEvent, facts: Facts) -> bool:
    """Whether this very thing was the last that happened: whoever asks again changes nothing."""
    if event is ReferralEvent.FOLLOW_UP:
        return is_said(referral, facts)
    last = next((step for step in reversed(referral.history) if step.event not in _PASSING), None)
    return last is not None and last.event is event and last.facts == facts_key(facts)


def check_rule(referral: Referral, event: ReferralEvent, parts: frozenset[Part]) -> tuple[Rule, Part]:
    """The line of the table and the part in which somebody acts.

    Raises FORBIDDEN where the event is another side's, REFERRAL_STATE where it cannot happen now.
    """
    rule = rule_for(referral.state, event)
    if rule is None or not may_follow(referral, event):
        raise AppError(
            ErrorCode.REFERRAL_STATE,
            f"{event} in {referral.state}",
            data={"state": str(referral.state), "followed_by": referral.followed_by or None},
        )
    part = next((each for each in _ORDER if each in parts & rule.parts), None)
    if part is None:
        raise AppError(ErrorCode.FORBIDDEN, f"{event} is not theirs")
    return rule, part


def may_follow(referral: Referral, event: ReferralEvent) -> bool:
    """What the state does not tell: one goes on once, is identified once, and not each has a plan."""
    if event is ReferralEvent.REDIRECT:
        return not referral.followed_by
    if event is ReferralEvent.FOLLOW_UP:
        return is_followed(referral) or any(each.is_closed for each in referral.follow_ups)
    return event is not ReferralEvent.IDENTIFY or referral.is_unidentified


def _says_who(who: Who | None) -> bool:
    return who is not None and bool(who.person_id or who.code or (who.name and who.id_number))


def check_needs(rule: Rule, facts: Facts) -> None:
    """Raise BAD_REQUEST for what an event has to bring along and does not."""
    missing = [_FIELDS[need] for need in rule.needs if not _HAS[need](facts)]
    if facts.send_back:
        missing += [name for name in ("discharge_summary", "plan") if not getattr(facts, name)]
    if missing:
        raise missing_fields(*sorted(missing))
    if facts.send_back:
        check_plan(facts.plan)
        if facts.outcome is Outcome.DIED:
            raise missing_fields("send_back", problem="died")


def check_hour(expected_at: datetime | None, now: datetime) -> None:
    """Raise BAD_REQUEST for an hour at which nobody can be expected."""
    if expected_at is not None and not now - LONG_AGO <= expected_at <= now + FURTHEST:
        raise missing_fields("expected_at", problem="too_far")


def missing_fields(*names: str, problem: str = "missing") -> AppError:
    """BAD_REQUEST that names the fields."""
    return AppError(
        ErrorCode.BAD_REQUEST, data={"fields": [{"field": name, "problem": problem} for name in names]}
    )


def moved(
    referral: Referral,
    event: ReferralEvent,
    rule: Rule,
    step: Step,
    facts: Facts,
    limits: TimeLimits,
    place: Place | None = None,
) -> Referral:
    """The referral after an event. `place` is what was taken for an acceptance or another time."""
    now = step.at
    after = replace(referral, state=rule.to, updated_at=now, history=(*referral.history, step))
    if event is ReferralEvent.FOLLOW_UP:
        after = said(after, facts, step)
    apply = _APPLY.get(event)
    if apply is not None:
        after = apply(after, facts, now)
    if place is not None:
        after = _placed(after, place, now)
    if after.state in ENDED and referral.is_open:
        after = _let_go(replace(after, ended_at=now), now)
    if after.gives_access and not referral.gives_access:
        after = replace(after, care_turn=referral.care_turn + 1)
    return _timed(referral, after, event, limits, now)


def deadline(referral: Referral) -> datetime | None:
    """Until when the next step is expected: an answer, then the patient, then how it ended."""
    if referral.state in WAITING:
        return referral.accept_by
    if referral.state in THERE:
        return referral.finish_by
    return referral.arrive_by if referral.state in PLACED else None


def step_of(
    event: ReferralEvent,
    rule: Rule,
    part: Part,
    actor: Actor,
    facts: Facts,
    referral: Referral,
    now: datetime,
) -> Step:
    """The line of the history."""
    side = {Part.SENDER: referral.from_organization_id, Part.RECEIVER: referral.to_organization_id}
    return Step(
        event=event,
        state=rule.to,
        at=now,
        part=part,
        actor_kind=actor.kind,
        actor_id=actor.id,
        organization_id=side.get(part, ""),
        text=facts.text.strip(),
        reason=str(facts.reason or facts.not_done or ""),
        facts=facts_key(facts),
    )


def _placed(after: Referral, place: Place, now: datetime) -> Referral:
    """With a place: what was kept for it before is to be given back, the new one is not any more."""
    loose = tuple(each for each in after.loose if each.appointment_id != place.appointment_id)
    old = after.place.appointment_id if after.place else ""
    if old and old != place.appointment_id:
        loose = (*loose, Loose(old, now, owed=True))
    return replace(after, place=place, wish="", loose=loose, places_tried=after.places_tried + 1)


def _let_go(after: Referral, now: datetime) -> Referral:
    """Ended before anybody came: a place whose time is yet to come is to be given back."""
    place = after.place
    if place is None or not place.appointment_id or place.lost or place.expected_at <= now:
        return after
    return replace(after, loose=(*after.loose, Loose(place.appointment_id, now, owed=True)))


def _timed(
    before: Referral, after: Referral, event: ReferralEvent, limits: TimeLimits, now: datetime
) -> Referral:
    """The clock that runs now."""
    if event in _ASIDE:
        return after
    if after.state in WAITING | THERE:
        if event is ReferralEvent.ESCALATE:
            level = limits.next_level(before.state, before.urgency, before.level) or before.level
            due = limits.next_due(after.state, after.urgency, level, now)
            # Whoever arrived before there was such a clock is late from now on.
            late = (before.finish_by or now) if after.state in THERE else None
            return replace(after, level=level, due_at=due, finish_by=late)
        by = limits.answer_by(after.state, after.urgency, now)
        due = limits.next_due(after.state, after.urgency, Level.SENT, now)
        if after.state in THERE:
            return replace(after, level=Level.SENT, accept_by=None, finish_by=by, due_at=due)
        return replace(after, level=Level.SENT, accept_by=by, due_at=due)
    if after.state in PLACED:
        if event is ReferralEvent.WISH:
            return after
        by = limits.arrive_by(after.urgency, _expected(after, now))
        return replace(after, level=Level.SENT, accept_by=None, arrive_by=by, due_at=by)
    return replace(after, due_at=None, accept_by=None, finish_by=None)


def _expected(after: Referral, now: datetime) -> datetime:
    instants = [now]
    if after.place is not None:
        instants.append(after.place.expected_at)
    if after.transport is not None and after.transport.expected_at is not None:
        instants.append(after.transport.expected_at)
    return max(instants)


# What an event writes besides the state.


def _ask_more(after: Referral, facts: Facts, now: datetime) -> Referral:
    return replace(after, asked=facts.text.strip())


def _supplement(after: Referral, facts: Facts, now: datetime) -> Referral:
    return replace(after, clinical=_supplemented(after.clinical, facts), asked="")


def _supplemented(clinical: Clinical, facts: Facts) -> Clinical:
    return replace(
        clinical,
        summary="\n".join(part for part in (clinical.summary, facts.text.strip()) if part),
        diagnoses=tuple(dict.fromkeys((*clinical.diagnoses, *facts.diagnoses))),
        attachments=tuple(dict.fromkeys((*clinical.attachments, *facts.attachments))),
    )


def _accept(after: Referral, facts: Facts, now: datetime) -> Referral:
    return replace(after, accepted_at=now)


def _reject(after: Referral, facts: Facts, now: datetime) -> Referral:
    return replace(after, reject_reason=facts.reason)


def _wish(after: Referral, facts: Facts, now: datetime) -> Referral:
    return replace(after, wish=facts.text.strip())


def _depart(after: Referral, facts: Facts, now: datetime) -> Referral:
    if facts.transport is None:
        raise missing_fields("transport")
    departed_at = after.transport.departed_at if after.transport else now
    return replace(
        after,
        transport=Transport(
            facts.transport, departed_at, facts.vehicle.strip(), facts.crew_phone.strip(), facts.expected_at
        ),
    )


def _arrive(after: Referral, facts: Facts, now: datetime) -> Referral:
    # Whatever went on from it has been called off.
    return replace(after, arrived_at=now, ended_at=None, followed_by="")


def _complete(after: Referral, facts: Facts, now: datetime) -> Referral:
    done = replace(after, outcome=facts.outcome, outcome_text=facts.text.strip())
    if not facts.send_back or not after.person_id:
        return done
    back = Clinical(
        reason=after.clinical.reason,
        diagnoses=facts.diagnoses or after.clinical.diagnoses,
        summary=facts.text.strip(),
        attachments=facts.attachments,
        discharge_summary=facts.discharge_summary.strip(),
        plan=facts.plan,
    )
    return replace(done, back=back, followed_by=_back_id(after))


def successor_id(referral_id: str) -> str:
    """The id of the referral that goes on from one: there is one at most, however often it is asked for."""
    return named_id("referral", "after", referral_id)


def way_of(referral: Referral) -> str:
    """By which two referrals are known to be of the same patient from the same to the same.

    What can wait turns no emergency away: emergencies have a way of their own.
    """
    need = "emergency" if referral.urgency is Urgency.EMERGENCY else ""
    sides = referral.from_organization_id, referral.to_organization_id
    return named_id("referral_way", referral.person_id, *sides, referral.direction, need)


def _identify(after: Referral, facts: Facts, now: datetime) -> Referral:
    if facts.who is None:
        raise missing_fields("patient")
    return replace(after, person_id=facts.who.person_id)


def _back_id(done: Referral) -> str:
    """Of the referral back. Who was missed, sent elsewhere and came after all has had a successor."""
    redirected = any(step.event is ReferralEvent.REDIRECT for step in done.history)
    return named_id("referral", "back", done.id) if redirected else successor_id(done.id)


_APPLY: dict[ReferralEvent, Callable[[Referral, Facts, datetime], Referral]] = {
    ReferralEvent.ASK_MORE: _ask_more,
    ReferralEvent.SUPPLEMENT: _supplement,
    ReferralEvent.ACCEPT: _accept,
    ReferralEvent.REJECT: _reject,
    ReferralEvent.WISH: _wish,
    ReferralEvent.DEPART: _depart,
    ReferralEvent.ARRIVE: _arrive,
    ReferralEvent.COMPLETE: _complete,
    ReferralEvent.IDENTIFY: _identify,
}
