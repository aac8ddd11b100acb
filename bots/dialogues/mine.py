"""A resident's own appointments: listed, read out in one line, and the one that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from backend import clock
from backend.appointments.views import AppointmentView
from backend.slotpool.claims_models import ClaimState
from bots import phrases
from bots.dialogue import Talk
from bots.dialogues.asking import ids_of
from bots.understanding.values import Days

MORE = "（还有更多，可说日期或科室）"
_MOST_READ = 30


async def upcoming(talk: Talk) -> list[AppointmentView]:
    """What is still to come, soonest first, of everybody the resident acts for."""
    found, _ = await talk.services.appointments.list_mine(
        talk.actor, upcoming=True, cursor=None, limit=_MOST_READ
    )
    return [view for view in found if view.claim.state is ClaimState.BOOKED or is_due(view)]


def is_due(view: AppointmentView) -> bool:
    """Whether it is only kept until it is paid."""
    claim = view.claim
    return claim.state is ClaimState.HELD and claim.hold_until is not None and claim.hold_until > clock.now()


def can_change(view: AppointmentView) -> bool:
    """Whether it is early enough to give it back."""
    return clock.now() <= view.cancel_by


def line(view: AppointmentView) -> str:
    """明天11月23日（周一）09:30 市人民医院 儿科 陈静 1号 张*（待付款）."""
    claim, place = view.claim, view.place
    doctor = f" {place.practitioner.name}" if place.practitioner else ""
    due = "（待付款）" if is_due(view) else ""
    return (
        f"{phrases.day(claim.on)}{phrases.time_of(claim.start_at)} {place.organization.name} "
        f"{place.department.name}{doctor} {claim.number}号 {view.patient_name or ''}".rstrip()
        + due
    )


def meant(talk: Talk, views: Sequence[AppointmentView], days: Days | None) -> list[AppointmentView]:
    """Those that fit what was said of them; all of them when nothing said fits any."""
    at = talk.understood.slots.ordinal
    if at is not None and views and -len(views) <= at <= len(views) and at != 0:
        return [views[at - 1 if at > 0 else at]]
    return _fitting(talk, views, days) or list(views)


def not_there(talk: Talk, views: Sequence[AppointmentView], days: Days | None) -> str:
    """To be said first where none of them is the one that was named."""
    told = talk.understood.slots.ordinal is not None or _fitting(talk, views, days)
    return "" if told else "没有找到您说的那个预约。"


def _fitting(talk: Talk, views: Sequence[AppointmentView], days: Days | None) -> list[AppointmentView]:
    slots = talk.understood.slots
    named = {
        "organization_id": set(ids_of(slots.organizations)),
        "department_id": set(ids_of(slots.departments)),
        "practitioner_id": set(ids_of(slots.practitioners)),
    }
    return [
        view
        for view in views
        if (days is None or _is_on(view.claim.on, days))
        and all(not ids or getattr(view.claim, name) in ids for name, ids in named.items())
    ]


def _is_on(on: date, days: Days) -> bool:
    return days.first <= on <= days.last
