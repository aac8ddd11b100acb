"""What the FHIR face needs of the record and the patient index, no wider than it is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from backend.patient_index.models import Beginning, Chart, ChartNumber, Demographics
from backend.permissions import Actor
from backend.records.models import Basis, Found, Incoming, RecordQuery, Resource, Source, Written
from backend.records.sharing_models import Asked


class Standing(Protocol):
    """What stands in the record, without its content."""

    @property
    def version(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def deleted(self) -> bool: ...


class Records(Protocol):
    """Where resources are written."""

    async def write(
        self,
        organization_id: str,
        batch: Sequence[Incoming],
        source: Source,
        *,
        gone: Sequence[str] = (),
        beginning: Sequence[Beginning] = (),
    ) -> list[Written]:
        """All of it or nothing; what is `gone` is taken back in the same step, and charts begin with it."""

    async def check(
        self,
        organization_id: str,
        batch: Sequence[Incoming],
        source: Source,
        *,
        gone: Sequence[str] = (),
        coming: Collection[str] = (),
    ) -> None:
        """Raise what `write` would raise, once the `coming` charts are there; nothing is written."""

    async def delete(
        self, organization_id: str, id: str, source: Source, *, if_version: int | None = None
    ) -> Written:
        """Take one back."""

    async def standing(self, organization_id: str, ids: Collection[str]) -> Mapping[str, Standing]:
        """What stands of these that the organization itself has sent."""


class Reader(Protocol):
    """Where resources are read, on a basis, each time with an entry in the audit log."""

    async def read(self, basis: Basis, id: str) -> Resource | None: ...
    async def history(self, basis: Basis, id: str) -> list[Resource]: ...
    async def version(self, basis: Basis, id: str, number: int) -> Resource | None: ...
    async def search(self, basis: Basis, query: RecordQuery) -> Found: ...


class Files(Protocol):
    """Documents that lie apart from their resources."""

    async def whole(self, resource: Resource) -> Resource:
        """A resource that has been read, with its documents in it."""


class Gate(Protocol):
    """Who may read what."""

    async def origin(self, actor: Actor, chart_id: str | None = None, *, practitioner: str = "") -> Basis:
        """What the asking hospital has sent itself: all, or of one chart."""

    async def care(self, actor: Actor, person_id: str, asked: Asked) -> Basis:
        """A person's record over all hospitals; refuses, saying what to do."""


class Index(Protocol):
    """Which charts there are, and whose."""

    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Source
    ) -> Chart: ...
    async def begin_chart(
        self, organization_id: str, number: ChartNumber, who: Demographics, source: Source, *, id: str
    ) -> Beginning: ...
    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None: ...
    async def chart(self, chart_id: str) -> Chart | None: ...
    async def charts_of(self, person_id: str) -> list[Chart]: ...
    async def person_by_id_number(self, id_number: str) -> str | None: ...
