"""The composition root: the only place that names adapters, subscribers and periodic jobs.

A new area is a new folder and its lines here: a field of `Services`, its making in `_areas`, its
subscriptions in `_subscribe` and its periodic jobs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from redis import Redis as SyncRedis
from redis.asyncio import Redis

from backend import metrics
from backend.appointments.desk import AppointmentDesk
from backend.appointments.hospital import HospitalBookingService
from backend.appointments.service import AppointmentService
from backend.appointments.telling import AppointmentTeller
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.billing.service import BillingService
from backend.db.client import Database
from backend.db.journal import Journal
from backend.directory.client_store import ClientStore
from backend.directory.clients import ClientService
from backend.directory.editing import DirectoryEditing
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore
from backend.errors import AppError, ErrorCode
from backend.healthcodes.compose import EVENT_SOURCES as CODE_EVENT_SOURCES
from backend.healthcodes.compose import make_health_codes
from backend.healthcodes.service import HealthCodeService
from backend.healthcodes.steps import STEPS
from backend.imports.bulk_publish import ImportService
from backend.imports.store import FeedStore
from backend.messages.service import MessageService
from backend.messages.tellers import CodeAndFamilyTeller
from backend.residents.compose import EVENT_SOURCES as RESIDENT_EVENT_SOURCES
from backend.residents.compose import make_residents
from backend.residents.ports import CodeSender
from backend.residents.register_http import HTTPPopulationRegister
from backend.residents.service import ResidentService
from backend.security.csrf import CSRFTokens
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring, open_keyring
from backend.security.limits import RateLimiter
from backend.security.refresh import RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.sessions import SessionService
from backend.security.store import SessionStore
from backend.security.tokens import TokenIssuer
from backend.settings import Settings, production_problems
from backend.slotpool.availability import Availability
from backend.slotpool.board import Board
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_store import ScheduleStore
from backend.staff.service import StaffService
from backend.staff.sign_in import SignIn
from backend.staff.store import StaffStore
from backend.statistics.service import COUNTED_KINDS, StatisticsService
from backend.statistics.store import StatisticsStore
from backend.worker.events import Bus, EventKind
from backend.worker.nudge import Nudger
from backend.worker.outbox import Outbox
from backend.worker.periodic import PeriodicJob
from notify.ports import MiniProgramMessenger, SMSReceiver, SMSSender, WeChatLogin
from notify.sms.cloud_mas import CloudMAS, CloudMASConfig
from notify.wechat.client import WeChatApp, WeChatAppConfig
from notify.wechat.login import WeChatPlatformLogin
from notify.wechat.messenger import WeChatSubscribeMessenger
from notify.wechat.tokens import MemoryTokenStorage, RedisTokenStorage, TokenStorage
from payment.ports import PaymentGateway
from payment.wechat_pay.gateway import WeChatPayConfig, WeChatPayGateway

log = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]


@dataclass
class Core:
    """What every area stands on."""

    settings: Settings
    db: Database
    bus: Bus
    outbox: Outbox
    nudger: Nudger
    keyring: Keyring
    cipher: FieldCipher
    blind: BlindIndex
    revocations: RevocationList
    tokens: TokenIssuer
    sessions: SessionService
    csrf: CSRFTokens
    limiter: RateLimiter


@dataclass
class Outside:
    """The world outside, behind our ports."""

    gateways: Sequence[PaymentGateway]
    sms: SMSSender
    sms_receiver: SMSReceiver
    messenger: MiniProgramMessenger
    wechat: WeChatLogin
    register: HTTPPopulationRegister


@dataclass
class Services(Core):
    """Every area's service, by name; what handlers, console, bots and periodic jobs reach."""

    audit: AuditService
    directory: DirectoryService
    directory_editing: DirectoryEditing
    clients: ClientService
    residents: ResidentService
    healthcodes: HealthCodeService
    staff: StaffService
    schedules: ScheduleService
    claims: ClaimService
    board: Board
    billing: BillingService
    messages: MessageService
    code_and_family_teller: CodeAndFamilyTeller
    appointments: AppointmentService
    appointment_teller: AppointmentTeller
    hospital_bookings: HospitalBookingService
    imports: ImportService
    desk: AppointmentDesk
    statistics: StatisticsService


class LateCodeSender:
    """Residents stand below messages, so what sends their sign-in codes is put in once it exists."""

    target: CodeSender | None = None

    async def send_code(self, phone: str, code: str) -> None:
        """Hand over to the messages' service."""
        if self.target is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no sender of codes")
        await self.target.send_code(phone, code)


