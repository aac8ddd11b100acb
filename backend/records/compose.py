"""How the record's parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.records.blobs import Blobs
from backend.records.file_store import FileStore
from backend.records.files import RecordFiles
from backend.records.gate import Gate, Residents
from backend.records.grounds import Grounds
from backend.records.piece_store import PieceStore
from backend.records.ports import Charts
from backend.records.reading import RecordReader
from backend.records.reindexing import RecordIndexes
from backend.records.screening import Screening
from backend.records.service import RecordService
from backend.records.store import RESOURCES, ResourceStore
from backend.security.fields import BlindIndex, FieldCipher
from backend.worker.confined import Confined

# Of a PDF that somebody made to be slow; hundreds of pages of text take some seconds.
SCREENED_WITHIN_S = 30.0
EVENT_SOURCES = (RESOURCES,)


@dataclass(frozen=True)
class Records:
    """Writing, reading, and on what basis."""

    service: RecordService
    reader: RecordReader
    gate: Gate
    indexes: RecordIndexes
    files: RecordFiles
    screening: Screening


def make_records(
    db: Database,
    *,
    cipher: FieldCipher,
    blind: BlindIndex,
    charts: Charts,
    residents: Residents,
    audit: AuditService,
    grounds: Grounds,
    nudge: Callable[[], None],
) -> Records:
    """The parts."""
    store = ResourceStore(db, cipher, blind)
    files = RecordFiles(FileStore(db, cipher), Blobs(PieceStore(db)))
    service = RecordService(store, charts, files, nudge)
    return Records(
        service,
        RecordReader(store, audit),
        Gate(charts, residents, grounds),
        RecordIndexes(store, blind),
        files,
        Screening(store, service, files, Confined(1, within_s=SCREENED_WITHIN_S)),
    )
