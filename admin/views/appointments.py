"""Appointments: a day's list, looking a person up, one appointment, cancelling it, seeing who it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from admin import words
from admin.base import PageHandler, page
from admin.forms import Day, Filters, Form, ReasonForm
from admin.lookups import organizations_in_scope
from admin.templating import yuan
from admin.views.messages import RESENDABLE
from admin.views.schedules import choose
from backend import clock
from backend.appointments.desk import CANCELLABLE, DayFilter
from backend.appointments.views import AppointmentView
from backend.directory.models import Department
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.ids import is_id
from backend.permissions import Permission
from backend.residents.models import Identity
from backend.slotpool.claims_models import ClaimState

PAGE_SIZE = 50


class AppointmentFilters(Filters):
    """Which appointments the list shows."""

    id: str = Field("", max_length=40, title="预约编号")
    organization: str = Field("", max_length=64, title="机构")
    department: str = Field("", max_length=64, title="科室")
    on: Day | None = Field(None, title="日期")
    state: Literal["", "held", "booked", "cancelled", "released", "expired", "stopped"] = Field(
        "", title="状态"
    )
    channel: str = Field("", max_length=16, title="渠道")


class PersonForm(Form):
    """Whom to look up. Sent, not put into an address: an ID number has no place there."""

    person: str = Field("", max_length=32, title="手机号或身份证号")


class AppointmentsHandler(PageHandler):
    """A day's list."""

    @requires(Permission.STAFF_APPOINTMENTS_READ)
    @page("Appointments of a day")
    async def get(self, query: AppointmentFilters) -> None:
        """One page by time; an appointment's own number leads straight to it."""
        if query.id:
            await self._go_to(query.id)
            return
        organizations = await organizations_in_scope(self.services, self.actor)
        chosen = choose(organizations, query.organization)
        on = query.on or clock.today()
        departments: list[Department] = []
        views: list[AppointmentView] = []
        following = None
        if chosen:
            departments = await self.services.directory.list_departments(chosen)
            wanted = DayFilter(
                organization_id=chosen,
                on=on,
                department_id=query.department,
                states=(ClaimState(query.state),) if query.state else (),
                channel=query.channel,
            )
            views, following = await self.services.desk.list_day(
                self.actor, wanted, cursor=query.cursor or None, limit=PAGE_SIZE
            )
        self.show_page(
            "appointments/list.html",
            organizations=organizations,
            chosen=chosen,
            departments=departments,
            views=views,
            following=following,
            on=on,
        )

    async def _go_to(self, appointment_id: str) -> None:
        wanted = appointment_id.strip().upper()
        if not is_id(wanted):
            raise AppError(ErrorCode.NOT_FOUND, "no id", text="没有这个预约编号，请核对26位编号。")
        await self.services.desk.get(self.actor, wanted)
        self.go(f"/admin/appointments/{wanted}")


