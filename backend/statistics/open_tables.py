"""What open data publishes: the catalogue, and each dataset as a table made of the months' editions. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from backend.errors import not_found
from backend.statistics.board_models import Definition
from backend.statistics.definitions import book
from backend.statistics.open_schemas import Cell, EditionRef, MonthOut

# What stands where a number is hidden; an empty cell is one that nobody knows.
HIDDEN = "<5"
Rows = tuple[tuple[Cell, ...], ...]


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
    rows: Rows
    # The last day that it knows of.
    until_on: date
    # Of which edition each of its months is.
    editions: tuple[EditionRef, ...] = ()


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


@cache
def published() -> tuple[Definition, ...]:
    """The figures that are open data."""
    return tuple(each for each in book().figures if each.open_data)


def tables(contents: Sequence[bytes], editions: Sequence[EditionRef], until_on: date) -> dict[str, Table]:
    """Every dataset by its code, from the newest editions of the months, the oldest first."""
    months = [MonthOut.model_validate_json(content) for content in contents]
    made = {
        "monthly": _monthly(months),
        "monthly_by_institution": _by_institution(months),
        "monthly_by_channel": _by_channel(months),
    }
    found = {
        code: Table(catalogue().dataset(code), columns, rows, until_on, tuple(editions))
        for code, (columns, rows) in made.items()
    }
    columns, rows = _definitions()
    found["definitions"] = Table(catalogue().dataset("definitions"), columns, rows, until_on)
    return found


def _monthly(months: Sequence[MonthOut]) -> tuple[tuple[Column, ...], Rows]:
    rows = tuple((each.month, *_cells(each.total)) for each in months)
    return (Column("month", "月份"), *_figures()), rows


def _by_institution(months: Sequence[MonthOut]) -> tuple[tuple[Column, ...], Rows]:
    rows = tuple(
        (each.month, place.institution_id, place.institution, place.district, *_cells(place.values))
        for each in months
        for place in each.institutions
    )
    named = (
        Column("month", "月份"),
        Column("institution_id", "机构编号"),
        Column("institution", "机构"),
        Column("district", "所在区县"),
    )
    return (*named, *_figures()), rows


def _by_channel(months: Sequence[MonthOut]) -> tuple[tuple[Column, ...], Rows]:
    names = {each.code: each.name for each in published()}
    rows = tuple(
        (each.month, part.figure, names[part.figure], part.part, part.part_name, part.value)
        for each in months
        for part in each.parts
        if part.figure in names
    )
    columns = (
        Column("month", "月份"),
        Column("figure", "指标代码"),
        Column("figure_name", "指标"),
        Column("part", "渠道或类别代码"),
        Column("part_name", "渠道或类别"),
        Column("value", "数值"),
    )
    return columns, rows


def _definitions() -> tuple[tuple[Column, ...], Rows]:
    names = {
        "code": "指标代码", "name": "指标", "group": "类别", "unit": "单位", "what": "统计口径",
        "source": "数据来源", "since": "起始时间",
    }  # fmt: skip
    rows = tuple(tuple(getattr(each, name) for name in names) for each in published())
    return tuple(Column(code, name) for code, name in names.items()), rows


def _figures() -> tuple[Column, ...]:
    return tuple(Column(each.code, f"{each.name}（{each.unit}）") for each in published())


def _cells(values: dict[str, Cell]) -> list[Cell]:
    return [values.get(each.code) for each in published()]
