"""Booking as a hospital lives it: sell at the window from the same pool, cancel, read what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.appointments.ports import Billing, Patients, Schedules
from backend.appointments.schemas import ChangeKind, WindowPatient
from backend.audit.service import AuditService
from backend.db.journal import Journal
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState, Wanted
from backend.slotpool.schedules import OWN_POOL
from backend.slotpool.schedules_models import Schedule
from backend.worker.events import Event, EventKind
from backend.worker.nudge import Nudger

_FEED_KINDS: dict[EventKind, ChangeKind] = {
    EventKind.APPOINTMENT_BOOKED: "booked",
    EventKind.APPOINTMENT_CANCELLED: "cancelled",
    EventKind.APPOINTMENT_STOPPED: "stopped",
}


class HospitalBookingService:
    """The hospital's face of the pool. A hospital sees only its own schedules and bookings."""

    def __init__(
        self,
        claims: ClaimService,
        schedules: Schedules,
        patients: Patients,
        billing: Billing,
        audit: AuditService,
        feed: Journal,
        nudger: Nudger,
    ) -> None:
        self._claims = claims
        self._schedules = schedules
        self._patients = patients
        self._billing = billing
        self._audit = audit
        self._feed = feed
        self._nudger = nudger

    async def sell(
        self,
        actor: Actor,
        external_id: str,
        number: int | None,
        channel: str,
        person: WindowPatient,
        key: str | None,
    ) -> tuple[Claim, Schedule]:
        """Book for the person at the window; the fee is the window's own business. Raises as booking does."""
        schedule = await self._schedules.access(actor, external_id)
        patient_id = await self._patients.find_or_create_file(person.name, person.id_number, person.phone)
        claim = await self._claims.claim(
            Wanted(
                schedule_id=schedule.id,
                number=number,
                resident_id=patient_id,
                patient_id=patient_id,
                channel=channel,
                request_key=key,
                actor_id=actor.id,
                hold=False,
            )
        )
        self._nudger.kick()
        # A repeated sale is recorded again: once too often rather than never.
        await self._record(
            actor, "appointments.sell", claim, {"channel": claim.channel, "patients": [claim.patient_id]}
        )
        return claim, schedule

    async def cancel(self, actor: Actor, claim_id: str, reason: str) -> tuple[Claim, Schedule]:
        """The hospital gives a number back to the pool; the resident is told and refunded."""
        claim = await self._access(actor, claim_id)
        if claim.state is ClaimState.BOOKED:
            await self._claims.cancel(claim.id, reason=reason, by="hospital")
            self._nudger.kick()
            claim = await self._claims.get(claim.id)
        if claim.state is not ClaimState.CANCELLED:
            raise AppError(ErrorCode.APPOINTMENT_NOT_CANCELLABLE)
        if claim.cancelled_by == "hospital":
            # Why is kept, sealed, with the appointment.
            await self._record(actor, "appointments.cancel", claim, {})
        return claim, await self._schedules.get(claim.schedule_id)

    async def miss(self, actor: Actor, claim_id: str) -> tuple[Claim, Schedule]:
        """The hospital says that nobody came; may be said again. Raises APPOINTMENT_NOT_MISSED."""
        claim = await self._access(actor, claim_id)
        if claim.missed_at is None:
            noted = await self._claims.miss(claim.id)
            self._nudger.kick()
            claim = noted or await self._claims.get(claim.id)
        if claim.missed_at is None:
            raise AppError(ErrorCode.APPOINTMENT_NOT_MISSED)
        await self._record(actor, "appointments.miss", claim, {})
        return claim, await self._schedules.get(claim.schedule_id)

    async def get(self, actor: Actor, claim_id: str) -> tuple[Claim, Schedule]:
        """One booking at this hospital."""
        claim = await self._access(actor, claim_id)
        return claim, await self._schedules.get_cached(claim.schedule_id)

    async def changes(
        self, actor: Actor, since: int, limit: int
    ) -> list[tuple[int, ChangeKind, Event, Claim]]:
        """What changed after number `since`, in order, each with the booking as it is now.

        Raises BAD_REQUEST for a number that has not been given out: read on from there, a hospital whose
        cursor is another's, or from before a restore, would miss bookings and never know.
        """
        organization_id = _only_organization(actor)
        entries = await self._feed.read(organization_id, since, limit)
        if since and not entries:
            last = await self._feed.last(organization_id)
            if last is None or last["number"] < since:
                number = last["number"] if last else 0
                beyond = {"field": "since", "problem": "beyond_the_end", "last": number}
                raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [beyond]})
        changed = []
        for entry in entries:
            event = Event.from_doc(entry["event"])
            claim = await self._claims.get(event.data["appointment_id"])
            changed.append((entry["number"], _FEED_KINDS[event.kind], event, claim))
        return changed

    async def on_change(self, event: Event) -> None:
        """Write the change into its hospital's feed, once."""
        claim = await self._claims.get(event.data["appointment_id"])
        await self._feed.append(claim.organization_id, {"event_id": event.id, "event": event.to_doc()})

    async def record_reading(self, actor: Actor, claims: Sequence[Claim]) -> None:
        """A hospital that fetches its bookings reads who is coming: that is on the record."""
        if claims:
            await self._audit.record(
                actor,
                action="bookings.read",
                object="bookings",
                basis="care relationship: appointment",
                organization_id=_only_organization(actor),
                data={"patients": sorted({claim.patient_id for claim in claims})},
            )

    async def _record(self, actor: Actor, action: str, claim: Claim, data: dict[str, Any]) -> None:
        await self._audit.record(
            actor, action, f"appointment/{claim.id}", OWN_POOL, claim.organization_id, data
        )

    async def _access(self, actor: Actor, claim_id: str) -> Claim:
        claim = await self._claims.get(claim_id)
        if not actor.covers(claim.organization_id):
            raise not_found("booking of another institution")
        return claim


def _only_organization(actor: Actor) -> str:
    if actor.organization_ids is None or len(actor.organization_ids) != 1:
        raise AppError(ErrorCode.FORBIDDEN, "a hospital client belongs to one institution")
    return next(iter(actor.organization_ids))
