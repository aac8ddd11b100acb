"""A talk that a person has asked staff to take over, and the words in it, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backend import clock
from backend.conversations.models import Through

# Whoever waits for longer is marked in the list.
OVERDUE = timedelta(minutes=5)
# A talk in which nobody has said anything for so long is given back to the machine.
LEFT_AFTER = timedelta(hours=24)


class HandoverState(StrEnum):
    """Where a talk with staff stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    CLOSED = "closed"


class By(StrEnum):
    """Who said something."""

    PERSON = "person"
    MACHINE = "machine"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Handover:
    """One talk with staff. `asked_at` is since when the person waits for an answer; None once answered."""

    id: str
    conversation_id: str
    through: Through
    state: HandoverState
    organization_id: str | None
    resident_id: str | None
    taken_by: str | None
    opened_at: datetime
    asked_at: datetime | None
    last_at: datetime

    @property
    def overdue(self) -> bool:
        """Whether the person has waited for too long."""
        return (
            self.state is not HandoverState.CLOSED
            and self.asked_at is not None
            and clock.now() - self.asked_at > OVERDUE
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What was said by one side, once."""

    id: str
    by: By
    text: str = field(repr=False)
    at: datetime
    staff_id: str | None = None
