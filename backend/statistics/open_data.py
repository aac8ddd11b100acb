"""Open data: the board's finished months for everybody, without anything that could be somebody.

Only whole months that are over are published, each by itself, with what is too small hidden in it and beside
it; and no sums over months, so that none of them can be reckoned from others.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from backend import clock
from backend.errors import not_found
from backend.permissions import SYSTEM
from backend.statistics.board import BoardReading, Places
from backend.statistics.board_models import Board, BoardQuery, By, Definition, Formula, Line, Value
from backend.statistics.definitions import book
from backend.statistics.models import NOWHERE

# What stands where a number is hidden; an empty cell is one that nobody knows.
HIDDEN = "<5"
KEPT_S = 3600
# The last evening of a month may be counted the next day: two editions would tell who came between them.
SETTLES = timedelta(days=1)
_NOTHING = (Value(), Value(0))
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what others may use it."""

    code: str
    name: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset: its address, its name, what a row is."""

    code: str
    title: str
    what: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in JSON, its head in Chinese."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset's content."""

    dataset: Dataset
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    # The last day that it knows of.
    until_on: date


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is published, and how."""

    licence: Licence
    months: int
    datasets: tuple[Dataset, ...]

    def dataset(self, code: str) -> Dataset:
        """One dataset. Raises NOT_FOUND."""
        for each in self.datasets:
            if each.code == code:
                return each
        raise not_found("dataset")


@cache
def catalogue() -> Catalogue:
    """The catalogue, from its data file."""
    text = (resources.files("backend.statistics") / "data" / "open_data.json").read_text("utf-8")
    raw: dict[str, Any] = json.loads(text)
    datasets = tuple(Dataset(**each) for each in raw["datasets"])
    return Catalogue(Licence(**raw["licence"]), raw["months"], datasets)


class OpenData:
    """Makes the tables, and keeps each for an hour: whoever asks in between gets the same."""

    def __init__(self, board: BoardReading, places: Places) -> None:
        self._board = board
        self._places = places
        self._kept: dict[str, tuple[float, Table]] = {}
        self._files: dict[tuple[str, str], tuple[Table, bytes]] = {}
        self._making, self._writing = asyncio.Lock(), asyncio.Lock()
        self._make: dict[str, Callable[[Dataset], Awaitable[Table]]] = {
            "monthly": self._monthly,
            "monthly_by_institution": self._by_institution,
            "monthly_by_channel": self._by_channel,
            "definitions": self._definitions,
        }

    async def table(self, code: str) -> Table:
        """A dataset's content. Raises NOT_FOUND."""
        dataset = catalogue().dataset(code)
        async with self._making:
            kept = self._kept.get(code)
            if kept is None or kept[0] < time.monotonic():
                kept = (time.monotonic() + KEPT_S, await self._make[code](dataset))
                self._kept[code] = kept
        return kept[1]

    async def file(self, code: str, form: str, make: Callable[[Table], bytes]) -> bytes:
        """A dataset in a form, made once as well, and where it keeps nobody waiting. Raises NOT_FOUND."""
        table = await self.table(code)
        async with self._writing:
            kept = self._files.get((code, form))
            if kept is None or kept[0] is not table:
                kept = (table, await asyncio.to_thread(make, table))
                self._files[code, form] = kept
        return kept[1]

    async def _monthly(self, dataset: Dataset) -> Table:
        figures = _published()
        rows: list[tuple[Cell, ...]] = []
        for first, last in finished_months():
            board = await self._read(first, last, By.MONTH)
            # Nothing is said of the months before there was anything.
            if rows or any(board.total.get(each.code) not in _NOTHING for each in figures):
                rows.append((f"{first:%Y-%m}", *_cells(_veiled(board, board.total), figures)))
        return _table(dataset, (Column("month", "月份"), *_columns(figures)), rows)

    async def _by_institution(self, dataset: Dataset) -> Table:
        figures = _published()
        rows: list[tuple[Cell, ...]] = []
        for first, last in finished_months():
            board = await self._read(first, last, By.ORGANIZATION)
            places = await self._places.organizations_by_id({line.key for line in board.lines} - {NOWHERE})
            for line in board.lines:
                place = places.get(line.key)
                district = place.district if place else ""
                rows.append(
                    (f"{first:%Y-%m}", line.key, line.name, district, *_cells(_veiled(board, line), figures))
                )
        named = (
            Column("month", "月份"),
            Column("institution_id", "机构编号"),
            Column("institution", "机构"),
            Column("district", "所在区县"),
        )
        return _table(dataset, (*named, *_columns(figures)), rows)

    async def _by_channel(self, dataset: Dataset) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for first, last in finished_months():
            board = await self._read(first, last, By.MONTH)
            for figure in _published():
                rows += [
                    (f"{first:%Y-%m}", figure.code, figure.name, part.key, part.name, _cell(part.value))
                    for part in board.parts.get(figure.code, ())
                ]
        columns = (
            Column("month", "月份"),
            Column("figure", "指标代码"),
            Column("figure_name", "指标"),
            Column("part", "渠道或类别代码"),
            Column("part_name", "渠道或类别"),
            Column("value", "数值"),
        )
        return _table(dataset, columns, rows)

    async def _definitions(self, dataset: Dataset) -> Table:
        names = {
            "code": "指标代码", "name": "指标", "group": "类别", "unit": "单位", "what": "统计口径",
            "source": "数据来源", "since": "起始时间",
        }  # fmt: skip
        rows = [tuple(getattr(each, name) for name in names) for each in _published()]
        return _table(dataset, tuple(Column(code, name) for code, name in names.items()), rows)

    async def _read(self, first: date, last: date, by: By) -> Board:
        figures = tuple(each.code for each in _published())
        return await self._board.read(SYSTEM, BoardQuery(first, last, by, figures=figures))


def finished_months(today: date | None = None) -> list[tuple[date, date]]:
    """The first and last days of the months that are over and told, the oldest first."""
    found: list[tuple[date, date]] = []
    last = ((today or clock.today()) - SETTLES).replace(day=1) - timedelta(days=1)
    for _ in range(catalogue().months):
        found.append((last.replace(day=1), last))
        last = last.replace(day=1) - timedelta(days=1)
    return found[::-1]


def _published() -> tuple[Definition, ...]:
    return tuple(each for each in book().figures if each.open_data)


def _columns(figures: Sequence[Definition]) -> tuple[Column, ...]:
    return tuple(Column(each.code, f"{each.name}（{each.unit}）") for each in figures)


def _veiled(board: Board, line: Line) -> Line:
    """A line, without what is weighed by channel where a channel is hidden: the two would tell it,

    also where the lines are added up.
    """
    told = {
        each.measure
        for each in board.definitions
        if any(part.value.hidden for part in board.parts.get(each.code, ()))
    }
    weighed = [each for each in board.definitions if each.formula is Formula.WEIGHED]
    hidden = {each.code: Value(hidden=True) for each in weighed if each.measure in told}
    return replace(line, values={**line.values, **hidden})


def _cells(line: Line, figures: Sequence[Definition]) -> list[Cell]:
    return [_cell(line.get(each.code)) for each in figures]


def _cell(value: Value) -> Cell:
    return HIDDEN if value.hidden else value.number


def _table(dataset: Dataset, columns: tuple[Column, ...], rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(dataset, columns, tuple(rows), finished_months()[-1][1])