@dataclass
class City:
    """One process's hold on the city. Bound to the event loop it was opened in."""

    settings: Settings
    db: Database
    bus: Bus
    services: Services
    check_broker: Callable[[], None]
    closing: bool = False
    _closers: list[Close] = field(default_factory=list)

    async def close(self) -> None:
        """Finish what was begun and let go, in the reverse order of opening."""
        self.closing = True
        for close in reversed(self._closers):
            try:
                await close()
            except Exception as error:
                log.warning("close_failed", exc_info=error)


async def open_city(
    settings: Settings,
    *,
    process: str,
    publish: Callable[[], object] | None = None,
    check_broker: Callable[[], None] = lambda: None,
) -> City:
    """Open everything a process needs. `publish` asks the workers for a sweep; None in tests and tools."""
    if settings.is_production:
        problems = production_problems(settings)
        if problems:
            raise SystemExit("This configuration cannot serve a city:\n  " + "\n  ".join(problems))
    closers: list[Close] = []
    core = _core(settings, process, publish, closers)
    services = _areas(core, _outside(settings, closers), closers)
    _subscribe(services)
    return City(settings, core.db, core.bus, services, check_broker, _closers=closers)


def _core(
    settings: Settings, process: str, publish: Callable[[], object] | None, closers: list[Close]
) -> Core:
    db = Database(
        settings.mongodb_uri.get_secret_value(), settings.mongodb_database, app_name=f"healthycity-{process}"
    )
    bus = Bus()
    keyring = open_keyring(settings.keys_file, settings.hc_keys.get_secret_value() or None)
    session_store = SessionStore(db)
    revocations = RevocationList(session_store)
    tokens = TokenIssuer(keyring, revocations)
    redis_url = settings.redis_url.get_secret_value()
    limiter = RateLimiter(keyring, Redis.from_url(redis_url) if redis_url else None)
    nudger = Nudger(publish)
    closers += [db.close, limiter.close, revocations.stop, nudger.close]
    revocations.start()
    return Core(
        settings=settings,
        db=db,
        bus=bus,
        outbox=Outbox(db, bus),
        nudger=nudger,
        keyring=keyring,
        cipher=FieldCipher(keyring, settings.field_algorithm),
        blind=BlindIndex(keyring),
        revocations=revocations,
        tokens=tokens,
        sessions=SessionService(session_store, tokens, revocations, RefreshTokens(keyring)),
        csrf=CSRFTokens(keyring),
        limiter=limiter,
    )


def _outside(settings: Settings, closers: list[Close]) -> Outside:
    def observe(system: str, call: str, outcome: str, seconds: float) -> None:
        metrics.OUTSIDE_CALLS.labels(system, call, outcome).observe(seconds)

    tokens = _wechat_tokens(settings)
    mini = WeChatApp(
        WeChatAppConfig(
            settings.wechat_api_url,
            settings.wechat_mini_app_id,
            settings.wechat_mini_app_secret.get_secret_value(),
        ),
        storage=tokens,
        observe=observe,
    )
    official = WeChatApp(
        WeChatAppConfig(
            settings.wechat_api_url,
            settings.wechat_oa_app_id,
            settings.wechat_oa_app_secret.get_secret_value(),
        ),
        storage=tokens,
        observe=observe,
    )
    sms = CloudMAS(
        CloudMASConfig(
            url=settings.mas_url,
            ec_name=settings.mas_ec_name,
            ap_id=settings.mas_ap_id,
            secret_key=settings.mas_secret_key.get_secret_value(),
            sign_code=settings.mas_sign_code,
            send_secret_key=settings.mas_send_secret_key,
        ),
        observe=observe,
    )
    register = HTTPPopulationRegister(
        settings.population_register_url,
        settings.population_register_secret.get_secret_value(),
        observe=observe,
    )
    gateways = (
        [WeChatPayGateway(_wechat_pay(settings), observe=observe)] if settings.wechat_pay_mch_id else []
    )
    wechat = WeChatPlatformLogin(mini, official, settings.wechat_open_url)
    closers += [sms.aclose, register.aclose, wechat.aclose, *(gateway.aclose for gateway in gateways)]
    return Outside(gateways, sms, sms, WeChatSubscribeMessenger(mini), wechat, register)


