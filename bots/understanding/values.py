"""What a sentence was understood to say, as frozen values; no rules live here.

What the resident wrote never shows in a repr, so that it does not reach a log by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

# From here on a name counts as said; below it was guessed from a mistake, a part or a family name.
CERTAIN = 0.8


class Intent(StrEnum):
    """What the resident wants."""

    BOOK = "book"
    WAITLIST = "waitlist"
    MY_APPOINTMENTS = "my_appointments"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    HEALTH_CODE = "health_code"
    BILLS = "bills"
    REPORTS = "reports"
    REFERRALS = "referrals"
    QUEUE = "queue"
    BIRTHS = "births"
    DIRECTIONS = "directions"
    OPENING_HOURS = "opening_hours"
    SURVEY_ANSWER = "survey_answer"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    BACK = "back"
    QUIT = "quit"
    HUMAN = "human"
    CHOICE = "choice"
    YES = "yes"
    NO = "no"
    MORE = "more"
    GREETING = "greeting"
    THANKS = "thanks"
    UNKNOWN = "unknown"


class Slot(StrEnum):
    """The places a sentence can fill."""

    ORGANIZATION = "organization"
    DEPARTMENT = "department"
    PRACTITIONER = "practitioner"
    DAYS = "days"
    HALF_DAY = "half_day"
    TIMES = "times"
    KIND = "kind"
    ORDINAL = "ordinal"


class HalfDay(StrEnum):
    """The part of a day that was said, not one that a time of day implies."""

    MORNING = "am"
    NOON = "noon"
    AFTERNOON = "pm"
    EVENING = "evening"


class Registration(StrEnum):
    """Kind of registration: 普通号, 专家号, 特需号."""

    GENERAL = "general"
    EXPERT = "expert"
    SPECIAL = "special"


class How(StrEnum):
    """How a name was recognised, surest first."""

    EXACT = "exact"
    ALIAS = "alias"
    PINYIN = "pinyin"
    INITIALS = "initials"
    TYPO = "typo"
    PARTIAL = "partial"
    SURNAME = "surname"
    COMPLAINT = "complaint"


class Problem(StrEnum):
    """Why a part that was understood cannot be used as it stands."""

    PAST = "past"
    NO_SUCH_DAY = "no_such_day"
    NO_SUCH_TIME = "no_such_time"
    NOT_OFFERED_THERE = "not_offered_there"
    NOT_THERE = "not_there"
    ELSEWHERE = "elsewhere"
    RULED_OUT = "ruled_out"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of the sentence and every id it may stand for; more than one id means: ask.

    A mention by `How.COMPLAINT` is a suggestion where such a complaint may be seen, never a diagnosis.
    """

    text: str = field(repr=False)
    ids: tuple[str, ...]
    confidence: float
    how: How

    @property
    def certain(self) -> bool:
        """One reading and hardly a doubt; anything else is to be read back to the resident first."""
        return len(self.ids) == 1 and self.confidence >= CERTAIN


@dataclass(frozen=True, slots=True)
class Days:
    """A day (`first == last`) or a range of days in the city, both ends included."""

    first: date
    last: date
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Times:
    """From, until or both; equal ends are a moment. `assumed`: the afternoon was not said but meant."""

    start: time | None
    end: time | None
    text: str = field(repr=False)
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Slots:
    """Everything the sentence filled; empty means: not said."""

    organizations: tuple[Mention, ...] = ()
    departments: tuple[Mention, ...] = ()
    practitioners: tuple[Mention, ...] = ()
    suggestions: tuple[Mention, ...] = ()
    days: Days | None = None
    # The day given up when an appointment is moved: 周五的改到下周一.
    moved_from: Days | None = None
    half_day: HalfDay | None = None
    times: Times | None = None
    kind: Registration | None = None
    # Counted from 1; -1 is the last.
    ordinal: int | None = None
    rating: int | None = None
    # 尽快, 最早: whichever comes first.
    soonest: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A slot with more than one reading; `readings` are ids, or ISO dates for days."""

    slot: Slot
    text: str = field(repr=False)
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Understanding:
    """The reading of one sentence.

    `confidence` is the intent's: low where it only follows from what was mentioned. `other_intents` were
    said too. `not_understood` are the parts nothing was made of.
    """

    intent: Intent
    confidence: float
    slots: Slots = Slots()
    ambiguities: tuple[Ambiguity, ...] = ()
    problems: tuple[Problem, ...] = ()
    other_intents: tuple[Intent, ...] = ()
    not_understood: tuple[str, ...] = field(default=(), repr=False)
