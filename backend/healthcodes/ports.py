"""What the health code needs of the areas below it, each as narrow as it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from backend.directory.models import TerminalKind
from backend.permissions import Actor
from backend.residents.id_numbers import Sex


class Identity(Protocol):
    """Who a patient is."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def id_number(self) -> str: ...
    @property
    def sex(self) -> Sex: ...
    @property
    def birth_on(self) -> date: ...
    @property
    def phone(self) -> str | None: ...


class Residents(Protocol):
    """The residents' area."""

    async def access_patient(self, actor: Actor, patient_id: str) -> object:
        """Raise NOT_FOUND unless the actor may act for the patient."""

    async def get_identity(self, patient_id: str) -> Identity:
        """Who a patient is. Raises NOT_FOUND."""

    async def identities(self, patient_ids: Iterable[str]) -> Mapping[str, Identity]:
        """Who many patients are, by id; those without an identity are left out."""


class ListedPatient(Protocol):
    """One line of a resident's list of patients."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...


class Patients(Protocol):
    """Whom a resident acts for."""

    async def list_patients(self, actor: Actor) -> Sequence[ListedPatient]:
        """Himself and the others, pending ones too."""


class Client(Protocol):
    """A terminal or a hospital's system."""

    @property
    def name(self) -> str: ...
    @property
    def active(self) -> bool: ...
    @property
    def terminal_kind(self) -> TerminalKind | None: ...


class Clients(Protocol):
    """The directory's register of terminals."""

    async def find_client(self, client_id: str) -> Client | None:
        """A client, from memory where possible."""


class Named(Protocol):
    """Whatever has a name."""

    @property
    def name(self) -> str: ...


class Organizations(Protocol):
    """The directory."""

    async def organizations_by_id(self, ids: Iterable[str]) -> Mapping[str, Named]:
        """Institutions by id; unknown ones are left out."""


class Sessions(Protocol):
    """Who is signed in where."""

    async def is_open(self, session_id: str) -> bool:
        """Whether the session has neither been ended nor expired."""


class Limiter(Protocol):
    """Rate limits."""

    async def take(self, bucket: str, key: str) -> None:
        """Take one token or raise RATE_LIMITED."""


class Audit(Protocol):
    """The audit log."""

    async def record(
        self,
        actor: Actor,
        action: str,
        object: str,
        basis: str,
        organization_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an entry."""
