"""Turns what happened into messages: one for each fact, queued once however often it is told.

What goes out follows from the thing as it stands, and all that came before is seen to first: an appointment
whose cancellation is handled before its booking is told of in the right order nevertheless.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from backend import clock
from backend.audit.service import AuditService
from backend.exchange.v2.outbound_appointments import write_visit
from backend.exchange.v2.outbound_models import (
    Family,
    Letter,
    Named,
    OrderStep,
    OrderStory,
    Outgoing,
    OutState,
    Referred,
    Step,
    Target,
    Telling,
    Visit,
    Whom,
)
from backend.exchange.v2.outbound_orders import order_kind, write_order
from backend.exchange.v2.outbound_ports import (
    Appointments,
    Charts,
    OrderFacts,
    People,
    ReferralFacts,
    Signs,
    Timetable,
)
from backend.exchange.v2.outbound_referrals import tellings, write_referral
from backend.exchange.v2.outbound_store import OutgoingStore
from backend.exchange.v2.outbound_targets import TargetStore
from backend.ids import named_id
from backend.patient_index.models import OURS
from backend.permissions import SYSTEM
from backend.slotpool.claims_models import Claim, ClaimState
from backend.worker.events import Event

_TARGETS_FOR_S = 2.0
_ORDERS = (Family.ORM, Family.OML)
_ENDED_BY = {
    "resident": Named("CANCELLED", "患者取消"),
    "hospital": Named("HOSPITAL", "医院取消"),
    "staff": Named("STAFF", "平台取消"),
}
_BOOKED, _STOPPED = Named("BOOKED", "预约"), Named("STOPPED", "停诊")
_MISSED = Named("NOSHOW", "爽约")


def control_id(message_id: str, again: str = "") -> str:
    """MSH-10: twenty characters, which is all that versions before 2.7 hold."""
    return named_id("hl7_control", message_id, again)[-20:]


@dataclass
class Noting:
    """Follows the events of the city for the hospitals that want messages."""

    targets: TargetStore
    outgoing: OutgoingStore
    claims: Appointments
    schedules: Timetable
    directory: Signs
    people: People
    charts: Charts
    audit: AuditService
    orders: OrderFacts
    referrals: ReferralFacts | None = None
    _known: dict[str, Target] = field(default_factory=dict)
    _known_until: float = 0.0

    # -- appointments --------------------------------------------------------------------------------------

    async def on_appointment(self, event: Event) -> None:
        """APPOINTMENT_BOOKED, _CANCELLED, _STOPPED, _MISSED."""
        claim = await self.claims.get(event.data["appointment_id"])
        target = await self._target(claim.organization_id, Family.SIU)
        # A hold that ended was never an appointment.
        if target is None or claim.hold_until is not None or claim.state is ClaimState.HELD:
            return
        facts = [("1", "S12", _BOOKED, claim.created_at)]
        if claim.state is ClaimState.CANCELLED:
            why = _ENDED_BY.get(claim.cancelled_by or "", _ENDED_BY["staff"])
            facts.append(("9", "S15", why, claim.ended_at or claim.updated_at))
        elif claim.state is ClaimState.STOPPED:
            facts.append(("9", "S15", _STOPPED, claim.ended_at or claim.updated_at))
        elif claim.missed_at is not None:
            facts.append(("9", "S26", _MISSED, claim.missed_at))
        for order, trigger, why, at in facts:
            await self._tell_visit(target, claim, order, trigger, why, at)

    async def _tell_visit(
        self, target: Target, claim: Claim, order: str, trigger: str, why: Named, at: datetime
    ) -> None:
        stream = f"appointment/{claim.id}"

        async def write(letter: Letter) -> str:
            visit = await self._visit(claim, trigger, why)
            return write_visit(letter, visit, await self._whom(claim.patient_id, target.organization_id))

        await self._queue(target, stream, order, f"SIU^{trigger}", at, claim.patient_id, write)

    async def _visit(self, claim: Claim, trigger: str, why: Named) -> Visit:
        schedule = await self.schedules.get_cached(claim.schedule_id)
        department = await self.directory.find_department(claim.department_id)
        doctor = None
        if claim.practitioner_id:
            doctor = await self.directory.find_practitioner(claim.practitioner_id)
        return Visit(
            appointment_id=claim.id,
            event=trigger,
            schedule=schedule.external_id,
            department=Named(department.external.value, department.name) if department else Named("", ""),
            place=department.place if department else "",
            practitioner=Named(doctor.external.value, doctor.name) if doctor else None,
            start_at=claim.start_at,
            end_at=claim.end_at,
            number=claim.number,
            channel=claim.channel,
            reason=why,
        )

    # -- referrals -----------------------------------------------------------------------------------------

    async def on_referral(self, event: Event) -> None:
        """REFERRAL_CHANGED: every step of its history that somebody is to be told of."""
        if self.referrals is None:
            return
        referred = await self.referrals.facts(event.data["referral_id"])
        if referred is None:
            return
        for turn, step in enumerate(referred.steps):
            for telling in tellings(step):
                await self._tell_referral(referred, turn, step, telling)

    async def _tell_referral(self, referred: Referred, turn: int, step: Step, telling: Telling) -> None:
        party = referred.receiver if telling.to_receiver else referred.sender
        target = await self._target(party.organization_id, Family.REF)
        if target is None:
            return

        async def write(letter: Letter) -> str:
            whom = await self._whom(referred.person_id, target.organization_id)
            return write_referral(letter, telling, referred, step, whom)

        stream, kind = f"referral/{referred.id}", f"{telling.kind}^{telling.event}"
        await self._queue(target, stream, f"{turn:04d}", kind, step.at, referred.person_id, write)

    # -- orders --------------------------------------------------------------------------------------------

    async def on_order(self, event: Event) -> None:
        """ORDER_CHANGED: every version of an order that the institution asked to perform it is to know of."""
        if not await self._is_wanted(*_ORDERS):
            return
        data = event.data
        story = await self.orders.story(data["organization_id"], data["chart_id"], data["resource_id"])
        if story is not None:
            for step in story.steps:
                await self._tell_order(story, step)

    async def _tell_order(self, story: OrderStory, step: OrderStep) -> None:
        target = await self._target(step.receiver_id, *_ORDERS)
        if target is None:
            return
        kind = order_kind(target, step.ordered)

        async def write(letter: Letter) -> str:
            whom = await self._whom_ordered(story, target.organization_id)
            return write_order(letter, kind, step, story, whom)

        stream, basis = f"order/{story.id}", "asked to perform the order"
        await self._queue(
            target,
            stream,
            f"{step.version:06d}",
            kind,
            step.at,
            story.person_id,
            write,
            fact=step.control,
            basis=basis,
        )

    async def _whom_ordered(self, story: OrderStory, organization_id: str) -> Whom:
        """By the performer's own number; by the sender's, in the sender's name, where it has none."""
        whom = await self._whom(story.person_id, organization_id)
        if not whom.numbers:
            whom = replace(whom, numbers=(replace(story.number, assigner=story.sender.code),))
        if whom.name:
            return whom
        who = story.who
        return replace(
            whom,
            name=who.name,
            id_number=who.id_number,
            sex=who.sex,
            birth_on=who.birth_on,
            phone=who.phone,
        )

    # -- within --------------------------------------------------------------------------------------------

    async def _queue(
        self,
        target: Target,
        stream: str,
        order: str,
        kind: str,
        at: datetime,
        patient_id: str,
        write: Callable[[Letter], Awaitable[str]],
        *,
        fact: str = "",
        basis: str = "care relationship: appointment or referral",
    ) -> None:
        # A fact stays the same one, whichever message the hospital wants it by.
        message_id = named_id("hl7_outbound", target.organization_id, stream, order, fact or kind)
        # What is so old may have been told, and its message been forgotten since.
        if self.outgoing.forgotten(at) or await self.outgoing.exists(message_id):
            return
        letter = Letter(target, control_id(message_id), clock.now())
        text = await write(letter)
        # A repeat is recorded again: once too often rather than never.
        await self.audit.record(
            SYSTEM,
            "exchange.tell",
            stream,
            basis,
            target.organization_id,
            {"patients": [patient_id] if patient_id else [], "kind": kind},
        )
        message = Outgoing(
            id=message_id,
            organization_id=target.organization_id,
            stream=stream,
            order=order,
            kind=kind,
            control_id=letter.control_id,
            version=target.version,
            charset=target.charset,
            state=OutState.WAITING,
            fact_at=at,
            due_at=clock.now(),
        )
        await self.outgoing.add(message, text)

    async def _whom(self, patient_id: str, organization_id: str) -> Whom:
        """Who it is; of somebody whose account is gone no more than the number he was told by."""
        identity = (await self.people.identities([patient_id])).get(patient_id)
        charts = await self.charts.charts_of(patient_id)
        own = (chart.number for chart in charts if chart.organization_id == organization_id)
        numbers = tuple(number for number in own if number.assigner != OURS)
        if identity is None:
            return Whom(patient_id, "", "", "unknown", None, "", numbers)
        return Whom(
            patient_id,
            identity.name,
            identity.id_number,
            str(identity.sex),
            identity.birth_on,
            identity.phone or "",
            numbers,
        )

    async def _target(self, organization_id: str, *families: Family) -> Target | None:
        """Where this hospital wants messages of one of these families."""
        target = (await self._targets()).get(organization_id)
        return target if target is not None and target.families.intersection(families) else None

    async def _is_wanted(self, *families: Family) -> bool:
        """Whether any hospital wants messages of one of these families."""
        return any(target.families.intersection(families) for target in (await self._targets()).values())

    async def _targets(self) -> dict[str, Target]:
        """All targets; known for a moment, for most hospitals want none."""
        if monotonic() > self._known_until:
            self._known = {target.organization_id: target for target in await self.targets.list_of(None)}
            self._known_until = monotonic() + _TARGETS_FOR_S
        return self._known

    def forget_targets(self) -> None:
        """They have just been changed in this process."""
        self._known_until = 0.0
