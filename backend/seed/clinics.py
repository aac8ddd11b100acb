"""Who sits when: sessions of the coming days, each decided by its own name and day alone.

So a second run, on the same day or a later one, makes the very same sessions and only adds new days.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend import clock
from backend.directory import identity
from backend.directory.codes import HospitalLevel
from backend.seed.directory import Doctor, Unit
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Kind, Period, Schedule, SlotTime

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class _Half:
    period: Period
    hour: int
    minute: int
    minutes: int


MORNING = _Half("am", 8, 0, 210)
AFTERNOON = _Half("pm", 13, 30, 210)
EVENING = _Half("evening", 18, 0, 120)

# Minutes for one patient: general clinic, attending, deputy, chief.
_GENERAL_MINUTES = 6
_MINUTES = {2: 7, 1: 8, 0: 10}
_VACCINATION_MINUTES = 5
_VACCINATION_CODE = "0100"
# How often a doctor of each rank sits, in parts of a half-day that is open at all.
_SITS = {0: 0.3, 1: 0.45, 2: 0.55}


def sessions_on(units: tuple[Unit, ...], on: date) -> Iterator[Schedule]:
    """Every session of a day."""
    for unit in units:
        for half in _open_halves(unit, on):
            yield from _sessions(unit, half, on)


def _open_halves(unit: Unit, on: date) -> list[_Half]:
    if on.weekday() < SATURDAY:
        evening = _dice(unit.department.id, "evening", on.isocalendar().weekday).random() < 0.08
        return [MORNING, AFTERNOON, *([EVENING] if evening else [])]
    # The large hospitals see patients on a Sunday morning, too.
    large = unit.hospital.level is HospitalLevel.L3_A
    return [MORNING] if on.weekday() == SATURDAY or large else []


def _sessions(unit: Unit, half: _Half, on: date) -> Iterator[Schedule]:
    if unit.ward.code == _VACCINATION_CODE:
        if half is not EVENING:
            yield _session(unit, None, half, on, "vaccination", 0, _VACCINATION_MINUTES)
        return
    yield _session(unit, None, half, on, "general", unit.general_fee_fen, _GENERAL_MINUTES)
    for doctor in unit.doctors:
        # The week repeats, so that a doctor has their days as in life.
        dice = _dice(doctor.practitioner.id, half.period, on.isocalendar().weekday)
        if dice.random() < _SITS[doctor.rank]:
            kind: Kind = "general" if doctor.rank == 2 else "expert"
            yield _session(unit, doctor, half, on, kind, doctor.fee_fen, _MINUTES[doctor.rank])


def _session(
    unit: Unit, doctor: Doctor | None, half: _Half, on: date, kind: Kind, fee_fen: int, minutes: int
) -> Schedule:
    department = unit.department
    who = doctor.practitioner.external.value if doctor else department.external.value
    external = identity.of_hospital(f"{who}-{on:%Y%m%d}-{half.period}")
    start_at = clock.city_instant(on, half.hour, half.minute)
    slots = _slots(start_at, half.minutes // minutes, minutes)
    return Schedule(
        id=schedule_id(department.organization_id, external),
        organization_id=department.organization_id,
        department_id=department.id,
        practitioner_id=doctor.practitioner.id if doctor else None,
        external_id=external.value,
        on=on,
        period=half.period,
        kind=kind,
        fee_fen=fee_fen,
        slots=slots,
        reserved=_reserved(unit, kind, len(slots)),
    )


def _slots(start_at: datetime, count: int, minutes: int) -> tuple[SlotTime, ...]:
    step = timedelta(minutes=minutes)
    return tuple(SlotTime(n + 1, start_at + n * step, start_at + (n + 1) * step) for n in range(count))


def _reserved(unit: Unit, kind: Kind, total: int) -> dict[str, int]:
    """Hospitals keep some numbers for their windows and machines; experts also for referrals."""
    if kind == "vaccination" or unit.hospital.fees_fen[0] == 0:
        return {}
    kept = {"window": max(1, total // 8), "kiosk": max(1, total // 12)}
    return kept | ({"referral": 1} if kind == "expert" else {})


def _dice(*names: object) -> random.Random:
    return random.Random("|".join(str(name) for name in names))
