"""What referrals look like when they are shown over HTTP, to hospitals and to residents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from backend import clock
from backend.directory.models import Department, Organization, Practitioner
from backend.http.schema import Answer, Instant
from backend.referrals.desks import Desk
from backend.referrals.follow_up import NotDone, Result
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import (
    Direction,
    FreePlaces,
    Level,
    Outcome,
    Referral,
    RejectReason,
    Step,
    TransportKind,
    Urgency,
)
from backend.referrals.plans import Line, lines
from backend.referrals.schemas import DiagnosisIn
from backend.referrals.unidentified import SeenSex
from backend.residents.models import Identity


class ReferralPartyOut(Answer):
    """One side."""

    organization_id: str
    organization: str
    address: str
    phone: str
    department_id: str | None
    department: str | None
    practitioner: str | None


class PlanLineOut(Answer):
    """One thing to do after discharge, and what has become of it; `follow_up` names it by its number."""

    number: int
    what: str
    due_on: date
    result: Result
    overdue: bool
    done_on: date | None
    not_done: NotDone | None
    note: str
    reminded_at: Instant | None
    said_at: Instant | None


class ReferralClinicalOut(Answer):
    """What is wrong, for those who treat and for the patient himself."""

    reason: str
    diagnoses: list[DiagnosisIn]
    summary: str
    attachments: list[str]
    discharge_summary: str
    plan: list[PlanLineOut]


class ReferralPlaceOut(Answer):
    """Where and when the patient is expected. `lost`: the appointment has ended, another place is needed."""

    expected_at: Instant
    department_id: str | None
    department: str | None
    where: str
    practitioner: str | None
    bed: str
    bring: str
    appointment_id: str | None
    number: int | None
    lost: bool


class ReferralTransportOut(Answer):
    """How the patient comes."""

    kind: TransportKind
    vehicle: str
    crew_phone: str
    departed_at: Instant
    expected_at: Instant | None


class ReferralStepOut(Answer):
    """One line of the history."""

    event: ReferralEvent
    state: ReferralState
    at: Instant
    by: str
    text: str
    reason: str


class UnidentifiedOut(Answer):
    """How somebody looks of whom nobody knows who he is, and where he was found."""

    found_at: str
    sex: SeenSex
    age: int | None


class ReferralPatientOut(Answer):
    """The patient: in clear to the two institutions, masked to residents.

    `unidentified`: as he was sent; `id` is empty until somebody knows who he is.
    """

    id: str
    name: str
    id_number: str | None = None
    sex: str | None = None
    birth_on: date | None = None
    phone: str | None = None
    unidentified: UnidentifiedOut | None = None


class ReferralOut(Answer):
    """A referral as the asking side sees it; `can` is what it may do now."""

    id: str
    direction: Direction
    urgency: Urgency
    state: ReferralState
    level: Level
    patient: ReferralPatientOut
    sender: ReferralPartyOut
    receiver: ReferralPartyOut
    clinical: ReferralClinicalOut | None
    wanted_from: date | None
    wanted_until: date | None
    place: ReferralPlaceOut | None
    transport: ReferralTransportOut | None
    asked: str
    wish: str
    reject_reason: RejectReason | None
    outcome: Outcome | None
    outcome_text: str
    accept_by: Instant | None
    arrive_by: Instant | None
    finish_by: Instant | None
    created_at: Instant
    accepted_at: Instant | None
    arrived_at: Instant | None
    ended_at: Instant | None
    follows: str | None
    followed_by: str | None
    history: list[ReferralStepOut]
    can: list[ReferralEvent]


class ReferralSlotOut(Answer):
    """One free place."""

    number: int
    start_at: Instant


class ReferralSessionOut(Answer):
    """A session with places for referrals."""

    schedule_id: str
    schedule: str | None = Field(description="The hospital's own id, where the session is its own.")
    department_id: str
    practitioner_id: str | None
    on: date
    period: str
    fee_fen: int
    slots: list[ReferralSlotOut]


class DeskOut(Answer):
    """Who answers referrals at an institution."""

    organization_id: str
    takes_emergencies: bool
    duty_phone: str
    operators_phone: str


def desk_out(desk: Desk) -> DeskOut:
    """A desk's JSON."""
    return DeskOut(
        organization_id=desk.organization_id,
        takes_emergencies=desk.takes_emergencies,
        duty_phone=desk.duty_phone,
        operators_phone=desk.operators_phone,
    )


def session_out(free: FreePlaces, schedule: str | None) -> ReferralSessionOut:
    """A session's JSON."""
    return ReferralSessionOut(
        schedule_id=free.schedule_id,
        schedule=schedule,
        department_id=free.department_id,
        practitioner_id=free.practitioner_id or None,
        on=free.on,
        period=free.period,
        fee_fen=free.fee_fen,
        slots=[ReferralSlotOut(number=number, start_at=at) for number, at in free.slots],
    )


