"""The board of free numbers: what a day shows, in which order, with which figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import orjson
import pytest

from backend import clock
from backend.db.client import Database
from backend.directory.models import Practitioner
from backend.slotpool.board import Board
from backend.slotpool.claims import ClaimService
from backend.slotpool.schedules_models import Schedule
from tests.backend.slotpool.pool import MemorySchedules, Pool, wanted
from tests.factories.directory import a_department, a_practitioner, an_organization
from tests.factories.schedules import a_schedule, some_slots

HOSPITAL = an_organization()
DEPARTMENT = a_department(HOSPITAL)
TOMORROW = clock.today() + timedelta(days=1)


def doctor(name: str) -> Practitioner:
    return a_practitioner(HOSPITAL, DEPARTMENT, value=name, name=name)


class Shown(MemorySchedules):
    """Schedules of the department, as a process knows them."""

    def put(self, *schedules: Schedule) -> None:
        self.made |= {schedule.id: schedule for schedule in schedules}

    async def list_for_department(self, department_id: str, first: date, days: int) -> Sequence[Schedule]:
        return list(self.made.values())


class Names:
    """A directory of one department."""

    def __init__(self, *doctors: Practitioner) -> None:
        self.doctors = {each.id: each for each in doctors}

    async def get_department(self, department_id: str) -> Any:
        return DEPARTMENT

    async def get_organization(self, organization_id: str) -> Any:
        return HOSPITAL

    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]:
        return {each: self.doctors[each] for each in ids if each in self.doctors}


@pytest.fixture
def shown() -> Shown:
    return Shown()


async def sessions_of(shown: Shown, claims: ClaimService, *doctors: Practitioner) -> list[dict[str, Any]]:
    board = Board(shown, claims, Names(*doctors))
    [day] = orjson.loads(await board.department(DEPARTMENT.id, TOMORROW, 1))["days"]
    return cast(list[dict[str, Any]], day["sessions"])


async def test_a_day_goes_by_period_then_time_then_doctor(db: Database, shown: Shown):
    zhang, an, ouyang = doctor("张三"), doctor("安平"), doctor("欧阳敏")
    for value, period, hour, who in (
        ("1", "night", 20, an), ("2", "pm", 13, zhang), ("3", "am", 8, zhang), ("4", "pm", 12, ouyang),
        ("5", "am", 8, an), ("6", "am", 8, None), ("7", "am", 9, an), ("8", "pm", 13, ouyang),
        ("9", "day", 9, zhang), ("10", "evening", 18, an),
    ):  # fmt: skip
        slots = some_slots(TOMORROW, hour=hour)
        shown.put(a_schedule(DEPARTMENT, who, value, on=TOMORROW, period=period, slots=slots))
    sessions = await sessions_of(shown, Pool(db, shown).claims, zhang, an, ouyang)
    assert [(each["period"], (each["practitioner"] or {"name": ""})["name"]) for each in sessions] == [
        ("day", "张三"),
        ("am", ""), ("am", "安平"), ("am", "张三"), ("am", "安平"),
        ("pm", "欧阳敏"), ("pm", "欧阳敏"), ("pm", "张三"),
        ("evening", "安平"),
        ("night", "安平"),
    ]  # fmt: skip
    assert sessions[4]["start_at"] > sessions[3]["start_at"]
    assert sessions[6]["start_at"] > sessions[5]["start_at"]


async def test_places_that_are_gone_are_not_counted_twice(db: Database, shown: Shown):
    """They are taken for a while, by nobody, and no part of the session any more."""
    pool, whole = Pool(db, shown), a_schedule(DEPARTMENT, on=TOMORROW)
    for number in (4, 5, 6):
        await pool.claims.claim(wanted(whole, number=number), whole)
    shown.put(replace(whole, slots=whole.slots[:4]))
    [session] = await sessions_of(shown, pool.claims)
    assert (session["free"], session["total"]) == (3, 4)
