"""How the parts of sharing are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.directory.clients import ClientService
from backend.directory.identity import of_hospital, practitioner_id
from backend.directory.models import Practitioner
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode
from backend.patient_index.service import PatientIndex
from backend.records.accesses import Accesses
from backend.records.break_glass import BreakGlass
from backend.records.care import Care, Encounter
from backend.records.care_places import Places
from backend.records.care_store import CareStore
from backend.records.compose import Records, make_records
from backend.records.consent_store import ConsentStore
from backend.records.consents import Consents
from backend.records.contract_store import ContractStore
from backend.records.contracts import Contracts
from backend.records.glass_store import GlassStore
from backend.records.grounds import Grounds
from backend.records.launch_store import LaunchStore
from backend.records.launches import Launches
from backend.records.persons import Persons
from backend.records.ports import Charts
from backend.records.question_store import QuestionStore
from backend.records.questions import Questions
from backend.records.sharing_ports import CodeSender, Visits
from backend.records.store import ResourceStore
from backend.records.times import read_instant
from backend.residents.service import ResidentService
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.staff.service import StaffService
from backend.worker.events import Event
from backend.worker.nudge import Nudger

EVENT_SOURCES = ("record_consents", "care_contracts", "record_glasses", "record_questions")


class Below(Protocol):
    """What sharing stands on."""

    settings: Settings
    db: Database
    cipher: FieldCipher
    blind: BlindIndex
    keyring: Keyring
    nudger: Nudger
    audit: AuditService
    directory: DirectoryService
    clients: ClientService
    residents: ResidentService
    staff: StaffService
    patient_index: PatientIndex


@dataclass(frozen=True)
class Sharing:
    """Why somebody may read, who has read, and what is asked about it."""

    consents: Consents
    care: Care
    contracts: Contracts
    break_glass: BreakGlass
    grounds: Grounds
    accesses: Accesses
    questions: Questions
    launches: Launches
    persons: Persons
    directory: DirectoryService

    async def doctor_of(self, organization_id: str, external_id: str) -> Practitioner | None:
        """Whom a hospital means by its own id of somebody at a screen."""
        return await self.directory.find_practitioner(
            practitioner_id(organization_id, of_hospital(external_id))
        )

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: nothing is allowed any more, and words about the person are forgotten."""
        person_id = event.data["resident_id"]
        await self.consents.forget(person_id)
        await self.care.forget(person_id)
        await self.questions.forget(person_id)


class StoredEncounters:
    """Encounters as relationships of care need them."""

    def __init__(self, store: ResourceStore, charts: Charts, places: Places) -> None:
        self._store = store
        self._charts = charts
        self._places = places

    async def encounter(self, resource_id: str) -> Encounter | None:
        """When one of them was, at which hospital and whose; None when it is not there any more."""
        found = await self._store.for_bookkeeping(resource_id)
        if found is None or found.deleted or found.type != "Encounter":
            return None
        period = found.body.get("period") or {}
        ended_at = read_instant(period.get("end"))
        if ended_at is None and found.status == "finished":
            ended_at = found.at
        try:
            person_id = await self._charts.person_of(found.owner)
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None
        department, doctor = await self._places.of(found.organization_id, found.body)
        return Encounter(found.organization_id, person_id, found.at, ended_at, department, doctor)


def make_sharing(below: Below, *, sender: CodeSender, visits: Visits) -> Sharing:
    """The parts."""
    db, cipher, settings, nudge = below.db, below.cipher, below.settings, below.nudger.kick
    audit, residents, directory = below.audit, below.residents, below.directory
    consent_store, care_store, glasses = ConsentStore(db, cipher), CareStore(db), GlassStore(db, cipher)
    encounters = StoredEncounters(
        ResourceStore(db, cipher, below.blind), below.patient_index, Places(directory)
    )
    consents = Consents(
        consent_store,
        residents,
        directory,
        residents.codes,
        sender,
        audit,
        answer_within=timedelta(days=settings.consent_request_days),
        nudge=nudge,
    )
    care = Care(care_store, visits, encounters)
    break_glass = BreakGlass(
        glasses, below.staff, audit, lasts=timedelta(minutes=settings.break_glass_minutes), nudge=nudge
    )
    accesses = Accesses(audit, residents, directory, consent_store, care_store, glasses, below.patient_index)
    return Sharing(
        consents=consents,
        care=care,
        contracts=Contracts(ContractStore(db), care, audit, nudge=nudge),
        break_glass=break_glass,
        grounds=Grounds(consents, care, break_glass, directory, audit),
        accesses=accesses,
        questions=Questions(
            QuestionStore(db, cipher),
            accesses,
            residents,
            audit,
            answer_within=timedelta(days=settings.record_question_days),
            nudge=nudge,
        ),
        launches=Launches(
            LaunchStore(db),
            below.keyring,
            below.clients,
            audit,
            public_url=settings.public_url,
            lasts=timedelta(minutes=settings.record_session_minutes),
        ),
        persons=Persons(below.patient_index),
        directory=directory,
    )


def make_shared_records(below: Below, *, sender: CodeSender, visits: Visits) -> tuple[Records, Sharing]:
    """The record, and who may read it."""
    sharing = make_sharing(below, sender=sender, visits=visits)
    kept = make_records(
        below.db,
        cipher=below.cipher,
        blind=below.blind,
        charts=below.patient_index,
        residents=below.residents,
        audit=below.audit,
        grounds=sharing.grounds,
        nudge=below.nudger.kick,
    )
    return kept, sharing
