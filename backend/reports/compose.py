"""How the reports' parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.messages.service import MessageService
from backend.patient_index.service import PatientIndex
from backend.records.blobs import Blobs
from backend.records.files import RecordFiles
from backend.records.gate import Gate
from backend.records.piece_store import PieceStore
from backend.records.reading import RecordReader
from backend.records.service import RecordService
from backend.reports.correction_desk import CorrectionDesk
from backend.reports.correction_store import CorrectionStore
from backend.reports.documents import Documents
from backend.reports.export_store import ExportStore
from backend.reports.exporting import Exporting
from backend.reports.file import RecordFile
from backend.reports.image_store import ImageStore
from backend.reports.images import Images
from backend.reports.link_store import LinkStore
from backend.reports.links import Links
from backend.reports.service import ReportService
from backend.reports.telling import ReportTeller
from backend.residents.service import ResidentService
from backend.security.fields import FieldCipher
from backend.settings import Settings
from backend.worker.confined import Confined
from backend.worker.events import Event
from backend.worker.nudge import Nudger

EVENT_SOURCES = ("record_exports", "record_corrections")


@dataclass(frozen=True)
class Reports:
    """The area's parts, by name."""

    service: ReportService
    teller: ReportTeller
    images: Images
    documents: Documents
    file: RecordFile
    corrections: CorrectionDesk
    links: Links
    exporting: Exporting
    drawing: Confined

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: what the account made for itself goes with it; hospitals keep their records."""
        resident_id = event.data["resident_id"]
        await self.links.forget(resident_id)
        await self.exporting.forget(resident_id)
        await self.file.forget(resident_id)


class Below(Protocol):
    """What lies below, by the names the composition root gives it."""

    settings: Settings
    db: Database
    cipher: FieldCipher
    audit: AuditService
    patient_index: PatientIndex
    records: RecordService
    record_reader: RecordReader
    record_gate: Gate
    record_files: RecordFiles
    residents: ResidentService
    directory: DirectoryService
    messages: MessageService
    nudger: Nudger


def make_reports(below: Below) -> Reports:
    """All of them."""
    gate, reader, people = below.record_gate, below.record_reader, below.patient_index
    settings, db, cipher = below.settings, below.db, below.cipher
    drawing = Confined()
    service = ReportService(gate, reader, people, below.directory, city_name=settings.city_name)
    documents = Documents(
        service,
        reader,
        below.record_files,
        drawing,
        below.residents,
        city_name=settings.city_name,
        font=settings.pdf_font,
    )
    links = LinkStore(db, cipher)
    corrections = CorrectionStore(db, cipher)
    file = _file(below, service, documents, corrections)
    return Reports(
        service=service,
        documents=documents,
        links=Links(
            links, service, documents, reader, below.record_files, below.audit, public_url=settings.public_url
        ),
        teller=_teller(below),
        images=Images(
            ImageStore(db, cipher), Blobs(PieceStore(db)), drawing, people, below.records, gate, reader
        ),
        drawing=drawing,
        exporting=_exporting(below, service, documents),
        file=file,
        corrections=CorrectionDesk(
            corrections, file, answer_within=timedelta(days=settings.record_question_days)
        ),
    )


def _teller(below: Below) -> ReportTeller:
    return ReportTeller(
        below.messages,
        below.patient_index,
        below.residents,
        below.directory,
        app_name=below.settings.city_name,
        guardians_of=below.residents.patients.guardians_of_child,
    )


def _exporting(below: Below, service: ReportService, documents: Documents) -> Exporting:
    return Exporting(
        ExportStore(below.db, below.cipher),
        below.record_gate,
        below.record_reader,
        below.record_files,
        service,
        documents,
        below.audit,
        city_name=below.settings.city_name,
        address=f"{below.settings.public_url}/fhir/R4",
        nudge=below.nudger.kick,
    )


def _file(
    below: Below, service: ReportService, documents: Documents, corrections: CorrectionStore
) -> RecordFile:
    return RecordFile(
        below.record_gate,
        below.record_reader,
        below.records,
        below.patient_index,
        below.residents,
        service,
        documents,
        corrections,
        below.audit,
        below.nudger.kick,
    )
