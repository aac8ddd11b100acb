"""Checks and decisions as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from backend.recognition.rules import Verdict, Why

# A decision may be changed so long after it was first made: then it is what happened.
CHANGE_FOR = timedelta(minutes=15)
# A check says what there was at one moment; an answer after this long is about another.
ANSWER_WITHIN = timedelta(hours=24)
MOST_OFFERS = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """One result that was shown, and what was said of it. `report_id` is the report it stands in."""

    resource_id: str
    resource_type: str
    report_id: str
    organization_id: str
    verdict: Verdict
    on: date
    age_days: int
    why: tuple[Why, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedItem:
    """One item of a check: what was asked as, what was found, and what doing it anew would cost here."""

    item: str
    asked_as: str
    fee_fen: int = 0
    offers: tuple[Offer, ...] = ()

    @property
    def recommended(self) -> bool:
        """Whether anything was to be recognised: only then an answer is owed."""
        return any(offer.verdict is Verdict.RECOMMENDED for offer in self.offers)

    def offer(self, resource_id: str) -> Offer | None:
        """What was said of one result; without an id, of the first that may be recognised."""
        may = [offer for offer in self.offers if offer.verdict in (Verdict.RECOMMENDED, Verdict.OPTIONAL)]
        return next((offer for offer in may if resource_id in ("", offer.resource_id)), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the doctor decided for one item. The note is in his own words."""

    item: str
    accepted: bool
    practitioner: str
    at: datetime
    resource_id: str = ""
    reason: str = ""
    note: str = ""
    saved_fen: int = 0
    # For a reason that is no refusal (98, 99), by the list of the check's edition.
    excused: bool = False

    def says_the_same(self, other: Decision) -> bool:
        """Whether both are one decision, said twice."""
        return self._said == other._said

    @property
    def _said(self) -> tuple[object, ...]:
        return (self.item, self.accepted, self.practitioner, self.resource_id, self.reason, self.note)


@dataclass(frozen=True, slots=True)
class Check:
    """One question at ordering time (its id is the 调阅流水号), and what was decided."""

    id: str
    organization_id: str
    person_id: str
    edition: int
    at: datetime
    practitioner: str
    encounter: str = ""
    asked: tuple[AskedItem, ...] = ()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    first_decided_at: Mapping[str, datetime] = field(default_factory=dict)
    history: tuple[Decision, ...] = ()
    # What the figures have of it already, by place.
    counted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    turn: int = 0

    def item(self, code: str) -> AskedItem | None:
        """What was asked under a code: the list's, or the one that the hospital used."""
        return next((each for each in self.asked if code in (each.item, each.asked_as)), None)

    def owes(self, item: str) -> bool:
        """Whether something was recommended for an item and nobody has said what became of it."""
        asked = self.item(item)
        return asked is not None and asked.recommended and asked.item not in self.decisions


@dataclass(frozen=True, slots=True)
class Repeat:
    """重复开单: an order although another hospital's result was to be recognised, and nobody said why."""

    id: str
    organization_id: str
    person_id: str
    item: str
    order_id: str
    practitioner: str
    at: datetime
    state: str
    check_id: str = ""
    resource_ids: tuple[str, ...] = ()
    counted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Recognised:
    """A result of a person's that another hospital recognised, for his file."""

    item: str
    item_name: str
    resource_id: str
    report_id: str
    from_organization_id: str
    by_organization_id: str
    at: datetime
