"""What the figures are told by areas above: things by their ids, levels of today, figures kept elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Collection as Ids
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from backend.audit.models import AuditEntry
from backend.permissions import Actor
from backend.statistics.models import Fact, Measure, Row


class Journal(Protocol):
    """The audit log, read in its order."""

    async def streams(self) -> list[str]:
        """Names of all streams."""

    async def after(self, stream: str, number: int, limit: int) -> list[AuditEntry]:
        """Entries with numbers above `number`, in order."""


class AuditLog(Journal, Protocol):
    """The audit log, written to as well."""

    async def record(
        self,
        actor: Actor,
        action: str,
        object: str,
        basis: str,
        organization_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down who did what, and on what basis."""


class CountedReferral(Protocol):
    """What the figures need to know of a referral."""

    @property
    def direction(self) -> str:
        """Up or down."""

    @property
    def state(self) -> str:
        """Where it stands."""

    @property
    def from_organization_id(self) -> str:
        """Who sent it."""

    @property
    def to_organization_id(self) -> str:
        """Who received it."""

    @property
    def created_at(self) -> datetime:
        """When it was sent."""

    @property
    def accepted_at(self) -> datetime | None:
        """When it was taken."""

    @property
    def arrived_at(self) -> datetime | None:
        """When the patient came."""

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""


class CountedFiling(Protocol):
    """What the figures need to know of a filing of a birth."""

    @property
    def organization_id(self) -> str:
        """Where the child was born."""

    @property
    def state(self) -> str:
        """Where it stands."""

    @property
    def submitted_at(self) -> datetime | None:
        """When it was handed in."""

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""


# How many working days have passed from one instant to another.
WorkingDays = Callable[[datetime, datetime], int]
# Asked for the facts of today. When one fails nothing is written until all answer: silence means none.
Gauge = Callable[[], Awaitable[Sequence[Fact]]]


class Kept(Protocol):
    """Figures that another area keeps itself, each counted once there."""

    # What its rows are of: it is asked only where one of them is wanted.
    measures: frozenset[Measure]

    async def rows(
        self, from_on: date, to_on: date, within: Ids[str] | None, *, by_day: bool
    ) -> Sequence[Row]:
        """By institution and day, or month (then `on` is a month). Months are asked for whole."""


@dataclass
class Above:
    """What is put in by the composition root once the areas above exist."""

    gauges: dict[str, Gauge] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    # Have those areas count their past by day as well.
    again: list[Callable[[], Awaitable[int]]] = field(default_factory=list)
    referral: Callable[[str], Awaitable[CountedReferral | None]] | None = None
    filing: Callable[[str], Awaitable[CountedFiling | None]] | None = None
    working_days: WorkingDays | None = None
