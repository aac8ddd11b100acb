"""How the exchange's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.exchange.v2.desk import Desk
from backend.exchange.v2.identity import Identity
from backend.exchange.v2.processing import Processing
from backend.exchange.v2.receiving import Receiver
from backend.exchange.v2.sender_store import SenderStore
from backend.exchange.v2.store import MessageStore
from backend.exchange.v2.table_store import TableStore
from backend.patient_index.service import PatientIndex
from backend.records.service import RecordService
from backend.security.fields import FieldCipher
from backend.settings import Settings, days


@dataclass(frozen=True)
class Exchange:
    """HL7 v2: what the mllp process and the console reach."""

    receiver: Receiver
    senders: SenderStore
    desk: Desk


class Below(Protocol):
    """What of the floors below the exchange stands on."""

    settings: Settings
    db: Database
    cipher: FieldCipher
    audit: AuditService
    patient_index: PatientIndex
    records: RecordService


def make_exchange(below: Below) -> Exchange:
    """The parts."""
    settings, db = below.settings, below.db
    senders = SenderStore(db)
    store = MessageStore(db, below.cipher, days(settings.keep_hl7_messages_days))
    tables = TableStore(db)
    processing = Processing(below.patient_index, below.records, tables)
    receiver = Receiver(
        store,
        Identity(senders, settings.mllp_open_to),
        processing,
        training=not settings.is_production,
    )
    return Exchange(receiver, senders, Desk(store, senders, tables, receiver, processing, below.audit))
