"""Who cares for which event, and what runs by the clock."""

from __future__ import annotations

from backend.births.compose import EVENT_SOURCES as BIRTH_EVENT_SOURCES
from backend.bootstrap.areas import Services
from backend.bootstrap.referral_face import ReferralViews
from backend.bootstrap.referral_lines import ReferralLines
from backend.healthcodes.compose import EVENT_SOURCES as CODE_EVENT_SOURCES
from backend.messages.record_tellers import RecordTeller
from backend.patient_index.compose import EVENT_SOURCES as CHART_EVENT_SOURCES
from backend.recognition.compose import EVENT_SOURCES as RECOGNITION_EVENT_SOURCES
from backend.records.compose import EVENT_SOURCES as RECORD_EVENT_SOURCES
from backend.records.sharing_compose import EVENT_SOURCES as SHARING_EVENT_SOURCES
from backend.referrals.compose import EVENT_SOURCES as REFERRAL_EVENT_SOURCES
from backend.reports.compose import EVENT_SOURCES as REPORT_EVENT_SOURCES
from backend.residents.compose import EVENT_SOURCES as RESIDENT_EVENT_SOURCES
from backend.statistics.service import COUNTED_KINDS
from backend.surveys.compose import EVENT_SOURCES as SURVEY_EVENT_SOURCES
from backend.worker.events import EventKind
from backend.worker.periodic import PeriodicJob


