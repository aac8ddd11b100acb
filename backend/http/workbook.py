"""Tables as an Excel workbook: numbers stay numbers, text is never a formula, the head stays in view."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | None
# What Excel allows in the name of a sheet, and how long it may be.
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_LONGEST = 31
_WIDEST = 40


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, its head, its rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        taken: set[str] = set()
        for sheet in sheets:
            page = book.add_worksheet(_name(sheet.title, taken))
            page.freeze_panes(1, 1)
            for column, title in enumerate(sheet.head):
                page.write_string(0, column, title, bold)
            for number, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    _write(page, number, column, cell)
            _widen(page, sheet)
    return out.getvalue()


def _write(page: Worksheet, row: int, column: int, cell: Cell) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, cell)
    elif cell is not None:
        page.write_number(row, column, cell)


def _widen(page: Worksheet, sheet: Sheet) -> None:
    for column, title in enumerate(sheet.head):
        cells = (title, *(row[column] for row in sheet.rows if column < len(row)))
        page.set_column(column, column, min(_WIDEST, 2 + max(_width(cell) for cell in cells)))


def _width(cell: Cell) -> int:
    """A Chinese character is as wide as two Latin ones."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str("" if cell is None else cell))


def _name(title: str, taken: set[str]) -> str:
    """A name that Excel takes and no other sheet has."""
    name = (_FORBIDDEN.sub(" ", title).strip() or "表")[:_LONGEST]
    number = 1
    while name.lower() in taken:
        number += 1
        name = f"{name[: _LONGEST - 4]} {number}"
    taken.add(name.lower())
    return name
