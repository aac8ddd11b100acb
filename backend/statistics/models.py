"""What is counted, and the forms in which the figures are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from backend.statistics.counted import Adds, safe

# An event that concerns no single institution (a message to an account, say) is counted under this.
NOWHERE = ""


class Measure(StrEnum):
    """What is counted."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    EXPIRED = "expired"
    PAID = "paid"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    MESSAGE = "message"
    CODE_USED = "code_used"
    # Appointments by the day they are for: what ends early is taken off again.
    VISIT_DUE = "visit_due"
    ARRIVED = "arrived"
    MISSED = "missed"
    RECORD_ACCESS = "record_access"
    REPORT_LOOKUP = "report_lookup"
    RECOGNISED = "recognised"
    DUPLICATE_MEDICINE = "duplicate_medicine"
    SURVEY_SENT = "survey_sent"
    SURVEY_COMPLETED = "survey_completed"
    SURVEY_SCORED = "survey_scored"
    SURVEY_SATISFIED = "survey_satisfied"
    REFERRAL_SENT = "referral_sent"
    REFERRAL_ACCEPTED = "referral_accepted"
    REFERRAL_ARRIVED = "referral_arrived"
    REFERRAL_ENDED = "referral_ended"
    BIRTH_FILED = "birth_filed"
    BIRTH_COMPLETED = "birth_completed"
    # Gauges: how much there is on a day.
    CONNECTED = "connected"
    QUALITY_SCORE = "quality_score"
    OPEN_WORK = "open_work"


GAUGES = frozenset({Measure.CONNECTED, Measure.QUALITY_SCORE, Measure.OPEN_WORK})
# Gauges that tell how many there are: where they tell nothing, there are none.
NOTHING_IS_NONE = frozenset({Measure.CONNECTED, Measure.OPEN_WORK})


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to count; `count` is less than nothing where something is taken off again.

    `amount` is whatever the measure adds up beside money: minutes, working days, points.
    """

    on: date
    organization_id: str
    measure: Measure
    channel: str = ""
    fen: int = 0
    extra: str = ""
    count: int = 1
    amount: int = 0


def adds_of(facts: Iterable[Fact]) -> Adds:
    """What facts add to which counter: (day, institution, measure, channel, extra)."""
    found: Adds = {}
    for fact in facts:
        place = (fact.on.isoformat(), fact.organization_id, str(fact.measure))
        added = {"count": fact.count, "fen": fact.fen, "amount": fact.amount}
        found.setdefault((*place, safe(fact.channel), safe(fact.extra)), Counter()).update(added)
    return found


@dataclass(frozen=True, slots=True)
class Total:
    """How often, how much money, and how much of whatever else the measure adds up."""

    count: int = 0
    fen: int = 0
    amount: int = 0

    def __add__(self, other: Total) -> Total:
        return Total(self.count + other.count, self.fen + other.fen, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Row:
    """A total by whatever the question groups by; what it does not group by is empty."""

    total: Total
    measure: Measure
    on: str = ""
    organization_id: str = ""
    channel: str = ""
    extra: str = ""


class CountedClaim(Protocol):
    """What the figures need to know of an appointment."""

    @property
    def id(self) -> str:
        """Whose."""

    @property
    def organization_id(self) -> str:
        """Where."""

    @property
    def channel(self) -> str:
        """Through what it was sold."""

    @property
    def on(self) -> date:
        """The day of the visit."""

    @property
    def hold_until(self) -> datetime | None:
        """None once it was booked."""

    @property
    def created_at(self) -> datetime:
        """When the place was claimed."""

    @property
    def booked_at(self) -> datetime | None:
        """When it was booked; None for a mere hold, and for appointments older than this was kept."""

    @property
    def ended_at(self) -> datetime | None:
        """When it was given back, cancelled or stopped."""


class CountedRefund(Protocol):
    """What the figures need to know of money that went back."""

    @property
    def amount_fen(self) -> int:
        """How much."""

    @property
    def done_at(self) -> datetime | None:
        """When."""


class CountedOrder(Protocol):
    """What the figures need to know of an order."""

    @property
    def organization_id(self) -> str:
        """For whom the money is."""

    @property
    def amount_fen(self) -> int:
        """How much."""

    @property
    def paid_at(self) -> datetime | None:
        """When it was paid."""

    @property
    def paid_through(self) -> str:
        """The channel the money came through; empty where none moved."""

    def find_refund(self, out_refund_no: str) -> CountedRefund | None:
        """The refund with that number."""


class Claims(Protocol):
    """Where an appointment is looked up; the slot pool, seen from below."""

    async def get(self, claim_id: str) -> CountedClaim:
        """The appointment of this id."""

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[CountedClaim], str | None]:
        """Somebody's appointments."""


class Orders(Protocol):
    """Where an order is looked up; billing, seen from below."""

    async def order_of(self, appointment_id: str) -> CountedOrder | None:
        """The order of this appointment."""
