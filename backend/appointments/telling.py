"""Puts into words what happened to an appointment and hands it to messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.appointments.ports import Directory, Schedules
from backend.appointments.reminding import FROM_HOUR
from backend.appointments.views import Place, place_of
from backend.billing.models import Order, OrderState
from backend.messages.models import Letter, MessageKind
from backend.messages.tellers import long_time, short_time, yuan
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState
from backend.slotpool.schedules_models import Schedule
from backend.worker.events import Event

VISIT_KINDS = {"general": "普通门诊", "expert": "专家门诊", "special": "特需门诊", "vaccination": "疫苗接种"}
PERIODS = {"am": "上午", "pm": "下午", "evening": "晚间", "night": "夜间", "day": ""}
# What is paid for, in our books, on WeChat Pay's record and in a message. It names neither department nor
# hospital: where somebody goes may say what they have, and a mental health centre says so by its very name.
# Whoever may see more finds it through the order's appointment and institution.
FEE_ITEM = "预约挂号费"
BRING = "身份证、医保卡和以往病历"
# GB/T: the step of the health code at which somebody registers at a desk or a kiosk.
CHECK_IN_STEP = "10101"
# Who booked later than so long before the reminders need none.
REMIND_AFTER = timedelta(hours=12)
_GOING_BACK = frozenset(
    {OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED, OrderState.REFUND_FAILED}
)


class Names(Protocol):
    """What telling needs of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""


class Orders(Protocol):
    """What telling needs of billing."""

    async def order_of(self, appointment_id: str) -> Order | None:
        """The appointment's order."""


class Messages(Protocol):
    """What telling needs of messages."""

    async def tell(self, *letters: Letter) -> None:
        """Write and deliver."""


