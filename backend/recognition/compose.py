"""How recognition's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.db.figures import FigureStore
from backend.directory.naming import organization_resolver
from backend.directory.service import DirectoryService
from backend.patient_index.service import PatientIndex
from backend.recognition.book import BOOK
from backend.recognition.counting import Counting
from backend.recognition.deciding import Deciding
from backend.recognition.figures import ATTRIBUTES
from backend.recognition.noting import Noting
from backend.recognition.repeating import Repeating
from backend.recognition.service import RecognitionService
from backend.recognition.store import CHECKS, REPEATS, RecognitionStore
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.records.service import RecordService
from backend.rulebooks.service import Rulebook
from backend.rulebooks.store import RulebookStore
from backend.security.fields import FieldCipher
from backend.worker.nudge import Nudger

EVENT_SOURCES = (CHECKS,)
FIGURES = "recognition_figures"


@dataclass(frozen=True)
class Recognition:
    """Checking, deciding, what follows, and the figures."""

    lists: Rulebook
    service: RecognitionService
    deciding: Deciding
    noting: Noting
    repeating: Repeating
    counting: Counting


class Below(Protocol):
    """What recognition stands on."""

    db: Database
    cipher: FieldCipher
    nudger: Nudger
    audit: AuditService
    directory: DirectoryService
    patient_index: PatientIndex
    records: RecordService
    record_reader: RecordReader
    record_gate: Gate


def make_recognition(below: Below) -> Recognition:
    """The parts."""
    db, index, gate, reader = below.db, below.patient_index, below.record_gate, below.record_reader
    store = RecognitionStore(db, below.cipher)
    lists = Rulebook(BOOK, RulebookStore(db), below.audit, lambda: organization_resolver(below.directory))
    service = RecognitionService(store, lists=lists, index=index, gate=gate, reader=reader)
    return Recognition(
        lists,
        service,
        Deciding(store, lists, below.audit, below.nudger.kick),
        Noting(store, index, below.records),
        Repeating(store, service, index=index, gate=gate, reader=reader),
        Counting(
            store,
            FigureStore(db, CHECKS, FIGURES, ATTRIBUTES),
            FigureStore(db, REPEATS, FIGURES, ATTRIBUTES),
        ),
    )
