"""What the record is made of: resources with their source, what is written and asked, and on what basis."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from backend.permissions import Actor

Body = dict[str, Any]

SourceKind = Literal["v2", "fhir", "bulk", "own"]


@dataclass(frozen=True, slots=True)
class Source:
    """The message or request something came from.

    `received_at` stays what it was when a message is handled again: what was received earlier never
    overwrites what was received later.
    """

    kind: SourceKind
    id: str
    organization_id: str
    received_at: datetime


class Kind(StrEnum):
    """What a resource is about, as a person would sort it."""

    VISIT = "visit"
    DIAGNOSIS = "diagnosis"
    MEDICINE = "medicine"
    ALLERGY = "allergy"
    VACCINATION = "vaccination"
    PROCEDURE = "procedure"
    LAB = "lab"
    IMAGING = "imaging"
    MEASUREMENT = "measurement"
    DOCUMENT = "document"
    ORDER = "order"
    OTHER = "other"


class Sensitivity:
    """How much a resource gives away of a person."""

    PUBLIC = 1
    SHARED = 2
    ADMINISTRATIVE = 3
    CLINICAL = 4
    SPECIAL = 5


@dataclass(frozen=True, slots=True)
class Derived:
    """What a body says of itself to the indexes. The pairs are `(system, value)`."""

    kind: Kind
    at: datetime
    status: str
    sensitivity: int
    # Whether it stands in the timeline by itself; a single laboratory value stands in its report.
    shown: bool
    codes: tuple[tuple[str, str], ...] = ()
    business: tuple[tuple[str, str], ...] = ()
    refs: tuple[str, ...] = ()
    encounter_id: str | None = None
    # Whether there are PDFs in it: their words are found later, and elsewhere (screening.py).
    papers: bool = False
    # Files that hang on it; found by nobody through it, but as sensitive as it is.
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One version of one FHIR resource. `owner` is the chart it is about, or the organization."""

    id: str
    type: str
    owner: str
    organization_id: str
    version: int
    kind: Kind
    at: datetime
    sensitivity: int
    status: str
    body: Body
    source: Source
    deleted: bool
    refs: tuple[str, ...]
    encounter_id: str | None
    created_at: datetime
    updated_at: datetime
    # Which files hold the documents that the body names (apart.py), in the order of their names.
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """One resource as it comes in.

    `key` is what the sender calls it: the same key of the same owner is the same resource. Without one, and
    without an id, it is a new resource each time.
    """

    type: str
    owner: str
    body: Body
    key: str | None = None
    id: str | None = None
    if_version: int | None = None
    # Elements (`period.start` too) that stay as they stand: `fills` where the body does not say them, `keeps`
    # in any case. For senders who say only what has changed.
    fills: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    # Lists to which what stands belongs as well.
    joins: tuple[str, ...] = ()
    # What stands is left alone, deleted or not: a result's PID knows less than the registration did.
    only_new: bool = False


class Outcome(StrEnum):
    """What became of one incoming resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Written:
    """Where an incoming resource lies now."""

    id: str
    version: int
    outcome: Outcome


class Purpose(StrEnum):
    """What something is read for, in HL7's words (v3 ActReason)."""

    TREAT = "TREAT"
    ETREAT = "ETREAT"
    BREAK_GLASS = "BTG"
    PATIENT_REQUEST = "PATRQT"
    PUBLIC_HEALTH = "PUBHLTH"
    # Not care: somebody keeps the connection to a hospital going.
    OPERATIONS = "HOPERAT"


class BasisKind(StrEnum):
    """Why somebody may read."""

    OWN = "own"
    GUARDIAN = "guardian"
    ORIGIN = "origin"
    CONSENT = "consent"
    CARE = "care"
    LAW = "law"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Basis:
    """What may be read, by whom, and why. Made by the gate alone; whatever it does not name stays closed.

    An `ORIGIN` basis covers what its organization itself has sent, of these charts or, without any, of all.
    Every other covers its charts.
    """

    kind: BasisKind
    person_id: str
    chart_ids: tuple[str, ...]
    purpose: Purpose
    actor: Actor
    organization_id: str | None = None
    # What it rests on: the id of a consent, a relationship, a stated reason; the name of a law.
    reference: str = ""
    kinds: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    max_sensitivity: int = Sensitivity.CLINICAL
    practitioner: str = ""
    # The hospital's own number of the visit during which it is read, where it has said so.
    encounter: str = ""


Sort = Literal["-at", "at", "-updated", "updated"]


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """What is looked for within a basis; an empty field asks for nothing in particular.

    `codes` and `business` are `system|value`; without a system, any system. `until` is not included.
    """

    types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    encounter_id: str | None = None
    statuses: tuple[str, ...] = ()
    last_updated_since: datetime | None = None
    business: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None
    sort: Sort = "-at"
    ids: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    count: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found; `total` only where it was asked for."""

    items: list[Resource] = field(default_factory=list)
    cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What is seen first of a record: a page of the timeline, allergies, and results by id."""

    timeline: Found
    allergies: list[Resource]
    results: dict[str, Resource]
