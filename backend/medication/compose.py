"""How medication's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.db.figures import FigureStore
from backend.directory.naming import organization_resolver
from backend.directory.service import DirectoryService
from backend.medication.book import BOOK
from backend.medication.counting import Counting
from backend.medication.figures import ATTRIBUTES
from backend.medication.service import Examinations, MedicationService
from backend.medication.store import CHECKS, MedicationStore
from backend.patient_index.service import PatientIndex
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.rulebooks.service import Rulebook
from backend.rulebooks.store import RulebookStore
from backend.security.fields import FieldCipher

FIGURES = "medication_figures"


@dataclass(frozen=True)
class Medication:
    """Rules, checking and answering, and the figures."""

    rules: Rulebook
    service: MedicationService
    counting: Counting


class Below(Protocol):
    """What medication stands on."""

    db: Database
    cipher: FieldCipher
    audit: AuditService
    directory: DirectoryService
    patient_index: PatientIndex
    record_reader: RecordReader
    record_gate: Gate


def make_medication(below: Below, examinations: Examinations) -> Medication:
    """The parts. `examinations` is what another area knows of examinations ordered along."""
    store = MedicationStore(below.db, below.cipher)
    rules = Rulebook(
        BOOK, RulebookStore(below.db), below.audit, lambda: organization_resolver(below.directory)
    )
    service = MedicationService(
        store,
        rules=rules,
        people=below.patient_index,
        gate=below.record_gate,
        reader=below.record_reader,
        audit=below.audit,
        examinations=examinations,
    )
    return Medication(rules, service, Counting(store, FigureStore(below.db, CHECKS, FIGURES, ATTRIBUTES)))
