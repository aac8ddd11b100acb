"""Two neighbours that do not know each other: referrals, and the FHIR face that shows and moves them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from backend.bootstrap.referral_lines import planned
from backend.directory import identity
from backend.directory.models import Organization
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.referral_ports import Coded, Move, PlanItem, ReferralPage, ReferralView, Wish
from backend.exchange.fhir.referral_resources import TASK_STATUS
from backend.patient_index.service import PatientIndex
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.referrals.follow_up import Result
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import (
    Diagnosis,
    Direction,
    Draft,
    Facts,
    Outcome,
    Referral,
    ReferralQuery,
    RejectReason,
    Side,
    TransportKind,
    Urgency,
    Who,
)
from backend.referrals.models import PlanItem as Planned
from backend.referrals.plans import Line, lines
from backend.referrals.service import ReferralService
from backend.referrals.words import NOT_DONE, REJECT_REASONS, STATES, seen
from backend.residents.service import ResidentService
from backend.slotpool.schedules import ScheduleService

_S, _E = ReferralState, ReferralEvent
# What a Task's status asks for, by where the referral stands; `businessStatus` may say it more exactly.
_MOVES: dict[tuple[str, ReferralState], ReferralEvent] = {
    ("accepted", _S.REQUESTED): _E.ACCEPT,
    ("rejected", _S.REQUESTED): _E.REJECT,
    ("rejected", _S.ACCEPTED): _E.REJECT,
    ("on-hold", _S.REQUESTED): _E.ASK_MORE,
    ("requested", _S.RETURNED): _E.SUPPLEMENT,
    ("in-progress", _S.ACCEPTED): _E.ARRIVE,
    ("in-progress", _S.IN_TRANSIT): _E.ARRIVE,
    ("in-progress", _S.NOT_ARRIVED): _E.ARRIVE,
    ("failed", _S.ACCEPTED): _E.MISS,
    ("failed", _S.IN_TRANSIT): _E.MISS,
}
_WITHDRAWN_FROM = (_S.REQUESTED, _S.RETURNED, _S.ACCEPTED, _S.IN_TRANSIT)
_MOVES |= {("cancelled", state): _E.WITHDRAW for state in _WITHDRAWN_FROM}
_MOVES |= {("completed", state): _E.COMPLETE for state in (_S.ARRIVED, _S.TREATING)}
_EXACTLY = {
    (_S.IN_TRANSIT, _S.ACCEPTED): _E.DEPART,
    (_S.IN_TRANSIT, _S.IN_TRANSIT): _E.DEPART,
    (_S.TREATING, _S.ARRIVED): _E.BEGIN_TREATMENT,
}
# The status that says no more than where the referral stands already.
_STANDING = {
    "requested": {_S.REQUESTED}, "received": {_S.REQUESTED}, "accepted": {_S.ACCEPTED, _S.IN_TRANSIT},
    "on-hold": {_S.RETURNED}, "in-progress": {_S.ARRIVED, _S.TREATING}, "completed": {_S.COMPLETED},
    "rejected": {_S.REJECTED}, "cancelled": {_S.WITHDRAWN}, "failed": {_S.LAPSED, _S.NOT_ARRIVED},
}  # fmt: skip


def event_for(
    state: ReferralState, move: Move, *, has_place: bool, departs: bool | None = None
) -> ReferralEvent | None:
    """The event that a Task asks for; None where it asks for nothing. Raises REFERRAL_STATE.

    Clients send back what they have read: a `businessStatus` that its status has left behind says nothing.
    """
    said = _S(move.state) if move.state in set(_S) and TASK_STATUS[move.state] == move.status else None
    exact = _EXACTLY.get((said, state)) if said is not None else None
    if departs is None:
        departs = any(name == "transport" for name, _ in move.facts)
    if exact is not None and (exact is not _E.DEPART or departs):
        return exact
    if found := _MOVES.get((move.status, state)):
        return found
    if has_place and (move.status, state) == ("accepted", _S.ACCEPTED):
        return _E.REBOOK
    if state in _STANDING.get(move.status, ()):
        return None
    raise AppError(ErrorCode.REFERRAL_STATE, f"{move.status} in {state}", data={"state": str(state)})


class ReferralViews:
    """Fills the FHIR face's port with the referrals' service."""

    def __init__(
        self,
        referrals: ReferralService,
        *,
        directory: DirectoryService,
        residents: ResidentService,
        charts: PatientIndex,
        schedules: ScheduleService,
    ) -> None:
        self._referrals = referrals
        self._directory = directory
        self._residents = residents
        self._charts = charts
        self._schedules = schedules

    async def get(self, actor: Actor, referral_id: str) -> ReferralView:
        """One, if the actor's institution is a side of it."""
        return (await self._views([await self._referrals.get(actor, referral_id)]))[0]

    async def find(
        self,
        actor: Actor,
        *,
        incoming: bool | None,
        states: Collection[str],
        cursor: str | None,
        limit: int,
        planned: bool = False,
    ) -> ReferralPage:
        """The newest first."""
        wanted = tuple(state for state in ReferralState if state in states)
        if states and not wanted:
            return ReferralPage((), None)
        side = None if incoming is None else Side.IN if incoming else Side.OUT
        down = Direction.DOWN if planned else None
        query = ReferralQuery(side=side, states=wanted, direction=down, cursor=cursor, limit=limit)
        found = await self._referrals.list(actor, query)
        return ReferralPage(tuple(await self._views(list(found.items))), found.next_cursor)

    async def send(self, actor: Actor, wish: Wish, key: str) -> ReferralView:
        """The same key sends the same."""
        own = organization_of(actor)
        name, number = wish.name, wish.id_number
        if wish.chart_id:
            chart = await self._charts.chart(wish.chart_id)
            if chart is None or chart.organization_id != own:
                raise AppError(ErrorCode.NOT_FOUND, "another hospital's chart")
            name, number = chart.who.name, chart.who.id_number
        draft = Draft(
            who=Who(name=name, id_number=number),
            reason=wish.reason,
            urgency=Urgency(wish.urgency),
            direction=Direction.UP if wish.up else Direction.DOWN,
            practitioner_id=await self._doctor(own, wish.practitioner),
            to_organization_id=wish.receiver_id,
            to_department_id=await self._department(wish.receiver_id, wish.department),
            diagnoses=tuple(Diagnosis(one.text, one.code) for one in wish.diagnoses),
            summary=wish.summary,
            attachments=wish.attachments,
            wanted_from=wish.wanted_from,
            wanted_until=wish.wanted_until,
            discharge_summary=wish.discharge_summary,
            plan=tuple(Planned(one.what, one.due_on) for one in wish.plan),
        )
        return (await self._views([await self._referrals.send(actor, draft, key)]))[0]

    async def move(self, actor: Actor, referral_id: str, move: Move, if_version: int | None) -> ReferralView:
        """Let happen what a Task asks for."""
        referral = await self._referrals.get(actor, referral_id)
        turn = None if if_version is None else if_version - 1
        if turn is not None and turn != referral.turn:
            raise AppError(ErrorCode.VERSION_CONFLICT, "the referral has moved on")
        facts = await self._facts(actor, move)
        if referral.state is _S.RETURNED and move.text == referral.asked:
            # The question, sent back with the answer.
            facts = replace(facts, text=move.note)
        has_place, departs = _places_anew(referral, facts), _departs_anew(referral, facts)
        event = event_for(referral.state, move, has_place=has_place, departs=departs)
        if event is not None:
            referral = await self._referrals.act(actor, referral_id, event, facts, turn=turn)
        return (await self._views([referral]))[0]

    async def _facts(self, actor: Actor, move: Move) -> Facts:
        said = dict(move.facts)
        schedule_id, expected = "", said.get("expected-at")
        if schedule := str(said.get("schedule", "")):
            schedule_id = (await self._schedules.access(actor, schedule)).id
        number = said.get("number")
        try:
            return Facts(
                text=move.text,
                reason=RejectReason(move.reason) if move.reason else self._reason(move),
                schedule_id=schedule_id,
                number=number if isinstance(number, int) else None,
                bed=str(said.get("bed", "")),
                expected_at=expected if isinstance(expected, datetime) else None,
                bring=str(said.get("bring", "")),
                transport=TransportKind(str(said["transport"])) if "transport" in said else None,
                vehicle=str(said.get("vehicle", "")),
                crew_phone=str(said.get("crew-phone", "")),
                outcome=Outcome(str(said["outcome"])) if "outcome" in said else None,
                send_back=said.get("send-back") is True,
                discharge_summary=str(said.get("discharge-summary", "")),
                plan=planned(str(what) for name, what in move.facts if name == "follow-up"),
            )
        except ValueError as error:
            raise AppError(ErrorCode.BAD_REQUEST, "no such code", text="代码不在允许的取值中。") from error

    @staticmethod
    def _reason(move: Move) -> RejectReason | None:
        """A refusal in words alone is one for other reasons."""
        return RejectReason.OTHER if move.status == "rejected" and move.text else None

    # -- what is shown -------------------------------------------------------------------------------------

    async def _views(self, referrals: list[Referral]) -> list[ReferralView]:
        """With the names of what they point to; the two institutions see who the patient is."""
        sides = {one.from_organization_id for one in referrals} | {
            one.to_organization_id for one in referrals
        }
        places = await self._directory.organizations_by_id(sides)
        departments = await self._directory.departments_by_id(
            {one.to_department_id for one in referrals} - {""}
        )
        doctors = await self._directory.practitioners_by_id(
            {one.from_practitioner_id for one in referrals} - {""}
        )
        people = await self._residents.identities({one.person_id for one in referrals})
        views = []
        for one in referrals:
            clinical, person = one.clinical, people.get(one.person_id)
            department = departments.get(one.to_department_id)
            doctor = doctors.get(one.from_practitioner_id)
            views.append(
                ReferralView(
                    id=one.id,
                    version=one.turn + 1,
                    state=Coded(str(one.state), STATES[one.state]),
                    up=one.direction is Direction.UP,
                    urgency=str(one.urgency),
                    person_id=one.person_id,
                    name=person.name if person else seen(one.unidentified) if one.unidentified else "",
                    id_number=person.id_number if person else "",
                    sender=_place(one.from_organization_id, places),
                    receiver=_place(one.to_organization_id, places),
                    created_at=one.created_at,
                    updated_at=one.updated_at,
                    reason=clinical.reason,
                    department=Coded(department.external.value, department.name) if department else None,
                    practitioner=Coded(doctor.external.value, doctor.name) if doctor else None,
                    diagnoses=tuple(Coded(each.code, each.text) for each in clinical.diagnoses),
                    summary=clinical.summary,
                    discharge_summary=clinical.discharge_summary,
                    plan=tuple(_planned(line) for line in lines(one)),
                    attachments=clinical.attachments,
                    wanted_from=one.wanted_from,
                    wanted_until=one.wanted_until,
                    said=_said(one),
                    facts=tuple(_told(one)),
                    follows=one.follows,
                )
            )
        return views

    async def _doctor(self, organization_id: str, number: str) -> str:
        wanted = identity.practitioner_id(organization_id, identity.of_hospital(number)) if number else ""
        return wanted if wanted and await self._directory.find_practitioner(wanted) else ""

    async def _department(self, organization_id: str, name: str) -> str:
        if not name or await self._directory.find_organization(organization_id) is None:
            return ""
        departments = await self._directory.list_departments(organization_id)
        return next((one.id for one in departments if name in (one.name, one.external.value)), "")


