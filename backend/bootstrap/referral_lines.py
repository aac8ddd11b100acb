"""Two neighbours that do not know each other: what HL7 messages tell of referrals, and do to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from datetime import date

from backend import clock
from backend.directory import identity
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode
from backend.exchange.v2.outbound_models import Named, Party, Referred, Step
from backend.exchange.v2.referral_ports import Reply, Standing, Wish
from backend.ids import is_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.machine import Part, ReferralEvent, ReferralState
from backend.referrals.models import (
    Diagnosis,
    Direction,
    Draft,
    Facts,
    PlanItem,
    Referral,
    RejectReason,
    Transport,
    Urgency,
    Who,
)
from backend.referrals.sending import sent_id
from backend.referrals.service import ReferralService
from backend.referrals.words import OUTCOMES, REJECT_REASONS, STATES, TRANSPORTS, seen

_STATUS = {
    ReferralState.REQUESTED: "P",
    ReferralState.RETURNED: "P",
    ReferralState.REJECTED: "R",
    ReferralState.WITHDRAWN: "R",
    ReferralState.LAPSED: "E",
    ReferralState.NOT_ARRIVED: "E",
}
# So far a chain of redirections is followed.
_CHAIN = 500
_SEARCHED = 20


class ReferralLines:
    """Fills the exchange's ports with the referrals' service; a message is its hospital's own act."""

    def __init__(self, referrals: ReferralService, directory: DirectoryService) -> None:
        self._referrals = referrals
        self._directory = directory

    # -- what goes out -------------------------------------------------------------------------------------

    async def facts(self, referral_id: str) -> Referred | None:
        """A referral with its history, or None."""
        try:
            referral = await self._referrals.get(SYSTEM, referral_id)
        except AppError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise
        clinical, place = referral.clinical, referral.place
        return Referred(
            id=referral.id,
            person_id=referral.person_id,
            up=referral.direction is Direction.UP,
            urgency=str(referral.urgency),
            created_at=referral.created_at,
            sender=await self._party(
                referral.from_organization_id, "", referral.from_practitioner_id, referral.from_phone
            ),
            receiver=await self._party(
                referral.to_organization_id, place.department_id if place else referral.to_department_id
            ),
            reason=clinical.reason,
            diagnoses=tuple(Named(one.code, one.text) for one in clinical.diagnoses),
            notes=_notes(referral),
            expected_at=place.expected_at if place else None,
            bed=place.bed if place else "",
            appointment_id=place.appointment_id if place else "",
            steps=tuple(_step(referral, at) for at in range(len(referral.history))),
        )

    async def _party(
        self, organization_id: str, department_id: str = "", practitioner_id: str = "", phone: str = ""
    ) -> Party:
        place = await self._directory.find_organization(organization_id)
        department = await self._directory.find_department(department_id) if department_id else None
        doctor = await self._directory.find_practitioner(practitioner_id) if practitioner_id else None
        return Party(
            organization_id,
            place.name if place else organization_id,
            Named(department.external.value, department.name) if department else None,
            Named(doctor.external.value, doctor.name) if doctor else None,
            phone,
        )

    # -- what comes in -------------------------------------------------------------------------------------

    async def receiver(self, said: Sequence[str]) -> str | None:
        """The institution of the directory that one of these names, by id, name or short name."""
        for name in said:
            if is_id(name) and (found := await self._directory.find_organization(name)):
                return found.id
            listed, _ = await self._directory.list_organizations(q=name, limit=_SEARCHED)
            for place in listed:
                if name in (place.name, place.short_name):
                    return place.id
        return None

    async def send(self, organization_id: str, wish: Wish) -> Standing:
        """Send one; the same number sends the same."""
        draft = Draft(
            who=Who(name=wish.name, id_number=wish.id_number, phone=wish.phone),
            reason=wish.reason,
            urgency=Urgency(wish.urgency),
            direction=Direction.UP if wish.up else Direction.DOWN,
            from_organization_id=organization_id,
            practitioner_id=await self._doctor(organization_id, wish.practitioner),
            phone=wish.from_phone,
            to_organization_id=wish.receiver_id,
            to_department_id=await self._department(wish.receiver_id, wish.department),
            diagnoses=tuple(Diagnosis(one.name, one.code) for one in wish.diagnoses),
            summary=wish.notes,
            discharge_summary="" if wish.up else wish.notes,
            plan=() if wish.up else planned(wish.notes.splitlines()),
        )
        return _standing(await self._referrals.send(_system_of(organization_id), draft, wish.number))

    async def supplement(self, organization_id: str, number: str, text: str) -> Standing:
        """Say more, where the receiver has asked for it."""
        facts = Facts(text=text)
        return await self._act(organization_id, number, ReferralEvent.SUPPLEMENT, facts)

    async def withdraw(self, organization_id: str, number: str, text: str) -> Standing:
        """Take one back."""
        return await self._act(organization_id, number, ReferralEvent.WITHDRAW, Facts(text=text))

    async def standing(self, organization_id: str, number: str) -> Standing:
        """Where one stands, by the hospital's number or ours."""
        return _standing(await self._find(organization_id, number))

    async def reply(self, organization_id: str, referral_id: str, reply: Reply) -> Standing:
        """The receiver's answer: A with a time, R with a reason, P with what is missing."""
        actor = _system_of(organization_id)
        facts = Facts(text=reply.text)
        if reply.status == "A":
            if reply.expected_at is None:
                raise AppError(ErrorCode.BAD_REQUEST, "no time", text="接收转诊需写明到院时间（RF1-8）")
            event = ReferralEvent.ACCEPT
            facts = Facts(text=reply.text, expected_at=reply.expected_at, bed=reply.bed)
        elif reply.status == "R":
            event = ReferralEvent.REJECT
            facts = Facts(text=reply.text, reason=_refused(reply))
        elif reply.text:
            event = ReferralEvent.ASK_MORE
        else:
            return _standing(await self._referrals.get(actor, referral_id))
        return _standing(await self._referrals.act(actor, referral_id, event, facts))

    async def _act(self, organization_id: str, number: str, event: ReferralEvent, facts: Facts) -> Standing:
        referral = await self._find(organization_id, number)
        return _standing(await self._referrals.act(_system_of(organization_id), referral.id, event, facts))

    async def _find(self, organization_id: str, number: str) -> Referral:
        """The referral of a hospital's number, or of ours; the one that it has been redirected to."""
        actor = _system_of(organization_id)
        ours = number if is_id(number) else sent_id(actor.id, number)
        referral = await self._referrals.get(actor, ours)
        for _ in range(_CHAIN):
            # What goes home from a completed one is another's to send.
            if not referral.followed_by or referral.state is ReferralState.COMPLETED:
                break
            referral = await self._referrals.get(actor, referral.followed_by)
        return referral

    async def _doctor(self, organization_id: str, number: str) -> str:
        """Our id of the hospital's doctor; empty where the directory does not know him."""
        wanted = identity.practitioner_id(organization_id, identity.of_hospital(number)) if number else ""
        return wanted if wanted and await self._directory.find_practitioner(wanted) else ""

    async def _department(self, organization_id: str, name: str) -> str:
        if not name:
            return ""
        departments = await self._directory.list_departments(organization_id)
        return next((one.id for one in departments if name in (one.name, one.external.value)), "")


