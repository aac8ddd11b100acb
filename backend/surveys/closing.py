"""Months put together until five people stand behind each: no subtraction of periods tells of fewer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from backend.statistics.counted import FEWEST
from backend.surveys.results_models import Row


@dataclass(frozen=True, slots=True)
class Bin:
    """Counters of one place that are shown together, or not at all; it belongs to its last month."""

    month: str
    rows: tuple[Row, ...]


def year_of(month: str) -> str:
    """The month from which bins are put together, so that every period finds the same ones."""
    return f"{month[:4]}-01"


def bins(rows: Iterable[Row], people: Callable[[Row], int]) -> Iterator[Bin]:
    """Each place's months of a year, as few together as make enough people; the rest is left out."""
    places: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        places.setdefault((*row.place[:-1], row.place.month[:4]), []).append(row)
    for months in places.values():
        gathered: list[Row] = []
        for row in sorted(months, key=lambda each: each.place.month):
            gathered.append(row)
            if sum(map(people, gathered)) >= FEWEST:
                yield Bin(row.place.month, tuple(gathered))
                gathered = []


def shown(rows: Iterable[Row], first: str, people: Callable[[Row], int]) -> list[Row]:
    """The counters of all bins that belong to `first` or a later month."""
    return [row for each in bins(rows, people) if each.month >= first for row in each.rows]
