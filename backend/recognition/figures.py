"""What checks and repeated orders add to which counter, and what a page shows of the counters. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from backend import clock
from backend.recognition.models import Check, Repeat
from backend.statistics.counted import Adds, Place, add, is_small, safe, summed, told_lines

ATTRIBUTES = ("level", "month", "organization_id", "item", "practitioner")
MOST_LINES = 200
COUNTS = ("checks", "offers", "accepted", "refused", "excused", "unchecked", "unanswered")


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, added up; None where it is too little to be shown."""

    counts: Mapping[str, int | None] = field(default_factory=dict)
    reasons: Mapping[str, int | None] = field(default_factory=dict)
    saved_fen: int | None = 0

    def get(self, name: str) -> int | None:
        """One count."""
        return self.counts.get(name, 0)

    @property
    def rate(self) -> int | None:
        """Per cent recognised of what was decided; 98 and 99 are no refusals."""
        accepted, refused = self.get("accepted"), self.get("refused")
        if accepted is None or refused is None or not accepted + refused:
            return None
        return round(accepted * 100 / (accepted + refused))


@dataclass(frozen=True, slots=True)
class Line:
    """One hospital, item, doctor or month with its figures."""

    id: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """What a page shows. Doctors only within the own hospital."""

    total: Figures
    months: tuple[Line, ...]
    organizations: tuple[Line, ...]
    items: tuple[Line, ...]
    practitioners: tuple[Line, ...]


def of_check(check: Check) -> Adds:
    """What a check adds, as it stands now. 98 and 99 are written down and not counted as refusals."""
    found: Adds = {}
    for asked in check.asked:
        added = Counter({"checks": 1, "offers": int(asked.recommended)})
        decision = check.decisions.get(asked.item)
        who = check.practitioner
        if decision is not None:
            who = decision.practitioner or who
            if decision.accepted:
                added.update({"accepted": 1, "saved_fen": decision.saved_fen})
            elif asked.recommended:
                added.update({"excused" if decision.excused else "refused": 1})
                added[f"reasons.{decision.reason}"] += 1
        add(found, _places(check, asked.item, who), added)
    return found


def of_repeat(repeat: Repeat) -> Adds:
    """What a repeated order adds."""
    found: Adds = {}
    add(found, _places(repeat, repeat.item, repeat.practitioner), {repeat.state: 1})
    return found


def _places(of: Check | Repeat, item: str, practitioner: str) -> list[Place]:
    on = clock.civil_date(of.at)
    month = f"{on:%Y-%m}"
    places: list[Place] = [
        ("day", on.isoformat(), of.organization_id, "", ""),
        ("organization", month, of.organization_id, "", ""),
        ("item", month, of.organization_id, item, ""),
    ]
    if practitioner:
        places.append(("practitioner", month, of.organization_id, "", safe(practitioner)))
    return places


# What is shown.


def report(
    organizations: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    practitioners: Sequence[Mapping[str, Any]],
    *,
    hide: bool,
) -> Report:
    """The page's tables from the counters of the three levels."""
    total = summed(organizations, "reasons")
    small = {name for name, count in total.items() if hide and is_small(count)}
    return Report(
        total=_figures(total, small),
        months=_lines(organizations, "month", hide=hide, by_id=True),
        organizations=_lines(organizations, "organization_id", hide=hide),
        items=_lines(items, "item", hide=hide),
        practitioners=_lines(practitioners, "practitioner", hide=hide),
    )


def _lines(
    rows: Sequence[Mapping[str, Any]], key: str, *, hide: bool, by_id: bool = False
) -> tuple[Line, ...]:
    found = told_lines(rows, key, "reasons", hide=hide, first="" if by_id else "checks")
    return tuple(Line(name, _figures(sums, hidden)) for name, sums, hidden in found[:MOST_LINES])


def _figures(added: Counter[str], hidden: Set[str]) -> Figures:
    shown = {name: None if name in hidden else added[name] for name in (*COUNTS, *added)}
    reasons = {name[8:]: shown[name] for name in sorted(shown) if name.startswith("reasons.")}
    saved = None if shown["accepted"] is None else added["saved_fen"]
    return Figures({name: shown[name] for name in COUNTS}, reasons, saved)