def subscribe(services: Services) -> None:
    """Who cares for what. The names are stored in the outbox: keep them."""
    bus, kinds = services.bus, EventKind
    services.outbox.watch(
        "schedules",
        "claims",
        "orders",
        "payment_notices",
        "messages",
        "message_replies",
        "put_off_messages",
        "callings",
        *RESIDENT_EVENT_SOURCES,
        *CHART_EVENT_SOURCES,
        *RECORD_EVENT_SOURCES,
        *REPORT_EVENT_SOURCES,
        *SHARING_EVENT_SOURCES,
        *RECOGNITION_EVENT_SOURCES,
        *REFERRAL_EVENT_SOURCES,
        *CODE_EVENT_SOURCES,
        *SURVEY_EVENT_SOURCES,
        *BIRTH_EVENT_SOURCES,
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
    for kind in (kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_EXPIRED):
        bus.subscribe(kind, "waitlist.on_place_freed", services.waitlist.on_place_freed)
    bus.subscribe(kinds.HOLD_DUE, "billing.on_hold_due", services.billing.on_hold_due)
    bus.subscribe(kinds.PAYMENT_NOTICE_RECEIVED, "billing.on_notice", services.billing.on_notice)
    bus.subscribe(kinds.REFUND_DUE, "billing.on_refund_due", services.billing.on_refund_due)
    bus.subscribe(
        kinds.RESIDENT_DELETED, "residents.on_resident_deleted", services.residents.on_resident_deleted
    )
    bus.subscribe(
        kinds.RESIDENT_DELETED, "waitlist.on_resident_deleted", services.waitlist.on_resident_deleted
    )
    _subscribe_telling(services)
    _subscribe_surveys(services)
    _subscribe_reports(services)
    codes = services.healthcodes
    bus.subscribe(kinds.CODE_USED, "health_codes.on_code_used", codes.on_code_used)
    bus.subscribe(kinds.RESIDENT_VERIFIED, "health_codes.on_resident_verified", codes.on_resident_verified)
    bus.subscribe(kinds.PATIENT_LINKED, "health_codes.on_patient_linked", codes.on_patient_linked)
    bus.subscribe(kinds.PATIENT_UNLINKED, "health_codes.on_patient_unlinked", codes.on_patient_unlinked)
    bus.subscribe(kinds.RESIDENT_DELETED, "health_codes.on_resident_deleted", codes.on_resident_deleted)
    _subscribe_patient_index(services)
    _subscribe_sharing(services)
    _subscribe_journeys(services)
    recognition = services.recognition
    bus.subscribe(kinds.RECOGNITION_DECIDED, "recognition.note", recognition.noting.on_decided)
    bus.subscribe(kinds.ORDER_PLACED, "recognition.on_order_placed", recognition.repeating.on_order_placed)
    _subscribe_figures(services)


def _subscribe_figures(services: Services) -> None:
    """What is counted."""
    bus, subjects = services.bus, services.statistics.subjects
    for kind in COUNTED_KINDS:
        bus.subscribe(kind, "statistics.on_event", services.statistics.on_event)
    bus.subscribe(EventKind.REFERRAL_CHANGED, "statistics.on_referral", subjects.on_referral)
    bus.subscribe(EventKind.BIRTH_FILING_CHANGED, "statistics.on_filing", subjects.on_filing)


def _subscribe_journeys(services: Services) -> None:
    """What joins several areas."""
    _subscribe_referrals(services)
    _subscribe_births(services)
    _subscribe_exchange(services)


def _subscribe_births(services: Services) -> None:
    """What follows when a filing or one of its steps moves."""
    bus, kinds, births = services.bus, EventKind, services.births
    bus.subscribe(kinds.BIRTH_STEP_DUE, "births.on_step_due", births.asking.on_step_due)
    bus.subscribe(kinds.BIRTH_STEP_CHANGED, "births.adopt_child", births.children.on_step_changed)
    bus.subscribe(kinds.BIRTH_STEP_CHANGED, "births.tell_step", births.teller.on_step_changed)
    bus.subscribe(kinds.BIRTH_HANDOVER_CHANGED, "births.tell_handover", births.teller.on_handover_changed)
    bus.subscribe(kinds.BIRTH_FILING_CHANGED, "births.tell_filing", births.teller.on_filing_changed)
    bus.subscribe(kinds.BIRTH_FILING_CHANGED, "surveys.on_birth_filed", services.surveys.on_birth_filed)
    bus.subscribe(kinds.RESIDENT_DELETED, "births.on_resident_deleted", births.on_resident_deleted)


def _subscribe_patient_index(services: Services) -> None:
    """Whose charts are whose."""
    bus, kinds, index = services.bus, EventKind, services.patient_index
    bus.subscribe(kinds.CHART_CHANGED, "patient_index.on_chart_changed", index.on_chart_changed)
    bus.subscribe(kinds.PERSON_CHANGED, "patient_index.on_person_changed", index.on_person_changed)
    bus.subscribe(kinds.RESIDENT_VERIFIED, "patient_index.on_resident_verified", index.on_resident_verified)
    bus.subscribe(kinds.RESIDENT_DELETED, "patient_index.on_resident_deleted", index.on_resident_deleted)


def _subscribe_sharing(services: Services) -> None:
    """Who treats whom, and what people are told about their records."""
    bus, kinds, care = services.bus, EventKind, services.sharing.care
    bus.subscribe(kinds.APPOINTMENT_BOOKED, "care.on_appointment_booked", care.on_appointment_booked)
    for kind in (kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_STOPPED):
        bus.subscribe(kind, "care.on_appointment_ended", care.on_appointment_ended)
    bus.subscribe(kinds.CODE_USED, "care.on_code_used", care.on_code_used)
    for kind in (kinds.ENCOUNTER_STARTED, kinds.ENCOUNTER_FINISHED):
        bus.subscribe(kind, "care.on_encounter", care.on_encounter)
    bus.subscribe(kinds.PERSON_CHANGED, "care.on_person_changed", care.on_person_changed)
    tell = make_record_teller(services)
    bus.subscribe(kinds.CONSENT_ASKED, "messages.tell_consent_asked", tell.on_consent_asked)
    bus.subscribe(kinds.CONSENT_GRANTED, "messages.tell_consent_granted", tell.on_consent_granted)
    bus.subscribe(kinds.CARE_CONTRACT_STATED, "messages.tell_contract", tell.on_contract_stated)
    bus.subscribe(kinds.RECORD_GLASS_BROKEN, "messages.tell_glass_broken", tell.on_glass_broken)
    bus.subscribe(kinds.RECORD_QUESTION_ANSWERED, "messages.tell_answered", tell.on_question_answered)
    bus.subscribe(kinds.RECORD_CORRECTION_ANSWERED, "messages.tell_corrected", tell.on_correction_answered)
    bus.subscribe(kinds.RESIDENT_DELETED, "sharing.on_resident_deleted", services.sharing.on_resident_deleted)


def _subscribe_referrals(services: Services) -> None:
    """What follows when a referral moves, and what moves one."""
    bus, kinds, referrals = services.bus, EventKind, services.referrals
    following = referrals.following
    bus.subscribe(kinds.REFERRAL_CHANGED, "referrals.follow", following.on_changed)
    bus.subscribe(kinds.REFERRAL_CHANGED, "referrals.tell", referrals.teller.on_changed)
    bus.subscribe(kinds.REFERRAL_CHANGED, "referrals.keep_summary", referrals.summaries.on_changed)
    for kind in (kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_STOPPED):
        bus.subscribe(kind, "referrals.on_place_ended", following.on_place_ended)
    bus.subscribe(kinds.CODE_USED, "referrals.on_code_used", following.on_code_used)
    bus.subscribe(kinds.RESIDENT_DELETED, "referrals.on_resident_deleted", following.on_resident_deleted)


def make_record_teller(services: Services) -> RecordTeller:
    """It is told by events alone, and nobody else needs it."""
    guardians_of = services.residents.patients.guardians_of
    return RecordTeller(services.messages, services.residents, services.directory, guardians_of=guardians_of)


def _subscribe_exchange(services: Services) -> None:
    """What hospitals are told by message, and what their messages do to referrals."""
    bus, kinds, noting = services.bus, EventKind, services.exchange.outbound.noting
    for kind in (
        kinds.APPOINTMENT_BOOKED,
        kinds.APPOINTMENT_CANCELLED,
        kinds.APPOINTMENT_STOPPED,
        kinds.APPOINTMENT_MISSED,
    ):
        bus.subscribe(kind, "exchange.tell_appointment", noting.on_appointment)
    lines = ReferralLines(services.referrals, services.directory)
    noting.referrals, services.exchange.referring.book = lines, lines
    services.fhir.referrals.desk = ReferralViews(
        services.referrals,
        directory=services.directory,
        residents=services.residents,
        charts=services.patient_index,
        schedules=services.schedules,
    )
    bus.subscribe(kinds.REFERRAL_CHANGED, "exchange.tell_referral", noting.on_referral)
    bus.subscribe(kinds.ORDER_CHANGED, "exchange.tell_order", noting.on_order)


def _subscribe_reports(services: Services) -> None:
    """What follows when papers come, a report is out, a file is ordered, an account is gone."""
    bus, kinds, reports = services.bus, EventKind, services.reports
    bus.subscribe(kinds.REPORT_ISSUED, "reports.tell_issued", reports.teller.on_report_issued)
    screening = services.record_screening
    bus.subscribe(kinds.RECORD_PAPERS_CAME, "records.screen_papers", screening.on_papers_came)
    bus.subscribe(kinds.RECORD_EXPORT_ORDERED, "reports.export", reports.exporting.on_ordered)
    bus.subscribe(kinds.RESIDENT_DELETED, "reports.on_resident_deleted", reports.on_resident_deleted)


def _subscribe_surveys(services: Services) -> None:
    """What is asked about, and what follows from answers."""
    bus, kinds, surveys = services.bus, EventKind, services.surveys
    bus.subscribe(kinds.APPOINTMENT_BOOKED, "surveys.on_appointment_booked", surveys.on_appointment_booked)
    for kind in (kinds.APPOINTMENT_CANCELLED, kinds.APPOINTMENT_STOPPED, kinds.APPOINTMENT_MISSED):
        bus.subscribe(kind, "surveys.on_appointment_ended", surveys.on_appointment_ended)
    bus.subscribe(kinds.CODE_USED, "surveys.on_code_used", surveys.on_code_used)
    bus.subscribe(kinds.ENCOUNTER_FINISHED, "surveys.on_encounter_finished", surveys.on_encounter_finished)
    bus.subscribe(kinds.SURVEY_ALARMED, "surveys.on_alarmed", surveys.tickets.on_alarmed)
    bus.subscribe(kinds.RESIDENT_DELETED, "surveys.on_resident_deleted", surveys.on_resident_deleted)


def _subscribe_telling(services: Services) -> None:
    """What people are told."""
    bus, kinds = services.bus, EventKind
    visits, family = services.appointment_teller, services.code_and_family_teller
    bus.subscribe(kinds.APPOINTMENT_BOOKED, "appointments.tell_booked", visits.on_booked)
    bus.subscribe(kinds.APPOINTMENT_CANCELLED, "appointments.tell_cancelled", visits.on_cancelled)
    bus.subscribe(kinds.APPOINTMENT_STOPPED, "appointments.tell_stopped", visits.on_stopped)
    bus.subscribe(kinds.ORDER_PAID, "appointments.tell_paid", visits.on_paid)
    bus.subscribe(kinds.CODE_USED, "appointments.tell_checked_in", visits.on_code_used)
    bus.subscribe(kinds.REMINDERS_DUE, "appointments.remind", visits.on_reminders_due)
    bus.subscribe(kinds.QUEUE_MOVED, "appointments.tell_queue_near", services.queues.on_moved)
    bus.subscribe(kinds.REFUND_SUCCEEDED, "appointments.tell_refunded", visits.on_refunded)
    bus.subscribe(kinds.CODE_USED, "messages.tell_code_used", family.on_code_used)
    bus.subscribe(kinds.PHONE_RELEASED, "messages.tell_phone_released", family.on_phone_released)
    bus.subscribe(
        kinds.PATIENT_LINK_REQUESTED, "messages.tell_link_requested", family.on_patient_link_requested
    )
    bus.subscribe(kinds.PATIENT_LINKED, "messages.tell_linked", family.on_patient_linked)
    bus.subscribe(kinds.PATIENT_UNLINKED, "messages.tell_unlinked", family.on_patient_unlinked)
    bus.subscribe(kinds.SMS_REPLY_RECEIVED, "messages.on_sms_reply", services.messages.on_sms_reply)
    bus.subscribe(kinds.MESSAGE_DUE, "messages.on_message_due", services.messages.on_message_due)
    bus.subscribe(
        kinds.RESIDENT_DELETED, "messages.on_resident_deleted", services.messages.on_resident_deleted
    )
    bots = services.bots
    bus.subscribe(kinds.SMS_REPLY_RECEIVED, "bots.on_sms_reply", bots.text_messages.on_reply)
    bus.subscribe(kinds.CHAT_PUT_OFF, "bots.on_put_off", bots.on_put_off)
    bus.subscribe(
        kinds.RESIDENT_DELETED, "conversations.on_resident_deleted", services.inbox.on_resident_deleted
    )


# What runs by the clock. The names are stored in the broker: keep them.
PERIODIC_JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("outbox.counts", 15, lambda services: services.outbox.counts()),
    PeriodicJob("appointments.sweep_holds", 5, lambda services: services.appointments.sweep_holds()),
    PeriodicJob("waitlist.sweep", 60, lambda services: services.waitlist.sweep()),
    PeriodicJob("billing.query_unpaid", 15, lambda services: services.billing.query_unpaid()),
    PeriodicJob("billing.compare_books", 60, lambda services: services.billing.compare_books()),
    PeriodicJob("audit.anchor", 3600, lambda services: services.audit.anchor()),
    PeriodicJob("health_codes.forget", 3600, lambda services: services.healthcodes.forgetting.run()),
    PeriodicJob("residents.forget", 3600, lambda services: services.residents.forgetting.run()),
    PeriodicJob("records.sweep_files", 3600, lambda services: services.record_files.sweep()),
    PeriodicJob("keys.reseal", 60, lambda services: services.resealing.run()),
    PeriodicJob("conversations.end_left", 600, lambda services: services.inbox.end_left()),
    PeriodicJob("conversations.expire", 600, lambda services: services.conversations.expire()),
    PeriodicJob("surveys.sweep", 20, lambda services: services.surveys.sweep()),
    PeriodicJob("births.sweep", 10, lambda services: services.births.asking.sweep()),
    PeriodicJob("births.forget", 3600, lambda services: services.births.forgetting.run()),
    PeriodicJob("exchange.sweep", 15, lambda services: services.exchange.receiver.sweep()),
    PeriodicJob("surveys.count", 10, lambda services: services.surveys.count()),
    PeriodicJob("medication.count", 20, lambda services: services.medication.counting.run()),
    PeriodicJob("recognition.count", 20, lambda services: services.recognition.counting.run()),
    PeriodicJob("statistics.follow_audit", 15, lambda services: services.statistics.follower.run()),
    PeriodicJob("statistics.backfill", 60, lambda services: services.statistics.backfill.run()),
    PeriodicJob("statistics.reports", 300, lambda services: services.statistics.kpi.make_reports()),
    PeriodicJob("statistics.publish", 300, lambda services: services.statistics.open_data.publish()),
    PeriodicJob("statistics.gauges", 600, lambda services: services.statistics.gauges.run()),
    PeriodicJob("referrals.sweep", 10, lambda services: services.referrals.following.sweep()),
    PeriodicJob("referrals.remind", 300, lambda services: services.referrals.reminding.run()),
    PeriodicJob("appointments.reminders", 600, lambda services: services.reminding.run()),
    PeriodicJob("messages.fetch_receipts", 60, lambda services: services.messages.fetch_receipts()),
)
