"""What checks and repeated orders add to which counter, and what a page shows of the counters. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend import clock
from backend.recognition.models import Check, Repeat

ATTRIBUTES = ("level", "month", "organization_id", "item", "practitioner")
# Fewer are not shown to others than the hospital itself: they would say who it was.
FEWEST = 5
MOST_LINES = 200
COUNTS = ("checks", "offers", "accepted", "refused", "excused", "unchecked", "unanswered")
Place = tuple[str, ...]
Adds = dict[Place, Counter[str]]


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
        _add(found, _places(check, asked.item, who), added)
    return found


def of_repeat(repeat: Repeat) -> Adds:
    """What a repeated order adds; one that was explained afterwards adds nothing."""
    found: Adds = {}
    if repeat.state in ("unchecked", "unanswered"):
        _add(found, _places(repeat, repeat.item, repeat.practitioner), Counter({repeat.state: 1}))
    return found


def difference(now: Mapping[Place, Mapping[str, int]], counted: Mapping[str, Mapping[str, int]]) -> Adds:
    """What has to be added to counters that know `counted` already: also less than nothing."""
    found: Adds = {}
    before = {tuple(name.split("|")): adds for name, adds in counted.items()}
    for place in {*now, *before}:
        change = Counter(now.get(place, {}))
        change.subtract(before.get(place, {}))
        left = Counter({name: count for name, count in change.items() if count})
        if left:
            found[place] = left
    return found


def named(adds: Mapping[Place, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """What has been counted, as a document keeps it."""
    return {"|".join(place): dict(added) for place, added in adds.items()}


def _places(of: Check | Repeat, item: str, practitioner: str) -> list[Place]:
    month = f"{clock.civil_date(of.at):%Y-%m}"
    places: list[Place] = [
        ("organization", month, of.organization_id, "", ""),
        ("item", month, of.organization_id, item, ""),
    ]
    if practitioner:
        # The separator of a counter's name stays out of what a hospital calls its doctors.
        who = practitioner.replace("|", "｜")
        places.append(("practitioner", month, of.organization_id, "", who))
    return places


def _add(found: Adds, places: Iterable[Place], added: Counter[str]) -> None:
    for place in places:
        found.setdefault(place, Counter()).update({name: n for name, n in added.items() if n})


# What is shown.


def report(
    organizations: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    practitioners: Sequence[Mapping[str, Any]],
    *,
    hide: bool,
) -> Report:
    """The page's tables from the counters of the three levels."""
    return Report(
        total=_figures(_sum(organizations), _small if hide else _all),
        months=_lines(organizations, "month", hide=hide, by_id=True),
        organizations=_lines(organizations, "organization_id", hide=hide),
        items=_lines(items, "item", hide=hide),
        practitioners=_lines(practitioners, "practitioner", hide=hide),
    )


def suppressed(counts: Sequence[int]) -> list[bool]:
    """Which parts of a known sum are not shown: the small, and beside a single one the next smallest."""
    hidden = [0 < count < FEWEST for count in counts]
    if sum(hidden) == 1:
        others = [(count, n) for n, count in enumerate(counts) if count and not hidden[n]]
        if others:
            hidden[min(others)[1]] = True
    return hidden


def _lines(
    rows: Sequence[Mapping[str, Any]], key: str, *, hide: bool, by_id: bool = False
) -> tuple[Line, ...]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    sums = {name: _sum(found) for name, found in groups.items()}
    ids = sorted(sums) if by_id else sorted(sums, key=lambda name: (-sums[name]["checks"], name))
    hidden = {name: set[str]() for name in ids}
    if hide:
        for column in {column for added in sums.values() for column in added}:
            marks = suppressed([sums[name][column] for name in ids])
            for name, mark in zip(ids, marks, strict=True):
                if mark:
                    hidden[name].add(column)
    lines = (Line(name, _figures(sums[name], lambda c, n, name=name: c in hidden[name])) for name in ids)  # type: ignore[misc]
    return tuple(lines)[:MOST_LINES]


def _figures(added: Counter[str], hides: Callable[[str, int], bool]) -> Figures:
    def shown(name: str) -> int | None:
        return None if hides(name, added[name]) else added[name]

    reasons = {name[8:]: shown(name) for name in sorted(added) if name.startswith("reasons.")}
    counts = {name: shown(name) for name in COUNTS}
    saved = None if counts["accepted"] is None else added["saved_fen"]
    return Figures(counts, reasons, saved)


def _small(name: str, count: int) -> bool:
    return 0 < count < FEWEST


def _all(name: str, count: int) -> bool:
    return False


def _sum(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        for name, value in row.items():
            if name == "reasons":
                total.update({f"reasons.{code}": count for code, count in value.items()})
            elif isinstance(value, int):
                total[name] += value
    return total
