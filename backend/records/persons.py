"""Whom a hospital means: by the ID card in its hand, or by its own number of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.errors import AppError, ErrorCode, not_found
from backend.patient_index.models import Chart, ChartNumber
from backend.records.sharing_models import NOBODY


class Index(Protocol):
    """What this needs of the patient index."""

    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None:
        """A hospital's chart, or None."""

    async def person_by_id_number(self, id_number: str) -> str | None:
        """The person of an ID number, or None."""


@dataclass(frozen=True, slots=True)
class Named:
    """A person, and whether the hospital holds a paper of his."""

    person_id: str
    presented: bool


class Persons:
    """Finds people for hospitals."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def find(self, organization_id: str, id_number: str | None, number: ChartNumber | None) -> Named:
        """Who it is. Raises NOT_FOUND for a chart that is not there, BAD_REQUEST unless one of both is given.

        Nobody's ID number is not refused here: it would tell whose numbers are known before a reason is
        given. Whoever states one later is told, and that is on record.
        """
        if (id_number is None) == (number is None):
            wrong = [{"field": "patient", "problem": "one of id_number and chart_number"}]
            raise AppError(ErrorCode.BAD_REQUEST, "patient", data={"fields": wrong})
        if number is not None:
            chart = await self._index.find_chart(organization_id, number)
            if chart is None:
                raise not_found("chart of this number")
            return Named(chart.person_id, presented=False)
        person_id = await self._index.person_by_id_number((id_number or "").strip())
        return Named(person_id or NOBODY, presented=True)
