"""Appointments as staff see them: the pool of a day, lists within one's scope, one appointment, cancelling.

Names are masked. Looking a person up by phone or ID number, and seeing a person unmasked, goes on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from backend import clock
from backend.appointments.ports import Billing, Directory
from backend.appointments.views import AppointmentView, places_of
from backend.audit.service import AuditService
from backend.directory.models import Department
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.residents.models import Identity
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState, pool_key
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.worker.nudge import Nudger

SEARCH_LIMIT = 50
SEARCH_PAGES = 10
# What may still be cancelled at the desk: staff may do so until the session is over, residents only before.
CANCELLABLE = (ClaimState.BOOKED, ClaimState.HELD)


class People(Protocol):
    """What the desk needs of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""

    async def search(self, text: str) -> str | None:
        """The person of a phone or an ID number."""

    async def search_patients(self, text: str) -> list[str]:
        """Whom a number may be about: its person, or a phone's owner, his family, who is told by it."""

    async def reveal(self, actor: Actor, patient_id: str, reason: str) -> Identity:
        """Who a patient is, on record."""


class DaySchedules(Protocol):
    """What the desk needs of the schedules' service."""

    async def list_for_organization(self, organization_id: str, first: date, days: int = 1) -> list[Schedule]:
        """An institution's sessions."""

    async def get(self, schedule_id: str) -> Schedule:
        """As stored. Raises SCHEDULE_NOT_FOUND."""

    async def stop_by_staff(self, actor: Actor, schedule_id: str, reason: str) -> Schedule:
        """停诊 within the actor's scope."""


