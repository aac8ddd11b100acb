"""A small city through its services: two hospitals with clinics tomorrow, patients, and some bookings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.directory import identity
from backend.directory.models import Department, Organization, Practitioner
from backend.ids import new_id
from backend.residents.id_numbers import check_digit
from backend.slotpool.claims_models import Claim, Wanted
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, SlotTime
from tests.factories.directory import a_department, a_practitioner, an_organization

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = ("伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "艳", "勇", "娟", "杰", "涛")


@dataclass
class Hospital:
    """One hospital of the small city."""

    organization: Organization
    departments: list[Department]
    doctors: list[Practitioner]
    schedules: list[Schedule]


def an_id_number(number: int, born: str = "19850312") -> str:
    """A valid ID number of a man or woman that does not exist."""
    first_17 = f"370702{born}{number:03d}"
    return first_17 + check_digit(first_17)


def a_name(number: int) -> str:
    """One of three hundred names."""
    return SURNAMES[number % len(SURNAMES)] + GIVEN[number // 3 % len(GIVEN)]


def a_schedule(
    hospital: Organization, department: Department, doctor: Practitioner | None, on: date, **more: Any
) -> Schedule:
    """A morning of ten numbers, two kept for the window."""
    period = more.pop("period", "am")
    hour = 8 if period == "am" else 14
    external = identity.of_hospital(f"{department.id}-{doctor.id if doctor else ''}-{on}-{period}")
    start = clock.city_instant(on, hour)
    schedule = Schedule(
        id=schedule_id(hospital.id, external),
        organization_id=hospital.id,
        department_id=department.id,
        practitioner_id=doctor.id if doctor else None,
        external_id=external.value,
        on=on,
        period=period,
        kind="expert" if doctor else "general",
        fee_fen=0,
        slots=tuple(
            SlotTime(n, start + timedelta(minutes=15 * (n - 1)), start + timedelta(minutes=15 * n))
            for n in range(1, 11)
        ),
        reserved={"window": 2},
    )
    return replace(schedule, **more)


async def make_hospital(services: Services, value: str, on: date, **fields: object) -> Hospital:
    """A hospital with two departments, three doctors and their sessions of a day."""
    organization = an_organization(value, **fields)
    heart = a_department(organization, "d1")
    child = a_department(organization, "d2", name="儿科", code="0700", place="门诊楼2层")
    doctors = [
        a_practitioner(organization, heart, value="p1"),
        a_practitioner(organization, heart, value="p2", name="程亦凡", title="副主任医师"),
        a_practitioner(organization, child, value="p3", name="顾小满", title="主治医师"),
    ]
    await services.directory.save_organizations([organization])
    await services.directory.save_departments([heart, child])
    await services.directory.save_practitioners(doctors)
    schedules = [
        a_schedule(organization, heart, doctors[0], on),
        a_schedule(organization, heart, doctors[1], on, period="pm"),
        a_schedule(organization, heart, None, on),
        a_schedule(organization, child, doctors[2], on),
    ]
    published = await services.schedules.publish_many(schedules)
    assert all(one.error is None for one in published), published
    return Hospital(organization, [heart, child], doctors, schedules)


async def make_patient(services: Services, number: int, phone: str | None = None) -> str:
    """A person a hospital knows; the id."""
    return await services.residents.find_or_create_file(a_name(number), an_id_number(number), phone)


async def make_booking(
    services: Services, schedule: Schedule, patient_id: str, *, channel: str = "wechat", hold: bool = False
) -> Claim:
    """A number of a session for a patient."""
    return await services.claims.claim(
        Wanted(
            schedule_id=schedule.id,
            number=None,
            resident_id=patient_id,
            patient_id=patient_id,
            channel=channel,
            request_key=new_id(),
            actor_id=patient_id,
            hold=hold,
        )
    )
