"""The record's parts on a database, without a city around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from backend import clock
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database, Document
from backend.ids import named_id, new_id
from backend.permissions import Actor, Role
from backend.records.blobs import Blobs
from backend.records.file_store import FileStore
from backend.records.files import RecordFiles
from backend.records.models import Basis, BasisKind, Body, Incoming, Purpose, Source, Written
from backend.records.piece_store import PieceStore
from backend.records.reading import RecordReader
from backend.records.reindexing import RecordIndexes
from backend.records.service import RecordService
from backend.records.store import ResourceStore
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.security.lasting import is_declared

HOSPITAL, OTHER_HOSPITAL = named_id("hospital"), named_id("other hospital")


@dataclass(frozen=True)
class KnownChart:
    """A chart as the index would know it."""

    id: str
    organization_id: str
    person_id: str


@dataclass
class KnownCharts:
    """Whom charts are about, kept in memory: linking changes nothing but this."""

    charts: dict[str, KnownChart] = field(default_factory=dict)

    def add(self, organization_id: str = HOSPITAL, person_id: str | None = None) -> str:
        """A new chart's id."""
        id = new_id()
        self.charts[id] = KnownChart(id, organization_id, person_id or id)
        return id

    async def chart(self, chart_id: str) -> KnownChart | None:
        """One chart."""
        return self.charts.get(chart_id)

    async def charts_of(self, person_id: str) -> Sequence[KnownChart]:
        """All of a person's."""
        return [chart for chart in self.charts.values() if chart.person_id == person_id]

    async def person_of(self, chart_id: str) -> str:
        """Whose a chart is."""
        return self.charts[chart_id].person_id


@dataclass
class RecordParts:
    """Writing and reading, and what came of them."""

    db: Database
    ring: Keyring = field(default_factory=Keyring.generate)
    charts: KnownCharts = field(default_factory=KnownCharts)
    nudged: int = 0

    def __post_init__(self) -> None:
        self.cipher = FieldCipher(self.ring, may_seal=is_declared)
        self.blind = BlindIndex(self.ring)
        self.store = ResourceStore(self.db, self.cipher, self.blind)
        self.files = RecordFiles(FileStore(self.db, self.cipher), Blobs(PieceStore(self.db)))
        self.service = RecordService(self.store, self.charts, self.files, self._nudge)
        chain = Chain(self.ring)
        self.audit = AuditService(AuditStore(self.db, chain), chain)
        self.reader = RecordReader(self.store, self.audit)
        self.indexes = RecordIndexes(self.store, self.blind)

    def _nudge(self) -> None:
        self.nudged += 1

    async def write(
        self, *batch: Incoming, source: Source | None = None, by: str = HOSPITAL
    ) -> list[Written]:
        """Write a batch as a message of its own."""
        return await self.service.write(by, batch, source or a_message(by))

    async def documents(self, collection: str = "resources") -> list[Document]:
        """What is stored, by id."""
        return await self.db.collection(collection).find({}).sort("_id", 1).to_list(None)

    async def entries(self) -> list[Document]:
        """The audit log, in its order."""
        return await self.db.collection("audit").find({}).sort("_id", 1).to_list(None)


_minutes = count()


def a_message(by: str = HOSPITAL) -> Source:
    """A message received after every other that was made here."""
    return Source("v2", new_id(), by, clock.now() + timedelta(minutes=next(_minutes)))


def a_basis(*charts: str, **changes: Any) -> Basis:
    """A basis as the gate would make it: a resident's own, of these charts, unless told otherwise."""
    person = changes.pop("person_id", named_id("person"))
    actor = Actor("resident", person, Role.RESIDENT, real_name=True)
    values: dict[str, Any] = {
        "kind": BasisKind.OWN,
        "purpose": Purpose.PATIENT_REQUEST,
        "actor": actor,
        "max_sensitivity": 5,
    }
    return Basis(person_id=person, chart_ids=charts, **(values | changes))


def observation(owner: str, key: str | None, value: float = 5.6, **more: Any) -> Incoming:
    """A laboratory's result."""
    body: Body = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7", "display": "Glucose"}]},
        "subject": {"reference": f"Patient/{owner}"},
        "effectiveDateTime": "2026-09-14T09:30:00+08:00",
        "valueQuantity": {"value": value, "unit": "mmol/L"},
    }
    return Incoming("Observation", owner, body | more, key=key)


def condition(
    owner: str, key: str | None, code: str = "I10", on: str = "2026-09-14", **more: Any
) -> Incoming:
    """A diagnosis."""
    body: Body = {
        "resourceType": "Condition",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
        "subject": {"reference": f"Patient/{owner}"},
        "recordedDate": on,
    }
    return Incoming("Condition", owner, body | more, key=key)


def report(owner: str, key: str | None, status: str = "final", **more: Any) -> Incoming:
    """A laboratory's report."""
    body: Body = {
        "resourceType": "DiagnosticReport",
        "status": status,
        "category": [{"coding": [{"code": "LAB"}]}],
        "code": {"text": "血糖"},
        "subject": {"reference": f"Patient/{owner}"},
        "effectiveDateTime": "2026-09-14T09:30:00+08:00",
    }
    return Incoming("DiagnosticReport", owner, body | more, key=key)


def at(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    """An instant."""
    return datetime(year, month, day, hour, tzinfo=UTC)
