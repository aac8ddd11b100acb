"""Schedules for tests."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.directory import identity
from backend.directory.models import Department, Practitioner
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, SlotTime


def some_slots(on: date, count: int = 6, *, hour: int = 8, minutes: int = 10) -> tuple[SlotTime, ...]:
    """Numbers 1 to `count`, one after the other."""
    start, step = clock.city_instant(on, hour), timedelta(minutes=minutes)
    return tuple(SlotTime(n + 1, start + n * step, start + (n + 1) * step) for n in range(count))


def a_schedule(
    department: Department,
    practitioner: Practitioner | None = None,
    value: str = "s1",
    *,
    on: date | None = None,
    **overrides: Any,
) -> Schedule:
    """A morning session of tomorrow with six numbers."""
    on = on or clock.today() + timedelta(days=1)
    external = identity.of_hospital(value)
    schedule = Schedule(
        id=schedule_id(department.organization_id, external),
        organization_id=department.organization_id,
        department_id=department.id,
        practitioner_id=practitioner.id if practitioner else None,
        external_id=value,
        on=on,
        period="am",
        kind="expert",
        fee_fen=2_000,
        slots=some_slots(on),
    )
    return replace(schedule, **overrides)
