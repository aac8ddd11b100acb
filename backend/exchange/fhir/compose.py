"""How the FHIR face's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.db.client import Database
from backend.exchange.fhir.bundles import Bundles
from backend.exchange.fhir.finding import Finder
from backend.exchange.fhir.intake import Intake
from backend.exchange.fhir.loading import Loading
from backend.exchange.fhir.loads_store import LoadStore
from backend.exchange.fhir.names_store import PatientNames
from backend.exchange.fhir.referrals import ReferralFace
from backend.patient_index.service import PatientIndex
from backend.records.files import RecordFiles
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.records.service import RecordService
from backend.security.fields import BlindIndex, FieldCipher
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class FHIRFace:
    """What the endpoints reach."""

    intake: Intake
    finder: Finder
    bundles: Bundles
    loading: Loading
    referrals: ReferralFace


class Sealing(Protocol):
    """Where names lie, and what they are sealed with."""

    db: Database
    cipher: FieldCipher
    blind: BlindIndex


class Below(Sealing, Protocol):
    """What it stands on."""

    settings: Settings
    records: RecordService
    record_reader: RecordReader
    record_files: RecordFiles
    record_gate: Gate
    patient_index: PatientIndex


def names_of(below: Sealing) -> PatientNames:
    """What hospitals call their Patients."""
    return PatientNames(below.db, below.cipher, below.blind)


def make_fhir(below: Below) -> FHIRFace:
    """The parts."""
    base = f"{below.settings.public_url}/fhir/R4"
    finder = Finder(below.record_reader, below.record_files, below.record_gate, below.patient_index, base)
    intake = Intake(below.records, below.patient_index, finder, names_of(below), base)
    loading = Loading(LoadStore(below.db), intake)
    return FHIRFace(intake, finder, Bundles(intake, base), loading, ReferralFace(base))
