"""How the parts of the residents area fit together; which adapters it gets is the caller's business."""

from __future__ import annotations

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.residents.accounts import Accounts
from backend.residents.claim_ids import ClaimIds
from backend.residents.codes import LoginCodes, OneTimeCodes
from backend.residents.consents import Consents
from backend.residents.forgetting import Forgetting, LastVisit
from backend.residents.idle import IdleAccounts
from backend.residents.index_store import ResidentIndexStore
from backend.residents.link_store import PatientLinkStore
from backend.residents.login import LoginService, WeChatApps
from backend.residents.login_store import LoginCodeStore, TicketStore
from backend.residents.patients import PatientService
from backend.residents.ports import CodeSender, HasAppointments, PopulationRegister
from backend.residents.register import RealNameCheck
from backend.residents.reindexing import ResidentIndexes
from backend.residents.service import ResidentService
from backend.residents.store import ResidentStore
from backend.residents.talking import TalkingResidents
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.security.sessions import SessionService
from backend.settings import Settings, days
from notify.ports import WeChatLogin

# The collections whose documents embed events, for `Outbox.watch`.
EVENT_SOURCES = ("residents", "patient_links")


def make_residents(
    settings: Settings,
    db: Database,
    *,
    keyring: Keyring,
    cipher: FieldCipher,
    blind: BlindIndex,
    sessions: SessionService,
    limiter: RateLimiter,
    audit: AuditService,
    register: PopulationRegister,
    wechat: WeChatLogin,
    code_sender: CodeSender,
    has_appointments: HasAppointments,
    last_visit: LastVisit,
) -> ResidentService:
    """The residents service on a database, with the outside given in."""
    store = ResidentStore(db, cipher)
    claim_ids = ClaimIds(blind)
    accounts = Accounts(store, claim_ids, sessions)
    real_names = RealNameCheck(register)
    codes = OneTimeCodes(LoginCodeStore(db), keyring, limiter)
    tickets = TicketStore(db, cipher)
    login_codes = LoginCodes(codes, claim_ids, code_sender)
    idle = IdleAccounts(accounts, tickets, limiter, audit)
    login = LoginService(
        accounts,
        login_codes,
        tickets,
        idle,
        sessions,
        wechat,
        limiter,
        audit,
        WeChatApps(mini=settings.wechat_mini_app_id, oa=settings.wechat_oa_app_id),
        settings.public_url,
    )
    links = PatientLinkStore(db, cipher)
    return ResidentService(
        login=login,
        talking=TalkingResidents(accounts, login_codes, idle, audit, settings.wechat_oa_app_id),
        patients=PatientService(accounts, store, links, real_names, limiter, audit),
        consents=Consents(accounts, store, links, real_names, codes, code_sender, limiter, audit),
        forgetting=Forgetting(store, links, audit, last_visit, days(settings.keep_files_days)),
        indexes=ResidentIndexes(accounts, store, ResidentIndexStore(db, store), claim_ids, blind),
        accounts=accounts,
        store=store,
        claim_ids=claim_ids,
        real_names=real_names,
        sessions=sessions,
        limiter=limiter,
        audit=audit,
        has_appointments=has_appointments,
        codes=codes,
    )
