"""What a draft has to say, and the referral that comes of it: pure rules, without database."""

from __future__ import annotations

import math
from datetime import datetime

from backend import clock
from backend.directory.codes import HospitalLevel
from backend.directory.models import Organization
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor
from backend.referrals.deciding import facts_key, missing_fields
from backend.referrals.machine import Part, ReferralEvent, ReferralState
from backend.referrals.models import NO_FACTS, Clinical, Direction, Draft, Referral, Step, Urgency
from backend.referrals.plans import check_plan


def check_draft(draft: Draft) -> None:
    """Raise BAD_REQUEST for what is missing, or does not go together."""
    missing = [] if draft.reason.strip() else ["reason"]
    if not draft.to_organization_id and not draft.nearest:
        missing.append("to_organization_id")
    if draft.direction is Direction.DOWN:
        missing += [
            name
            for name, said in (("discharge_summary", draft.discharge_summary.strip()), ("plan", draft.plan))
            if not said
        ]
    if missing:
        raise missing_fields(*missing)
    check_plan(draft.plan)
    check_nearest(draft.nearest, draft.urgency, draft.direction)
    _check_unidentified(draft)
    if draft.wanted_from and draft.wanted_until and draft.wanted_from > draft.wanted_until:
        raise missing_fields("wanted_until", problem="before_wanted_from")


def _check_unidentified(draft: Draft) -> None:
    unidentified = draft.who.unidentified
    if unidentified is None:
        return
    if draft.urgency is not Urgency.EMERGENCY or draft.direction is not Direction.UP:
        raise missing_fields("patient", problem="only_for_emergencies")
    if not unidentified.found_at.strip():
        raise missing_fields("found_at")


def check_nearest(nearest: bool, urgency: Urgency, direction: Direction) -> None:
    """Raise BAD_REQUEST where somebody has to be named."""
    if nearest and (urgency is not Urgency.EMERGENCY or direction is not Direction.UP):
        raise missing_fields("nearest", problem="only_for_emergencies")


def check_levels(direction: Direction, urgency: Urgency, here: HospitalLevel, there: HospitalLevel) -> None:
    """Raise BAD_REQUEST for one sent up to a lower level, or down to a higher one.

    Its first digit is the level; 9 has not been graded, and says nothing. In an emergency whoever can helps.
    """
    mine, theirs = here.value[0], there.value[0]
    unknown = HospitalLevel.UNGRADED.value
    if urgency is Urgency.EMERGENCY or unknown in (mine, theirs):
        return
    if (theirs < mine) if direction is Direction.UP else (theirs > mine):
        raise missing_fields("direction", problem="level")


def _clinical(draft: Draft) -> Clinical:
    return Clinical(
        reason=draft.reason.strip(),
        diagnoses=draft.diagnoses,
        summary=draft.summary.strip(),
        attachments=tuple(dict.fromkeys(draft.attachments)),
        discharge_summary=draft.discharge_summary.strip(),
        plan=draft.plan,
    )


def of_draft(
    referral_id: str, draft: Draft, person_id: str, by: str, to: str, practitioner_id: str, actor: Actor
) -> Referral:
    """A new referral, not yet kept."""
    now = clock.now()
    return Referral(
        id=referral_id,
        direction=draft.direction,
        urgency=draft.urgency,
        state=ReferralState.REQUESTED,
        person_id=person_id,
        from_organization_id=by,
        to_organization_id=to,
        clinical=_clinical(draft),
        created_at=now,
        updated_at=now,
        to_department_id="" if draft.nearest else draft.to_department_id,
        from_practitioner_id=practitioner_id,
        from_phone=draft.phone.strip(),
        sent_by=f"{actor.kind}:{actor.id}",
        nearest=draft.nearest,
        unidentified=draft.who.unidentified,
        wanted_from=draft.wanted_from,
        wanted_until=draft.wanted_until,
    )


def blank(referral_id: str, old: Referral, now: datetime) -> Referral:
    """A new referral of the same person for the same reason."""
    return Referral(
        id=referral_id,
        direction=old.direction,
        urgency=old.urgency,
        state=ReferralState.REQUESTED,
        person_id=old.person_id,
        from_organization_id=old.from_organization_id,
        to_organization_id=old.to_organization_id,
        clinical=old.clinical,
        created_at=now,
        updated_at=now,
        from_practitioner_id=old.from_practitioner_id,
        from_phone=old.from_phone,
        sent_by=old.sent_by,
        unidentified=old.unidentified,
        wanted_from=old.wanted_from,
        wanted_until=old.wanted_until,
        follows=old.id,
        # What was done, and told, of the plan that goes along.
        follow_ups=old.follow_ups,
    )


def sent_step(actor: Actor, part: Part, by: str, now: datetime) -> Step:
    """The first line of the history."""
    return Step(
        ReferralEvent.SEND,
        ReferralState.REQUESTED,
        now,
        part,
        actor.kind,
        actor.id,
        by if part is Part.SENDER else "",
        facts=facts_key(NO_FACTS),
    )


def check_same(known: Referral, draft: Draft, by: str, person_id: str) -> Referral:
    """What this very request made before; another request under its key is refused."""
    same_receiver = draft.nearest if known.nearest else known.to_organization_id == draft.to_organization_id
    # Whoever was sent unidentified may have been identified since.
    whom, known_whom = draft.who.unidentified or person_id, known.unidentified or known.person_id
    wished = (draft.direction, draft.urgency, by, whom)
    same_wish = wished == (known.direction, known.urgency, known.from_organization_id, known_whom)
    # What was supplemented since has been added to what was sent.
    same_words = known.clinical.reason in ("", draft.reason.strip())
    if same_receiver and same_wish and same_words:
        return known
    raise AppError(ErrorCode.IDEMPOTENCY_KEY_REUSED)


def distance_km(here: Organization | None, there: Organization) -> float:
    """As the crow flies; whoever has no place on the map comes last."""
    if here is None or None in (here.lat, here.lng, there.lat, there.lng):
        return math.inf
    a, b = math.radians(here.lat or 0), math.radians(there.lat or 0)
    east = math.radians((there.lng or 0) - (here.lng or 0)) * math.cos((a + b) / 2)
    return 6371 * math.hypot(b - a, east)
