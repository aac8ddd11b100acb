"""Checks of medicines, and what was answered, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.errors import AppError, ErrorCode
from backend.medication.judging import Alert

# An answer may be changed so long after it was first given: then it is what happened.
CHANGE_FOR = timedelta(minutes=15)
ANSWER_WITHIN = timedelta(hours=24)


class Action(StrEnum):
    """What the doctor does about an alert."""

    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. The text is in the doctor's own words."""

    alert_id: str
    action: Action
    practitioner: str
    at: datetime
    reason: str = ""
    text: str = ""

    def says_the_same(self, other: Answered) -> bool:
        """Whether both are one answer, given twice."""
        return replace(self, at=other.at) == other


@dataclass(frozen=True, slots=True)
class MedicationCheck:
    """One question before prescribing, its alerts, and what was answered."""

    id: str
    organization_id: str
    person_id: str
    edition: int
    at: datetime
    practitioner: str
    encounter: str = ""
    medicines: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    answers: Mapping[str, Answered] = field(default_factory=dict)
    first_answered_at: Mapping[str, datetime] = field(default_factory=dict)
    history: tuple[Answered, ...] = ()
    counted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    turn: int = 0

    def alert(self, alert_id: str) -> Alert | None:
        """One of its alerts."""
        return next((alert for alert in self.alerts if alert.id == alert_id), None)

    @property
    def open(self) -> list[str]:
        """Alerts that need a reason or a change and have neither."""
        return [each.id for each in self.alerts if each.needs_reason and each.id not in self.answers]


def answered(check: MedicationCheck, answer: Answered) -> MedicationCheck:
    """The check with one more answer; the very same check when it is nothing new. Raises DECISION_CLOSED."""
    before = check.answers.get(answer.alert_id)
    if before is not None and before.says_the_same(answer):
        return check
    first = check.first_answered_at.get(answer.alert_id)
    until = check.at + ANSWER_WITHIN if first is None else first + CHANGE_FOR
    if answer.at > until:
        raise AppError(ErrorCode.DECISION_CLOSED, data={"alert": answer.alert_id})
    return replace(
        check,
        answers={**check.answers, answer.alert_id: answer},
        first_answered_at={**check.first_answered_at, answer.alert_id: first or answer.at},
        history=(*check.history, before) if before is not None else check.history,
    )
