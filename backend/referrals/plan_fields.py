"""What of a follow-up plan stands in clear beside the sealed referral, to find and count it by. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from backend import clock
from backend.db.client import Document
from backend.referrals.follow_up import Follow, NotDone
from backend.referrals.models import Referral
from backend.referrals.plans import GRACE, SOON, closed_at, lines, next_on, remind_at


def follow_instant(referral: Referral) -> datetime | None:
    """The beginning of the first day on which something is to be done still."""
    on = next_on(referral)
    return clock.city_instant(on, 0) if on is not None else None


def plan_fields(referral: Referral) -> Document:
    """Days and instants, and nothing of what is to be done."""
    plan = [
        {
            "due_on": line.item.due_on.isoformat(),
            "in_time": line.said.done_on is not None and line.said.done_on <= line.item.due_on + GRACE,
            "closed": line.said.is_closed,
            # Of the dead, and of whom nobody follows, nothing was to be expected.
            "counts": line.result != "off" and line.said.not_done is not NotDone.DIED,
        }
        for line in lines(referral)
    ]
    found = {
        "plan": plan or None,
        "follow_on": follow_instant(referral),
        "remind_at": remind_at(referral),
        "followed_at": closed_at(referral),
    }
    return {name: value for name, value in found.items() if value is not None}


def of_plans(follow: Follow) -> Document:
    """By which a desk finds those with something to do, or with something said."""
    today = clock.today()
    begin, soon = _begin(today), _begin(today + SOON + timedelta(days=1))
    match follow:
        case Follow.OVERDUE:
            return {"follow_on": {"$lt": begin}}
        case Follow.DUE:
            return {"follow_on": {"$gte": begin, "$lt": soon}}
        case Follow.OPEN:
            return {"follow_on": {"$exists": True}}
        case Follow.CLOSED:
            return {"followed_at": {"$exists": True}}


def due_by_today() -> Document:
    """What is due today, or has been."""
    return {"follow_on": {"$lt": _begin(clock.today() + timedelta(days=1))}}


def _begin(on: date) -> datetime:
    return clock.city_instant(on, 0)
