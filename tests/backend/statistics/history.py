"""Random histories of a city: what is written when things happen, the events, and a plain count of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from backend import clock
from backend.errors import not_found
from backend.slotpool.claims_models import Claim, ClaimState
from backend.statistics.models import Measure
from backend.worker.events import Event, EventKind

PLACES = ("ORG-1", "ORG-2", "ORG-3", "ORG-4")
CHANNELS = ("wechat", "h5", "window", "kiosk")
_KINDS = {
    ClaimState.CANCELLED: EventKind.APPOINTMENT_CANCELLED,
    ClaimState.STOPPED: EventKind.APPOINTMENT_STOPPED,
    ClaimState.EXPIRED: EventKind.APPOINTMENT_EXPIRED,
}
_MEASURES = {
    ClaimState.CANCELLED: Measure.CANCELLED,
    ClaimState.STOPPED: Measure.STOPPED,
    ClaimState.EXPIRED: Measure.EXPIRED,
}
Key = tuple[date, str, Measure]


@dataclass(frozen=True)
class PlainRefund:
    amount_fen: int
    done_at: datetime


@dataclass(frozen=True)
class PlainOrder:
    id: str
    organization_id: str
    amount_fen: int
    paid_at: datetime
    paid_through: str = "wechat_pay"
    refund: PlainRefund | None = None

    def find_refund(self, out_refund_no: str) -> PlainRefund | None:
        return self.refund

    def to_doc(self) -> dict[str, Any]:
        refunds = []
        if self.refund:
            refunds = [
                {"state": "succeeded", "done_at": self.refund.done_at, "amount_fen": self.refund.amount_fen}
            ]
        return {
            "_id": self.id,
            "organization_id": self.organization_id,
            "amount_fen": self.amount_fen,
            "paid_at": self.paid_at,
            "attempts": [{"state": "closed", "channel": "other"}, {"state": "paid", "channel": "wechat_pay"}],
            "refunds": refunds,
        }


@dataclass
class History:
    """Lives of appointments; also the look-ups by which the figures learn what events are about."""

    dice: Random
    claims: dict[str, Claim] = field(default_factory=dict)
    orders: dict[str, PlainOrder] = field(default_factory=dict)
    uses: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    # The plain count, written down while the history is made up.
    count: Counter[Key] = field(default_factory=Counter)
    fen: Counter[Key] = field(default_factory=Counter)
    channels: Counter[tuple[str, str]] = field(default_factory=Counter)

    def live(self, lives: int, days: int) -> None:
        """Let so many appointments be made and become what they become."""
        for number in range(lives):
            self._life(f"C{number:03d}", clock.today() - timedelta(days=self.dice.randrange(1, days)))

    async def get(self, claim_id: str) -> Claim:
        if claim_id not in self.claims:
            raise not_found(claim_id)
        return self.claims[claim_id]

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[Claim], None]:
        return [each for each in self.claims.values() if each.patient_id in patient_ids], None

    async def order_of(self, appointment_id: str) -> PlainOrder | None:
        return self.orders.get(appointment_id)

    def claim_docs(self) -> list[dict[str, Any]]:
        return [_doc(claim) for claim in self.claims.values()]

    def _life(self, id: str, on: date) -> None:
        dice, place = self.dice, self.dice.choice(PLACES)
        start = clock.city_instant(on, 9)
        made = start - timedelta(minutes=dice.randrange(30, 20 * 24 * 60))
        claim = _claim(id, place, on, dice.choice(CHANNELS), made, start)
        became = dice.choice(["booked"] * 5 + ["cancelled", "stopped", "hold stopped", "expired", "held"])
        if became in ("held", "expired", "hold stopped"):
            self._hold(claim, made, became)
            return
        booked_at = made + timedelta(minutes=dice.randrange(0, 29))
        claim = replace(claim, booked_at=booked_at, hold_until=None, state=ClaimState.BOOKED)
        self._happened(booked_at, claim, EventKind.APPOINTMENT_BOOKED, Measure.BOOKED)
        self.channels[place, claim.channel] += 1
        if dice.random() < 0.4:
            self._pay(claim, booked_at)
        if became in ("cancelled", "stopped"):
            self._end(claim, ClaimState(became), booked_at + timedelta(minutes=dice.randrange(1, 600)))
            return
        self.count[on, place, Measure.VISIT_DUE] += 1
        if dice.random() < 0.2:
            claim = replace(claim, missed_at=start + timedelta(hours=dice.randrange(1, 40)))
            self._told(claim.missed_at or start, EventKind.APPOINTMENT_MISSED, appointment_id=id)
            self.count[on, place, Measure.MISSED] += 1
        self.claims[id] = claim
        self._show_codes(claim, start)

    def _hold(self, claim: Claim, made: datetime, became: str) -> None:
        claim = replace(claim, hold_until=made + timedelta(minutes=30))
        self.claims[claim.id] = claim
        if became == "expired":
            self._end(claim, ClaimState.EXPIRED, made + timedelta(minutes=31))
        elif became == "hold stopped":
            self._end(claim, ClaimState.STOPPED, made + timedelta(minutes=3))

    def _end(self, claim: Claim, state: ClaimState, at: datetime) -> None:
        self.claims[claim.id] = replace(claim, state=state, live=False, ended_at=at)
        self._happened(at, claim, _KINDS[state], _MEASURES[state])

    def _pay(self, claim: Claim, at: datetime) -> None:
        fen, place = self.dice.randrange(1, 90) * 100, claim.organization_id
        refund = None
        if self.dice.random() < 0.3:
            refund = PlainRefund(self.dice.randrange(1, fen), at + timedelta(hours=self.dice.randrange(50)))
            key = (clock.civil_date(refund.done_at), place, Measure.REFUNDED)
            self.count[key] += 1
            self.fen[key] += refund.amount_fen
            self._told(refund.done_at, EventKind.REFUND_SUCCEEDED, appointment_id=claim.id, out_refund_no="R")
        self.orders[claim.id] = PlainOrder(f"R{claim.id}", place, fen, at, refund=refund)
        self._told(at, EventKind.ORDER_PAID, appointment_id=claim.id)
        self.count[clock.civil_date(at), place, Measure.PAID] += 1
        self.fen[clock.civil_date(at), place, Measure.PAID] += fen

    def _show_codes(self, claim: Claim, start: datetime) -> None:
        """None, one or several times; here or somewhere else; to arrive or for something else."""
        arrived = False
        for _ in range(self.dice.choice([0, 1, 1, 2])):
            at = start + timedelta(minutes=self.dice.randrange(-20, 200))
            place = self.dice.choice([claim.organization_id, claim.organization_id, "ORG-9"])
            step = self.dice.choice(["10101", "10101", "10103"])
            self.uses.append(
                {"organization_id": place, "patient_id": claim.patient_id, "step": step, "at": at}
            )
            self.count[clock.civil_date(at), place, Measure.CODE_USED] += 1
            data = {"organization_id": place, "patient_id": claim.patient_id, "step": step, "flagged": "no"}
            self._told(at, EventKind.CODE_USED, **data)
            self._told(at, EventKind.CODE_USED, **data | {"flagged": "yes"})
            booked_at = claim.booked_at or at
            arrived |= step == "10101" and place == claim.organization_id and booked_at <= at
        if arrived:
            self.count[claim.on, claim.organization_id, Measure.ARRIVED] += 1

    def _happened(self, at: datetime, claim: Claim, kind: EventKind, measure: Measure) -> None:
        self.claims.setdefault(claim.id, claim)
        self._told(at, kind, appointment_id=claim.id)
        self.count[clock.civil_date(at), claim.organization_id, measure] += 1

    def _told(self, at: datetime, kind: EventKind, **data: str) -> None:
        self.events.append(Event(kind, data, at=at))


def _claim(id: str, place: str, on: date, channel: str, made: datetime, start: datetime) -> Claim:
    return Claim(
        id=id,
        pool_key=f"D:{on}",
        schedule_id=f"S-{id}",
        number=1,
        organization_id=place,
        department_id="D",
        practitioner_id=None,
        on=on,
        period="am",
        start_at=start,
        end_at=start + timedelta(minutes=15),
        fee_fen=0,
        resident_id=f"P-{id}",
        patient_id=f"P-{id}",
        channel=channel,
        state=ClaimState.HELD,
        live=True,
        hold_until=None,
        awaiting_payment=False,
        order_id=None,
        cancel_reason=None,
        cancelled_by=None,
        ended_at=None,
        missed_at=None,
        created_at=made,
        updated_at=made,
    )


def _doc(claim: Claim) -> dict[str, Any]:
    names = (
        "pool_key", "schedule_id", "number", "organization_id", "department_id", "practitioner_id", "period",
        "start_at", "end_at", "fee_fen", "resident_id", "patient_id", "channel", "live", "hold_until",
        "ended_at", "missed_at", "booked_at", "created_at", "updated_at",
    )  # fmt: skip
    clear = {name: getattr(claim, name) for name in names}
    return {"_id": claim.id, "on": claim.on.isoformat(), "state": str(claim.state), **clear}