class AppointmentTeller:
    """Tells whoever booked: booked, cancelled, stopped, refunded. Every method may be called twice."""

    def __init__(
        self,
        claims: ClaimService,
        schedules: Schedules,
        directory: Directory,
        people: Names,
        orders: Orders,
        messages: Messages,
        *,
        cancel_until: timedelta,
    ) -> None:
        self._claims = claims
        self._schedules = schedules
        self._directory = directory
        self._people = people
        self._orders = orders
        self._messages = messages
        self._cancel_until = cancel_until

    async def on_booked(self, event: Event) -> None:
        """APPOINTMENT_BOOKED. One that was given back meanwhile is told as cancelled only."""
        claim = await self._claims.get(event.data["appointment_id"])
        if claim.state is ClaimState.BOOKED:
            await self._tell(event, claim, MessageKind.APPOINTMENT_BOOKED)

    async def on_cancelled(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED."""
        claim = await self._claims.get(event.data["appointment_id"])
        await self._tell(event, claim, MessageKind.APPOINTMENT_CANCELLED)

    async def on_stopped(self, event: Event) -> None:
        """APPOINTMENT_STOPPED."""
        claim = await self._claims.get(event.data["appointment_id"])
        await self._tell(event, claim, MessageKind.SCHEDULE_STOPPED)

    async def on_refunded(self, event: Event) -> None:
        """REFUND_SUCCEEDED."""
        order = await self._orders.order_of(event.data["appointment_id"])
        refund = order.find_refund(event.data["out_refund_no"]) if order else None
        if order is None or refund is None:
            return
        at = refund.done_at or event.at
        facts = {
            "item": FEE_ITEM,
            "amount": yuan(refund.amount_fen),
            "when": long_time(at),
            "time": short_time(at),
            "appointment_id": order.appointment_id,
        }
        await self._messages.tell(
            Letter(
                event.id,
                event.at,
                order.resident_id,
                MessageKind.REFUND_SUCCEEDED,
                facts,
                order.appointment_id,
                order.organization_id,
            )
        )

    async def on_paid(self, event: Event) -> None:
        """ORDER_PAID."""
        order = await self._orders.order_of(event.data["appointment_id"])
        if order is None or order.paid_at is None:
            return
        facts = {
            "item": FEE_ITEM,
            "amount": yuan(order.paid_fen),
            "when": long_time(order.paid_at),
            "appointment_id": order.appointment_id,
        }
        await self._messages.tell(
            Letter(
                event.id,
                event.at,
                order.resident_id,
                MessageKind.PAYMENT_SUCCEEDED,
                facts,
                order.appointment_id,
                order.organization_id,
            )
        )

    async def on_code_used(self, event: Event) -> None:
        """CODE_USED: who checks in for an appointment of today is told where to go and what to bring."""
        if event.data["step"] != CHECK_IN_STEP:
            return
        claims, _ = await self._claims.of_patients(
            [event.data["patient_id"]], upcoming=None, cursor=None, limit=20
        )
        for claim in claims:
            here = claim.organization_id == event.data["organization_id"]
            if here and claim.state is ClaimState.BOOKED and claim.on == clock.civil_date(event.at):
                # Shown at two desks, the code is still one arrival.
                await self._tell(event, claim, MessageKind.GUIDANCE_SLIP, about=day_of(claim))

    async def on_reminders_due(self, event: Event) -> None:
        """REMINDERS_DUE: tomorrow's appointments of a department; who has booked since yesterday knows."""
        pool = f"{event.data['department_id']}:{event.data['on']}"
        for claim in await self._claims.live_in_pools([pool]):
            fresh = event.at - claim.created_at < REMIND_AFTER
            if claim.state is ClaimState.BOOKED and not fresh:
                day_before = clock.city_instant(claim.on - timedelta(days=1), FROM_HOUR)
                await self._tell(event, claim, MessageKind.VISIT_REMINDER, about=day_before)

    async def _tell(
        self, event: Event, claim: Claim, kind: MessageKind, *, about: datetime | None = None
    ) -> None:
        """Tell once for an event; once for the appointment itself where an instant of its own is given."""
        schedule = await self._schedules.get_cached(claim.schedule_id)
        place = await place_of(self._directory, claim)
        names = await self._people.names([claim.patient_id])
        order = await self._orders.order_of(claim.id) if claim.order_id else None
        facts = {
            **_visit(claim, schedule, place, names.get(claim.patient_id, "就诊人")),
            **_ending(claim, order),
            "bring": BRING,
            "cancel_by": _day_and_time(claim.start_at - self._cancel_until),
        }
        await self._messages.tell(
            Letter(
                claim.id if about else event.id,
                about or event.at,
                claim.resident_id,
                kind,
                facts,
                claim.id,
                claim.organization_id,
            )
        )


def day_of(claim: Claim) -> datetime:
    """What is told once on the day of a visit stands in lists as of this instant, whenever it is told."""
    return max(clock.city_instant(claim.on, 0), claim.created_at)


def _visit(claim: Claim, schedule: Schedule, place: Place, patient: str) -> dict[str, str]:
    doctor = place.practitioner
    where = place.department.place
    return {
        "patient": patient,
        "visit_kind": VISIT_KINDS[schedule.kind],
        "organization": place.organization.name,
        "department": place.department.name,
        "doctor": f"{doctor.name} {doctor.title}".strip() if doctor else "",
        "doctor_sms": f"{doctor.name}{doctor.title or '医生'}" if doctor else "",
        "when": _when(claim, schedule),
        "time": short_time(claim.start_at),
        "number": str(claim.number),
        "place": where,
        "place_sms": f"，地点{where}" if where else "",
        "fee": yuan(claim.fee_fen) if claim.fee_fen else "",
        "appointment_id": claim.id,
    }


def _ending(claim: Claim, order: Order | None) -> dict[str, str]:
    going_back = order is not None and order.state in _GOING_BACK
    reason = claim.cancel_reason or ""
    by_resident = claim.cancelled_by == "resident"
    return {
        "reason": reason,
        "reason_or": reason or ("本人取消" if by_resident else "医院取消"),
        "stop_or": reason or "医生临时停诊，敬请谅解",
        "refund": f"挂号费{yuan(order.paid_fen)}将原路退回。" if going_back and order else "",
    }


def _when(claim: Claim, schedule: Schedule) -> str:
    """2026年1月5日（周一）上午09:30-09:40."""
    day, clock_time = long_time(claim.start_at).split("）")
    end = claim.end_at.astimezone(clock.CITY_ZONE)
    return f"{day}）{PERIODS[schedule.period]}{clock_time}-{end:%H:%M}"


def _day_and_time(at: datetime) -> str:
    local = at.astimezone(clock.CITY_ZONE)
    return f"{local.month}月{local.day}日{local:%H:%M}"
