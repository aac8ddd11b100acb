"""What sharing needs of other areas, each as narrow as it is used; their services fit these by shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from backend.directory.models import Client, Department, Organization, Practitioner
from backend.permissions import Actor
from backend.residents.models import Contact, Identity, Patient


class Residents(Protocol):
    """The residents' service."""

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor may act for him. Raises NOT_FOUND."""

    async def contact(self, resident_id: str) -> Contact:
        """Where messages to a person go."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""

    async def identities(self, patient_ids: Iterable[str]) -> dict[str, Identity]:
        """Who many patients are, in clear, by id; those without an identity are left out."""


class Directory(Protocol):
    """The directory's service: cached look-ups."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """An institution, or None."""

    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None:
        """A practitioner, or None."""

    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, Organization]:
        """The institutions that exist among `ids`."""

    async def departments_by_id(self, ids: Iterable[str]) -> dict[str, Department]:
        """The departments that exist among `ids`."""

    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]:
        """The practitioners that exist among `ids`."""

    async def access_department(self, actor: Actor, external_id: str) -> Department:
        """The hospital's own department of that name. Raises NOT_FOUND."""


class Clients(Protocol):
    """The register of hospitals' systems."""

    async def find_client(self, client_id: str) -> Client | None:
        """A client, at most five seconds old."""


Send = Callable[[str], Awaitable[None]]


class Codes(Protocol):
    """One-time codes by SMS."""

    async def send(self, keys: Sequence[str], subject: str, phone: str, ip: str, send: Send) -> int:
        """Send a fresh code; returns the seconds until another may be asked for."""

    async def check(self, keys: Sequence[str], subject: str, phone: str, code: str) -> None:
        """Use up the code. Raises CODE_WRONG, CODE_TOO_MANY_ATTEMPTS."""


class CodeSender(Protocol):
    """The messages' service."""

    async def send_record_code(self, phone: str, code: str, organization: str) -> None:
        """Send a code by which somebody lets an institution read his record."""


class Visit(Protocol):
    """An appointment."""

    @property
    def patient_id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def end_at(self) -> datetime: ...


class Visits(Protocol):
    """The slot pool."""

    async def get(self, claim_id: str) -> Visit:
        """The appointment of this id. Raises NOT_FOUND."""


class StaffNames(Protocol):
    """The staff's service."""

    async def names(self, staff_ids: set[str]) -> Mapping[str, str]:
        """Names of members by id."""
