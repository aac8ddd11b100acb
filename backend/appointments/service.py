"""Booking as a resident lives it: hold, book, pay, cancel; and what follows when money or hospitals move."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from backend import clock
from backend.appointments.ports import Billing, Directory, PatientList, Patients, Schedules
from backend.appointments.telling import FEE_ITEM
from backend.appointments.views import AppointmentView, Place, place_of, places_of
from backend.billing.models import Order, OrderState
from backend.billing.starting import StartedPayment
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import SYSTEM, Actor
from backend.residents.models import LinkState
from backend.security.masking import mask_name
from backend.settings import Settings
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState, Wanted
from backend.slotpool.schedules_models import Schedule
from backend.worker.events import Event, RetryLater
from backend.worker.nudge import Nudger
from payment.ports import PaymentMethod

# A booking that began just before a clinic was stopped may still land: look again after this.
STOP_AGAIN_S = 30


class AppointmentService:
    """Joins the slot pool, patients, places and billing. Stands on top: nothing below calls it."""

    def __init__(
        self,
        settings: Settings,
        claims: ClaimService,
        schedules: Schedules,
        directory: Directory,
        patients: Patients,
        patient_list: PatientList,
        billing: Billing,
        nudger: Nudger,
    ) -> None:
        self._settings = settings
        self._claims = claims
        self._schedules = schedules
        self._directory = directory
        self._patients = patients
        self._patient_list = patient_list
        self._billing = billing
        self._nudger = nudger
        self._cancel_until = timedelta(minutes=settings.cancel_until_minutes)

    async def hold(
        self, actor: Actor, schedule_id: str, number: int | None, patient_id: str, key: str | None
    ) -> AppointmentView:
        """Keep a slot for a short, stated time. Raises SLOT_TAKEN, SOLD_OUT, ALREADY_BOOKED, SLOT_*."""
        schedule = await self._schedules.get_cached(schedule_id)
        return await self._claim(actor, schedule, number, patient_id, key, hold=True)

    async def book(
        self, actor: Actor, schedule_id: str, number: int | None, patient_id: str, key: str | None
    ) -> AppointmentView:
        """Book at once when nothing is to be paid; otherwise hold until it is paid."""
        schedule = await self._schedules.get_cached(schedule_id)
        return await self._claim(actor, schedule, number, patient_id, key, hold=schedule.fee_fen > 0)

    async def book_hold(self, actor: Actor, claim_id: str) -> AppointmentView:
        """Book a free hold; one with a fee stays held until it is paid. Raises HOLD_EXPIRED."""
        claim = await self.access(actor, claim_id)
        if claim.state is ClaimState.HELD and claim.fee_fen == 0:
            claim = await self._claims.confirm(claim.id, paid=False) or await self._claims.get(claim.id)
            self._nudger.kick()
        if claim.state is ClaimState.HELD and not _hold_is_over(claim):
            return await self._view(claim)
        if claim.state is not ClaimState.BOOKED:
            raise AppError(ErrorCode.HOLD_EXPIRED)
        return await self._view(claim)

    async def release(self, actor: Actor, claim_id: str) -> None:
        """Give a hold back; giving it back twice is once. Raises CONFLICT for an appointment."""
        claim = await self.access(actor, claim_id)
        if claim.state is ClaimState.BOOKED:
            raise AppError(ErrorCode.CONFLICT)
        await self._claims.release(claim)
        self._nudger.kick()

    async def get(self, actor: Actor, claim_id: str) -> AppointmentView:
        """One appointment of a patient the actor acts for."""
        return await self._view(await self.access(actor, claim_id))

    async def list_mine(
        self, actor: Actor, *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[AppointmentView], str | None]:
        """Appointments of every patient the actor acts for, by time."""
        patients = await self._patient_list.list_patients(actor)
        names = {each.id: mask_name(each.name) for each in patients if each.state is LinkState.ACTIVE}
        claims, after = await self._claims.of_patients(
            list(names), upcoming=upcoming, cursor=cursor, limit=limit
        )
        orders = await self._billing.orders_of([claim.id for claim in claims if claim.order_id])
        places = await places_of(self._directory, claims)
        views = [
            self._shown(claim, places[claim.id], orders.get(claim.id), names.get(claim.patient_id))
            for claim in claims
        ]
        return views, after

    async def cancel(self, actor: Actor, claim_id: str, reason: str) -> AppointmentView:
        """Cancel in time; what was paid goes back. Raises APPOINTMENT_NOT_CANCELLABLE."""
        claim = await self.access(actor, claim_id)
        if claim.state is ClaimState.BOOKED:
            if clock.now() > self._cancel_by(claim.start_at):
                raise AppError(ErrorCode.APPOINTMENT_NOT_CANCELLABLE)
            await self._claims.cancel(claim.id, reason=reason, by=actor.kind)
        elif claim.state is ClaimState.HELD:
            await self._claims.release(claim)
        self._nudger.kick()
        claim = await self._claims.get(claim.id)
        if claim.state is ClaimState.BOOKED:
            raise AppError(ErrorCode.APPOINTMENT_NOT_CANCELLABLE)
        return await self._view(claim)

    async def start_payment(self, actor: Actor, claim_id: str, method: PaymentMethod) -> StartedPayment:
        """Open the cashier for a hold. Raises PAYMENT_NOT_DUE, HOLD_EXPIRED, PAYMENT_*.

        The hold first learns that a payment is under way and only then is the channel asked: from that moment
        it cannot end before the payment's fate is known.
        """
        claim = await self.access(actor, claim_id)
        if claim.state is not ClaimState.HELD or claim.fee_fen == 0:
            raise AppError(
                ErrorCode.PAYMENT_NOT_DUE if claim.state is ClaimState.BOOKED else ErrorCode.HOLD_EXPIRED
            )
        if _hold_is_over(claim) or claim.hold_until is None:
            raise AppError(ErrorCode.HOLD_EXPIRED)
        order = await self._billing.open_order(
            appointment_id=claim.id,
            resident_id=claim.resident_id,
            organization_id=claim.organization_id,
            amount_fen=claim.fee_fen,
            description=FEE_ITEM,
            expires_at=claim.hold_until,
        )
        if await self._claims.await_payment(claim.id, order.id) is None:
            # The hold ended meanwhile: its order must not stand open for ever. Where somebody else has just
            # begun to pay it, or the channel cannot say, that payment's own checks end it.
            with contextlib.suppress(AppError):
                await self._billing.settle_or_close(order.id)
            raise AppError(ErrorCode.HOLD_EXPIRED)
        # Whether the actor may pay was asked above: everybody who acts for the patient may.
        payer = await self._payer(actor, method)
        return await self._billing.start_payment(SYSTEM, order.id, method, payer)

    async def refresh_payment(self, actor: Actor, claim_id: str) -> AppointmentView:
        """Ask the channel now; what the "I have paid" button does."""
        claim = await self.access(actor, claim_id)
        if claim.order_id and claim.state is ClaimState.HELD:
            order = await self._billing.refresh(SYSTEM, claim.order_id)
            await self._settle(claim.id, order)
            self._nudger.kick()
        return await self._view(await self._claims.get(claim_id))

    async def access(self, actor: Actor, claim_id: str) -> Claim:
        """The claim, if the actor acts for its patient; otherwise it does not exist."""
        claim = await self._claims.get(claim_id)
        await self._patients.access_patient(actor, claim.patient_id)
        return claim

    async def on_order_paid(self, event: Event) -> None:
        """The money is here: the hold becomes an appointment, or the money goes back."""
        order = await self._billing.order_of(event.data["appointment_id"])
        if order is not None:
            await self._settle(event.data["appointment_id"], order)
            self._nudger.kick()

    async def on_order_closed(self, event: Event) -> None:
        """Nothing will be paid any more: a hold past its time ends."""
        await self._claims.payment_is_off(event.data["appointment_id"])
        self._nudger.kick()

    async def on_schedule_stopped(self, event: Event) -> None:
        """Every live claim of a stopped clinic ends, also one that was just being made."""
        schedule = await self._schedules.get(event.data["schedule_id"])
        if await self._claims.stop_all(schedule):
            self._nudger.kick()
        again_at = event.at + timedelta(seconds=STOP_AGAIN_S)
        if clock.now() < again_at:
            raise RetryLater((again_at - clock.now()).total_seconds() + 1)

    async def sweep_holds(self) -> int:
        """End the holds whose time has come; run by the clock."""
        ended = await self._claims.sweep_holds()
        if ended:
            self._nudger.kick()
        return ended

    async def _claim(
        self,
        actor: Actor,
        schedule: Schedule,
        number: int | None,
        patient_id: str,
        key: str | None,
        *,
        hold: bool,
    ) -> AppointmentView:
        await self._patients.access_patient(actor, patient_id)
        if schedule.on > clock.today() + timedelta(days=self._settings.booking_days):
            raise AppError(ErrorCode.SCHEDULE_NOT_OPEN)
        claim = await self._claims.claim(
            Wanted(
                schedule_id=schedule.id,
                number=number,
                resident_id=actor.id,
                patient_id=patient_id,
                channel=actor.channel,
                request_key=key,
                actor_id=actor.id,
                hold=hold,
            ),
            schedule,
        )
        self._nudger.kick()
        place = await place_of(self._directory, claim)
        return self._shown(claim, place, None, None)

    async def _payer(self, actor: Actor, method: PaymentMethod) -> str | None:
        contact = await self._patients.contact(actor.id)
        if method is PaymentMethod.WECHAT_MINI:
            return contact.mini_openid
        return contact.oa_openid if method is PaymentMethod.WECHAT_JSAPI else None

    async def _settle(self, claim_id: str, order: Order) -> None:
        """Bring the claim in line with what its order says. Safe to repeat."""
        if order.state is OrderState.CLOSED:
            await self._claims.payment_is_off(claim_id)
        if order.state is not OrderState.PAID:
            return
        if await self._claims.confirm(claim_id, paid=True) is not None:
            return
        await self._claims.end_given_back(claim_id)
        claim = await self._claims.get(claim_id)
        if claim.state is not ClaimState.BOOKED:
            await self._billing.request_refund(order.id, f"appointment is {claim.state}")

    async def _view(self, claim: Claim) -> AppointmentView:
        order = await self._billing.order_of(claim.id) if claim.order_id else None
        names = await self._patients.names([claim.patient_id])
        place = await place_of(self._directory, claim)
        return self._shown(claim, place, order, names.get(claim.patient_id))

    def _shown(self, claim: Claim, place: Place, order: Order | None, name: str | None) -> AppointmentView:
        cancel_by = self._cancel_by(claim.start_at)
        return AppointmentView(claim, place, order, name, cancel_by)

    def _cancel_by(self, start_at: datetime) -> datetime:
        return start_at - self._cancel_until


def _hold_is_over(claim: Claim) -> bool:
    return claim.hold_until is None or claim.hold_until <= clock.now()


def scoped(actor: Actor, claim: Claim) -> Claim:
    """For staff and hospitals: the claim, if its institution lies in the actor's scope."""
    if not actor.covers(claim.organization_id):
        raise not_found("claim of another institution")
    return claim
