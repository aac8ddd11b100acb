"""What a claim on a slot is: one document that is first a hold and then an appointment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class ClaimState(StrEnum):
    """Where a claim stands. `held` and `booked` are live: the slot is theirs."""

    HELD = "held"
    BOOKED = "booked"
    CANCELLED = "cancelled"  # given back by the resident, the hospital or staff after booking
    RELEASED = "released"  # given back by the resident while held
    EXPIRED = "expired"  # the hold ended
    STOPPED = "stopped"  # the clinic was stopped


LIVE_STATES = (ClaimState.HELD, ClaimState.BOOKED)
# The state of a document that keeps a place off sale for a while (withdrawals.py): nobody's, so no `Claim`.
WITHDRAWN = "withdrawn"


class Channel(StrEnum):
    """Through what a slot is sold (`design.md` §2)."""

    WECHAT = "wechat"
    H5 = "h5"
    SMS = "sms"
    BOT = "bot"
    KIOSK = "kiosk"
    WINDOW = "window"
    REFERRAL = "referral"
    HOSPITAL = "hospital"


@dataclass(frozen=True, slots=True)
class Claim:
    """A hold or an appointment. `resident_id` acts, `patient_id` is seen by the doctor."""

    id: str
    pool_key: str
    schedule_id: str
    number: int
    organization_id: str
    department_id: str
    practitioner_id: str | None
    on: date
    period: str
    start_at: datetime
    end_at: datetime
    fee_fen: int
    resident_id: str
    patient_id: str
    channel: str
    state: ClaimState
    live: bool
    hold_until: datetime | None
    awaiting_payment: bool
    order_id: str | None
    cancel_reason: str | None
    cancelled_by: str | None
    ended_at: datetime | None
    # When the hospital said that nobody came.
    missed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    # When it was booked. Appointments from before this was kept do not say.
    booked_at: datetime | None = None

    @classmethod
    def from_doc(cls, doc: dict[str, Any]) -> Claim:
        """Read a stored document whose sealed field has been opened."""
        return cls(
            id=doc["_id"],
            pool_key=doc["pool_key"],
            schedule_id=doc["schedule_id"],
            number=doc["number"],
            organization_id=doc["organization_id"],
            department_id=doc["department_id"],
            practitioner_id=doc.get("practitioner_id"),
            on=date.fromisoformat(doc["on"]),
            period=doc["period"],
            start_at=doc["start_at"],
            end_at=doc["end_at"],
            fee_fen=doc["fee_fen"],
            resident_id=doc["resident_id"],
            patient_id=doc["patient_id"],
            channel=doc["channel"],
            state=ClaimState(doc["state"]),
            live=doc["live"],
            hold_until=doc.get("hold_until"),
            awaiting_payment=doc.get("awaiting_payment", False),
            order_id=doc.get("order_id"),
            cancel_reason=doc.get("cancel_reason"),
            cancelled_by=doc.get("cancelled_by"),
            ended_at=doc.get("ended_at"),
            missed_at=doc.get("missed_at"),
            created_at=doc["created_at"],
            updated_at=doc["updated_at"],
            booked_at=doc.get("booked_at"),
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A place that is off sale until an instant."""

    id: str
    pool_key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants to claim. `number` None means the earliest free one.

    `request_key` is the caller's idempotency key: the same actor and key find the same claim.
    """

    schedule_id: str
    number: int | None
    resident_id: str
    patient_id: str
    channel: str
    request_key: str | None
    actor_id: str
    hold: bool


def pool_key(department_id: str, on: date) -> str:
    """The shard key of schedules' claims: one department's day, within which both uniqueness rules hold."""
    return f"{department_id}:{on.isoformat()}"
