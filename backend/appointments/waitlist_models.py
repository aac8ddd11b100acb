"""Waiting for a place: one patient, one department, one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

# How long a freed place is kept for who is told of it: an SMS has to be seen and answered.
OFFER_FOR = timedelta(minutes=30)
# So many days one resident may wait for at a time, all patients together.
MOST_WAITING = 5
# What has been waited for is forgotten so long after its day.
KEPT_DAYS = 30


class WaitState(StrEnum):
    """Where somebody stands. `waiting` and `offered` are live."""

    WAITING = "waiting"
    OFFERED = "offered"  # a place is held for the patient
    TAKEN = "taken"
    ENDED = "ended"  # given up, not answered in time, or not needed any more


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry; the order of ids is the order of the list."""

    id: str
    pool_key: str
    department_id: str
    on: date
    patient_id: str
    resident_id: str
    channel: str
    state: WaitState
    claim_id: str | None
    created_at: datetime
