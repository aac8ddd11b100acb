"""The board of free numbers: per department and day, and per session; built at most once a second.

A number shown as free may be gone when it is asked for; the claim tells. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, Protocol

from backend import clock
from backend.directory.cache import ShortMemory
from backend.directory.models import Department, Organization, Practitioner
from backend.directory.pinyin import sort_key
from backend.slotpool import schemas
from backend.slotpool.claims import ClaimService
from backend.slotpool.schedules_models import OPEN_CHANNELS, Schedule, ScheduleState

FRESH_S = 1.0
MAX_ANSWERS = 5_000
_PUBLIC = "wechat"  # every channel of the city's own front ends sees the same places
_PARTS_OF_DAY: dict[str, int] = {"day": 0, "am": 1, "pm": 2, "evening": 3, "night": 4}
State = Literal["open", "full", "stopped", "past"]

assert _PUBLIC in OPEN_CHANNELS  # noqa: S101 two constants that must agree


class Schedules(Protocol):
    """What the board needs of the schedules' service."""

    async def get_cached(self, schedule_id: str) -> Schedule:
        """At most two seconds old. Raises SCHEDULE_NOT_FOUND."""

    async def list_for_department(self, department_id: str, first: date, days: int) -> Sequence[Schedule]:
        """A department's schedules of some days, by day and start."""


class Directory(Protocol):
    """What the board needs of the directory."""

    async def get_department(self, department_id: str) -> Department: ...
    async def get_organization(self, organization_id: str) -> Organization: ...
    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]: ...


class Board:
    """Answers kept as ready JSON."""

    def __init__(self, schedules: Schedules, claims: ClaimService, directory: Directory) -> None:
        self._schedules = schedules
        self._claims = claims
        self._directory = directory
        self._ready: ShortMemory[bytes] = ShortMemory(seconds=FRESH_S, size=MAX_ANSWERS)

    async def department(self, department_id: str, first: date | None, days: int) -> bytes:
        """`AvailabilityOut` as JSON. Raises NOT_FOUND for an unknown department."""
        return await self._ready.get(
            (department_id, first, days), lambda: self._department_json(department_id, first, days)
        )

    async def schedule(self, schedule_id: str) -> schemas.ScheduleDetail:
        """One session with its places. Raises SCHEDULE_NOT_FOUND."""
        schedule = await self._schedules.get_cached(schedule_id)
        taken = (await self._claims.taken(schedule.pool_key)).get(schedule.id, set())
        department = await self._directory.get_department(schedule.department_id)
        organization = await self._directory.get_organization(schedule.organization_id)
        doctors = await self._directory.practitioners_by_id({schedule.practitioner_id or ""})
        now = clock.now()
        free = _free(schedule, taken, now)
        return schemas.ScheduleDetail(
            id=schedule.id,
            organization=schemas.PlaceRef(
                id=organization.id, name=organization.name, place=organization.address
            ),
            department=schemas.PlaceRef(id=department.id, name=department.name, place=department.place),
            practitioner=_doctor(doctors.get(schedule.practitioner_id or "")),
            on=schedule.on,
            period=schedule.period,
            kind=schedule.kind,
            fee_fen=schedule.fee_fen,
            state=_state(schedule, free, now),
            free=free,
            total=len(schedule.slots),
            booking_url=schedule.booking_url,
            booking_phone=schedule.booking_phone,
            slots=[
                schemas.SlotOut(
                    number=slot.number,
                    start_at=slot.start_at,
                    end_at=slot.end_at,
                    state=_slot_state(schedule, slot.number, slot.end_at, taken, now),
                )
                for slot in schedule.slots
            ],
        )

    async def _department_json(self, department_id: str, first: date | None, days: int) -> bytes:
        answer = await self._department(department_id, first or clock.today(), days)
        return answer.model_dump_json().encode()

    async def _department(self, department_id: str, first: date, days: int) -> schemas.AvailabilityOut:
        await self._directory.get_department(department_id)
        schedules = await self._schedules.list_for_department(department_id, first, days)
        doctors = await self._directory.practitioners_by_id(
            {schedule.practitioner_id for schedule in schedules if schedule.practitioner_id}
        )
        taken: dict[str, set[int]] = {}
        for pool_key in {schedule.pool_key for schedule in schedules}:
            taken |= await self._claims.taken(pool_key)
        now = clock.now()
        by_day: dict[date, list[schemas.SessionOut]] = {
            first + timedelta(days=offset): [] for offset in range(days)
        }
        for schedule in schedules:
            doctor = _doctor(doctors.get(schedule.practitioner_id or ""))
            by_day[schedule.on].append(_session(schedule, doctor, taken.get(schedule.id, set()), now))
        for sessions in by_day.values():
            sessions.sort(key=_place_in_day)
        return schemas.AvailabilityOut(
            department_id=department_id,
            days=[
                schemas.DayOut(on=on, free=sum(session.free for session in sessions), sessions=sessions)
                for on, sessions in by_day.items()
            ],
        )


def _session(
    schedule: Schedule, doctor: schemas.DoctorRef | None, taken: set[int], now: datetime
) -> schemas.SessionOut:
    free = _free(schedule, taken, now)
    return schemas.SessionOut(
        schedule_id=schedule.id,
        practitioner=doctor,
        period=schedule.period,
        kind=schedule.kind,
        fee_fen=schedule.fee_fen,
        start_at=schedule.start_at,
        end_at=schedule.end_at,
        free=free,
        total=len(schedule.slots),
        state=_state(schedule, free, now),
    )


def _place_in_day(session: schemas.SessionOut) -> tuple[int, datetime, str]:
    """Where a reader looks for a session: by part of the day, then time, then doctor."""
    doctor = session.practitioner
    return _PARTS_OF_DAY[session.period], session.start_at, _by_pinyin(doctor.name) if doctor else ""


@lru_cache(maxsize=10_000)
def _by_pinyin(name: str) -> str:
    return sort_key(name, surname=True)


def _doctor(practitioner: Practitioner | None) -> schemas.DoctorRef | None:
    if practitioner is None:
        return None
    return schemas.DoctorRef(id=practitioner.id, name=practitioner.name, title=practitioner.title)


def _free(schedule: Schedule, taken: set[int], now: datetime) -> int:
    """How many places the city's own front ends may sell: counted by sets, for a board has thousands."""
    if schedule.state is not ScheduleState.OPEN or schedule.end_at <= now:
        return 0
    kept = {number for number, channel in schedule.reserved_for.items() if channel != _PUBLIC}
    # A place that was withdrawn is taken for a while, but no longer there.
    gone = (taken & schedule.by_number.keys()) | kept
    if schedule.start_at > now:
        return len(schedule.slots) - len(gone)
    return sum(slot.end_at > now and slot.number not in gone for slot in schedule.slots)


def _state(schedule: Schedule, free: int, now: datetime) -> State:
    if schedule.state is ScheduleState.STOPPED:
        return "stopped"
    if schedule.end_at <= now:
        return "past"
    return "open" if free else "full"


def _slot_state(
    schedule: Schedule, number: int, end_at: datetime, taken: set[int], now: datetime
) -> Literal["free", "taken", "reserved", "past"]:
    if number in taken or schedule.state is ScheduleState.CLOSED:
        return "taken"
    if end_at <= now:
        return "past"
    return "free" if schedule.sells_to(number, _PUBLIC) else "reserved"
