"""The city's directory as values: institutions, departments, practitioners, and their OAuth2 clients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.directory.codes import HospitalLevel, OrganizationKind


@dataclass(frozen=True, slots=True)
class External:
    """How the publishing system names the object: `hospital` for the hospital API, else the feed."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of some system, kept as it came."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a department offers beyond its subject: a vaccination clinic's service, product and dose."""

    services: tuple[Coding, ...] = ()
    products: tuple[Coding, ...] = ()
    doses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Organization:
    """机构: a hospital, a health centre, a vaccination site."""

    id: str
    external: External
    name: str
    short_name: str
    kind: OrganizationKind
    level: HospitalLevel
    address: str = ""
    district: str = ""
    phone: str = ""
    lat: float | None = None
    lng: float | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Department:
    """科室: `code` is the national four-digit clinical subject, `place` where patients go."""

    id: str
    external: External
    organization_id: str
    name: str
    code: str
    place: str = ""
    offer: Offer | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Practitioner:
    """医生, within one institution."""

    id: str
    external: External
    organization_id: str
    name: str
    title: str = ""
    specialty: str = ""
    intro: str = ""
    department_ids: tuple[str, ...] = ()
    active: bool = True


class Outcome(StrEnum):
    """What a repeatable write did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brings up, best first."""

    organizations: tuple[Organization, ...] = ()
    departments: tuple[Department, ...] = ()
    practitioners: tuple[Practitioner, ...] = ()


class ClientKind(StrEnum):
    """Who holds the credentials."""

    HOSPITAL = "hospital"
    TERMINAL = "terminal"


class TerminalKind(StrEnum):
    """Where a terminal stands; it decides which steps it may verify a health code for."""

    WINDOW = "window"
    KIOSK = "kiosk"
    PHARMACY = "pharmacy"
    LAB = "lab"


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth2 client: a hospital's system, or one terminal with its own identity; without the secret."""

    id: str
    kind: ClientKind
    organization_id: str
    name: str
    created_at: datetime
    terminal_kind: TerminalKind | None = None
    department_id: str | None = None
    active: bool = True
    # Of a hospital's workstations: the addresses whose pages may show the record browser inside.
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which clients a list shows; None is any."""

    organization_id: str | None = None
    kind: ClientKind | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class IssuedClient:
    """A client with the secret that is shown once."""

    client: Client
    secret: str
