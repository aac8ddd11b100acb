"""Campaigns, runs and tickets as frozen values, with their states."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from backend.surveys.questionnaire import Questionnaire, Value


class Trigger(StrEnum):
    """After what somebody is asked."""

    VISIT = "visit"
    EXAMINATION = "examination"
    DISCHARGE = "discharge"
    REFERRAL = "referral"
    BIRTH = "birth"
    # Chosen by staff from those who were there in some days.
    STAFF = "staff"


# What nobody tells us the department of: it can be asked about by hospital only.
WITHOUT_DEPARTMENT = frozenset({Trigger.EXAMINATION, Trigger.BIRTH})


class Way(StrEnum):
    """How somebody is asked, in the order a campaign names."""

    CARD = "card"
    SMS = "sms"
    LINK = "link"
    PHONE = "phone"


class Through(StrEnum):
    """Whence an answer came. Whichever it is, it goes into the same run."""

    CHAT = "chat"
    SMS = "sms"
    PAGE = "page"
    PHONE = "phone"


class VersionState(StrEnum):
    """A draft may change; what has been published never does again."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class CampaignState(StrEnum):
    """Whether a campaign plans and sends."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class RunState(StrEnum):
    """Where one person's run stands. SKIPPED: never asked, for the reason in `skipped`."""

    PLANNED = "planned"
    SENT = "sent"
    ANSWERING = "answering"
    COMPLETED = "completed"
    EXPIRED = "expired"
    REFUSED = "refused"
    SKIPPED = "skipped"


OPEN_STATES = (RunState.SENT, RunState.ANSWERING)
LIVE_STATES = (RunState.PLANNED, *OPEN_STATES)


class Skipped(StrEnum):
    """Why somebody was never asked."""

    ASKED_LATELY = "asked_lately"
    QUOTA = "quota"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"
    LATE = "late"


class TicketState(StrEnum):
    """Where a hospital stands with what somebody has said."""

    OPEN = "open"
    TAKEN = "taken"
    RESOLVED = "resolved"


class Cause(StrEnum):
    """Why a ticket was opened."""

    SCORE = "score"
    RISK_WORD = "risk_word"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a questionnaire, and whose it is (None: the whole city's)."""

    questionnaire_id: str
    number: int
    organization_id: str | None
    state: VersionState
    revision: int
    content: Questionnaire
    updated_at: datetime
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """Who is asked what, when and how; `organization_id` None: in every hospital."""

    id: str
    name: str
    organization_id: str | None
    questionnaire_id: str
    version: int
    trigger: Trigger
    state: CampaignState
    department_ids: tuple[str, ...] = ()
    ways: tuple[Way, ...] = (Way.CARD, Way.SMS, Way.PHONE)
    # How long after the event, and for how long the answer is awaited.
    delay: timedelta = timedelta(hours=24)
    window: timedelta = timedelta(days=3)
    # How often each way is tried, counted when something was really sent, and how long between.
    tries: int = 1
    again_after: timedelta = timedelta(hours=24)
    # At most so many people a day and in all; 0 is no limit.
    daily_quota: int = 0
    total_quota: int = 0
    # Nobody is asked twice within so many days, by whatever campaign.
    quiet_days: int = 30
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def covers(self, organization_id: str, department_id: str | None) -> bool:
        """Whether what happened there is this campaign's business."""
        if self.organization_id not in (None, organization_id):
            return False
        return not self.department_ids or department_id in self.department_ids


@dataclass(frozen=True, slots=True)
class Share:
    """What a sweep may use of a campaign's quota: `count` people on a day, until it says how many it was."""

    id: str
    campaign_id: str
    on: date
    count: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """What may be asked about: something that was done to somebody somewhere. `key` names it for good."""

    trigger: Trigger
    key: str
    patient_id: str
    organization_id: str
    department_id: str | None
    practitioner_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """The letter under way: which way, the how manieth try of it, and when it was written."""

    way: Way
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One person's run of a questionnaire. `turn` counts its writes: a change goes over the turn it saw.

    `recipient_id` is who is asked for the patient: the patient, or who acts for a child.
    """

    id: str
    campaign_id: str
    questionnaire_id: str
    version: int
    organization_id: str
    department_id: str | None
    practitioner_id: str | None
    patient_id: str
    recipient_id: str | None
    trigger: Trigger
    happened_at: datetime
    state: RunState
    turn: int
    due_at: datetime | None
    closes_at: datetime
    # Which of the campaign's ways is being tried, and how often it was really used.
    way: int = 0
    tries: int = 0
    posted: Posted | None = None
    on_phone_list: bool = False
    # The share of its campaign's quota that it was asked from.
    quota_by: str | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    skipped: Skipped | None = None
    answers: dict[str, Value] = field(default_factory=dict, repr=False)
    # Keys of the answers heard last: channels deliver twice.
    heard: tuple[str, ...] = ()
    through: Through | None = None
    percent: int | None = None
    causes: tuple[Cause, ...] = ()
    # When the first of them arose: by that what the person is told of it is dated.
    alarmed_at: datetime | None = None
    # Words of danger that are no answer, or not all of one: for whoever handles the ticket.
    remarks: tuple[str, ...] = field(default=(), repr=False)
    # What has happened and is not in the figures yet, and how much is: only the counting writes these.
    to_count: tuple[str, ...] = ()
    counted: int = 0
    # Whether its day's figures know of it; of runs from before there were any they do not yet.
    by_day: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """One line of a ticket's history."""

    at: datetime
    by: str
    what: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a hospital owes somebody who has said something grave. Its id is the run's."""

    id: str
    organization_id: str
    department_id: str | None
    practitioner_id: str | None
    patient_id: str
    campaign_id: str
    causes: tuple[Cause, ...]
    percent: int | None
    state: TicketState
    turn: int
    due_at: datetime
    created_at: datetime
    owner_id: str | None = None
    resolved_at: datetime | None = None
    notes: tuple[Note, ...] = field(default=(), repr=False)

    def is_late(self, now: datetime) -> bool:
        """Whether it should have been resolved by now."""
        return self.state is not TicketState.RESOLVED and now > self.due_at
