"""Targets read from what people type or bring: a form with a box for each figure, and a table. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backend.directory.models import Organization
from backend.statistics.board_models import Definition
from backend.statistics.kpi_models import CITY

COLUMNS = ("月份", "机构", "指标", "目标值", "容差%")
CITY_NAME = "全市"
TOLERANCE = 10
MOST_TOLERANCE = 50
MOST_ROWS = 2_000
_MONTH = re.compile(r"20\d{2}-(0[1-9]|1[0-2])", re.ASCII)
_NUMBER = re.compile(r"\d{1,11}(\.\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A target that somebody wants to set."""

    month: str
    organization_id: str
    figure: str
    value: float
    tolerance: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line of a table."""

    line: int
    what: str


def number(text: str) -> float | None:
    """A target as people write it: 12000, 12,000 or 85.5; None for anything else."""
    plain = text.replace(",", "").replace("，", "").strip().rstrip("%")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def tolerance(text: str) -> int | None:
    """Per cent, ten when nothing is said; None for what is no such number."""
    plain = text.strip().rstrip("%").strip()
    if not plain:
        return TOLERANCE
    return int(plain) if plain.isascii() and plain.isdigit() and int(plain) <= MOST_TOLERANCE else None


def read_table(
    text: str, organizations: Iterable[Organization], definitions: Sequence[Definition]
) -> tuple[list[Wanted], list[Problem]]:
    """The targets of a table, its first line being the heads; each line that cannot be read is a problem.

    Institutions go by id, name or short name, figures by name or code. A target said twice is a problem.
    """
    places = _places(organizations)
    figures = {key: each.code for each in definitions for key in (each.name, each.code)}
    found: dict[tuple[str, str, str], Wanted] = {}
    problems = []
    for line, row in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and cells[0] == COLUMNS[0]):
            continue
        read = _row(cells, places, figures)
        if isinstance(read, str):
            problems.append(Problem(line, read))
        elif (read.month, read.organization_id, read.figure) in found:
            problems.append(Problem(line, "同一机构同一月份的这项指标前面已经有了"))
        else:
            found[read.month, read.organization_id, read.figure] = read
        if line > MOST_ROWS:
            problems.append(Problem(line, f"一次最多 {MOST_ROWS} 行"))
            break
    return list(found.values()), problems


def _row(cells: list[str], places: Mapping[str, str], figures: Mapping[str, str]) -> Wanted | str:
    if len(cells) < 4:
        return "列数不够：" + "、".join(COLUMNS)
    month, place, figure, value = cells[:4]
    read, slack = number(value), tolerance(cells[4] if len(cells) > 4 else "")
    if not _MONTH.fullmatch(month):
        return "月份要写成 2026-01 这样"
    if place not in places:
        return "没有这个机构，或有几家机构同名（请写机构编号）"
    if figure not in figures:
        return "没有这项指标，或它不设目标"
    if read is None:
        return "目标值不是数字，或超过两位小数"
    if slack is None:
        return f"容差是 0 到 {MOST_TOLERANCE} 的整数"
    return Wanted(month, places[place], figures[figure], read, slack)


def _places(organizations: Iterable[Organization]) -> dict[str, str]:
    """Ids by what institutions are called; a name that two have names none."""
    ids: dict[str, set[str]] = {CITY_NAME: {CITY}}
    for each in organizations:
        for name in {each.id, each.name, each.short_name} - {""}:
            ids.setdefault(name, set()).add(each.id)
    return {name: next(iter(found)) for name, found in ids.items() if len(found) == 1}
