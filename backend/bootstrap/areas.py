"""Every area's service, made floor by floor from the ground up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from backend.appointments.calling_store import CallingStore
from backend.appointments.desk import AppointmentDesk
from backend.appointments.hospital import HospitalBookingService
from backend.appointments.queueing import Queues
from backend.appointments.reminding import Reminding
from backend.appointments.service import AppointmentService
from backend.appointments.telling import AppointmentTeller
from backend.appointments.waitlist import Waitlist
from backend.appointments.waitlist_models import OFFER_FOR
from backend.appointments.waitlist_store import WaitlistStore
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.billing.service import BillingService
from backend.births.compose import make_births
from backend.births.service import BirthService
from backend.bootstrap.core import Close, Core
from backend.bootstrap.late import Late
from backend.bootstrap.outside import Outside
from backend.bootstrap.referral_surveys import asking_about_referrals
from backend.bootstrap.reminders import examination_reminders
from backend.conversations.inbox import Inbox, Said
from backend.conversations.models import Through
from backend.conversations.service import ConversationService
from backend.db.journal import Journal
from backend.directory.client_care import ClientCare
from backend.directory.client_store import ClientStore
from backend.directory.clients import ClientService
from backend.directory.editing import DirectoryEditing
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore
from backend.exchange.compose import Exchange, make_exchange
from backend.exchange.fhir.compose import FHIRFace, make_fhir, names_of
from backend.exchange.fhir.reindexing import PatientNameIndexes
from backend.exchange.quality.compose import make_quality
from backend.exchange.quality.service import QualityService
from backend.healthcodes.compose import make_health_codes
from backend.healthcodes.forgetting import Retention
from backend.healthcodes.service import HealthCodeService
from backend.healthcodes.steps import STEPS
from backend.imports.bulk_publish import ImportService
from backend.imports.store import FeedStore
from backend.medication.compose import Medication, make_medication
from backend.messages.gates import Hours
from backend.messages.models import Answer
from backend.messages.service import MessageService
from backend.messages.tellers import CodeAndFamilyTeller
from backend.patient_index.compose import make_patient_index
from backend.patient_index.service import PatientIndex
from backend.recognition.compose import Recognition, make_recognition
from backend.records.files import RecordFiles
from backend.records.gate import Gate
from backend.records.reading import RecordReader
from backend.records.screening import Screening
from backend.records.service import RecordService
from backend.records.sharing_compose import Sharing, make_shared_records
from backend.referrals.compose import make_referrals
from backend.referrals.service import ReferralService
from backend.reports.compose import Reports, make_reports
from backend.residents.compose import make_residents
from backend.residents.service import ResidentService
from backend.security.lasting import SEALED
from backend.security.resealing import Resealing, SealedWork, Work
from backend.security.resealing_store import ResealingStore
from backend.settings import days
from backend.slotpool.availability import Availability
from backend.slotpool.board import Board
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_store import ScheduleStore
from backend.slotpool.withdrawals import Withdrawals
from backend.staff.service import StaffService
from backend.staff.sign_in import SignIn
from backend.staff.store import StaffStore
from backend.statistics.compose import make_statistics
from backend.statistics.service import StatisticsService
from backend.statistics.wall_store import WallStore
from backend.statistics.walls import Walls
from backend.surveys.compose import make_surveys
from backend.surveys.service import SurveyService
from bots.compose import Bots, make_bots


@dataclass
class Ground(Core):
    """Who and where."""

    audit: AuditService
    directory: DirectoryService
    directory_editing: DirectoryEditing
    clients: ClientService
    client_care: ClientCare
    residents: ResidentService
    staff: StaffService
    patient_index: PatientIndex


@dataclass
class Middle(Ground):
    """What one thing is and does."""

    healthcodes: HealthCodeService
    schedules: ScheduleService
    claims: ClaimService
    board: Board
    imports: ImportService
    billing: BillingService
    messages: MessageService
    conversations: ConversationService
    inbox: Inbox
    code_and_family_teller: CodeAndFamilyTeller
    statistics: StatisticsService
    walls: Walls
    records: RecordService
    record_reader: RecordReader
    record_gate: Gate
    record_files: RecordFiles
    record_screening: Screening
    sharing: Sharing
    resealing: Resealing


@dataclass
class Services(Middle):
    """Every area's service, by name; what handlers, console, bots and periodic jobs reach."""

    appointments: AppointmentService
    appointment_teller: AppointmentTeller
    reminding: Reminding
    waitlist: Waitlist
    hospital_bookings: HospitalBookingService
    queues: Queues
    desk: AppointmentDesk
    surveys: SurveyService
    reports: Reports
    exchange: Exchange
    fhir: FHIRFace
    quality: QualityService
    recognition: Recognition
    medication: Medication
    births: BirthService
    referrals: ReferralService
    # Made last, of all the others.
    bots: Bots = field(init=False)


