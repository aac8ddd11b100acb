"""What an event is counted as. Events carry ids only, so what they are about is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.statistics.models import NOWHERE, Claims, CountedClaim, Fact, Measure, Orders
from backend.worker.events import Event, EventKind

# The step of care at which somebody who shows the code has arrived (挂号).
ARRIVAL_STEP = "10101"
APPOINTMENT_KINDS = (
    EventKind.APPOINTMENT_BOOKED,
    EventKind.APPOINTMENT_CANCELLED,
    EventKind.APPOINTMENT_STOPPED,
    EventKind.APPOINTMENT_EXPIRED,
    EventKind.APPOINTMENT_MISSED,
)
ORDER_KINDS = (EventKind.ORDER_PAID, EventKind.REFUND_SUCCEEDED, EventKind.REFUND_FAILED)
_AT_ONCE = 20
# What is counted together under one key, which is counted once.
Keyed = tuple[str, Sequence[Fact]]


class Facts:
    """Looks up what events are about. Days are those that the documents say: a recount finds the same."""

    def __init__(self, claims: Claims, orders: Orders) -> None:
        self._claims = claims
        self._orders = orders

    async def of(self, event: Event) -> list[Keyed]:
        """What an event adds, and under which keys."""
        if event.kind in APPOINTMENT_KINDS:
            claim = await self._claims.get(event.data["appointment_id"])
            return [(event.id, of_claim(event.kind, claim, event.at))]
        if event.kind in ORDER_KINDS:
            return await self._of_order(event)
        if event.kind is EventKind.MESSAGE_DUE:
            return [await self._of_message(event)]
        if event.kind is EventKind.CODE_USED and event.data.get("flagged") != "yes":
            return await self._of_code(event)
        return []  # A code shown again: reported, but no second use.

    async def _of_order(self, event: Event) -> list[Keyed]:
        order = await self._orders.order_of(event.data["appointment_id"])
        if order is None:
            return []
        place = order.organization_id
        if event.kind is EventKind.ORDER_PAID:
            on = clock.civil_date(order.paid_at or event.at)
            paid = Fact(on, place, Measure.PAID, order.paid_through, fen=order.amount_fen)
            return [(event.id, [paid])]
        refund = order.find_refund(event.data.get("out_refund_no", ""))
        fen = refund.amount_fen if refund else order.amount_fen
        if event.kind is EventKind.REFUND_FAILED:
            on = clock.civil_date(event.at)
            return [(event.id, [Fact(on, place, Measure.REFUND_FAILED, fen=fen)])]
        on = clock.civil_date((refund.done_at if refund else None) or event.at)
        return [(event.id, [Fact(on, place, Measure.REFUNDED, fen=fen)])]

    async def _of_message(self, event: Event) -> Keyed:
        """One message, through however many channels it goes and however often."""
        message_id = event.data.get("message_id")
        place = event.data.get("organization_id") or await self._place_of(event)
        key = f"message:{message_id}" if message_id else event.id
        return key, [Fact(clock.civil_date(event.at), place, Measure.MESSAGE)]

    async def _of_code(self, event: Event) -> list[Keyed]:
        on, place = clock.civil_date(event.at), event.data.get("organization_id", NOWHERE)
        found: list[Keyed] = [(event.id, [Fact(on, place, Measure.CODE_USED)])]
        if event.data.get("step") == ARRIVAL_STEP:
            claims = await self._since(event.data["patient_id"], on)
            found += [arrival(claim) for claim in claims if arrives(claim, place, event.at)]
        return found

    async def _since(self, patient_id: str, on: date) -> list[CountedClaim]:
        """Somebody's appointments of a day and after, cancelled ones too; the latest come first."""
        found: list[CountedClaim] = []
        cursor: str | None = None
        while not found or (cursor and found[-1].on >= on):
            page, cursor = await self._claims.of_patients(
                [patient_id], upcoming=None, cursor=cursor, limit=_AT_ONCE
            )
            found += page
            if not page:
                break
        return found

    async def _place_of(self, event: Event) -> str:
        """The institution of the appointment an event is about, if it is about one."""
        appointment_id = event.data.get("appointment_id")
        if not appointment_id:
            return NOWHERE
        try:
            return (await self._claims.get(appointment_id)).organization_id
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return NOWHERE


def of_claim(kind: EventKind, claim: CountedClaim, at: datetime) -> list[Fact]:
    """What happened to an appointment, on the day it happened and on the day it is for. Pure."""
    was_booked = claim.hold_until is None

    def fact(on: date, measure: Measure, count: int = 1) -> Fact:
        return Fact(on, claim.organization_id, measure, claim.channel, count=count)

    if kind is EventKind.APPOINTMENT_BOOKED:
        on = clock.civil_date(claim.booked_at or at)
        return [fact(on, Measure.BOOKED), fact(claim.on, Measure.VISIT_DUE)]
    if kind is EventKind.APPOINTMENT_MISSED:
        return [fact(claim.on, Measure.MISSED)]
    ended_on = clock.civil_date(claim.ended_at or at)
    if kind is EventKind.APPOINTMENT_EXPIRED:
        return [fact(ended_on, Measure.EXPIRED)]
    cancelled = kind is EventKind.APPOINTMENT_CANCELLED
    ended = fact(ended_on, Measure.CANCELLED if cancelled else Measure.STOPPED)
    # A hold that was stopped was never a visit to expect.
    return [ended, fact(claim.on, Measure.VISIT_DUE, -1)] if was_booked else [ended]


def arrives(claim: CountedClaim, organization_id: str, at: datetime) -> bool:
    """Whether somebody who shows the code here and now comes for this appointment. Pure."""
    booked_at = claim.booked_at or (claim.created_at if claim.hold_until is None else None)
    here = claim.organization_id == organization_id and claim.on == clock.civil_date(at)
    return here and booked_at is not None and booked_at <= at and (claim.ended_at or at) >= at


def arrival(claim: CountedClaim) -> Keyed:
    """An appointment's arrival, which is counted once however often the code is shown."""
    fact = Fact(claim.on, claim.organization_id, Measure.ARRIVED, claim.channel)
    return f"arrived:{claim.id}", [fact]
