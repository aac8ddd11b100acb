"""What hospitals and residents say about referrals over HTTP; what they are shown is in `answers.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from backend.directory.schemas import ExternalID
from backend.http.schema import PageQuery, Query, Schema, WrittenDay
from backend.referrals.follow_up import Follow, NotDone
from backend.referrals.machine import ReferralState
from backend.referrals.models import (
    Diagnosis,
    Direction,
    Draft,
    Outcome,
    PlanItem,
    ReferralQuery,
    RejectReason,
    Side,
    TransportKind,
    Urgency,
    Who,
)
from backend.referrals.unidentified import SeenSex, Unidentified
from backend.slotpool.schedules_schemas import ZonedInstant

_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
_Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(\+?[0-9][0-9 -]{4,18})?$")]
_ID = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}$")]
_OptionalID = Annotated[str, StringConstraints(pattern=r"^([0-9A-Z]{26})?$")]
_Attachment = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}(-[0-9A-Za-z.]{1,64})?$")]


class DiagnosisIn(Schema):
    """A diagnosis; the code is ICD-10 where there is one."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""


class PlanItemIn(Schema):
    """One thing to do after discharge."""

    what: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    due_on: WrittenDay


class UnidentifiedIn(Schema):
    """Somebody of whom nobody knows who he is."""

    found_at: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    sex: SeenSex = SeenSex.UNKNOWN
    age: int | None = Field(None, ge=0, le=120, description="About so many years.")


class ReferredPatientIn(Schema):
    """The patient: name and ID number as at a window, or the health code that is being shown.

    Emergencies only: `unidentified`, where nobody knows who he is; `identify` says it later.
    """

    name: _Line = ""
    id_number: Annotated[str, StringConstraints(strip_whitespace=True, max_length=18)] = ""
    phone: _Phone = ""
    health_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)] = ""
    unidentified: UnidentifiedIn | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ReferredPatientIn:
        known = bool(self.health_code or (self.name and self.id_number))
        if known == (self.unidentified is not None):
            raise ValueError("name and id_number, or health_code, or unidentified")
        return self


class SendReferral(Schema):
    """A new referral. An emergency needs `patient`, `reason`, and `to` or `nearest`."""

    patient: ReferredPatientIn
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    urgency: Urgency = Urgency.ROUTINE
    direction: Direction = Direction.UP
    to: _OptionalID = Field("", description="The receiving institution's id in the city.")
    nearest: bool = Field(False, description="Emergencies only: the nearest institution that takes them.")
    department: _OptionalID = Field("", description="The receiver's department by its id in the city.")
    practitioner: ExternalID | None = Field(
        None, description="The hospital's own id of the doctor who sends."
    )
    phone: _Phone = Field("", description="Where that doctor hears of the answer.")
    diagnoses: list[DiagnosisIn] = Field(default_factory=list, max_length=20)
    summary: _Text = ""
    attachments: list[_Attachment] = Field(
        default_factory=list, max_length=50, description="Ids of resources of the patient's record."
    )
    wanted_from: WrittenDay | None = None
    wanted_until: WrittenDay | None = None
    discharge_summary: _Text = Field("", description="Down: required.")
    plan: list[PlanItemIn] = Field(default_factory=list, max_length=50, description="Down: required.")


class ReferralFactsIn(Schema):
    """What an event brings along; each needs only its own (docs/referrals.md)."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""
    reason: RejectReason | None = None
    schedule: ExternalID | None = Field(None, description="The receiver's own id of the session.")
    number: int | None = Field(None, ge=1, le=10_000)
    bed: _Line = ""
    expected_at: ZonedInstant | None = None
    bring: _Line = ""
    transport: TransportKind | None = None
    vehicle: _Line = ""
    crew_phone: _Phone = ""
    attachments: list[_Attachment] = Field(default_factory=list, max_length=50)
    diagnoses: list[DiagnosisIn] = Field(default_factory=list, max_length=20)
    outcome: Outcome | None = None
    send_back: bool = False
    discharge_summary: _Text = ""
    plan: list[PlanItemIn] = Field(default_factory=list, max_length=50)
    to: _OptionalID = ""
    department: _OptionalID = ""
    nearest: bool = False
    patient: ReferredPatientIn | None = Field(None, description="identify: who the patient is.")
    item: int = Field(0, ge=0, le=50, description="follow_up: which line of the plan, from 1 on.")
    done_on: WrittenDay | None = Field(None, description="follow_up: the day on which it was done.")
    not_done: NotDone | None = Field(None, description="follow_up: why it will not be done.")


class ReferralsQuery(PageQuery):
    """Which referrals."""

    side: Side | None = None
    state: ReferralState | None = None
    urgency: Urgency | None = None
    direction: Direction | None = None
    overdue: bool = False
    follow_up: Follow | None = Field(
        None, description="By their follow-up plans: what is due first, or what was said last."
    )


class MyReferralsQuery(PageQuery):
    """Of everybody the resident acts for, or of one of them."""

    patient_id: _ID | None = None


class PlacesQuery(Query):
    """What the green channel has free: at the asking hospital, or at one it may send to."""

    organization: _OptionalID = ""
    department: _OptionalID = ""
    from_on: WrittenDay = Field(alias="from")
    days: int = Field(7, ge=1, le=31)


class DeskIn(Schema):
    """Who answers referrals here, and whether emergencies may be sent unasked."""

    takes_emergencies: bool = False
    duty_phone: _Phone = ""
    operators_phone: _Phone = ""


class WithdrawReferral(Schema):
    """Why, if somebody wants to say so."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class WishAnotherTime(Schema):
    """What would suit better; the receiver decides."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def draft_of(body: SendReferral, practitioner_id: str) -> Draft:
    """A draft as it came in."""
    return Draft(
        who=who_of(body.patient),
        reason=body.reason,
        urgency=body.urgency,
        direction=body.direction,
        practitioner_id=practitioner_id,
        phone=body.phone,
        to_organization_id=body.to,
        nearest=body.nearest,
        to_department_id=body.department,
        diagnoses=diagnoses_of(body.diagnoses),
        summary=body.summary,
        attachments=tuple(body.attachments),
        wanted_from=body.wanted_from,
        wanted_until=body.wanted_until,
        discharge_summary=body.discharge_summary,
        plan=plan_of(body.plan),
    )


def who_of(patient: ReferredPatientIn) -> Who:
    """The patient as he came in."""
    seen = patient.unidentified
    return Who(
        name=patient.name,
        id_number=patient.id_number,
        phone=patient.phone,
        code=patient.health_code,
        unidentified=Unidentified(seen.found_at, seen.sex, seen.age) if seen else None,
    )


def diagnoses_of(given: list[DiagnosisIn]) -> tuple[Diagnosis, ...]:
    """Diagnoses as they came in."""
    return tuple(Diagnosis(each.text, each.code) for each in given)


def plan_of(given: list[PlanItemIn]) -> tuple[PlanItem, ...]:
    """A plan as it came in."""
    return tuple(PlanItem(each.what, each.due_on) for each in given)


def query_of(query: ReferralsQuery) -> ReferralQuery:
    """A hospital's query."""
    return ReferralQuery(
        side=query.side,
        states=(query.state,) if query.state else (),
        urgency=query.urgency,
        direction=query.direction,
        overdue=query.overdue,
        follow=query.follow_up,
        cursor=query.cursor,
        limit=query.limit,
    )
