"""A whole city whose hospitals send what they know of people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from backend.db.client import Database
from backend.ids import new_id
from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.patient_index.service import PatientIndex
from backend.permissions import Actor, Role
from tests.support.city import Surroundings, TestCity, open_test_city

HOSPITAL, OTHER = "01HOSPITAL", "01OTHER"


@dataclass(frozen=True)
class Message:
    """Where something came from."""

    kind: str = "v2"
    id: str = "message-1"
    received_at: datetime = datetime(2026, 3, 1, tzinfo=UTC)


SOURCE = Message()


@dataclass
class Town:
    """The index of one city, and a member of staff who looks after it."""

    city: TestCity
    operator: Actor
    elsewhere: Actor

    @property
    def index(self) -> PatientIndex:
        return self.city.city.services.patient_index

    async def says(
        self, hospital: str, value: str, who: Demographics | None = None, source: Message = SOURCE
    ) -> Chart:
        """A hospital says something of the person of one of its numbers."""
        return await self.index.chart_for(hospital, ChartNumber("HIS", value), who, source)

    async def merges(self, hospital: str, survivor: str, retired: str) -> None:
        """A hospital merges two of its numbers."""
        await self.index.merge(hospital, ChartNumber("HIS", survivor), ChartNumber("HIS", retired), SOURCE)

    async def person(self, chart: Chart) -> str:
        """Whose a chart is now."""
        return await self.index.person_of(chart.id)

    async def registers(self, name: str, id_number: str) -> None:
        """The population register knows somebody by this name."""
        await self.city.outside.post("persons", {"name": name, "id_number": id_number})


@pytest.fixture
async def town(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Town]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield Town(
            city,
            Actor("staff", new_id(), Role.CITY_OPERATOR, None),
            Actor("staff", new_id(), Role.HOSPITAL_OPERATOR, frozenset({HOSPITAL})),
        )
