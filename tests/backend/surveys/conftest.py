"""A whole city with a questionnaire, people to ask, and staff of its hospital."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.surveys.models import Campaign, Run, Trigger
from backend.surveys.questionnaire import Questionnaire
from backend.surveys.run_store import RunStore
from backend.surveys.service import SurveyService
from tests.factories.surveys import ASKED, make_campaign
from tests.support.city import Surroundings, TestCity, id_number, open_test_city


@dataclass
class Ward:
    """The surveys of one city, and ways to let time pass for them."""

    city: TestCity
    operator: Actor
    manager: Actor
    elsewhere: Actor
    _people: int = field(default=0)

    @property
    def service(self) -> SurveyService:
        return self.city.city.services.surveys

    @property
    def db(self) -> Database:
        return self.city.city.db

    async def campaign(self, *, questionnaire: Questionnaire = ASKED, **more: Any) -> Campaign:
        """A running campaign of the hospital."""
        return await make_campaign(
            self.city.city.services, self.operator, self.city.hospital.id, questionnaire, **more
        )

    async def person(self, phone: str | None = "") -> str:
        """Somebody the hospital knows."""
        self._people += 1
        number = 700 + self._people
        given = f"137{number:08d}" if phone == "" else phone
        residents = self.city.city.services.residents
        return await residents.find_or_create_file(
            f"李{'一二三四五六七八九十'[number % 10]}", id_number(number), given
        )

    async def visit(self, patient_id: str, *, key: str = "", at: datetime | None = None, **more: Any) -> int:
        """Let a visit have ended."""
        values: dict[str, Any] = {
            "organization_id": self.city.hospital.id,
            "department_id": self.city.department.id,
            "practitioner_id": None,
            "at": at or clock.now() - timedelta(minutes=5),
            "key": key or new_id(),
        }
        self.service.planning._known.clear()
        return await self.service.trigger(Trigger.VISIT, patient_id, **(values | more))

    async def pass_by(self) -> None:
        """Do all that is due, and all that would be due in a moment."""
        past = clock.now() - timedelta(seconds=1)
        soon = clock.now() + timedelta(minutes=3)
        await self.service.sweep()
        await self.city.work()
        await self.db.collection("survey_runs").update_many(
            {"due_at": {"$ne": None, "$lt": soon}}, {"$set": {"due_at": past}}
        )
        await self.service.sweep()
        await self.city.work()

    async def asked(self, **more: Any) -> Run:
        """Somebody who has been asked by SMS."""
        await self.visit(await self.person(), **more)
        await self.pass_by()
        return (await self.runs())[-1]

    async def runs(self) -> list[Run]:
        """Every run, oldest first."""
        store = RunStore(self.db, self.city.city.services.cipher)
        return [store.read(doc) async for doc in self.db.collection("survey_runs").find().sort("_id")]

    async def texts(self) -> list[str]:
        """What has arrived on phones, oldest first."""
        arrived = (await self.city.outside.get("sms"))["items"]
        return [text["content"] for text in arrived]


def staff(role: Role, *organization_ids: str) -> Actor:
    scope = frozenset(organization_ids) if organization_ids else None
    return Actor("staff", new_id(), role, scope, new_id())


@pytest.fixture
async def ward(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Ward]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield Ward(
            city,
            staff(Role.HOSPITAL_OPERATOR, city.hospital.id),
            staff(Role.CITY_OPERATOR),
            staff(Role.HOSPITAL_OPERATOR, new_id()),
        )
