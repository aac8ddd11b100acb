"""Residents' booking endpoints."""

from __future__ import annotations

from backend.appointments import hospital_handlers, schemas
from backend.appointments.views import appointment_out
from backend.errors import ErrorCode as E
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Page
from backend.permissions import Permission
from payment.ports import PaymentMethod

_CLAIM_ERRORS = (
    E.REAL_NAME_REQUIRED,
    E.PATIENT_PENDING,
    E.SCHEDULE_NOT_FOUND,
    E.SCHEDULE_NOT_OPEN,
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


class HoldListHandler(APIHandler):
    """Keeping slots."""

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Hold a slot", status=201, errors=_CLAIM_ERRORS, rate_limit="booking")
    async def post(self, body: schemas.WantedSlot) -> schemas.AppointmentOut:
        """The answer says until when. Repeat with the same Idempotency-Key and get the same hold."""
        view = await self.services.appointments.hold(
            self.actor, body.schedule_id, body.number, body.patient_id, self.idempotency_key
        )
        return appointment_out(view)


class HoldHandler(APIHandler):
    """One hold."""

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Give a hold back", errors=(E.CONFLICT,))
    async def delete(self, appointment_id: str) -> None:
        """Giving back twice is giving back once."""
        await self.services.appointments.release(self.actor, appointment_id)


class AppointmentListHandler(APIHandler):
    """Appointments of everybody the resident acts for."""

    @requires(Permission.RESIDENT_APPOINTMENTS_READ)
    @operation("List appointments")
    async def get(self, query: schemas.AppointmentsQuery) -> Page[schemas.AppointmentOut]:
        """Upcoming ones soonest first, past ones and all latest first."""
        upcoming = None if query.state == "all" else query.state == "upcoming"
        views, cursor = await self.services.appointments.list_mine(
            self.actor, upcoming=upcoming, cursor=query.cursor, limit=query.limit
        )
        return Page(items=[appointment_out(view) for view in views], next_cursor=cursor)

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Book", status=201, errors=(*_CLAIM_ERRORS, E.HOLD_EXPIRED), rate_limit="booking")
    async def post(self, body: schemas.BookAppointment) -> schemas.AppointmentOut:
        """Books a hold, or a slot at once. With a fee it stays held until it is paid."""
        service = self.services.appointments
        if body.hold_id is not None:
            return appointment_out(await service.book_hold(self.actor, body.hold_id))
        view = await service.book(
            self.actor, body.schedule_id or "", body.number, body.patient_id or "", self.idempotency_key
        )
        return appointment_out(view)


class AppointmentHandler(APIHandler):
    """One appointment."""

    @requires(Permission.RESIDENT_APPOINTMENTS_READ)
    @operation("Read an appointment")
    async def get(self, appointment_id: str) -> schemas.AppointmentOut:
        """Somebody else's does not exist."""
        return appointment_out(await self.services.appointments.get(self.actor, appointment_id))


class QueueHandler(APIHandler):
    """The queue on the day."""

    @requires(Permission.RESIDENT_APPOINTMENTS_READ)
    @operation("Ask how many are before one in today's queue")
    async def get(self, appointment_id: str) -> schemas.QueuePosition:
        """As of the hospital's last call."""
        view = await self.services.appointments.get(self.actor, appointment_id)
        position = await self.services.queues.position(view.claim)
        if position is None:
            return schemas.QueuePosition(
                number=view.claim.number, called=None, ahead=None, is_over=False, called_at=None
            )
        return schemas.QueuePosition(
            number=position.number,
            called=position.called,
            ahead=position.ahead,
            is_over=position.is_over,
            called_at=position.called_at,
        )


class CancelHandler(APIHandler):
    """Cancelling."""

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Cancel an appointment", errors=(E.APPOINTMENT_NOT_CANCELLABLE,))
    async def post(self, body: schemas.CancelAppointment, appointment_id: str) -> schemas.AppointmentOut:
        """What was paid goes back by itself. Cancelling twice is cancelling once."""
        view = await self.services.appointments.cancel(self.actor, appointment_id, body.reason or "")
        return appointment_out(view)


class PaymentHandler(APIHandler):
    """Paying for a hold."""

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation(
        "Open the cashier",
        errors=(
            E.PAYMENT_NOT_DUE,
            E.HOLD_EXPIRED,
            E.PAYMENT_METHOD_UNAVAILABLE,
            E.PAYMENT_REFUSED,
            E.PAYMENT_UNKNOWN,
        ),
        rate_limit="booking",
    )
    async def post(self, body: schemas.StartPayment, appointment_id: str) -> schemas.PaymentStarted:
        """Signed parameters for WeChat's own cashier, or the text of a code to scan with WeChat."""
        paying = await self.services.appointments.start_payment(
            self.actor, appointment_id, PaymentMethod(body.method)
        )
        params = paying.start.params
        return schemas.PaymentStarted(
            order_id=paying.order.id,
            amount_fen=paying.order.amount_fen,
            expires_at=paying.attempt.expires_at,
            method=body.method,
            params=dict(params) if params else None,
            code_url=paying.start.code_url,
        )


class PaymentRefreshHandler(APIHandler):
    """Asking the channel."""

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Ask whether it is paid", errors=(E.PAYMENT_UNKNOWN,), rate_limit="payment_query")
    async def post(self, appointment_id: str) -> schemas.AppointmentOut:
        """For the "I have paid" button, when no notice has come yet."""
        return appointment_out(await self.services.appointments.refresh_payment(self.actor, appointment_id))


routes = [
    (r"/api/v1/holds", HoldListHandler),
    (r"/api/v1/holds/(?P<appointment_id>[^/]+)", HoldHandler),
    (r"/api/v1/appointments", AppointmentListHandler),
    (r"/api/v1/appointments/(?P<appointment_id>[^/]+)", AppointmentHandler),
    (r"/api/v1/appointments/(?P<appointment_id>[^/]+)/queue", QueueHandler),
    (r"/api/v1/appointments/(?P<appointment_id>[^/]+)/cancel", CancelHandler),
    (r"/api/v1/appointments/(?P<appointment_id>[^/]+)/payment", PaymentHandler),
    (r"/api/v1/appointments/(?P<appointment_id>[^/]+)/payment/refresh", PaymentRefreshHandler),
    *hospital_handlers.routes,
]
