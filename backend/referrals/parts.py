"""As what somebody meets a referral, and what of it he is shown."""

from __future__ import annotations

from dataclasses import replace

from backend.errors import AppError
from backend.permissions import Actor, Permission
from backend.records.speaking import check_speaks_for
from backend.referrals.machine import Part
from backend.referrals.models import NOTHING_CLINICAL, Referral, Step
from backend.referrals.ports import People

_READ = {"staff": Permission.STAFF_REFERRALS_READ, "client": Permission.HOSPITAL_REFERRALS_READ}
_WRITE = {
    "staff": Permission.STAFF_REFERRALS_WRITE,
    "client": Permission.HOSPITAL_REFERRALS_WRITE,
    "resident": Permission.RESIDENT_REFERRALS_MANAGE,
}


async def parts_of(actor: Actor, referral: Referral, people: People) -> frozenset[Part]:
    """Empty for whom it is none of his business."""
    if actor.kind == "system":
        return frozenset({Part.SYSTEM})
    if actor.kind == "resident":
        if not actor.may(Permission.RESIDENT_REFERRALS_READ) or not referral.person_id:
            return frozenset()
        try:
            await people.access_patient(actor, referral.person_id)
        except AppError:
            return frozenset()
        return frozenset({Part.RESIDENT})
    permission = _READ.get(actor.kind)
    if permission is None or not actor.may(permission):
        return frozenset()
    if actor.organization_ids is None:
        return frozenset({Part.CITY})
    sides = {Part.SENDER: referral.from_organization_id, Part.RECEIVER: referral.to_organization_id}
    return frozenset(part for part, place in sides.items() if place in actor.organization_ids)


def may_read(actor: Actor) -> bool:
    """Whether somebody reads referrals of institutions."""
    return any(actor.may(permission) for permission in _READ.values())


def may_act(actor: Actor) -> bool:
    """Whether somebody may do more than read."""
    permission = _WRITE.get(actor.kind)
    return actor.kind == "system" or (permission is not None and actor.may(permission))


async def shown_to(actor: Actor, referral: Referral, parts: frozenset[Part], people: People) -> Referral:
    """The referral as these may see it: what is wrong with somebody is for those who treat, and himself.

    The city sees that somebody waits and where, and not what he has. Whoever books for another adult knows of
    the journey, and reads as little of the record as elsewhere.
    """
    if parts & {Part.SENDER, Part.RECEIVER, Part.SYSTEM}:
        return referral
    if Part.RESIDENT in parts:
        try:
            check_speaks_for(await people.access_patient(actor, referral.person_id))
        except AppError:
            return _without_clinical(referral)
        return replace(referral, history=_without_names(referral))
    # A wish is in the patient's own words: it may say what he has.
    return replace(_without_clinical(referral), wish="")


def _without_clinical(referral: Referral) -> Referral:
    history = tuple(replace(step, text="") for step in _without_names(referral))
    seen = replace(referral.unidentified, found_at="") if referral.unidentified else None
    said = replace(referral, unidentified=seen, asked="", outcome_text="", history=history)
    return replace(said, clinical=NOTHING_CLINICAL, back=None, follow_ups=())


def _without_names(referral: Referral) -> tuple[Step, ...]:
    return tuple(replace(step, actor_id="") for step in referral.history)
