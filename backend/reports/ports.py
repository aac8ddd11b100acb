"""What reports need of the record and of those who know places and people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from backend.directory.models import Organization
from backend.permissions import Actor
from backend.records.apart import File
from backend.records.files import Content
from backend.records.models import Basis, Found, Incoming, RecordQuery, Resource, Source, Written
from backend.records.sharing_models import Asked


class Gate(Protocol):
    """Who may read whose record."""

    async def own(self, actor: Actor, patient_id: str) -> Basis:
        """The resident himself, or who acts for him; anybody else's is 404."""

    async def origin(self, actor: Actor) -> Basis:
        """What the asking hospital itself has sent."""

    async def care(self, actor: Actor, person_id: str, asked: Asked) -> Basis:
        """A person's record over all hospitals; refuses, saying what to do."""


class Reader(Protocol):
    """The record, read on a basis; every call leaves one entry in the audit log."""

    async def read(self, basis: Basis, id: str) -> Resource | None:
        """One resource."""

    async def search(self, basis: Basis, query: RecordQuery) -> Found:
        """Resources that fit."""

    async def timeline(
        self, basis: Basis, kinds: Sequence[str] = (), cursor: str | None = None, limit: int = 50
    ) -> Found:
        """What stands in the timeline, the latest first."""


class Files(Protocol):
    """Documents that lie apart from their resources."""

    async def open(self, file: File) -> Content:
        """A document of a resource that has been read on a basis, piece by piece."""

    async def whole(self, resource: Resource) -> Resource:
        """A resource that has been read, with its documents in it."""


class Writer(Protocol):
    """The record, written."""

    async def write(self, organization_id: str, batch: Sequence[Incoming], source: Source) -> list[Written]:
        """Keep resources of an organization's own charts."""

    async def delete(self, organization_id: str, id: str, source: Source) -> Written:
        """Take a resource back; twice is no error."""


class People(Protocol):
    """Whose a chart is."""

    async def person_of(self, chart_id: str) -> str:
        """The person of a chart; raises NOT_FOUND."""


class Places(Protocol):
    """Names of institutions."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """One institution, or None."""

    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, Organization]:
        """Many at once."""