def _wechat_tokens(settings: Settings) -> TokenStorage:
    """Processes share WeChat's token where there is a Redis to share it in."""
    url = settings.redis_url.get_secret_value()
    return RedisTokenStorage(SyncRedis.from_url(url)) if url else MemoryTokenStorage()


def _wechat_pay(settings: Settings) -> WeChatPayConfig:
    callbacks = f"{settings.public_url.rstrip('/')}/callbacks/wechat-pay"
    return WeChatPayConfig(
        gateway_url=settings.wechat_pay_url,
        merchant_id=settings.wechat_pay_mch_id,
        cert_serial=settings.wechat_pay_cert_serial,
        private_key_pem=_pem(settings.wechat_pay_private_key.get_secret_value()),
        api_v3_key=settings.wechat_pay_api_v3_key.get_secret_value(),
        public_key_pem=_pem(settings.wechat_pay_public_key),
        public_key_id=settings.wechat_pay_public_key_id,
        mini_app_id=settings.wechat_mini_app_id,
        oa_app_id=settings.wechat_oa_app_id,
        notice_url=f"{callbacks}/notice",
        refund_notice_url=f"{callbacks}/refund-notice",
    )


def _pem(text_or_path: str) -> str:
    return text_or_path if "-----BEGIN" in text_or_path else Path(text_or_path).read_text()


def _areas(core: Core, outside: Outside, closers: list[Close]) -> Services:
    """Floor by floor, from the ground up."""
    settings, db = core.settings, core.db
    chain = Chain(core.keyring)
    audit = AuditService(AuditStore(db, chain), chain)
    directory = DirectoryService(DirectoryStore(db))
    clients = ClientService(
        ClientStore(db), directory, core.keyring, core.tokens, core.limiter, core.revocations
    )
    claim_store = ClaimStore(db)
    closers.append(claim_store.drained)
    schedules = ScheduleService(ScheduleStore(db), directory, claim_store)
    claims = ClaimService(
        claim_store, schedules, Availability(claim_store), hold_for=timedelta(minutes=settings.hold_minutes)
    )
    codes = LateCodeSender()
    residents = make_residents(
        settings,
        db,
        keyring=core.keyring,
        cipher=core.cipher,
        blind=core.blind,
        sessions=core.sessions,
        limiter=core.limiter,
        audit=audit,
        register=outside.register,
        wechat=outside.wechat,
        code_sender=codes,
        has_appointments=lambda resident_id: claims.has_live_future([resident_id]),
    )
    healthcodes = make_health_codes(
        db,
        city_code=settings.city_code,
        keyring=core.keyring,
        cipher=core.cipher,
        blind=core.blind,
        residents=residents,
        patients=residents.patients,
        clients=clients,
        organizations=directory,
        sessions=core.sessions,
        limiter=core.limiter,
        audit=audit,
    )
    closers.append(healthcodes.drained)
    staff_store = StaffStore(db, core.cipher)
    staff = StaffService(staff_store, audit, SignIn(staff_store, audit, core.limiter), settings.city_name)
    billing = BillingService(db, outside.gateways, core.blind, audit, nudge=core.nudger.kick)
    messages = codes.target = MessageService(
        db,
        cipher=core.cipher,
        blind=core.blind,
        people=residents,
        sms=outside.sms,
        receiver=outside.sms_receiver,
        messenger=outside.messenger,
        audit=audit,
        templates=settings.wechat_subscribe_templates,
        callback_secret=settings.mas_callback_secret.get_secret_value(),
        nudge=core.nudger.kick,
    )
    feed = Journal(db.collection("booking_feed"))
    return Services(
        **vars(core),
        audit=audit,
        directory=directory,
        directory_editing=DirectoryEditing(directory, audit),
        clients=clients,
        residents=residents,
        healthcodes=healthcodes,
        staff=staff,
        schedules=schedules,
        claims=claims,
        board=Board(schedules, claims, directory),
        billing=billing,
        messages=messages,
        code_and_family_teller=CodeAndFamilyTeller(
            messages,
            residents,
            directory,
            guardians_of=residents.patients.guardians_of,
            step_name=lambda code: STEPS[code].name if code in STEPS else "就诊",
        ),
        appointment_teller=AppointmentTeller(
            claims,
            schedules,
            directory,
            residents,
            billing,
            messages,
            cancel_until=timedelta(minutes=settings.cancel_until_minutes),
        ),
        appointments=AppointmentService(
            settings, claims, schedules, directory, residents, residents.patients, billing, core.nudger
        ),
        imports=ImportService(directory, schedules, FeedStore(db)),
        hospital_bookings=HospitalBookingService(
            claims, schedules, residents, billing, audit, feed, core.nudger
        ),
        desk=AppointmentDesk(claims, schedules, directory, residents, billing, audit, core.nudger),
        statistics=StatisticsService(StatisticsStore(db), claims, billing),
    )