def make_areas(core: Core, outside: Outside, closers: list[Close]) -> Services:
    """All of them."""
    late = Late()
    middle = _middle(_ground(core, outside, late), outside, closers)
    late.codes, late.claims = middle.messages, middle.claims
    services = _top(middle, outside)
    about = {"app_url": core.settings.public_url, "city_name": core.settings.city_name}
    services.bots = make_bots(services, outside.line, **about)
    closers += [services.bots.close, services.reports.drawing.close, services.quality.counting.close]
    return services


def _ground(core: Core, outside: Outside, late: Late) -> Ground:
    settings, db = core.settings, core.db
    chain = Chain(core.keyring)
    audit = AuditService(AuditStore(db, chain), chain)
    directory = DirectoryService(DirectoryStore(db))
    staff_store = StaffStore(db, core.cipher, core.keyring)
    clients = ClientService(
        ClientStore(db), directory, core.keyring, core.tokens, core.limiter, core.revocations
    )
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
        code_sender=late,
        has_appointments=late.has_appointments,
        last_visit=late.last_visit,
    )
    return Ground(
        **vars(core),
        audit=audit,
        directory=directory,
        directory_editing=DirectoryEditing(directory, audit),
        clients=clients,
        client_care=ClientCare(clients, audit),
        residents=residents,
        patient_index=make_patient_index(
            db,
            cipher=core.cipher,
            blind=core.blind,
            residents=residents,
            audit=audit,
            nudge=core.nudger.kick,
        ),
        staff=StaffService(staff_store, audit, SignIn(staff_store, audit, core.limiter), settings.city_name),
    )


def _middle(ground: Ground, outside: Outside, closers: list[Close]) -> Middle:
    settings, db = ground.settings, ground.db
    claim_store = ClaimStore(db, ground.cipher)
    schedules = ScheduleService(ScheduleStore(db), ground.directory, Withdrawals(claim_store), ground.audit)
    claims = ClaimService(
        claim_store, schedules, Availability(claim_store), hold_for=timedelta(minutes=settings.hold_minutes)
    )
    healthcodes = _healthcodes(ground)
    billing = BillingService(db, outside.gateways, ground.blind, ground.audit, nudge=ground.nudger.kick)
    messages = _messages(ground, outside)
    conversations = ConversationService(
        db, cipher=ground.cipher, blind=ground.blind, nudge=ground.nudger.kick
    )
    kept, sharing = make_shared_records(ground, sender=messages, visits=claims)
    closers += [messages.tallies.close, claim_store.drained, healthcodes.drained, kept.screening.close]
    return Middle(
        **vars(ground),
        healthcodes=healthcodes,
        schedules=schedules,
        claims=claims,
        board=Board(schedules, claims, ground.directory),
        imports=ImportService(ground.directory, schedules, FeedStore(db)),
        billing=billing,
        messages=messages,
        conversations=conversations,
        inbox=Inbox(
            db, conversations, ground.directory, ground.audit, speaking(messages), cipher=ground.cipher
        ),
        code_and_family_teller=CodeAndFamilyTeller(
            messages,
            ground.residents,
            ground.directory,
            guardians_of=ground.residents.patients.guardians_of,
            step_name=lambda code: STEPS[code].name if code in STEPS else "就诊",
        ),
        walls=Walls(WallStore(db), ground.audit),
        statistics=make_statistics(
            db, claims=claims, orders=billing, places=ground.directory, audit=ground.audit
        ),
        records=kept.service,
        record_reader=kept.reader,
        record_gate=kept.gate,
        record_files=kept.files,
        record_screening=kept.screening,
        sharing=sharing,
        resealing=_resealing(ground, healthcodes, messages, kept.indexes),
    )


