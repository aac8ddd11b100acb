"""What a rulebook is made of: tables with columns, and how one cell is read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

Value = str | int | bool | list[str]
Row = dict[str, Value]
# An institution by whatever name a file gives it: our id, its code, its full name.
Resolve = Callable[[str], str | None]

ORGANIZATION = "organization"
LONGEST_CELL = 500
_SEPARATORS = re.compile(r"[;；|、]")
_YES, _NO = frozenset({"是", "1", "true", "yes", "y"}), frozenset({"否", "0", "false", "no", "n", ""})


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    INTEGER = "integer"
    DAY = "day"
    MONEY = "money"
    CHOICE = "choice"
    LIST = "list"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `refers` names what its value must be: `organization`, or another table's key."""

    name: str
    title: str
    kind: Kind = Kind.TEXT
    required: bool = True
    choices: Mapping[str, str] = field(default_factory=dict)
    least: int = 0
    most: int = 1_000_000
    refers: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table; rows are told apart by the columns of `key`."""

    name: str
    title: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    hint: str = ""

    def key_of(self, row: Row) -> tuple[str, ...]:
        """What tells a row apart from the others."""
        return tuple(str(row.get(name, "")) for name in self.key)

    def column(self, title: str) -> Column | None:
        """The column that a file's heading means: its name, or its Chinese title."""
        wanted = title.strip().lower()
        return next((each for each in self.columns if wanted in (each.name, each.title.lower())), None)


@dataclass(frozen=True, slots=True)
class Book:
    """A set of tables that change together."""

    name: str
    title: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """A table by name."""
        return next((each for each in self.tables if each.name == name), None)


class CellError(ValueError):
    """What is wrong with a cell, in words for whoever made the file; the cell itself is not repeated."""


def read_cell(column: Column, text: str, resolve: Resolve) -> Value:
    """The value of one cell. Raises CellError."""
    text = text.strip()
    if len(text) > LONGEST_CELL:
        raise CellError(f"太长，最多{LONGEST_CELL}字")
    if not text and column.required:
        raise CellError("不能为空")
    if column.kind is Kind.LIST:
        return [part for each in _SEPARATORS.split(text) if (part := each.strip())]
    if column.kind is Kind.FLAG:
        return _flag(text)
    if not text:
        return 0 if column.kind in (Kind.INTEGER, Kind.MONEY) else ""
    if column.kind is Kind.INTEGER:
        return _whole(column, text)
    if column.kind is Kind.MONEY:
        return _fen(text)
    if column.kind is Kind.DAY:
        return _day(text)
    if column.kind is Kind.CHOICE:
        return _choice(column, text)
    if column.refers == ORGANIZATION:
        found = resolve(text)
        if found is None:
            raise CellError("没有这家机构，请填机构全称或机构编码")
        return found
    return text


def write_cell(column: Column, value: Value | None) -> str:
    """A value as a file shows it: what `read_cell` reads again."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "；".join(value)
    if column.kind is Kind.FLAG:
        return "是" if value else "否"
    if column.kind is Kind.MONEY and isinstance(value, int):
        return f"{value // 100}.{value % 100:02d}"
    if column.kind is Kind.CHOICE:
        return column.choices.get(str(value), str(value))
    return str(value)


def _flag(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise CellError("请填“是”或“否”")


def _whole(column: Column, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise CellError("须为整数")
    number = int(text)
    if not column.least <= number <= column.most:
        raise CellError(f"须在{column.least}到{column.most}之间")
    return number


def _fen(text: str) -> int:
    try:
        amount = Decimal(text) * 100
    except InvalidOperation:
        raise CellError("须为金额（元）") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= 100_000_000:
        raise CellError("须为金额（元），最多两位小数")
    return int(amount)


def _day(text: str) -> str:
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text, re.ASCII)
    try:
        if match is None:
            raise ValueError
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        raise CellError("不是有效的日期，请填如 2026-12-31") from None


def _choice(column: Column, text: str) -> str:
    for value, word in column.choices.items():
        if text in (value, word):
            return value
    raise CellError(f"须为：{'、'.join(column.choices.values())}")
