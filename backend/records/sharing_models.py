"""Why somebody may read: consents, relationships of care, broken glass, openings of the record browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backend.records.models import Purpose

# Whom nobody is: who asks by a number that is nobody's is answered as about somebody.
NOBODY = "0" * 26


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody at a screen says when asking for a person's record.

    `practitioner` is the hospital's own id of who sits there. `reason`: for break-glass a code and words
    (`01 昏迷，家属不在场`), for PUBHLTH the code of the rule. `presented`: the hospital holds the person's ID
    card or health code, so that it knows of the person without a chart. `kinds`: what is needed; None is all.
    """

    purpose: Purpose = Purpose.TREAT
    practitioner: str = ""
    encounter: str = ""
    reason: str = field(default="", repr=False)
    presented: bool = False
    kinds: frozenset[str] | None = None


class ConsentState(StrEnum):
    """Where a consent stands. What has lapsed is EXPIRED by the clock, written nowhere."""

    REQUESTED = "requested"
    GRANTED = "granted"
    DENIED = "denied"
    REVOKED = "revoked"
    EXPIRED = "expired"


class ConsentAct(StrEnum):
    """What can happen to a consent."""

    GRANT = "grant"
    DENY = "deny"
    REVOKE = "revoke"
    LAPSE = "lapse"


class Via(StrEnum):
    """How the person said it."""

    APP = "app"
    SMS_CODE = "sms_code"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent allows: what for, which kinds (None: all), from which days, to whom, until when.

    `organization_ids` None is every institution of the city; `department_ids` empty is the whole institution.
    `sensitive` includes what is marked as especially sensitive (level 5).
    """

    purpose: Purpose
    expires_at: datetime
    kinds: frozenset[str] | None = None
    since: date | None = None
    until: date | None = None
    organization_ids: frozenset[str] | None = frozenset()
    department_ids: frozenset[str] = frozenset()
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """授权: what a person lets others read. `lapses_at`: when a request ends that nobody answers."""

    id: str
    person_id: str
    state: ConsentState
    terms: Terms
    turn: int
    created_at: datetime
    # Of a request: who asks, and why, in the words of the one who asks.
    asked_by: str | None = None
    practitioner: str = ""
    reason: str = field(default="", repr=False)
    lapses_at: datetime | None = None
    # Of an answer: which resident gave it, and how.
    answered_by: str | None = None
    via: Via | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class CareKind(StrEnum):
    """What a relationship of care comes from."""

    APPOINTMENT = "appointment"
    CHECK_IN = "check_in"
    ENCOUNTER = "encounter"
    REFERRAL = "referral"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class CareRelation:
    """诊疗关系: an institution treats a person, from when until when, and what says so (`source_id`)."""

    id: str
    person_id: str
    organization_id: str
    kind: CareKind
    source_id: str
    begins_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None

    def holds_at(self, at: datetime) -> bool:
        """Whether the institution treats the person at this moment."""
        return self.ended_at is None and self.begins_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Contract:
    """签约: an institution looks after a person from one day to another, as it says itself.

    `former_id` is whose it was one turn ago: most often the same person's.
    """

    id: str
    organization_id: str
    person_id: str
    former_id: str
    begins_on: date
    until_on: date
    turn: int = 0
    ended_at: datetime | None = None


class Verdict(StrEnum):
    """What whoever looks at a broken glass afterwards finds."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@dataclass(frozen=True, slots=True)
class Review:
    """The finding, by whom, when, and why."""

    verdict: Verdict
    by: str
    at: datetime
    note: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """紧急调阅: one practitioner may read one person's record for a while, and answers for it."""

    id: str
    person_id: str
    organization_id: str
    practitioner: str
    client_id: str
    reason_code: str
    reason: str = field(repr=False)
    opened_at: datetime
    expires_at: datetime
    turn: int = 0
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """调阅窗口: one opening of the record browser, for one person at one screen.

    The address works once before `open_until`; from then on the browser's cookie does, until `ends_at`.
    """

    id: str
    organization_id: str
    client_id: str
    person_id: str
    practitioner: str
    encounter: str
    purpose: Purpose
    presented: bool
    created_at: datetime
    open_until: datetime
    opened_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a resident asks about one reading of a record, and the answer. The id is the reading's."""

    id: str
    person_id: str
    organization_id: str
    asked_by: str
    text: str = field(repr=False)
    asked_at: datetime
    due_at: datetime
    turn: int = 0
    answer: str = field(default="", repr=False)
    answered_by: str | None = None
    answered_at: datetime | None = None

    def is_late(self, at: datetime) -> bool:
        """Whether the answer should have been given by now."""
        return self.answered_at is None and at > self.due_at
