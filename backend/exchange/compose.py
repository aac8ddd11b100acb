"""How the exchange's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.exchange.v2.desk import Desk
from backend.exchange.v2.identity import Identity
from backend.exchange.v2.outbound_desk import OutboundDesk
from backend.exchange.v2.outbound_line import ClientTLS
from backend.exchange.v2.outbound_noting import Noting
from backend.exchange.v2.outbound_ordering import OrderReader
from backend.exchange.v2.outbound_sending import Courier
from backend.exchange.v2.outbound_store import OutgoingStore
from backend.exchange.v2.outbound_targets import TargetStore
from backend.exchange.v2.processing import Processing
from backend.exchange.v2.receiving import Receiver
from backend.exchange.v2.referring import Referring
from backend.exchange.v2.sender_store import SenderStore
from backend.exchange.v2.store import MessageStore
from backend.exchange.v2.table_store import TableStore
from backend.patient_index.service import PatientIndex
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.records.service import RecordService
from backend.records.sharing_compose import Sharing
from backend.residents.service import ResidentService
from backend.security.fields import FieldCipher
from backend.settings import Settings, days
from backend.slotpool.claims import ClaimService
from backend.slotpool.schedules import ScheduleService


@dataclass(frozen=True)
class Outbound:
    """Messages that go out: who notes them, who carries them, who looks after them."""

    noting: Noting
    courier: Courier
    desk: OutboundDesk


@dataclass(frozen=True)
class Exchange:
    """HL7 v2: what the mllp process and the console reach."""

    receiver: Receiver
    senders: SenderStore
    desk: Desk
    outbound: Outbound
    referring: Referring


class Below(Protocol):
    """What of the floors below the exchange stands on."""

    settings: Settings
    db: Database
    cipher: FieldCipher
    audit: AuditService
    patient_index: PatientIndex
    records: RecordService
    record_reader: RecordReader
    record_gate: Gate
    sharing: Sharing
    residents: ResidentService
    directory: DirectoryService
    schedules: ScheduleService
    claims: ClaimService


def make_exchange(below: Below) -> Exchange:
    """The parts."""
    settings, db = below.settings, below.db
    senders = SenderStore(db)
    store = MessageStore(db, below.cipher, days(settings.keep_hl7_messages_days))
    tables = TableStore(db)
    processing = Processing(below.patient_index, below.records, tables)
    referring = Referring()
    receiver = Receiver(
        store,
        Identity(senders, settings.mllp_open_to),
        processing,
        referring,
        training=not settings.is_production,
    )
    desk = Desk(
        store,
        senders,
        tables,
        receiver,
        processing,
        below.audit,
        below.sharing.accesses,
        below.record_gate,
        below.record_reader,
    )
    return Exchange(receiver, senders, desk, _make_outbound(below), referring)


def _make_outbound(below: Below) -> Outbound:
    settings = below.settings
    targets = TargetStore(below.db)
    outgoing = OutgoingStore(below.db, below.cipher, days(settings.keep_hl7_messages_days))
    noting = Noting(
        targets,
        outgoing,
        below.claims,
        below.schedules,
        below.directory,
        below.residents,
        below.patient_index,
        below.audit,
        OrderReader(below.patient_index, below.record_gate, below.record_reader, below.directory),
    )
    tls = ClientTLS(settings.mllp_hospitals_ca, settings.mllp_certificate, settings.mllp_certificate_key)
    courier = Courier(targets, outgoing, tls, settings.mllp_answer_s)
    desk = OutboundDesk(targets, outgoing, noting, below.audit, below.sharing.accesses)
    return Outbound(noting, courier, desk)
