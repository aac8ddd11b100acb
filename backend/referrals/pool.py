"""The green channel's way into the one pool: places for referrals, sold by the channel `referral`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id
from backend.referrals.models import FreePlaces, Place
from backend.slotpool.claims_models import Channel, Claim, ClaimState, Wanted
from backend.slotpool.claims_rules import claim_id_of
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.worker.nudge import Nudger

# Under whose name the city claims for referrals; no account has it.
_BUYER = named_id("referrals", "buyer")
MOST_DAYS = 31
# Nobody publishes sessions for days that far away.
FURTHEST = timedelta(days=366)


class Claims(Protocol):
    """The claims' service."""

    async def claim(self, wanted: Wanted) -> Claim: ...
    async def cancel(self, claim_id: str, *, reason: str, by: str) -> Claim | None: ...
    async def get(self, claim_id: str) -> Claim: ...
    async def taken(self, pool_key: str) -> Mapping[str, set[int]]: ...


class Schedules(Protocol):
    """The schedules' service."""

    async def get_cached(self, schedule_id: str) -> Schedule: ...
    async def list_for_organization(
        self, organization_id: str, first: date, days: int = 1
    ) -> Sequence[Schedule]: ...


class GreenChannel:
    """Free places, taking one, giving it back."""

    def __init__(self, claims: Claims, schedules: Schedules, nudger: Nudger) -> None:
        self._claims = claims
        self._schedules = schedules
        self._nudger = nudger

    def appointment_id(self, key: str) -> str:
        """The claim that `key` arrives at."""
        return claim_id_of(_wanted(key, "", None, ""))

    async def free(
        self, organization_id: str, department_id: str, from_on: date, days: int
    ) -> list[FreePlaces]:
        """Sessions with places that a referral may have, in the order of the clock."""
        now, found = clock.now(), []
        if from_on > clock.today() + FURTHEST:
            return []
        for schedule in await self._schedules.list_for_organization(
            organization_id, from_on, min(days, MOST_DAYS)
        ):
            if schedule.state is not ScheduleState.OPEN:
                continue
            if department_id and schedule.department_id != department_id:
                continue
            taken = (await self._claims.taken(schedule.pool_key)).get(schedule.id, set())
            slots = tuple(
                (slot.number, slot.start_at)
                for slot in schedule.slots
                if slot.number not in taken
                and slot.end_at > now
                and schedule.sells_to(slot.number, Channel.REFERRAL)
            )
            if slots:
                found.append(_free(schedule, slots))
        return sorted(found, key=lambda each: (each.slots[0][1], each.schedule_id))

    async def take(
        self, key: str, organization_id: str, schedule_id: str, number: int | None, person_id: str
    ) -> Place:
        """Book the place; the same key gets the same. Raises as booking does; another's session is not there.

        A place under this key that has ended meanwhile is SLOT_TAKEN: whoever wants it asks under a new key.
        """
        schedule = await self._schedules.get_cached(schedule_id)
        if schedule.organization_id != organization_id:
            raise AppError(ErrorCode.SCHEDULE_NOT_FOUND, "another institution's session")
        claim = await self._claims.claim(_wanted(key, schedule_id, number, person_id))
        if claim.state is not ClaimState.BOOKED:
            raise AppError(ErrorCode.SLOT_TAKEN, "this claim has ended")
        self._nudger.kick()
        return Place(
            expected_at=claim.start_at,
            department_id=claim.department_id,
            appointment_id=claim.id,
            schedule_id=claim.schedule_id,
            number=claim.number,
            practitioner_id=claim.practitioner_id or "",
        )

    async def give_back(self, appointment_id: str) -> bool:
        """Cancel the booking; False when there is none."""
        try:
            claim = await self._claims.get(appointment_id)
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return False
        if claim.channel != Channel.REFERRAL:
            raise not_found("a place of a referral")
        if claim.state is ClaimState.BOOKED:
            await self._claims.cancel(appointment_id, reason="转诊变更", by="hospital")
            self._nudger.kick()
        return True


def _wanted(key: str, schedule_id: str, number: int | None, person_id: str) -> Wanted:
    return Wanted(
        schedule_id=schedule_id,
        number=number,
        resident_id=person_id,
        patient_id=person_id,
        channel=Channel.REFERRAL,
        request_key=key,
        actor_id=_BUYER,
        hold=False,
    )


def _free(schedule: Schedule, slots: tuple[tuple[int, datetime], ...]) -> FreePlaces:
    return FreePlaces(
        schedule_id=schedule.id,
        department_id=schedule.department_id,
        practitioner_id=schedule.practitioner_id or "",
        on=schedule.on,
        period=schedule.period,
        fee_fen=schedule.fee_fen,
        slots=slots,
    )
