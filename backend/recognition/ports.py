"""What recognition needs of the record and the patient index, narrower than their services."""

from __future__ import annotations

from typing import Protocol

from backend.patient_index.models import Chart, ChartNumber
from backend.permissions import Actor
from backend.records.models import Basis
from backend.records.sharing_models import Asked


class Index(Protocol):
    """Whose charts there are."""

    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None: ...
    async def chart(self, chart_id: str) -> Chart | None: ...
    async def charts_of(self, person_id: str) -> list[Chart]: ...
    async def person_of(self, chart_id: str) -> str: ...
    async def person_by_id_number(self, id_number: str) -> str | None: ...


class CareGate(Protocol):
    """Who may read what."""

    async def own(self, actor: Actor, patient_id: str) -> Basis: ...
    async def origin(self, actor: Actor, chart_id: str | None = None, *, practitioner: str = "") -> Basis: ...
    async def care(self, actor: Actor, person_id: str, asked: Asked) -> Basis: ...
