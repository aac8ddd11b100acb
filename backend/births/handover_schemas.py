"""What is handed over, as the app shows it: where it is, and what to bring."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from backend import clock
from backend.births.machine import HandoverState
from backend.births.models import FilingView, Step
from backend.births.receiving import pickup_text
from backend.births.rules import Rules
from backend.http.schema import Answer, Instant, Schema


class HandoverOut(Answer):
    """What a step hands over: where it is, and what to bring. `pickup`: what its QR at the counter says."""

    what: str
    state: Literal["awaited", "posted", "ready", "missing", "received"]
    mailed: bool
    since: Instant
    due_at: Instant | None
    courier: str
    tracking_no: str
    place: str
    hours: str
    bring: str
    code: str
    pickup: str
    may_claim: bool


class MissedIn(Schema):
    """Of what has not come."""

    text: str = Field("", max_length=500)


def handover_out(view: FilingView, step: Step, rules: Rules) -> HandoverOut | None:
    """Of a step that is done, where there is something to be held."""
    known, rule = step.handover, rules.by_code.get(step.code)
    if known is None:
        return None
    told = rule.hands_over if rule else None
    usual = told.place if told and not known.mailed else ""
    place = known.place or ("" if known.state is HandoverState.POSTED else usual)
    until = known.received_at and known.received_at + timedelta(days=rules.receiving.claim_days)
    return HandoverOut(
        what=told.what if told else step.name,
        state=known.state.value,
        mailed=known.mailed,
        since=known.since,
        due_at=known.due_at,
        courier=known.courier,
        tracking_no=known.tracking_no,
        place=place,
        hours=told.hours if told and place == told.place else "",
        bring=told.bring if told and place else "",
        code=known.code if known.state is HandoverState.READY else "",
        pickup=pickup_text(view.filing.id, step),
        may_claim=until is not None and clock.now() <= until,
    )
