"""What a check of medicines adds to which counter, and what a page shows of the counters. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backend import clock
from backend.medication.models import MedicationCheck
from backend.statistics.counted import Adds, Place, add, is_small, safe, summed, told_lines

ATTRIBUTES = ("level", "month", "organization_id", "name")
COUNTS = ("checks", "alerted", "alerts", "accepted", "overridden", "open")
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, added up; None where it is too little to be shown."""

    counts: Mapping[str, int | None] = field(default_factory=dict)
    reasons: Mapping[str, int | None] = field(default_factory=dict)

    def get(self, name: str) -> int | None:
        """One count."""
        return self.counts.get(name, 0)

    @property
    def rate(self) -> int | None:
        """Per cent of answered alerts after which the prescription was changed."""
        accepted, overridden = self.get("accepted"), self.get("overridden")
        if accepted is None or overridden is None or not accepted + overridden:
            return None
        return round(accepted * 100 / (accepted + overridden))


@dataclass(frozen=True, slots=True)
class Line:
    """One hospital, kind of alert, rule, doctor or month with its figures."""

    id: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """What a page shows. Doctors only within the own hospital."""

    total: Figures
    months: tuple[Line, ...]
    organizations: tuple[Line, ...]
    kinds: tuple[Line, ...]
    rules: tuple[Line, ...]
    practitioners: tuple[Line, ...]


def of_check(check: MedicationCheck) -> Adds:
    """What a check adds, as it stands now."""
    found: Adds = {}
    on, place = clock.civil_date(check.at), check.organization_id
    month = f"{on:%Y-%m}"
    of_all: list[Place] = [("organization", month, place, "")]
    if check.practitioner:
        of_all.append(("practitioner", month, place, safe(check.practitioner)))
    add(found, of_all, {"checks": 1, "alerted": int(bool(check.alerts))})
    for alert in check.alerts:
        added = Counter({"alerts": 1})
        answer = check.answers.get(alert.id)
        if answer is not None:
            added[str(answer.action)] += 1
            if answer.reason:
                added[f"reasons.{answer.reason}"] += 1
        elif alert.needs_reason:
            added["open"] += 1
        rule: list[Place] = [("rule", month, place, safe(alert.rule))] if alert.rule else []
        kinds: list[Place] = [(level, when, place, str(alert.kind)) for level, when in _kinds_of(on)]
        add(found, [*of_all, *kinds, *rule], added)
    return found


def _kinds_of(on: date) -> tuple[tuple[str, str], tuple[str, str]]:
    """Alerts are counted by kind in their month, and on their day."""
    return ("kind", f"{on:%Y-%m}"), ("day", on.isoformat())


def report(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    hide: bool,
) -> Report:
    """The page's tables from the counters by level."""
    total = summed(rows["organization"], "reasons")
    small = {name for name, count in total.items() if hide and is_small(count)}
    return Report(
        total=_figures(total, small),
        months=_lines(rows["organization"], "month", hide=hide, by_id=True),
        organizations=_lines(rows["organization"], "organization_id", hide=hide),
        kinds=_lines(rows["kind"], "name", hide=hide),
        rules=_lines(rows["rule"], "name", hide=hide),
        practitioners=_lines(rows["practitioner"], "name", hide=hide),
    )


def _lines(
    rows: Sequence[Mapping[str, Any]], key: str, *, hide: bool, by_id: bool = False
) -> tuple[Line, ...]:
    found = told_lines(rows, key, "reasons", hide=hide, first="" if by_id else "alerts")
    return tuple(Line(name, _figures(sums, hidden)) for name, sums, hidden in found[:MOST_LINES])


def _figures(added: Counter[str], hidden: Set[str]) -> Figures:
    shown = {name: None if name in hidden else added[name] for name in (*COUNTS, *added)}
    reasons = {name[8:]: shown[name] for name in sorted(shown) if name.startswith("reasons.")}
    return Figures({name: shown[name] for name in COUNTS}, reasons)
