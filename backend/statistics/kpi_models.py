"""Supervision by figures as values: targets, lights, comments, and a month's sheet of an institution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.statistics.board_models import Definition, Value

# The city itself, as whose target or report something counts.
CITY = ""


class Light(StrEnum):
    """How a figure stands to its target."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Target:
    """What an institution (or the city) is to reach in a month; `tolerance` per cent short of it is amber."""

    organization_id: str
    month: str
    figure: str
    value: float
    tolerance: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """What a member of staff says of a month, or of one figure of it."""

    id: str
    organization_id: str
    month: str
    figure: str
    text: str
    author_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """One figure of a month: its number, the month's before, the target and how it stands to it.

    `expected` is what the target asks for by today: of a month that still runs, a part of the whole.
    """

    definition: Definition
    value: Value
    before: Value
    target: Target | None = None
    expected: float | None = None
    light: Light | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A month of an institution, or of the city."""

    organization_id: str
    name: str
    month: str
    # The month is not over: counts are compared with the part of the target that is due by today.
    running: bool
    standings: tuple[Standing, ...]
    comments: tuple[Comment, ...]

    def lights(self) -> dict[Light, int]:
        """How many figures stand how."""
        found = [each.light for each in self.standings]
        return {light: found.count(light) for light in Light}


@dataclass(frozen=True, slots=True)
class SheetLine:
    """An institution in the list of a month: how many of its figures stand how."""

    organization_id: str
    name: str
    lights: dict[Light, int]
    targets: int
    comments: int
