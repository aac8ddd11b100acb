"""The city's board as values: what is asked, what a figure means, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backend.statistics.models import Measure


class By(StrEnum):
    """What the lines of a board stand for."""

    DAY = "day"
    MONTH = "month"
    ORGANIZATION = "organization"
    DISTRICT = "district"


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """A period (both days within it), the lines, and where: all within the scope, a district, or one place.

    `figures` names the figures wanted; empty means all.
    """

    from_on: date
    to_on: date
    by: By = By.MONTH
    organization_id: str | None = None
    district: str | None = None
    figures: tuple[str, ...] = ()


class Formula(StrEnum):
    """How a figure comes of counters."""

    COUNT = "count"
    MONEY = "money"
    MEAN = "mean"  # the amount for each
    SHARE = "share"  # per cent of another counter
    WEIGHED = "weighed"  # counts by channel, each times an assumed amount
    LEVEL = "level"  # a gauge's: the newest day's, added up
    LEVEL_MEAN = "level_mean"  # a gauge's: the newest day's, the mean of the institutions'


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure: what people are told of it, and how it is reckoned."""

    code: str
    name: str
    group: str
    unit: str
    what: str
    source: str
    since: str
    formula: Formula
    measure: Measure
    # Only what was counted with one of these; empty means all.
    extras: tuple[str, ...] = ()
    # SHARE: of what, and only with these of it.
    of: Measure | None = None
    # WEIGHED: which of the assumptions.
    assumption: str = ""
    # COUNT and MONEY may be shown in parts: by "channel" or "extra".
    parts: str = ""
    # Whether fewer than five are hidden from others than the institution itself.
    hides: bool = True
    # What is better, for traffic lights; empty where neither is.
    better: str = ""
    # The unit is so many of what is counted: minutes of an hour, hundredths.
    divisor: int = 1
    open_data: bool = True


@dataclass(frozen=True, slots=True)
class Assumption:
    """What cannot be counted and is assumed, said beside the figure: amounts by channel."""

    code: str
    text: str
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Value:
    """A figure's number. None where there is none: `hidden` tells too few to be shown from nothing known."""

    number: float | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A day, a month, an institution or a district with its figures by code.

    What belongs to no single institution has the empty key.
    """

    key: str
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def get(self, code: str) -> Value:
        """One figure; nothing where it is not known."""
        return self.values.get(code, Value())


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a figure's total: a channel, a direction."""

    key: str
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Board:
    """The answer: definitions in their order, the whole, its lines, and parts of the whole by figure."""

    query: BoardQuery
    definitions: tuple[Definition, ...]
    total: Line
    lines: tuple[Line, ...]
    parts: Mapping[str, tuple[Part, ...]]
    at: datetime
    # What cannot be counted and is assumed, by code.
    assumptions: Mapping[str, Assumption] = field(default_factory=dict)

    def definition(self, code: str) -> Definition | None:
        """What a figure of this board means."""
        return next((each for each in self.definitions if each.code == code), None)
