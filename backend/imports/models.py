"""What a SMART Scheduling Links feed says, in our words, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.directory.models import Offer, Outcome

# Reports stay readable and small however bad a feed is; the number of problems is always right.
MAX_PROBLEMS = 10_000


class FeedError(Exception):
    """The feed cannot be read at all: one sentence for the operator."""


class BadLineError(Exception):
    """This line cannot go in, and why."""


@dataclass(frozen=True, slots=True)
class FeedLocation:
    """A place where the publisher offers appointments."""

    id: str
    name: str
    phone: str
    address: str
    district: str
    lat: float | None
    lng: float | None
    active: bool
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedSchedule:
    """A service at a place."""

    id: str
    location_id: str
    service_name: str
    vaccination: bool
    offer: Offer
    active: bool


@dataclass(frozen=True, slots=True)
class FeedSlot:
    """`capacity` places within a window of time."""

    id: str
    schedule_id: str
    free: bool
    start_at: datetime
    end_at: datetime
    capacity: int
    booking_url: str | None
    booking_phone: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that did not go in. `line` 0 speaks of the whole file."""

    file: str
    line: int
    reason: str


@dataclass
class ImportReport:
    """What an import did, by kind (`Location`, `Schedule`, `Slot`) and in sum."""

    outcomes: dict[str, Counter[Outcome]] = field(
        default_factory=lambda: {kind: Counter() for kind in ("Location", "Schedule", "Slot")}
    )
    places: int = 0
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    not_modified: list[str] = field(default_factory=list)
    # Locations of the mapping that the feed does not have.
    unused: set[str] = field(default_factory=set)

    @property
    def created(self) -> int:
        """How many entries are new."""
        return self._sum(Outcome.CREATED)

    @property
    def updated(self) -> int:
        """How many entries changed."""
        return self._sum(Outcome.UPDATED)

    @property
    def unchanged(self) -> int:
        """How many entries were there already, exactly so."""
        return self._sum(Outcome.UNCHANGED)

    def count(self, kind: str, outcome: Outcome) -> None:
        """One entry of a kind."""
        self.outcomes[kind][outcome] += 1

    def complain(self, file: str, line: int, reason: str) -> None:
        """One line that did not go in."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(file, line, reason))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "places": self.places,
            "by_kind": {
                kind: {str(outcome): counts[outcome] for outcome in Outcome}
                for kind, counts in self.outcomes.items()
            },
            "not_modified": self.not_modified,
            "problem_count": self.problem_count,
            "problems": [
                {"file": problem.file, "line": problem.line, "reason": problem.reason}
                for problem in self.problems
            ],
        }

    def _sum(self, outcome: Outcome) -> int:
        return sum(counts[outcome] for counts in self.outcomes.values())