def _planned(line: Line) -> PlanItem:
    """One thing of the plan, and what has become of it."""
    said = line.said
    why = Coded(str(said.not_done), NOT_DONE[said.not_done]) if said.not_done else None
    off = line.result is Result.OFF
    return PlanItem(line.item.what, line.item.due_on, said.done_on, why, off, said.note, said.said_at)


def _places_anew(referral: Referral, facts: Facts) -> bool:
    """Whether another place is given, and not the one that there is sent back as it was read."""
    place = referral.place
    if place is None or facts.schedule_id or facts.expected_at is None:
        return bool(facts.schedule_id or facts.expected_at)
    return not _same_time(facts.expected_at, place.expected_at) or (facts.bed, facts.bring) != (
        place.bed,
        place.bring,
    )


def _departs_anew(referral: Referral, facts: Facts) -> bool:
    """Whether a journey is told that is not known yet."""
    known, place = referral.transport, referral.place
    if facts.transport is None or known is None:
        return facts.transport is not None
    told = {at for at in (known.expected_at, place.expected_at if place else None) if at is not None}
    new_hour = facts.expected_at is not None and not any(_same_time(facts.expected_at, at) for at in told)
    said = (facts.transport, facts.vehicle, facts.crew_phone)
    return new_hour or said != (known.kind, known.vehicle, known.crew_phone)


