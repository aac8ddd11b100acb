"""What is counted of surveys, and the forms in which the figures are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

# From this share of the points somebody counts as satisfied, below that one as dissatisfied.
SATISFIED, DISSATISFIED = 80, 60


# What is counted of runs; what their answers add has names of its own.
TOTALS = (
    "planned", "sent", "answering", "completed", "refused", "expired", "skipped", "tickets", "scored",
    "points", "satisfied", "dissatisfied",
)  # fmt: skip


class Level(StrEnum):
    """How finely a counter counts."""

    CITY = "city"
    ORGANIZATION = "organization"
    DEPARTMENT = "department"
    PRACTITIONER = "practitioner"
    # A hospital's week, for the digest; its month reads 2026-W47.
    WEEK = "week"
    # A hospital's day, for the city's board: totals alone; its month reads 2026-11-22.
    DAY = "day"


class Place(NamedTuple):
    """What a counter stands for; what its level does not name is empty."""

    questionnaire_id: str
    level: str
    organization_id: str
    department_id: str
    practitioner_id: str
    month: str


@dataclass(frozen=True, slots=True)
class Row:
    """One stored counter."""

    place: Place
    totals: Mapping[str, int]
    through: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Totals that may be shown. `percent` and what follows are None where too few have answered."""

    planned: int = 0
    sent: int = 0
    completed: int = 0
    refused: int = 0
    expired: int = 0
    tickets: int = 0
    percent: int | None = None
    satisfied: int | None = None
    dissatisfied: int | None = None
    # Too few, or the one from whom another's too few could be reckoned.
    hidden: bool = False

    @property
    def rate(self) -> int | None:
        """Answered of asked, in percent."""
        return round(self.completed * 100 / self.sent) if self.sent else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what it is about, and its figures."""

    id: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was answered; None where that may not be shown."""

    value: str
    text: str
    count: int | None


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """The answers to one question."""

    question_id: str
    text: str
    kind: str
    answered: int | None
    counts: tuple[Count, ...] = ()
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """What the page of results shows."""

    total: Figures
    months: tuple[Line, ...]
    organizations: tuple[Line, ...]
    departments: tuple[Line, ...]
    practitioners: tuple[Line, ...]
    questions: tuple[QuestionFigures, ...]
    words: tuple[Count, ...]
    through: Mapping[str, int]
