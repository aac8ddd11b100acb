"""The city's rules of filing births, read from a data file: what differs between cities is not code.

`data/rules.json` is the edition that comes with us; `BIRTH_RULES` names another city's own.
"""

from __future__ import annotations

import re
from collections.abc import Set
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend import clock
from backend.births.models import MaterialSource, Problem, ProblemKind

_BUILT_IN = Path(__file__).with_name("data") / "rules.json"
# The hour at which offices close: a day's work is due then.
CLOSING_HOUR = 18
_LONGEST_SEARCH = 400

# What code finds by name: a city that has no words for one could not tell its parents.
SITUATIONS = frozenset(
    {
        "doubtful", "not_fileable", "too_old", "name_missing", "name_form", "name_length", "name_surname",
        "name_rare", "other_missing", "other_number", "other_name_wrong", "other_not_noted",
        "other_not_allowed", "single_but_named", "single_parent", "unmarried", "household_unknown",
        "out_of_town", "licences_away", "material_missing", "delivery_incomplete", "bank_account",
    }
)  # fmt: skip

AnswerField = Literal[
    "child_name",
    "household_with",
    "single_parent",
    "other_name",
    "other_id_number",
    "delivery",
    "bank_account",
]

_EARLIER = re.compile(r"earlier\.[a-z_]{2,30}\.[a-z_]{2,30}")
# What may be told of a filing to an agency, beside the results of steps before its own.
SENT = frozenset(
    {
        "child.name", "child.sex", "child.born_at", "child.weight_g", "child.length_cm",
        "child.gestation_weeks", "child.order", "child.of", "child.place", "child.attendant",
        "mother", "father", "household_with", "delivery", "bank_account",
    }
)  # fmt: skip
# Under which of these an answer is told that has another name.
_TOLD = {"child_name": "child.name", "other_name": "father", "other_id_number": "father",
         "single_parent": "father"}  # fmt: skip


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class YieldRule(_Rule):
    """What comes of a step: its results' names in plain words, and which is the paper's number and date."""

    number: str = "number"
    dated: str = "dated_on"
    names: dict[str, str] = {"number": "编号", "dated_on": "日期"}

    @model_validator(mode="after")
    def _has_words(self) -> YieldRule:
        if wordless := {self.number, self.dated} - set(self.names):
            raise ValueError(f"results without words: {sorted(wordless)}")
        return self


class HandoverRule(_Rule):
    """The paper or card of a step, and how it reaches the parents."""

    what: str
    # By when, after the step is done, it is posted or laid out.
    working_days: int = Field(ge=1, le=60)
    # Where it is fetched, when, and with what; whether it may be posted instead.
    place: str
    hours: str = ""
    bring: str = ""
    mailed: bool = True


class StepRule(_Rule):
    """One step: whose it is, what it needs, and how long its agency may take."""

    code: str = Field(pattern=r"^[a-z_]{2,30}$")
    name: str
    agency: str
    needs: tuple[str, ...]
    working_days: int = Field(ge=1, le=60)
    optional: bool = False
    # What of the materials is sent along, and which answers may be corrected for it.
    materials: tuple[str, ...] = ()
    corrects: tuple[AnswerField, ...] = ()
    # What its agency is told, and nothing besides: names of SENT, and "earlier.<step>.<result>".
    sends: tuple[str, ...]
    yields: YieldRule = YieldRule()
    yields_id_number: bool = False
    # What the parents hold in their hands in the end; None: nothing.
    hands_over: HandoverRule | None = None


class ReceivingRules(_Rule):
    """How long nobody asks whether something has come, and how often it is asked before staff do."""

    posted_days: int = Field(ge=1)
    ready_days: int = Field(ge=1)
    again_days: int = Field(ge=1)
    times: int = Field(ge=1, le=10)
    # So long after "received" it may still be said that it was not.
    claim_days: int = Field(ge=1)


class MaterialRule(_Rule):
    """One material and where it comes from."""

    kind: str
    name: str
    source: MaterialSource
    may_upload: bool
    # Only in this situation, and in none of those.
    only_if: str = ""
    not_if: tuple[str, ...] = ()


class SituationRule(_Rule):
    """What follows from a situation, in plain words."""

    kind: ProblemKind
    text: str
    what_to_do: str
    field: str = ""
    steps: tuple[str, ...] = ()

    def problem(self, code: str, **facts: str) -> Problem:
        """As the parents read it."""
        return Problem(code, self.text.format(**facts), self.what_to_do, self.kind, self.field)


class NameRules(_Rule):
    """What a name may look like."""

    least: int
    most: int
    # The API takes no longer name.
    most_with_dot: int = Field(le=50)
    compound_surnames: frozenset[str]


class Calendar(_Rule):
    """Which days are worked."""

    source: str
    holidays: tuple[tuple[date, date], ...]
    workdays: frozenset[date]

    def is_worked(self, on: date) -> bool:
        """Whether offices are open."""
        if on in self.workdays:
            return True
        return on.weekday() < 5 and not any(first <= on <= last for first, last in self.holidays)

    def after(self, at: datetime, days: int) -> datetime:
        """The end of the so manieth working day after the day of an instant."""
        on, left = clock.civil_date(at), days
        for _ in range(_LONGEST_SEARCH):
            on += timedelta(days=1)
            left -= self.is_worked(on)
            if not left:
                break
        return clock.city_instant(on, CLOSING_HOUR)

    def between(self, first: datetime, last: datetime) -> int:
        """How many working days have passed since the day of an instant."""
        on, until = clock.civil_date(first), clock.civil_date(last)
        return sum(self.is_worked(on + timedelta(days=n)) for n in range(1, max(0, (until - on).days) + 1))


