"""What comes in and goes out when residents and hospitals book."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from backend.http.schema import Answer, Instant, PageQuery, Query, Schema

PaymentState = Literal["none", "due", "paying", "paid", "closed", "refunding", "refunded", "refund_failed"]
ChangeKind = Literal["booked", "cancelled", "stopped"]
ID = Field(min_length=1, max_length=64)


class WantedSlot(Schema):
    """A slot for a patient; without a number, the earliest free one."""

    schedule_id: str = ID
    number: int | None = Field(None, ge=1, le=10_000)
    patient_id: str = ID


class BookAppointment(Schema):
    """Either a hold to be booked, or a slot to be booked at once."""

    hold_id: str | None = Field(None, min_length=1, max_length=64)
    schedule_id: str | None = Field(None, min_length=1, max_length=64)
    number: int | None = Field(None, ge=1, le=10_000)
    patient_id: str | None = Field(None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _one_of_two_forms(self) -> BookAppointment:
        direct = self.schedule_id is not None and self.patient_id is not None
        by_hold = self.hold_id is not None and not (self.schedule_id or self.patient_id or self.number)
        if not (direct and self.hold_id is None) and not by_hold:
            raise ValueError("give either hold_id, or schedule_id and patient_id")
        return self


class CancelAppointment(Schema):
    """Why, in the resident's words; may be left out."""

    reason: str | None = Field(None, max_length=200)


class StartPayment(Schema):
    """How the resident wants to pay."""

    method: Literal["wechat_mini", "wechat_jsapi", "wechat_native"]


class AppointmentsQuery(PageQuery):
    """Which appointments."""

    state: Literal["upcoming", "past", "all"] = "all"


class OrganizationRef(Answer):
    """An institution, as far as an appointment names it."""

    id: str
    name: str
    address: str


class DepartmentRef(Answer):
    """A department and where it is."""

    id: str
    name: str
    place: str


class PractitionerRef(Answer):
    """A doctor."""

    id: str
    name: str
    title: str


class PatientRef(Answer):
    """The patient; the name is masked, and null where the answer must not wait for it."""

    id: str
    name: str | None


class PaymentOut(Answer):
    """The money side of an appointment. Amounts in fen."""

    state: PaymentState
    order_id: str | None
    amount_fen: int
    paid_at: Instant | None
    refunded_at: Instant | None


class AppointmentOut(Answer):
    """A hold or an appointment, as its patient sees it."""

    id: str
    state: Literal["held", "booked", "cancelled", "released", "expired", "stopped"]
    hold_until: Instant | None
    schedule_id: str
    organization: OrganizationRef
    department: DepartmentRef
    practitioner: PractitionerRef | None
    on: date
    period: str
    number: int
    start_at: Instant
    end_at: Instant
    patient: PatientRef
    fee_fen: int
    channel: str
    payment: PaymentOut
    created_at: Instant
    cancelled_at: Instant | None
    cancel_reason: str | None
    missed_at: Instant | None
    can_cancel: bool
    cancel_by: Instant | None


class PaymentStarted(Answer):
    """What the phone needs to open the cashier: signed parameters, or a code to scan."""

    order_id: str
    amount_fen: int
    expires_at: Instant
    method: str
    params: dict[str, str] | None
    code_url: str | None


class WindowPatient(Schema):
    """The person at the window, from the ID card."""

    name: str = Field(min_length=1, max_length=50)
    id_number: str = Field(min_length=15, max_length=18)
    phone: str | None = Field(None, max_length=20)


class SellAtWindow(Schema):
    """A hospital sells from the pool. `schedule` is the hospital's own id of the schedule."""

    schedule: str = Field(min_length=1, max_length=64)
    number: int | None = Field(None, ge=1, le=10_000)
    channel: Literal["window", "kiosk", "referral"]
    patient: WindowPatient


class CallNumber(Schema):
    """The number that a session has come to. `back`: to a lower one, after a mistake."""

    number: int = Field(ge=1, le=10_000)
    back: bool = False


class Called(Answer):
    """Where a session is now."""

    schedule: str
    number: int
    called_at: Instant


class QueuePosition(Answer):
    """Where somebody stands; all null or zero on another day than the appointment's, or once it is over.

    `called` is null before the hospital's first call; `ahead` counts the sold numbers in between.
    """

    number: int
    called: int | None
    ahead: int | None
    is_over: bool
    called_at: Instant | None


class FeedQuery(Query):
    """Changes after a number; 0 or nothing begins at the beginning."""

    since: int = Field(0, ge=0, lt=2**63)
    limit: int = Field(20, ge=1, le=100)


class HospitalPatient(Answer):
    """Whom the hospital expects, in clear: it will treat this person."""

    id: str
    name: str
    id_number: str
    sex: str
    birth_on: date
    phone: str | None


class HospitalBooking(Answer):
    """A booking as its hospital sees it."""

    id: str
    state: Literal["held", "booked", "cancelled", "released", "expired", "stopped"]
    schedule: str
    number: int
    on: date
    start_at: Instant
    end_at: Instant
    channel: str
    fee_fen: int
    paid: bool
    patient: HospitalPatient | None
    cancel_reason: str | None
    missed_at: Instant | None


class BookingChange(Answer):
    """One change, numbered; the booking is shown as it is now."""

    sequence: int
    kind: ChangeKind
    at: Instant
    booking: HospitalBooking


class BookingFeed(Answer):
    """Changes in order; ask again with `since` = `next`."""

    items: list[BookingChange]
    next: int
