"""How the births' parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from backend.audit.service import AuditService
from backend.births.asking import Asking, Kept, Pace
from backend.births.birth_store import BIRTHS, BirthStore
from backend.births.children import Children
from backend.births.desk import Desk
from backend.births.file_store import CallbackStore, FileStore
from backend.births.files import Files
from backend.births.finding import Finding
from backend.births.forgetting import Forgetting, Retention
from backend.births.noting import Noting
from backend.births.papers import Papers
from backend.births.ports import AgencyLine, LicenceLibrary
from backend.births.receiving import Receiving
from backend.births.rules import load_rules
from backend.births.service import BirthService
from backend.births.settling import Settling
from backend.births.store import FILINGS, FilingStore
from backend.births.telling import BirthTeller
from backend.births.verifying import Verifying
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.messages.service import MessageService
from backend.residents.service import ResidentService
from backend.security.fields import FieldCipher
from backend.settings import Settings, days
from backend.worker.nudge import Nudger

EVENT_SOURCES = (FILINGS,)
__all__ = ["BIRTHS", "EVENT_SOURCES", "make_births"]


class Below(Protocol):
    """What births stand on."""

    settings: Settings
    db: Database
    cipher: FieldCipher
    nudger: Nudger
    audit: AuditService
    directory: DirectoryService
    residents: ResidentService
    messages: MessageService


def make_births(below: Below, lines: Mapping[str, AgencyLine], library: LicenceLibrary) -> BirthService:
    """The service and its parts."""
    db, settings, residents = below.db, below.settings, below.residents
    rules = load_rules(settings.birth_rules)
    settling = Settling(rules)
    kept = Kept(
        FilingStore(db, below.cipher),
        BirthStore(db, below.cipher),
        FileStore(db, below.cipher),
        CallbackStore(db),
    )

    async def place_name(organization_id: str) -> str:
        found = await below.directory.find_organization(organization_id)
        return found.name if found else ""

    asking = Asking(
        kept,
        rules,
        settling,
        lines,
        place_name,
        pace=Pace(
            timedelta(seconds=settings.agency_query_after_seconds),
            timedelta(minutes=settings.agency_query_every_minutes),
        ),
        nudge=below.nudger.kick,
    )
    noting = Noting(kept.births, kept.filings, rules, residents.find_or_create_file, below.audit)
    verifying = Verifying(kept, rules, settings.public_url)
    files, papers = Files(kept, rules), Papers(rules, verifying, below.audit, settings.city_name)
    return BirthService(
        kept,
        rules,
        settling,
        finding=Finding(library, residents.find_or_create_file, residents.is_named),
        asking=asking,
        noting=noting,
        desk=Desk(kept, rules, settling, asking, noting, files, papers, below.audit),
        files=files,
        papers=papers,
        verifying=verifying,
        receiving=Receiving(kept, rules, asking, below.audit),
        children=Children(kept, rules, residents.patients.add_newborn),
        teller=BirthTeller(kept.filings, below.messages),
        forgetting=Forgetting(
            kept, Retention(days(settings.keep_birth_files_days), days(settings.keep_birth_filings_days))
        ),
        audit=below.audit,
    )
