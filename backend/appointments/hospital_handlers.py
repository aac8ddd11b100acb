"""Hospitals' booking endpoints."""

from __future__ import annotations

from backend.appointments import schemas
from backend.errors import ErrorCode as E
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.permissions import Permission
from backend.residents.models import Identity
from backend.slotpool.claims_models import Claim
from backend.slotpool.schedules_models import Schedule

_SELL_ERRORS = (
    E.NAME_INVALID,
    E.ID_NUMBER_INVALID,
    E.PHONE_INVALID,
    E.SCHEDULE_NOT_FOUND,
    E.SCHEDULE_STOPPED,
    E.SLOT_NOT_FOUND,
    E.SLOT_PAST,
    E.SLOT_RESERVED,
    E.SLOT_TAKEN,
    E.SOLD_OUT,
    E.ALREADY_BOOKED,
    E.IDEMPOTENCY_KEY_INVALID,
    E.IDEMPOTENCY_KEY_REUSED,
)


class WindowSaleHandler(APIHandler):
    """Selling from the pool."""

    @requires(Permission.HOSPITAL_BOOKINGS_CREATE)
    @operation(
        "Sell a slot at the window, a kiosk or for a referral",
        status=201,
        errors=_SELL_ERRORS,
        rate_limit="hospital_write",
    )
    async def post(self, body: schemas.SellAtWindow) -> schemas.HospitalBooking:
        """Without a number, the earliest free one. Repeat with the same Idempotency-Key and sell once."""
        claim, schedule = await self.services.hospital_bookings.sell(
            self.actor, body.schedule, body.number, body.channel, body.patient, self.idempotency_key
        )
        return booking_out(claim, schedule, None, paid=False)


class HospitalBookingHandler(APIHandler):
    """One booking of the hospital's own."""

    @requires(Permission.HOSPITAL_BOOKINGS_READ)
    @operation("Read a booking")
    async def get(self, appointment_id: str) -> schemas.HospitalBooking:
        """With the patient, whom the hospital will treat."""
        claim, schedule = await self.services.hospital_bookings.get(self.actor, appointment_id)
        return (await _with_patients(self, [(claim, schedule)]))[0]


class HospitalCancelHandler(APIHandler):
    """Giving a number back."""

    @requires(Permission.HOSPITAL_BOOKINGS_CREATE)
    @operation(
        "Cancel a booking for the hospital",
        errors=(E.APPOINTMENT_NOT_CANCELLABLE,),
        rate_limit="hospital_write",
    )
    async def post(self, body: schemas.CancelAppointment, appointment_id: str) -> schemas.HospitalBooking:
        """The resident is told and refunded. Cancelling twice is cancelling once."""
        claim, schedule = await self.services.hospital_bookings.cancel(
            self.actor, appointment_id, body.reason or ""
        )
        return booking_out(claim, schedule, None, paid=False)


class HospitalMissHandler(APIHandler):
    """Nobody came."""

    @requires(Permission.HOSPITAL_BOOKINGS_CREATE)
    @operation(
        "Say that a booked patient did not come",
        errors=(E.APPOINTMENT_NOT_MISSED,),
        rate_limit="hospital_write",
    )
    async def post(self, appointment_id: str) -> schemas.HospitalBooking:
        """From the appointment's time on. Who did not come is not asked how it was. May be said twice."""
        claim, schedule = await self.services.hospital_bookings.miss(self.actor, appointment_id)
        return booking_out(claim, schedule, None, paid=False)


class CallingHandler(APIHandler):
    """The number before the door."""

    @requires(Permission.HOSPITAL_SCHEDULES_WRITE)
    @operation(
        "Say which number a session has come to",
        errors=(E.SCHEDULE_NOT_FOUND, E.SCHEDULE_STOPPED, E.SLOT_NOT_FOUND, E.SLOT_PAST),
        rate_limit="hospital_write",
    )
    async def post(self, body: schemas.CallNumber, external_id: str) -> schemas.Called:
        """Of today. May be said twice, and late: without `back`, a lower number changes nothing."""
        calling = await self.services.queues.call(self.actor, external_id, body.number, back=body.back)
        return schemas.Called(schedule=external_id, number=calling.number, called_at=calling.called_at)


class BookingFeedHandler(APIHandler):
    """What changed."""

    @requires(Permission.HOSPITAL_BOOKINGS_READ)
    @operation("Read booking changes since a cursor")
    async def get(self, query: schemas.FeedQuery) -> schemas.BookingFeed:
        """Numbered without gaps: whoever has seen `next` has seen everything before it."""
        service = self.services.hospital_bookings
        changes = await service.changes(self.actor, query.since, query.limit)
        pairs = [
            (claim, await self.services.schedules.get_cached(claim.schedule_id)) for *_, claim in changes
        ]
        bookings = await _with_patients(self, pairs)
        items = [
            schemas.BookingChange(sequence=number, kind=kind, at=event.at, booking=booking)
            for (number, kind, event, _), booking in zip(changes, bookings, strict=True)
        ]
        return schemas.BookingFeed(items=items, next=items[-1].sequence if items else query.since)


async def _with_patients(
    handler: APIHandler, pairs: list[tuple[Claim, Schedule]]
) -> list[schemas.HospitalBooking]:
    claims = [claim for claim, _ in pairs]
    services = handler.services
    await services.hospital_bookings.record_reading(handler.actor, claims)
    people = await services.residents.identities(list({claim.patient_id for claim in claims}))
    orders = await services.billing.orders_of([claim.id for claim in claims if claim.order_id])
    return [
        booking_out(
            claim,
            schedule,
            people.get(claim.patient_id),
            paid=claim.id in orders and orders[claim.id].state.value == "paid",
        )
        for claim, schedule in pairs
    ]


def booking_out(
    claim: Claim, schedule: Schedule, person: Identity | None, *, paid: bool
) -> schemas.HospitalBooking:
    """The hospital's JSON of a booking."""
    return schemas.HospitalBooking(
        id=claim.id,
        state=claim.state.value,
        schedule=schedule.external_id,
        number=claim.number,
        on=claim.on,
        start_at=claim.start_at,
        end_at=claim.end_at,
        channel=claim.channel,
        fee_fen=claim.fee_fen,
        paid=paid,
        patient=_patient_out(person) if person else None,
        cancel_reason=claim.cancel_reason,
        missed_at=claim.missed_at,
    )


def _patient_out(person: Identity) -> schemas.HospitalPatient:
    return schemas.HospitalPatient(
        id=person.id,
        name=person.name,
        id_number=person.id_number,
        sex=person.sex.value,
        birth_on=person.birth_on,
        phone=person.phone,
    )


routes = [
    (r"/hospital/v1/appointments", WindowSaleHandler),
    (r"/hospital/v1/appointments/(?P<appointment_id>[^/]+)", HospitalBookingHandler),
    (r"/hospital/v1/appointments/(?P<appointment_id>[^/]+)/cancel", HospitalCancelHandler),
    (r"/hospital/v1/appointments/(?P<appointment_id>[^/]+)/missed", HospitalMissHandler),
    (r"/hospital/v1/schedules/(?P<external_id>[^/]+)/calling", CallingHandler),
    (r"/hospital/v1/bookings", BookingFeedHandler),
]