def _system_of(organization_id: str) -> Actor:
    """A hospital's interface engine, which its messages come from."""
    return Actor(
        "client",
        f"hl7:{organization_id}",
        Role.HOSPITAL_CLIENT,
        frozenset({organization_id}),
        channel="hospital",
    )


def _refused(reply: Reply) -> RejectReason:
    """By the code that the receiver names, or its words; what is neither is another reason."""
    said = {part.strip().lower() for part in reply.reason} - {""}
    named = (code for code in RejectReason if code in said or REJECT_REASONS[code] in said)
    return next(named, RejectReason.OTHER)


def _standing(referral: Referral) -> Standing:
    said = STATES[referral.state]
    if referral.state is ReferralState.RETURNED and referral.asked:
        said = f"{said}：{referral.asked}"
    if referral.reject_reason is not None:
        said = f"{said}：{REJECT_REASONS[referral.reject_reason]}"
    expected = referral.place.expected_at if referral.place else None
    reason = _coded(referral.reject_reason) if referral.reject_reason is not None else None
    return Standing(referral.id, _STATUS.get(referral.state, "A"), said, expected, reason)


def _notes(referral: Referral) -> tuple[str, ...]:
    clinical = referral.clinical
    plan = [f"随访：{one.what}（{one.due_on:%Y-%m-%d}）" for one in clinical.plan]
    travel = [_travel(referral.transport)] if referral.transport else []
    looks = referral.unidentified
    who = [f"{seen(looks)}，发现于{looks.found_at}"] if looks and referral.is_unidentified else []
    said = [*who, clinical.summary, clinical.discharge_summary, *plan, *travel]
    return tuple(note for note in said if note)


def planned(lines: Iterable[str]) -> tuple[PlanItem, ...]:
    """Paragraphs that begin with a day say what is to be done then: `2027-01-31 复查血糖`."""
    found = []
    for line in lines:
        day, _, what = line.strip().partition(" ")
        with contextlib.suppress(ValueError):
            if what.strip():
                found.append(PlanItem(what.strip(), date.fromisoformat(day)))
    return tuple(found)


def _travel(transport: Transport) -> str:
    expected = transport.expected_at
    arrival = f"预计 {expected.astimezone(clock.CITY_ZONE):%m-%d %H:%M} 到达" if expected else ""
    parts = (TRANSPORTS[transport.kind], transport.vehicle, transport.crew_phone, arrival)
    return "，".join(part for part in parts if part)


def _step(referral: Referral, at: int) -> Step:
    step = referral.history[at]
    text = step.text
    refused = step.event is ReferralEvent.REJECT and step.reason
    reason = _coded(RejectReason(step.reason)) if refused else None
    if reason is not None:
        text = "，".join(filter(None, (reason.name, text)))
    if step.event is ReferralEvent.COMPLETE and referral.outcome is not None:
        text = "，".join(filter(None, (OUTCOMES[referral.outcome], text)))
    return Step(str(step.event), step.at, text, by_resident=step.part is Part.RESIDENT, reason=reason)


def _coded(reason: RejectReason) -> Named:
    """Why not: the city's code and its words."""
    return Named(str(reason), REJECT_REASONS[reason])