def _resealing(
    ground: Ground, healthcodes: HealthCodeService, messages: MessageService, of_records: Work
) -> Resealing:
    """What follows a rotation of keys: every declared sealed field, every blind index."""
    store = ResealingStore(ground.db)
    fields: list[Work] = [SealedWork(store, ground.cipher, declared) for declared in SEALED.values()]
    of_messages: list[Work] = [messages.reply_indexes, messages.optout_indexes]
    names = PatientNameIndexes(names_of(ground))
    people: list[Work] = [ground.residents.indexes, ground.patient_index.indexes, names]
    indexes: list[Work] = [*people, healthcodes.card_indexes, *of_messages, of_records]
    return Resealing(store, ground.keyring, [*fields, *indexes])


def _queues(m: Middle) -> Queues:
    return Queues(CallingStore(m.db), m.claims, m.schedules, m.directory, m.residents, m.messages, m.nudger)


def _healthcodes(ground: Ground) -> HealthCodeService:
    return make_health_codes(
        ground.db,
        city_code=ground.settings.city_code,
        keyring=ground.keyring,
        cipher=ground.cipher,
        blind=ground.blind,
        residents=ground.residents,
        patients=ground.residents.patients,
        clients=ground.clients,
        organizations=ground.directory,
        sessions=ground.sessions,
        limiter=ground.limiter,
        audit=ground.audit,
        retention=Retention(
            uses=days(ground.settings.keep_code_uses_days),
            revoked_codes=days(ground.settings.keep_revoked_codes_days),
        ),
    )


def _messages(ground: Ground, outside: Outside) -> MessageService:
    settings = ground.settings
    return MessageService(
        ground.db,
        cipher=ground.cipher,
        blind=ground.blind,
        people=ground.residents,
        lines=outside.sms,
        messenger=outside.messenger,
        official=outside.official,
        notifier=outside.notifier,
        account_templates=settings.wechat_oa_templates,
        audit=ground.audit,
        templates=settings.wechat_subscribe_templates,
        limits=ground.limiter,
        push_networks=settings.sms_push_networks,
        hours=Hours(settings.messages_from_hour, settings.messages_until_hour),
        nudge=ground.nudger.kick,
    )


def speaking(messages: MessageService) -> Callable[[Said], Awaitable[None]]:
    """How words of a conversation reach the person: as messages, which know providers and limits."""

    async def speak(said: Said) -> None:
        if said.through is Through.TERMINAL:
            return
        through: Literal["sms", "official_account"]
        through = "sms" if said.through is Through.SMS else "official_account"
        await messages.answer(Answer(said.key, through, said.address, said.text, said.resident_id))

    return speak


def _surveys(m: Middle) -> SurveyService:
    return make_surveys(
        m.db,
        cipher=m.cipher,
        blind=m.blind,
        public_url=m.settings.public_url,
        hours=(m.settings.messages_from_hour, m.settings.messages_until_hour),
        residents=m.residents,
        directory=m.directory,
        messages=m.messages,
        claims=m.claims,
        encounters=m.sharing.care.encounters,
        audit=m.audit,
        nudge=m.nudger.kick,
    )


def _top(m: Middle, outside: Outside) -> Services:
    feed = Journal(m.db.collection("booking_feed"))
    recognition, surveys = make_recognition(m), _surveys(m)
    return Services(
        **vars(m),
        appointments=AppointmentService(
            m.settings,
            m.claims,
            m.schedules,
            m.directory,
            m.residents,
            m.residents.patients,
            m.billing,
            m.nudger,
        ),
        reminding=Reminding(m.directory, m.outbox),
        appointment_teller=AppointmentTeller(
            m.claims,
            m.schedules,
            m.directory,
            m.residents,
            m.billing,
            m.messages,
            cancel_until=timedelta(minutes=m.settings.cancel_until_minutes),
        ),
        queues=_queues(m),
        waitlist=Waitlist(
            WaitlistStore(m.db),
            m.claims.holding_for(OFFER_FOR),
            m.schedules,
            m.residents,
            m.directory,
            m.messages,
            app_url=m.settings.public_url,
            booking_days=m.settings.booking_days,
        ),
        hospital_bookings=HospitalBookingService(
            m.claims, m.schedules, m.residents, m.billing, m.audit, feed, m.nudger
        ),
        surveys=surveys,
        referrals=make_referrals(m, asking_about_referrals(surveys)),
        births=make_births(m, outside.agencies, outside.licences),
        reports=make_reports(m),
        exchange=make_exchange(m),
        fhir=make_fhir(m),
        quality=make_quality(m),
        recognition=recognition,
        medication=make_medication(m, examination_reminders(recognition.service)),
        desk=AppointmentDesk(m.claims, m.schedules, m.directory, m.residents, m.billing, m.audit, m.nudger),
    )