class DeskDirectory(Directory, Protocol):
    """What the desk needs of the directory."""

    async def list_departments(self, organization_id: str) -> list[Department]:
        """The departments of an institution."""


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Which appointments of a day a list shows; empty means all."""

    organization_id: str
    on: date
    department_id: str = ""
    states: tuple[ClaimState, ...] = ()
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One clinic session with who has which number. Numbers nobody has are free, kept, or past."""

    schedule: Schedule
    claims: tuple[Claim, ...]
    doctor: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def by_number(self) -> dict[int, Claim]:
        """Live claims by their number."""
        return {claim.number: claim for claim in self.claims}

    @property
    def booked(self) -> int:
        """Numbers sold."""
        return sum(claim.state is ClaimState.BOOKED for claim in self.claims)

    @property
    def held(self) -> int:
        """Numbers held for the moment."""
        return len(self.claims) - self.booked

    @property
    def total(self) -> int:
        """Numbers there are."""
        return len(self.schedule.slots)

    @property
    def free(self) -> int:
        """Numbers nobody has, of a session that sells; whether their time has come or not."""
        return self.total - len(self.claims) if self.schedule.state is ScheduleState.OPEN else 0

    @property
    def sold_by_channel(self) -> dict[str, int]:
        """Live claims by channel, most first."""
        counts: dict[str, int] = {}
        for claim in self.claims:
            counts[claim.channel] = counts.get(claim.channel, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def reserved_left(self) -> dict[str, int]:
        """Numbers still kept for single channels."""
        taken, left = self.by_number, dict.fromkeys(self.schedule.reserved, 0)
        for number, channel in self.schedule.reserved_for.items():
            left[channel] += number not in taken
        return left


class AppointmentDesk:
    """What staff do with the pool and the appointments in it."""

    def __init__(
        self,
        claims: ClaimService,
        schedules: DaySchedules,
        directory: DeskDirectory,
        people: People,
        billing: Billing,
        audit: AuditService,
        nudger: Nudger,
    ) -> None:
        self._claims = claims
        self._schedules = schedules
        self._directory = directory
        self._people = people
        self._billing = billing
        self._audit = audit
        self._nudger = nudger

    # -- the pool --------------------------------------------------------------------------------------

    async def day(
        self, actor: Actor, organization_id: str, on: date, department_id: str = ""
    ) -> list[Session]:
        """An institution's sessions of a day. Raises NOT_FOUND outside the actor's scope."""
        _check_scope(actor, organization_id)
        schedules = [
            schedule
            for schedule in await self._schedules.list_for_organization(organization_id, on)
            if not department_id or schedule.department_id == department_id
        ]
        claims = await self._claims.live_in_pools(sorted({schedule.pool_key for schedule in schedules}))
        doctors = await self._doctors(schedules)
        return [_session(schedule, claims, doctors) for schedule in schedules]

    async def session(self, actor: Actor, schedule_id: str) -> Session:
        """One session with masked names. Raises SCHEDULE_NOT_FOUND outside the actor's scope."""
        schedule = await self._schedules.get(schedule_id)
        if not actor.covers(schedule.organization_id):
            raise AppError(ErrorCode.SCHEDULE_NOT_FOUND)
        claims = await self._claims.live_in_pools([schedule.pool_key])
        doctors = await self._doctors([schedule])
        names = await self._people.names({c.patient_id for c in claims if c.schedule_id == schedule.id})
        return _session(schedule, claims, doctors, names)

    async def stop(self, actor: Actor, schedule_id: str, reason: str) -> Schedule:
        """停诊, for a reason that everybody who had booked is told."""
        reason = _reason(reason)
        schedule = await self._schedules.stop_by_staff(actor, schedule_id, reason)
        await self._audit.record(
            actor, "schedules.stop", f"schedule/{schedule.id}", reason, schedule.organization_id
        )
        self._nudger.kick()
        return schedule

    # -- appointments ----------------------------------------------------------------------------------

    async def list_day(
        self, actor: Actor, wanted: DayFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[AppointmentView], str | None]:
        """Appointments of an institution's day by time, ended ones too."""
        _check_scope(actor, wanted.organization_id)
        departments = await self._directory.list_departments(wanted.organization_id)
        pools = [
            pool_key(department.id, wanted.on)
            for department in departments
            if not wanted.department_id or department.id == wanted.department_id
        ]
        rules: dict[str, object] = {}
        if wanted.states:
            rules["state"] = {"$in": [str(state) for state in wanted.states]}
        if wanted.channel:
            rules["channel"] = wanted.channel
        claims, following = await self._claims.of_pools(pools, rules, cursor=cursor, limit=limit)
        return await self._views(claims), following

    async def find_person(self, actor: Actor, text: str) -> str | None:
        """The person of a phone or an ID number; the look-up is on record, found or not."""
        person_id = await self._people.search(text)
        found = f"resident/{person_id}" if person_id else "resident/unknown"
        await self._audit.record(actor, "residents.search", found, "look-up at the desk", _only(actor))
        return person_id

    async def search_person(self, actor: Actor, text: str) -> list[AppointmentView]:
        """Appointments, within scope, of whom a phone or an ID number may be about; each person on record."""
        patient_ids = await self._people.search_patients(text)
        for about in [f"resident/{patient_id}" for patient_id in patient_ids] or ["resident/unknown"]:
            await self._audit.record(actor, "residents.search", about, "look-up at the desk", _only(actor))
        return await self._views(await self._within_scope(actor, patient_ids)) if patient_ids else []

    async def _within_scope(self, actor: Actor, patient_ids: Sequence[str]) -> list[Claim]:
        """The newest of some patients; what other institutions have of them does not crowd these out."""
        covered: list[Claim] = []
        cursor: str | None = None
        for _ in range(SEARCH_PAGES):
            page, cursor = await self._claims.of_patients(
                patient_ids, upcoming=None, cursor=cursor, limit=SEARCH_LIMIT
            )
            covered += [claim for claim in page if actor.covers(claim.organization_id)]
            if cursor is None or len(covered) >= SEARCH_LIMIT:
                break
        return covered[:SEARCH_LIMIT]

    async def get(self, actor: Actor, claim_id: str) -> AppointmentView:
        """One appointment. Raises NOT_FOUND outside the actor's scope."""
        return (await self._views([await self._access(actor, claim_id)]))[0]

    async def cancel(self, actor: Actor, claim_id: str, reason: str) -> None:
        """Cancel at the desk until the session is over; the resident is told and refunded."""
        reason = _reason(reason)
        claim = await self._access(actor, claim_id)
        if claim.state not in CANCELLABLE or claim.end_at <= clock.now():
            raise AppError(ErrorCode.APPOINTMENT_NOT_CANCELLABLE)
        ended = (
            await self._claims.cancel(claim.id, reason=reason, by="staff")
            if claim.state is ClaimState.BOOKED
            else await self._claims.release(claim)
        )
        if ended is None:
            raise AppError(ErrorCode.CONFLICT, "ended meanwhile")
        await self._audit.record(
            actor, "appointments.cancel", f"appointment/{claim.id}", reason, claim.organization_id
        )
        self._nudger.kick()

    async def reveal(self, actor: Actor, claim_id: str, reason: str) -> tuple[AppointmentView, Identity]:
        """An appointment with its patient unmasked, for a stated reason, on record."""
        claim = await self._access(actor, claim_id)
        identity = await self._people.reveal(actor, claim.patient_id, _reason(reason))
        return (await self._views([claim]))[0], identity

    # -- within ----------------------------------------------------------------------------------------

    async def _access(self, actor: Actor, claim_id: str) -> Claim:
        claim = await self._claims.get(claim_id)
        _check_scope(actor, claim.organization_id)
        return claim

    async def _views(self, claims: Sequence[Claim]) -> list[AppointmentView]:
        places = await places_of(self._directory, claims)
        orders = await self._billing.orders_of([claim.id for claim in claims if claim.order_id])
        names = await self._people.names({claim.patient_id for claim in claims})
        return [
            AppointmentView(
                claim, places[claim.id], orders.get(claim.id), names.get(claim.patient_id), claim.end_at
            )
            for claim in claims
        ]

    async def _doctors(self, schedules: Iterable[Schedule]) -> dict[str, str]:
        ids = {schedule.practitioner_id for schedule in schedules if schedule.practitioner_id}
        found = await self._directory.practitioners_by_id(ids)
        return {doctor.id: f"{doctor.name} {doctor.title}".strip() for doctor in found.values()}


def _session(
    schedule: Schedule,
    claims: Iterable[Claim],
    doctors: dict[str, str],
    names: dict[str, str] | None = None,
) -> Session:
    mine = tuple(claim for claim in claims if claim.schedule_id == schedule.id)
    return Session(schedule, mine, doctors.get(schedule.practitioner_id or "", ""), names or {})


def _check_scope(actor: Actor, organization_id: str) -> None:
    if not actor.covers(organization_id):
        raise not_found(f"organization {organization_id}")


def _only(actor: Actor) -> str | None:
    ids = actor.organization_ids
    return next(iter(ids)) if ids is not None and len(ids) == 1 else None


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise AppError(ErrorCode.REASON_REQUIRED)
    return reason[:200]