def _same_time(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=1)


def _place(organization_id: str, places: dict[str, Organization]) -> Coded:
    place = places.get(organization_id)
    return Coded(organization_id, place.name if place else "")


def _said(referral: Referral) -> Coded | None:
    """Why it is not taken, or what is missing."""
    if referral.state is ReferralState.REJECTED and referral.reject_reason is not None:
        words = [REJECT_REASONS[referral.reject_reason], referral.history[-1].text]
        return Coded(str(referral.reject_reason), "，".join(filter(None, words)))
    if referral.state is ReferralState.RETURNED:
        return Coded("", referral.asked)
    return None


def _told(referral: Referral) -> Iterator[tuple[str, str | datetime | bool | int]]:
    """Where and when, how he travels, how it ended."""
    place, transport = referral.place, referral.transport
    if place is not None:
        yield "expected-at", place.expected_at
        for name, said in (("bed", place.bed), ("bring", place.bring), ("appointment", place.appointment_id)):
            if said:
                yield name, said
    if transport is not None:
        yield "transport", str(transport.kind)
        yield "departed-at", transport.departed_at
        if transport.vehicle:
            yield "vehicle", transport.vehicle
        if transport.crew_phone:
            yield "crew-phone", transport.crew_phone
    if referral.outcome is not None:
        yield "outcome", str(referral.outcome)
