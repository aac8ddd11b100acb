"""Events: what one area tells those above it. They carry ids only, and are written with what they report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend import clock, context
from backend.ids import new_id


class EventKind(StrEnum):
    """Everything that can have happened."""

    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_CANCELLED = "appointment.cancelled"
    APPOINTMENT_EXPIRED = "appointment.expired"
    APPOINTMENT_STOPPED = "appointment.stopped"
    APPOINTMENT_MISSED = "appointment.missed"
    HOLD_DUE = "hold.due"
    SCHEDULE_STOPPED = "schedule.stopped"
    ORDER_PAID = "order.paid"
    ORDER_CLOSED = "order.closed"
    PAYMENT_NOTICE_RECEIVED = "payment.notice_received"
    REFUND_DUE = "refund.due"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    MESSAGE_DUE = "message.due"
    REMINDERS_DUE = "reminders.due"
    QUEUE_MOVED = "queue.moved"
    CHAT_PUT_OFF = "chat.put_off"
    SMS_REPLY_RECEIVED = "sms.reply_received"
    CODE_USED = "code.used"
    SURVEY_ALARMED = "survey.alarmed"
    REPORT_ISSUED = "report.issued"
    RECORD_PAPERS_CAME = "record.papers_came"
    RECORD_EXPORT_ORDERED = "record.export_ordered"
    ORDER_PLACED = "order.placed"
    ORDER_CHANGED = "order.changed"
    RECOGNITION_DECIDED = "recognition.decided"
    ENCOUNTER_FINISHED = "encounter.finished"
    PATIENT_LINK_REQUESTED = "patient.link_requested"
    PATIENT_LINKED = "patient.linked"
    PATIENT_UNLINKED = "patient.unlinked"
    PHONE_RELEASED = "resident.phone_released"
    RESIDENT_VERIFIED = "resident.verified"
    RESIDENT_DELETED = "resident.deleted"
    CONSENT_ASKED = "consent.asked"
    CONSENT_GRANTED = "consent.granted"
    CARE_CONTRACT_STATED = "care.contract_stated"
    ENCOUNTER_STARTED = "encounter.started"
    RECORD_GLASS_BROKEN = "record.glass_broken"
    RECORD_QUESTION_ANSWERED = "record.question_answered"
    RECORD_CORRECTION_ANSWERED = "record.correction_answered"
    CHART_CHANGED = "chart.changed"
    PERSON_CHANGED = "chart.person_changed"
    REFERRAL_CHANGED = "referral.changed"
    BIRTH_FILING_CHANGED = "birth.filing_changed"
    BIRTH_STEP_DUE = "birth.step_due"
    BIRTH_STEP_CHANGED = "birth.step_changed"
    BIRTH_HANDOVER_CHANGED = "birth.handover_changed"


# What most jobs have; a lower number goes out first, and the highest only a few at a time.
URGENT, NORMAL, BULK = 1, 5, 9


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with the ids of what it happened to, and how urgent what follows is."""

    kind: EventKind
    data: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=new_id)
    at: datetime = field(default_factory=clock.now)
    request_id: str = field(default_factory=context.request_id)
    priority: int = NORMAL

    def to_doc(self) -> dict[str, Any]:
        """The form embedded in a document's `events` list."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "at": self.at,
            "data": self.data,
            "request_id": self.request_id,
            **({"priority": self.priority} if self.priority != NORMAL else {}),
        }

    @classmethod
    def from_doc(cls, doc: dict[str, Any]) -> Event:
        """Read back what `to_doc` wrote."""
        return cls(
            kind=EventKind(doc["kind"]),
            data=doc["data"],
            id=doc["id"],
            at=doc["at"],
            request_id=doc.get("request_id") or "",
            priority=doc.get("priority", NORMAL),
        )


def embedded(*events: Event) -> dict[str, Any]:
    """Fields to put into a new document so that the relay finds its events."""
    return {"events": [event.to_doc() for event in events], "events_due": True}


def pushed(*events: Event) -> dict[str, Any]:
    """Update operators that add events to an existing document; merge `$set` with care."""
    return {
        "$push": {"events": {"$each": [event.to_doc() for event in events]}},
        "$set": {"events_due": True},
    }


Handler = Callable[[Event], Awaitable[None]]


class RetryLater(Exception):  # noqa: N818 a plan, not an error
    """Raised by a handler that wants to be asked again, without counting as a failure."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"again in {after_s:g} s")
        self.after_s = after_s


class Bus:
    """Who cares for which event. Filled by `bootstrap.py` alone."""

    def __init__(self) -> None:
        self._subscribers: dict[EventKind, dict[str, Handler]] = {}

    def subscribe(self, kind: EventKind, name: str, handler: Handler) -> None:
        """Have `handler` called for every event of `kind`, at least once. `name` is stored: keep it."""
        subscribers = self._subscribers.setdefault(kind, {})
        if name in subscribers:
            raise ValueError(f"{name} already subscribes to {kind}")
        subscribers[name] = handler

    def names(self, kind: EventKind) -> list[str]:
        """Names of the subscribers of a kind."""
        return list(self._subscribers.get(kind, {}))

    def handler(self, kind: EventKind, name: str) -> Handler | None:
        """The handler behind a stored name; None when it no longer exists."""
        return self._subscribers.get(kind, {}).get(name)

    def all(self) -> dict[EventKind, list[str]]:
        """The whole table, for guards and documentation."""
        return {kind: list(names) for kind, names in self._subscribers.items()}
