"""Random lives of referrals and filings of births, version by version, and a plain count of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from backend import clock
from backend.statistics.models import Measure
from backend.worker.events import Event, EventKind
from tests.backend.statistics.history import PLACES

# Measure, or its share of one extra, on a day at a place.
Key = tuple[date, str, Measure, str]
V = TypeVar("V")
# What may become of a referral after it was sent, one step after the other.
_LIVES = (
    ("requested",),
    ("rejected",),
    ("lapsed",),
    ("returned", "withdrawn"),
    ("accepted",),
    ("accepted", "rejected"),
    ("accepted", "not_arrived"),
    ("accepted", "in_transit", "arrived", "treating", "completed"),
    ("accepted", "arrived", "completed"),
    # He came after all: what had ended has not.
    ("accepted", "not_arrived", "arrived"),
    ("accepted", "not_arrived", "arrived", "completed"),
    ("arrived", "completed"),
)
_ENDS = frozenset({"rejected", "lapsed", "withdrawn", "not_arrived", "completed"})
_BIRTHS = (
    (),
    ("submitted", "in_progress"),
    ("submitted", "withdrawn"),
    ("submitted", "in_progress", "completed"),
    ("submitted", "in_progress", "partly_done"),
    # An agency was asked once more for what it had refused.
    ("submitted", "in_progress", "partly_done", "in_progress", "completed"),
)
_OVER = frozenset({"withdrawn", "completed", "partly_done"})


@dataclass(frozen=True)
class PlainReferral:
    direction: str
    state: str
    from_organization_id: str
    to_organization_id: str
    created_at: datetime
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class PlainFiling:
    organization_id: str
    state: str
    submitted_at: datetime | None = None
    ended_at: datetime | None = None


def days_between(first: datetime, last: datetime) -> int:
    """The city's working days, for these cities: every day is one."""
    return (clock.civil_date(last) - clock.civil_date(first)).days


@dataclass
class Joint:
    """Each subject's versions, the first one first; looked up as they stood at `upto`."""

    dice: Random
    referrals: dict[str, list[tuple[datetime, PlainReferral]]] = field(default_factory=dict)
    filings: dict[str, list[tuple[datetime, PlainFiling]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    upto: datetime = field(default_factory=clock.now)

    def live(self, lives: int, days: int) -> None:
        """Let so many of each begin in the last days, and become what they become."""
        for number in range(lives):
            for life in (self._referral, self._filing):
                begins = clock.now() - timedelta(days=days) * self.dice.uniform(0.3, 1)
                life(f"{number:04d}", begins.replace(microsecond=0))

    async def referral(self, referral_id: str) -> PlainReferral | None:
        return self._at(self.referrals, referral_id)

    async def filing(self, filing_id: str) -> PlainFiling | None:
        return self._at(self.filings, filing_id)

    def _at(self, kept: Mapping[str, list[tuple[datetime, V]]], id: str) -> V | None:
        seen = [version for at, version in kept[id] if at <= self.upto]
        return seen[-1] if seen else None

    def docs(self) -> dict[str, list[dict[str, Any]]]:
        """As the two areas have written them last."""
        return {
            "referrals": [{"_id": id, **asdict(all[-1][1])} for id, all in self.referrals.items()],
            "birth_filings": [{"_id": id, **asdict(all[-1][1])} for id, all in self.filings.items()],
        }

    def _later(self, at: datetime) -> datetime:
        """Minutes or days later; never in the future."""
        later = at + timedelta(minutes=self.dice.choice([1, 7, 40, 700, 3000]))
        return min(later, clock.now() - timedelta(minutes=1))

    def _referral(self, id: str, at: datetime) -> None:
        by, to = self.dice.sample(PLACES, 2)
        one = PlainReferral(self.dice.choice(["up", "down"]), "requested", by, to, at)
        versions = self.referrals[id] = [(at, one)]
        for state in self.dice.choice(_LIVES):
            at = self._later(at)
            one = replace(one, state=state, ended_at=at if state in _ENDS else None)
            if state == "accepted":
                one = replace(one, accepted_at=at)
            if state == "arrived":
                one = replace(one, arrived_at=at)
            versions.append((at, one))
        self._told(EventKind.REFERRAL_CHANGED, "referral_id", id, [at for at, _ in versions])

    def _filing(self, id: str, at: datetime) -> None:
        one = PlainFiling(self.dice.choice(PLACES), "draft")
        versions = self.filings[id] = [(at, one)]
        for state in self.dice.choice(_BIRTHS):
            at = self._later(at)
            handed_in = at if state == "submitted" else one.submitted_at
            one = replace(one, state=state, submitted_at=handed_in, ended_at=at if state in _OVER else None)
            versions.append((at, one))
        self._told(EventKind.BIRTH_FILING_CHANGED, "filing_id", id, [at for at, _ in versions[1:]])

    def _told(self, kind: EventKind, name: str, id: str, instants: list[datetime]) -> None:
        self.events += [Event(kind, {name: id}, at=at) for at in instants]

    def counted(self) -> tuple[Counter[Key], Counter[Key]]:
        """How often, and how many minutes or days together, by where each stands in the end."""
        count, amount = Counter[Key](), Counter[Key]()
        for _, one in (versions[-1] for versions in self.referrals.values()):
            sent_on = clock.civil_date(one.created_at)
            count[sent_on, one.from_organization_id, Measure.REFERRAL_SENT, one.direction] += 1
            taken = one.accepted_at or one.arrived_at
            if taken:
                on, place = clock.civil_date(taken), one.to_organization_id
                count[on, place, Measure.REFERRAL_ACCEPTED, ""] += 1
                minutes = int((taken - one.created_at).total_seconds()) // 60
                amount[on, place, Measure.REFERRAL_ACCEPTED, ""] += minutes
                count[on, place, Measure.REFERRAL_ARRIVED, ""] += one.arrived_at is not None
            if one.ended_at:
                ended_on = clock.civil_date(one.ended_at)
                count[ended_on, one.to_organization_id, Measure.REFERRAL_ENDED, one.state] += 1
        for _, filing in (versions[-1] for versions in self.filings.values()):
            place = filing.organization_id
            if filing.submitted_at:
                count[clock.civil_date(filing.submitted_at), place, Measure.BIRTH_FILED, ""] += 1
            if filing.submitted_at and filing.ended_at and filing.state == "completed":
                key = (clock.civil_date(filing.ended_at), place, Measure.BIRTH_COMPLETED, "")
                count[key] += 1
                amount[key] += days_between(filing.submitted_at, filing.ended_at)
        return count, amount
