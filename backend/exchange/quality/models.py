"""Rules of quality, what they say of a resource, and what is counted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How grave it is when a rule is not kept."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Kind(StrEnum):
    """What a rule looks at."""

    PRESENCE = "presence"
    CODE = "code"
    RANGE = "range"
    TIME = "time"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule applies: a path has (or has not) a value, or one of some."""

    path: str
    among: tuple[str, ...] = ()
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as the table says it; what the kinds do not need is empty."""

    id: str
    type: str
    kind: Kind
    title: str
    severity: Severity
    source: str
    path: str = ""
    when: tuple[Condition, ...] = ()
    # PRESENCE: at least and at most so many; RANGE: the bounds.
    low: float | None = None
    high: float | None = None
    # CODE: one of these, or of this form; `any_one`: one of several values is enough.
    among: tuple[str, ...] = ()
    pattern: str = ""
    any_one: bool = False
    # TIME: `path` is not after `until` ("now" for the present), nor longer before it than so many days.
    until: str = ""
    within_days: int | None = None
    # CROSS: a check by name, or an expression of FHIRPath.
    check: str = ""
    expression: str = ""
    # Examples of a value that keeps the rule and of one that does not, for people.
    good: str = ""
    bad: str = ""
    version: int = 1
    off: bool = False
    # Of a rule that the city has added: taken back for good. It stays for what was counted by it.
    retired: bool = False

    @property
    def in_force(self) -> bool:
        """Whether resources are held against it."""
        return not (self.off or self.retired)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a resource keeps a rule."""

    rule_id: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How often a rule applied to what a hospital sent on a day, and how often it was not kept."""

    rule_id: str
    checked: int
    failed: int
    samples: tuple[str, ...] = ()


# What a broken rule weighs in the score.
WEIGHTS = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.HINT: 0.5}


@dataclass(frozen=True, slots=True)
class Day:
    """A hospital's day: how many resources came, and how much of what the rules asked was kept."""

    organization_id: str
    on: date
    resources: int = 0
    checked: float = 0.0
    failed: float = 0.0

    @property
    def score(self) -> float | None:
        """From 0 to 100; None when nothing came."""
        return round(100 * (1 - self.failed / self.checked), 1) if self.checked else None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One version of a rule as somebody has written it."""

    rule_id: str
    version: int
    fields: Mapping[str, Any]
    changed_by: str
    changed_at: datetime
    reason: str = ""