class FileRules(_Rule):
    """What may be uploaded."""

    most_bytes: int = Field(le=6_000_000)
    most_each: int
    kinds: frozenset[str]


# What the app says in the city's own words: a city that has none for one would leave a gap on a page.
WORDS = frozenset(
    {
        "no_birth_hint", "doubtful", "ok_hint", "single_hint", "name_hint", "name_wrong", "household_hint",
        "father_hint", "bank_hint", "bank_wrong", "pickup_hint", "mail_hint", "address_hint", "address_empty",
        "paper_hint", "ask",
    }
)  # fmt: skip


class LimitRules(_Rule):
    """How short and how long what the parents type may be; the API takes no more than stands here as `le`."""

    other_name: int = Field(ge=2, le=50)
    receiver: int = Field(ge=2, le=50)
    address_least: int = Field(ge=1)
    address: int = Field(le=200)
    account_least: int = Field(ge=1)
    account: int = Field(le=30)

    @model_validator(mode="after")
    def _leaves_room(self) -> LimitRules:
        if self.address_least > self.address or self.account_least > self.account:
            raise ValueError("a least length over the most")
        return self


class PageRules(_Rule):
    """What the app's pages say and allow that another city says otherwise."""

    limits: LimitRules
    words: dict[str, str]

    @model_validator(mode="after")
    def _has_words(self) -> PageRules:
        if {name for name, text in self.words.items() if text.strip()} != WORDS:
            raise ValueError(
                f"words of the page: {sorted(WORDS ^ set(self.words))} missing, unknown or empty"
            )
        return self


class Rules(_Rule):
    """An edition of the city's rules."""

    edition: str
    source: str
    promised_working_days: int = Field(ge=1)
    child_age_days: int = Field(ge=1)
    # Nobody is born to one mother twice within so many days, but for siblings of one birth.
    duplicate_within_days: int
    siblings_within_days: int
    draft_days: int = Field(ge=1)
    correct_working_days: int = Field(ge=1)
    desk_working_days: int = Field(ge=1)
    # So many looks in a row without an answer, and staff are told.
    unreachable_after: int = Field(ge=1)
    agencies: dict[str, str]
    steps: tuple[StepRule, ...]
    materials: tuple[MaterialRule, ...]
    situations: dict[str, SituationRule]
    names: NameRules
    calendar: Calendar
    files: FileRules
    receiving: ReceivingRules
    page: PageRules

    @cached_property
    def by_code(self) -> dict[str, StepRule]:
        """Steps by code."""
        return {step.code: step for step in self.steps}

    @property
    def account_steps(self) -> list[str]:
        """The steps that pay something out: a bank account is asked for."""
        return [step.code for step in self.steps if "bank_account" in step.corrects]

    def _longest(self) -> int:
        """Working days of the longest way through the steps, each agency taking all of its time."""
        days: dict[str, int] = {}
        for step in self.steps:
            days[step.code] = step.working_days + max((days[code] for code in step.needs), default=0)
        return max(days.values(), default=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Rules:
        """Each step needs only steps that stand before it: so the graph has no circle and can be walked."""
        kinds = {material.kind for material in self.materials}
        before: set[str] = set()
        for step in self.steps:
            unknown = (set(step.needs) - before) | (set(step.materials) - kinds)
            if unknown or step.agency not in self.agencies or step.code in before:
                raise ValueError(f"step {step.code}: {sorted(unknown) or step.agency}")
            if unsent := _unsent(step, before):
                raise ValueError(f"step {step.code} sends: {sorted(unsent)}")
            if step.hands_over and step.hands_over.mailed and "delivery" not in step.sends:
                raise ValueError(f"step {step.code} posts something and is told no address")
            before.add(step.code)
        if (longest := self._longest()) > self.promised_working_days:
            raise ValueError(f"{self.promised_working_days} working days promised, {longest} taken")
        if untold := SITUATIONS - set(self.situations):
            raise ValueError(f"situations without words: {sorted(untold)}")
        situations = {name for each in self.materials for name in (each.only_if, *each.not_if) if name}
        if situations - set(self.situations):
            raise ValueError(f"materials name situations that are none: {situations}")
        lost = {code for rule in self.situations.values() for code in rule.steps} - before
        if lost or sum(step.yields_id_number for step in self.steps) > 1:
            raise ValueError(f"steps that are none: {sorted(lost)}, or two that yield the ID number")
        return self


def _unsent(step: StepRule, before: Set[str]) -> set[str]:
    """What a step is to send and cannot know; and what its agency may have corrected without being told."""
    earlier = {name for name in step.sends if _EARLIER.fullmatch(name) and name.split(".")[1] in before}
    untold = {name for name in step.corrects if _TOLD.get(name, name) not in step.sends}
    return (set(step.sends) - SENT - earlier) | untold


def load_rules(path: Path | None) -> Rules:
    """The city's own rules, or ours. Raises pydantic's ValidationError, which names what is wrong."""
    return Rules.model_validate_json((path or _BUILT_IN).read_bytes())
