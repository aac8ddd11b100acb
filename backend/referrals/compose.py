"""How the referrals' parts are put together; the composition root calls this."""

from __future__ import annotations

from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.healthcodes.service import HealthCodeService
from backend.messages.service import MessageService
from backend.patient_index.service import PatientIndex
from backend.permissions import Actor
from backend.records.service import RecordService
from backend.records.sharing_compose import Sharing
from backend.referrals.acting import Acting
from backend.referrals.family import Family
from backend.referrals.following import Following
from backend.referrals.limits import time_limits
from backend.referrals.limits_book import LimitsBook
from backend.referrals.limits_store import LimitsStore
from backend.referrals.pool import GreenChannel
from backend.referrals.ports import AskAbout
from backend.referrals.reminding import Reminding
from backend.referrals.sending import Sending
from backend.referrals.service import ReferralService
from backend.referrals.store import REFERRALS, ReferralStore
from backend.referrals.summaries import Summaries
from backend.referrals.telling import ReferralTeller
from backend.residents.service import ResidentService
from backend.security.fields import FieldCipher
from backend.slotpool.claims import ClaimService
from backend.slotpool.schedules import ScheduleService
from backend.worker.nudge import Nudger

EVENT_SOURCES = (REFERRALS,)
# 诊断: whoever shows the code stands before the doctor who refers him.
_STEP = "10102"


class Below(Protocol):
    """What referrals stand on."""

    db: Database
    cipher: FieldCipher
    nudger: Nudger
    audit: AuditService
    directory: DirectoryService
    residents: ResidentService
    patient_index: PatientIndex
    healthcodes: HealthCodeService
    schedules: ScheduleService
    claims: ClaimService
    messages: MessageService
    sharing: Sharing
    records: RecordService


class _ShownCodes:
    def __init__(self, codes: HealthCodeService) -> None:
        self._codes = codes

    async def person_of(self, actor: Actor, code: str) -> str:
        """A doctor who scans with his own phone is his institution's system for that moment."""
        as_system = Actor("client", actor.id, actor.role, actor.organization_ids, actor.session_id)
        verified = await self._codes.verification.verify(as_system, code, _STEP)
        return verified.use.patient_id


def make_referrals(below: Below, ask_about: AskAbout) -> ReferralService:
    """The service and its parts."""
    store = ReferralStore(below.db, below.cipher)
    limits = LimitsBook(LimitsStore(below.db), time_limits(), below.audit)
    people, directory = below.residents, below.directory
    places = GreenChannel(below.claims, below.schedules, below.nudger)
    sending = Sending(
        store,
        limits,
        people=people,
        codes=_ShownCodes(below.healthcodes),
        charts=below.patient_index,
        directory=directory,
    )
    acting = Acting(store, limits, places, sending)
    family = Family(people, people.patients.guardians_of)
    teller = ReferralTeller(store, below.messages, family, directory)
    reminding = Reminding(store, below.messages, family, directory)
    return ReferralService(
        store,
        sending=sending,
        acting=acting,
        following=Following(store, limits, acting, sending, below.sharing.care, ask_about),
        reminding=reminding,
        summaries=Summaries(store, below.patient_index, people, below.records),
        teller=teller,
        limits=limits,
        places=places,
        people=people,
        household=people.patients,
        directory=directory,
        audit=below.audit,
        nudge=below.nudger.kick,
    )