class Names:
    """Names of what referrals point to, read at once for a page of them."""

    def __init__(
        self,
        organizations: Mapping[str, Organization],
        departments: Mapping[str, Department],
        practitioners: Mapping[str, Practitioner],
        patients: Mapping[str, str],
        identities: Mapping[str, Identity],
    ) -> None:
        self._organizations = organizations
        self._departments = departments
        self._practitioners = practitioners
        self._patients = patients
        self._identities = identities

    def out(self, referral: Referral, can: list[ReferralEvent]) -> ReferralOut:
        """A referral's JSON."""
        return ReferralOut(
            id=referral.id,
            direction=referral.direction,
            urgency=referral.urgency,
            state=referral.state,
            level=referral.level,
            patient=self._patient(referral),
            sender=self._party(
                referral.from_organization_id, "", referral.from_practitioner_id, referral.from_phone
            ),
            receiver=self._party(referral.to_organization_id, referral.to_department_id, "", ""),
            clinical=_clinical(referral) if referral.clinical.reason else None,
            wanted_from=referral.wanted_from,
            wanted_until=referral.wanted_until,
            place=self._place(referral),
            transport=_transport(referral),
            asked=referral.asked,
            wish=referral.wish,
            reject_reason=referral.reject_reason,
            outcome=referral.outcome,
            outcome_text=referral.outcome_text,
            accept_by=referral.accept_by,
            arrive_by=referral.arrive_by,
            finish_by=referral.finish_by,
            created_at=referral.created_at,
            accepted_at=referral.accepted_at,
            arrived_at=referral.arrived_at,
            ended_at=referral.ended_at,
            follows=referral.follows or None,
            followed_by=referral.followed_by or None,
            history=[_step(step) for step in referral.history],
            can=can,
        )

    def _patient(self, referral: Referral) -> ReferralPatientOut:
        person_id, seen = referral.person_id, referral.unidentified
        looks = UnidentifiedOut(found_at=seen.found_at, sex=seen.sex, age=seen.age) if seen else None
        known = self._identities.get(person_id)
        if known is None:
            name = self._patients.get(person_id, "")
            return ReferralPatientOut(id=person_id, name=name, unidentified=looks)
        return ReferralPatientOut(
            id=person_id,
            name=known.name,
            id_number=known.id_number,
            sex=known.sex.value,
            birth_on=known.birth_on,
            phone=known.phone,
            unidentified=looks,
        )

    def _party(
        self, organization_id: str, department_id: str, practitioner_id: str, phone: str
    ) -> ReferralPartyOut:
        organization = self._organizations.get(organization_id)
        department = self._departments.get(department_id)
        practitioner = self._practitioners.get(practitioner_id)
        return ReferralPartyOut(
            organization_id=organization_id,
            organization=organization.name if organization else "",
            address=organization.address if organization else "",
            phone=phone or (organization.phone if organization else ""),
            department_id=department_id or None,
            department=department.name if department else None,
            practitioner=practitioner.name if practitioner else None,
        )

    def _place(self, referral: Referral) -> ReferralPlaceOut | None:
        place = referral.place
        if place is None:
            return None
        department = self._departments.get(place.department_id)
        practitioner = self._practitioners.get(place.practitioner_id)
        return ReferralPlaceOut(
            expected_at=place.expected_at,
            department_id=place.department_id or None,
            department=department.name if department else None,
            where=department.place if department else "",
            practitioner=practitioner.name if practitioner else None,
            bed=place.bed,
            bring=place.bring,
            appointment_id=place.appointment_id or None,
            number=place.number or None,
            lost=place.lost,
        )


def _line(line: Line) -> PlanLineOut:
    said = line.said
    return PlanLineOut(
        number=said.number,
        what=line.item.what,
        due_on=line.item.due_on,
        result=line.result,
        overdue=line.is_overdue(clock.today()),
        done_on=said.done_on,
        not_done=said.not_done,
        note=said.note,
        reminded_at=said.told_at,
        said_at=said.said_at,
    )


def _clinical(referral: Referral) -> ReferralClinicalOut:
    clinical = referral.clinical
    return ReferralClinicalOut(
        reason=clinical.reason,
        diagnoses=[DiagnosisIn(text=each.text, code=each.code) for each in clinical.diagnoses],
        summary=clinical.summary,
        attachments=list(clinical.attachments),
        discharge_summary=clinical.discharge_summary,
        plan=[_line(line) for line in lines(referral)],
    )


def _transport(referral: Referral) -> ReferralTransportOut | None:
    transport = referral.transport
    if transport is None:
        return None
    return ReferralTransportOut(
        kind=transport.kind,
        vehicle=transport.vehicle,
        crew_phone=transport.crew_phone,
        departed_at=transport.departed_at,
        expected_at=transport.expected_at,
    )


def _step(step: Step) -> ReferralStepOut:
    return ReferralStepOut(
        event=step.event, state=step.state, at=step.at, by=step.part, text=step.text, reason=step.reason
    )
