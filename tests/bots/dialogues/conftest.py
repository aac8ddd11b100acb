"""city: the whole city with its sandbox, a second hospital and two doctors of one family name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.db.client import Database
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import Department, External, Organization, Practitioner
from backend.ids import new_id
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        await add_places(made)
        yield made


async def add_places(city: TestCity) -> None:
    """A second hospital, so that 儿科 is a question, and two doctors of one family name."""
    directory = city.city.services.directory
    second = Organization(
        new_id(), External("test", "second"), "健康城市中医院", "市中医院",
        OrganizationKind.TCM, HospitalLevel.L3_B, phone="0536-8000000",
    )  # fmt: skip
    await directory.save_organizations([second])
    departments = [
        Department(new_id(), External("test", f"d{name}"), owner.id, name, code, place=place)
        for owner, name, code, place in (
            (city.hospital, "骨科", "0403", "外科楼三楼"),
            (second, "儿科", "0700", ""),
            (second, "针灸科", "5013", ""),
        )
    ]
    await directory.save_departments(departments)
    mine = (city.department.id,)
    await directory.save_practitioners(
        [
            Practitioner(
                new_id(), External("test", name), city.hospital.id, name, "主任医师", department_ids=mine
            )
            for name in ("陈静怡", "陈大文")
        ]
    )
