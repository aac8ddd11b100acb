"""What the patient index knows: charts, who they are about, and how they came to belong together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol

from backend.db.client import Along

Sex = Literal["male", "female", "other", "unknown"]
# Who gives out the numbers of charts that the city began in a hospital's place: no hospital knows them.
OURS = "urn:healthycity:persons"


class Origin(Protocol):
    """The message or request by which a hospital said something."""

    @property
    def kind(self) -> str:
        """`v2`, `fhir`, `bulk` or `own`."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def received_at(self) -> datetime:
        """When it came; what came earlier and was held up does not overwrite what came later."""


@dataclass(frozen=True, slots=True)
class ChartNumber:
    """A hospital's number of a patient, and who in the hospital gives such numbers out."""

    assigner: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Demographics:
    """What a hospital says about a person; empty means that it did not say."""

    name: str = field(default="", repr=False)
    sex: Sex = "unknown"
    birth_on: date | None = field(default=None, repr=False)
    id_number: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


class ChartState(StrEnum):
    """A retired chart has been merged into another of its hospital."""

    ACTIVE = "active"
    RETIRED = "retired"


class NumberState(StrEnum):
    """What came of a chart's ID number."""

    NONE = "none"
    LINKED = "linked"
    # The number belongs to somebody of another name, or the chart to another person: a human decides.
    REFUSED = "refused"
    # The population register was away, or the account behind the number is gone: asked again next time.
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Chart:
    """What one hospital knows a person by."""

    id: str
    organization_id: str
    number: ChartNumber
    person_id: str
    who: Demographics
    state: ChartState
    merged_into: str | None
    updated_at: datetime
    number_state: NumberState = NumberState.NONE
    # The resident whose ID number the chart carries, if it does.
    resident_id: str | None = None
    # The hospital merged it into a chart with another ID number: nobody has said yet whose it is.
    disputed: bool = False
    # The charts that a human has found to be the same person's.
    same_as: tuple[str, ...] = ()
    turn: int = 0
    # When the last of what is known of the person came; None of charts that were made before that was kept.
    heard_at: datetime | None = None


class ChartTakenError(Exception):
    """Somebody else has made the chart of this number meanwhile."""


@dataclass(frozen=True, slots=True)
class NewChart:
    """A chart that is about to be made."""

    id: str
    organization_id: str
    number: ChartNumber
    who: Demographics
    resident_id: str | None
    number_state: NumberState
    source: Origin


@dataclass(frozen=True, slots=True)
class Beginning:
    """A chart that comes into being with what is written about it: both in one transaction, or neither.

    `write` raises ChartTakenError. `follow` comes after it: what the chart means for others.
    """

    chart_id: str
    write: Along
    follow: Callable[[], Awaitable[None]]


class Change(StrEnum):
    """What can happen to the place of a chart."""

    MERGED = "merged"
    UNMERGED = "unmerged"
    NUMBER_LINKED = "number_linked"
    NUMBER_UNLINKED = "number_unlinked"
    LINKED = "linked"
    UNLINKED = "unlinked"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a chart's links: which, by whom, why, and whose the chart was before and after."""

    id: str
    chart_id: str
    change: Change
    other_id: str
    person_before: str
    person_after: str
    by: str
    at: datetime
    reason: str = field(default="", repr=False)