def _subscribe(services: Services) -> None:
    """Who cares for what. The names are stored in the outbox: keep them."""
    bus, kinds = services.bus, EventKind
    services.outbox.watch(
        "schedules",
        "claims",
        "orders",
        "payment_notices",
        "messages",
        *RESIDENT_EVENT_SOURCES,
        *CODE_EVENT_SOURCES,
    )
    bus.subscribe(kinds.ORDER_PAID, "appointments.on_order_paid", services.appointments.on_order_paid)
    bus.subscribe(kinds.ORDER_CLOSED, "appointments.on_order_closed", services.appointments.on_order_closed)
    bus.subscribe(
        kinds.SCHEDULE_STOPPED, "appointments.on_schedule_stopped", services.appointments.on_schedule_stopped
    )
    for kind in (kinds.APPOINTMENT_BOOKED, kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_STOPPED):
        bus.subscribe(kind, "hospital_feed.on_change", services.hospital_bookings.on_change)
    for kind in (kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_STOPPED):
        bus.subscribe(kind, "billing.on_appointment_ended", services.billing.on_appointment_ended)
    bus.subscribe(kinds.HOLD_DUE, "billing.on_hold_due", services.billing.on_hold_due)
    bus.subscribe(kinds.PAYMENT_NOTICE_RECEIVED, "billing.on_notice", services.billing.on_notice)
    bus.subscribe(kinds.REFUND_DUE, "billing.on_refund_due", services.billing.on_refund_due)
    bus.subscribe(
        kinds.RESIDENT_DELETED, "residents.on_resident_deleted", services.residents.on_resident_deleted
    )
    _subscribe_telling(services)
    codes = services.healthcodes
    bus.subscribe(kinds.CODE_USED, "health_codes.on_code_used", codes.on_code_used)
    bus.subscribe(kinds.PATIENT_UNLINKED, "health_codes.on_patient_unlinked", codes.on_patient_unlinked)
    bus.subscribe(kinds.RESIDENT_DELETED, "health_codes.on_resident_deleted", codes.on_resident_deleted)
    for kind in COUNTED_KINDS:
        bus.subscribe(kind, "statistics.on_event", services.statistics.on_event)


def _subscribe_telling(services: Services) -> None:
    """What people are told."""
    bus, kinds = services.bus, EventKind
    visits, family = services.appointment_teller, services.code_and_family_teller
    bus.subscribe(kinds.APPOINTMENT_BOOKED, "appointments.tell_booked", visits.on_booked)
    bus.subscribe(kinds.APPOINTMENT_CANCELLED, "appointments.tell_cancelled", visits.on_cancelled)
    bus.subscribe(kinds.APPOINTMENT_STOPPED, "appointments.tell_stopped", visits.on_stopped)
    bus.subscribe(kinds.REFUND_SUCCEEDED, "appointments.tell_refunded", visits.on_refunded)
    bus.subscribe(kinds.CODE_USED, "messages.tell_code_used", family.on_code_used)
    bus.subscribe(
        kinds.PATIENT_LINK_REQUESTED, "messages.tell_link_requested", family.on_patient_link_requested
    )
    bus.subscribe(kinds.PATIENT_LINKED, "messages.tell_linked", family.on_patient_linked)
    bus.subscribe(kinds.PATIENT_UNLINKED, "messages.tell_unlinked", family.on_patient_unlinked)
    bus.subscribe(kinds.MESSAGE_DUE, "messages.on_message_due", services.messages.on_message_due)
    bus.subscribe(
        kinds.RESIDENT_DELETED, "messages.on_resident_deleted", services.messages.on_resident_deleted
    )


# What runs by the clock. The names are stored in the broker: keep them.
PERIODIC_JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("outbox.counts", 15, lambda services: services.outbox.counts()),
    PeriodicJob("appointments.sweep_holds", 5, lambda services: services.appointments.sweep_holds()),
    PeriodicJob("billing.query_unpaid", 15, lambda services: services.billing.query_unpaid()),
    PeriodicJob("audit.anchor", 3600, lambda services: services.audit.anchor()),
    PeriodicJob("messages.fetch_receipts", 60, lambda services: services.messages.fetch_receipts()),
)
