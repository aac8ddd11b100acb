"""How the record's parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.records.gate import Gate, Residents
from backend.records.grounds import Grounds
from backend.records.ports import Charts
from backend.records.reading import RecordReader
from backend.records.reindexing import RecordIndexes
from backend.records.service import RecordService
from backend.records.store import RESOURCES, ResourceStore
from backend.security.fields import BlindIndex, FieldCipher

EVENT_SOURCES = (RESOURCES,)


@dataclass(frozen=True)
class Records:
    """Writing, reading, and on what basis."""

    service: RecordService
    reader: RecordReader
    gate: Gate
    indexes: RecordIndexes


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
    return Records(
        RecordService(store, charts, nudge),
        RecordReader(store, audit),
        Gate(charts, residents, grounds),
        RecordIndexes(store, blind),
    )
