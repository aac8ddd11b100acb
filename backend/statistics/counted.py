"""Counters of things that change after they were counted, and which are too small to be shown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend import clock

# Fewer are not shown to others than the hospital itself: they would say who it was.
FEWEST = 5
Place = tuple[str, ...]
Adds = dict[Place, Counter[str]]
_SEPARATOR = "|"


def safe(name: str) -> str:
    """What somebody else calls a thing, without the separator of a counter's name."""
    return name.replace(_SEPARATOR, "｜")


def add(found: Adds, places: Iterable[Place], added: Mapping[str, int]) -> None:
    """Add the same to several counters."""
    for place in places:
        found.setdefault(place, Counter()).update({name: count for name, count in added.items() if count})


def merge(into: Adds, more: Adds) -> None:
    """Add counters to counters."""
    for place, added in more.items():
        into.setdefault(place, Counter()).update(added)


def difference(now: Mapping[Place, Mapping[str, int]], counted: Mapping[str, Mapping[str, int]]) -> Adds:
    """What has to be added to counters that know `counted` already: also less than nothing."""
    found: Adds = {}
    before = {tuple(name.split(_SEPARATOR)): adds for name, adds in counted.items()}
    for place in {*now, *before}:
        change = Counter(now.get(place, {}))
        change.subtract(before.get(place, {}))
        left = Counter({name: count for name, count in change.items() if count})
        if left:
            found[place] = left
    return found


def named(adds: Mapping[Place, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """What has been counted, as a document keeps it."""
    return {_SEPARATOR.join(place): dict(added) for place, added in adds.items()}


def month_before(months: int) -> str:
    """The month so many months before this one."""
    today = clock.today()
    number = today.year * 12 + today.month - 1 - months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def summed(rows: Iterable[Mapping[str, Any]], *nested: str) -> Counter[str]:
    """Counters added up; of a nested one the names get its name before them."""
    total: Counter[str] = Counter()
    for row in rows:
        for name, value in row.items():
            if name in nested:
                total.update({f"{name}.{code}": count for code, count in value.items()})
            elif isinstance(value, int):
                total[name] += value
    return total


def told_lines(
    rows: Iterable[Mapping[str, Any]], key: str, *nested: str, hide: bool, first: str = ""
) -> list[tuple[str, Counter[str], set[str]]]:
    """Counters added up by a name, each with what of it is hidden; by that name, or by most of `first`."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    sums = {name: summed(mine, *nested) for name, mine in groups.items()}
    hidden = hidden_cells(sums) if hide else {}
    ordered = sorted(sums, key=lambda name: (-sums[name][first] if first else 0, name))
    return [(name, sums[name], hidden.get(name, set())) for name in ordered]


def suppressed(counts: Sequence[int]) -> list[bool]:
    """Which parts of a known sum are not shown: the small, and beside them the next smallest where they would
    be told by the sum: a single one, or several that together are small.
    """
    hidden = [is_small(count) for count in counts]
    others = sorted((count, n) for n, count in enumerate(counts) if count > 0 and not hidden[n])
    for _, n in others:
        together = sum(count for count, mark in zip(counts, hidden, strict=True) if mark)
        if not any(hidden) or (sum(hidden) > 1 and together >= FEWEST):
            break
        hidden[n] = True
    return hidden


def is_small(count: int) -> bool:
    """Whether a count by itself is not shown; nothing is no secret."""
    return 0 < count < FEWEST


def hidden_cells(lines: Mapping[str, Mapping[str, int]]) -> dict[str, set[str]]:
    """Of each line of a table, the columns that must not be shown beside the table's sums."""
    hidden = {name: set[str]() for name in lines}
    for column in sorted({column for line in lines.values() for column in line}):
        marks = suppressed([line.get(column, 0) for line in lines.values()])
        for name, mark in zip(lines, marks, strict=True):
            if mark:
                hidden[name].add(column)
    return hidden
