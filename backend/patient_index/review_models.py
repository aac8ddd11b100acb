"""What a human is asked about two charts, and what he said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.ids import named_id
from backend.patient_index.models import Chart, Demographics


class Cause(StrEnum):
    """Why a pair is put before a human."""

    # Two charts are alike, and no ID number says more.
    ALIKE = "alike"
    # The chart's ID number is a resident's whose name is another, or who is not the one it belonged to.
    NUMBER = "number"
    # A hospital has merged two charts with different ID numbers.
    MERGE = "merge"


class ReviewState(StrEnum):
    """What was said of a pair."""

    OPEN = "open"
    LATER = "later"
    SAME = "same"
    DIFFERENT = "different"
    # What spoke for it no longer does, or they have become one person by another way.
    WITHDRAWN = "withdrawn"


WAITING = (ReviewState.OPEN, ReviewState.LATER)


@dataclass(frozen=True, slots=True)
class Review:
    """A pair: a chart, and another chart or (`cause` NUMBER) a resident."""

    id: str
    chart_id: str
    other_id: str
    cause: Cause
    state: ReviewState
    grade: str
    bits: float
    degrees: Mapping[str, str]
    created_at: datetime
    turn: int = 0
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Side:
    """One half of a pair as the screen shows it; `chart` is None for a resident without a chart."""

    person_id: str
    who: Demographics
    chart: Chart | None


def review_id(one: str, other: str) -> str:
    """The pair's id, whoever comes first."""
    return named_id("chart review", *sorted((one, other)))