class SearchHandler(PageHandler):
    """Appointments of one person."""

    @requires(Permission.STAFF_APPOINTMENTS_READ)
    @page("Ask whom to look up")
    async def get(self) -> None:
        """Show the form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        self.show_page("appointments/search.html", views=None)

    @requires(Permission.STAFF_APPOINTMENTS_READ)
    @page("Look a person's appointments up", again=True)
    async def post(self, body: PersonForm) -> None:
        """Show what was found; the look-up is on record."""
        if not body.person:
            raise AppError(ErrorCode.BAD_REQUEST, "nobody", text="请输入完整的手机号或身份证号。")
        self.show_page(
            "appointments/search.html",
            views=await self.services.desk.search_person(self.actor, body.person),
        )


class AppointmentHandler(PageHandler):
    """One appointment."""

    @requires(Permission.STAFF_APPOINTMENTS_READ)
    @page("An appointment")
    async def get(self, appointment_id: str) -> None:
        """What it is, what was paid, what was said."""
        await self.show(appointment_id=appointment_id)

    async def show(self, **path: str) -> None:
        """Show the appointment."""
        await self.show_appointment(await self.services.desk.get(self.actor, path["appointment_id"]))

    async def show_appointment(self, view: AppointmentView, identity: Identity | None = None) -> None:
        """The page, with the patient unmasked when `identity` is given."""
        claim, messages = view.claim, None
        if self.actor.may(Permission.STAFF_MESSAGES_READ):
            messages, _ = await self.services.messages.list_messages(self.actor, appointment_id=claim.id)
        told = {message.recipient_id for message in messages or ()}
        self.show_page(
            "appointments/show.html",
            view=view,
            identity=identity,
            history=history_of(view),
            messages=messages,
            names=await self.services.residents.names(told),
            places={claim.organization_id: view.place.organization.name},
            resendable=RESENDABLE,
            can_cancel=claim.state in CANCELLABLE and claim.end_at > clock.now(),
            now=clock.now(),
        )


class CancelHandler(PageHandler):
    """Cancelling."""

    @requires(Permission.STAFF_APPOINTMENTS_CANCEL)
    @page("Ask why the appointment is cancelled")
    async def get(self, appointment_id: str) -> None:
        """Say what will follow and ask for the reason."""
        await self.show(appointment_id=appointment_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        view = await self.services.desk.get(self.actor, path["appointment_id"])
        self.show_page("appointments/cancel.html", view=view)

    @requires(Permission.STAFF_APPOINTMENTS_CANCEL)
    @page("Cancel an appointment", errors=(ErrorCode.APPOINTMENT_NOT_CANCELLABLE,), again=True)
    async def post(self, body: ReasonForm, appointment_id: str) -> None:
        """Cancel it; the patient is told and refunded."""
        await self.services.desk.cancel(self.actor, appointment_id, body.given())
        self.go(f"/admin/appointments/{appointment_id}", "cancelled")


class RevealHandler(AppointmentHandler):
    """Seeing who the patient is."""

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Ask why the patient is to be shown")
    async def get(self, appointment_id: str) -> None:
        """Show the form."""
        await self.show(appointment_id=appointment_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        view = await self.services.desk.get(self.actor, path["appointment_id"])
        self.show_page("appointments/reveal.html", view=view)

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Show the patient unmasked", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: ReasonForm, appointment_id: str) -> None:
        """Show the patient this once; it goes on record and no cache keeps the page."""
        view, identity = await self.services.desk.reveal(self.actor, appointment_id, body.given())
        await self.show_appointment(view, identity)


def history_of(view: AppointmentView) -> list[tuple[datetime, str, tuple[str, str] | None]]:
    """What happened to an appointment, oldest first: when, in words, and the state it led to."""
    claim, order = view.claim, view.order
    sold_by = words.of(words.CHANNELS, claim.channel)
    made = "锁号" if claim.fee_fen or claim.hold_until else "预约"
    events: list[tuple[datetime, str, tuple[str, str] | None]] = [
        (claim.created_at, f"{sold_by}{made}", None)
    ]
    if order is not None:
        events.append((order.created_at, f"发起支付 {yuan(order.amount_fen)}", None))
        if order.paid_at:
            events.append((order.paid_at, f"支付成功 {yuan(order.amount_fen)}", None))
    if claim.ended_at:
        state = words.state_of(words.APPOINTMENT_STATES, claim.state)
        by = f"由{words.of(words.ENDED_BY, claim.cancelled_by)}取消" if claim.cancelled_by else "锁号释放"
        reason = f"，原因：{claim.cancel_reason}" if claim.cancel_reason else ""
        events.append((claim.ended_at, f"{by}{reason}", state))
    for refund in order.refunds if order else ():
        shown = words.state_of(words.REFUND_STATES, refund.state)
        events.append((refund.done_at or refund.created_at, f"退款 {yuan(refund.amount_fen)}", shown))
    # The payment channel tells whole seconds; within one, things happened as they stand here.
    return sorted(events, key=lambda event: event[0].replace(microsecond=0))


_ID = r"(?P<appointment_id>[\w-]+)"
routes = [
    (r"/admin/appointments", AppointmentsHandler),
    (r"/admin/appointments/search", SearchHandler),
    (rf"/admin/appointments/{_ID}", AppointmentHandler),
    (rf"/admin/appointments/{_ID}/cancel", CancelHandler),
    (rf"/admin/appointments/{_ID}/reveal", RevealHandler),
]
