"""What the exchange needs of the record and the patient index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.permissions import Actor
from backend.records.models import Basis, Body, Found, Incoming, RecordQuery, Source, Written


class Charts(Protocol):
    """The patient index, as far as messages reach it."""

    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Source
    ) -> Chart:
        """The chart of a hospital's number, made if it is new."""

    async def merge(
        self, organization_id: str, survivor: ChartNumber, retired: ChartNumber, source: Source
    ) -> None:
        """Two numbers of a hospital are one person, and one of them is given up."""

    async def join(self, organization_id: str, one: ChartNumber, other: ChartNumber, source: Source) -> None:
        """Two numbers of a hospital are one person, and both stay."""

    async def take_back(
        self, organization_id: str, one: ChartNumber, other: ChartNumber, source: Source
    ) -> Chart:
        """They are not: neither merged nor linked by this hospital any more."""


class Records(Protocol):
    """The record, as far as messages write it."""

    async def write(self, organization_id: str, batch: Sequence[Incoming], source: Source) -> list[Written]:
        """Write all of a batch in one step."""

    async def bearing(
        self,
        organization_id: str,
        chart_id: str,
        types: Collection[str],
        numbers: Collection[tuple[str, str]],
    ) -> dict[str, Body]:
        """Which of a chart's resources bear one of these numbers: identifiers and code of each, by id."""


class Gate(Protocol):
    """Who may read what messages have become."""

    async def messages(self, actor: Actor, organization_id: str) -> Basis:
        """What a hospital has sent, for staff who look after its messages."""


class Reader(Protocol):
    """Reads on a basis, each time with an entry in the audit log."""

    async def search(self, basis: Basis, query: RecordQuery) -> Found:
        """What the basis covers and the query asks for."""


class Readings(Protocol):
    """What people are shown of who has read about them."""

    async def note_message(
        self, actor: Actor, organization_id: str, chart_id: str, resources: Sequence[str]
    ) -> None:
        """Somebody sees a hospital's message about one of its patients in clear; the patient sees that."""
