"""How the quality's parts are put together; the composition root calls this."""

from __future__ import annotations

from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.exchange.quality.counting import Counting
from backend.exchange.quality.service import QualityService
from backend.exchange.quality.store import QualityStore
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.records.service import RecordService


class Below(Protocol):
    """What it stands on."""

    db: Database
    records: RecordService
    record_reader: RecordReader
    record_gate: Gate
    audit: AuditService


def make_quality(below: Below) -> QualityService:
    """The parts, told of everything that is written from now on."""
    store = QualityStore(below.db)
    counting = Counting(store)
    below.records.watch(counting.on_written)
    return QualityService(store, counting, below.record_gate, below.record_reader, below.audit)
