"""From a file to rows: CSV in UTF-8 or GB18030, or JSON; every error with its line, nothing guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from backend.rulebooks.tables import Book, CellError, Resolve, Row, Table, Value, read_cell

MOST_ROWS = 100_000
# More than these nobody reads; the first ones say what is wrong with the file.
MOST_PROBLEMS = 200
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: line 0 is the whole file."""

    table: str
    line: int
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds; with problems it is not taken over."""

    tables: dict[str, list[Row]]
    problems: tuple[Problem, ...]


class _TooMany(Exception):  # noqa: N818 the list of problems is full
    pass


class _Notes:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, table: str, line: int, column: str, what: str) -> None:
        if len(self.problems) >= MOST_PROBLEMS:
            raise _TooMany
        self.problems.append(Problem(table, line, column, what))


def decode(content: bytes) -> str | None:
    """The text of a file as spreadsheets write it in China: UTF-8 (with or without mark) or GB18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def parse(book: Book, table: Table | None, text: str, resolve: Resolve) -> Parsed:
    """Read a file: one table as CSV or as a JSON list, or several as a JSON object by table name."""
    notes, tables = _Notes(), dict[str, list[Row]]()
    try:
        if text.lstrip()[:1] in ("{", "["):
            _json(book, table, text, resolve, tables, notes)
        elif table is None:
            notes.add("", 0, "", "请先选择要导入的表")
        else:
            tables[table.name] = _rows(table, _csv(table, text, notes), resolve, notes)
    except _TooMany:
        pass
    return Parsed(tables, tuple(notes.problems))


def check_references(book: Book, tables: Tables) -> list[Problem]:
    """Rows that name something which no table of the whole edition has."""
    known = {
        table.name: {table.key_of(row)[0] for row in tables.get(table.name, ())} for table in book.tables
    }
    notes = _Notes()
    try:
        for table in book.tables:
            for column in table.columns:
                if column.refers in known:
                    _check_column(table, column.name, column.title, known[column.refers], tables, notes)
    except _TooMany:
        pass
    return notes.problems


def _check_column(
    table: Table, name: str, title: str, known: set[str], tables: Tables, notes: _Notes
) -> None:
    for line, row in enumerate(tables.get(table.name, ()), 1):
        value = row.get(name, "")
        for each in value if isinstance(value, list) else [str(value)]:
            if each and each not in known:
                notes.add(table.name, line, title, f"没有编码为“{each[:40]}”的条目")


def _json(
    book: Book,
    table: Table | None,
    text: str,
    resolve: Resolve,
    tables: dict[str, list[Row]],
    notes: _Notes,
) -> None:
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        notes.add("", error.lineno, "", "不是有效的 JSON")
        return
    if isinstance(read, list) and table is not None:
        read = {table.name: read}
    if not isinstance(read, dict):
        notes.add("", 0, "", "请先选择要导入的表")
        return
    for name, listed in read.items():
        found = book.table(name)
        if found is None or not isinstance(listed, list):
            notes.add("", 0, "", f"没有名为“{name[:40]}”的表")
            continue
        tables[name] = _rows(found, _objects(found, listed, notes), resolve, notes)


def _objects(table: Table, listed: Sequence[object], notes: _Notes) -> Iterator[tuple[int, dict[str, str]]]:
    for line, item in enumerate(listed, 1):
        if not isinstance(item, dict):
            notes.add(table.name, line, "", "须为对象")
            continue
        cells: dict[str, str] = {}
        for heading, value in item.items():
            column = table.column(str(heading))
            if column is None:
                notes.add(table.name, line, str(heading)[:40], "没有这一列")
            else:
                cells[column.name] = _as_text(value)
        yield line, cells


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "；".join(str(each) for each in value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def _csv(table: Table, text: str, notes: _Notes) -> Iterator[tuple[int, dict[str, str]]]:
    # Tab-separated is what a spreadsheet's clipboard gives.
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in first else ",")
    try:
        heading = next(reader, [])
        columns = [table.column(title) for title in heading]
        for title, column in zip(heading, columns, strict=True):
            if column is None and title.strip():
                notes.add(table.name, 1, title.strip()[:40], "没有这一列")
        missing = [each.title for each in table.columns if each.required and each not in columns]
        if missing:
            notes.add(table.name, 1, "、".join(missing), "缺少这一列")
            return
        for cells in reader:
            if any(cell.strip() for cell in cells):
                named = zip(columns, cells, strict=False)
                yield reader.line_num, {column.name: plain(cell) for column, cell in named if column}
    except csv.Error:
        notes.add(table.name, reader.line_num, "", "这一行读不出来")


def plain(cell: str) -> str:
    """A cell without the mark that our own files put before what a spreadsheet would take for a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def _rows(
    table: Table, lines: Iterable[tuple[int, dict[str, str]]], resolve: Resolve, notes: _Notes
) -> list[Row]:
    rows: list[Row] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in lines:
        if len(rows) >= MOST_ROWS:
            notes.add(table.name, line, "", f"最多{MOST_ROWS}行")
            break
        row = _row(table, line, cells, resolve, notes)
        if row is None:
            continue
        key = table.key_of(row)
        if key in seen:
            notes.add(table.name, line, "", f"与第{seen[key]}行重复")
        seen.setdefault(key, line)
        rows.append(row)
    return rows


def _row(table: Table, line: int, cells: Mapping[str, str], resolve: Resolve, notes: _Notes) -> Row | None:
    row: dict[str, Value] = {}
    before = len(notes.problems)
    for column in table.columns:
        try:
            row[column.name] = read_cell(column, cells.get(column.name, ""), resolve)
        except CellError as error:
            notes.add(table.name, line, column.title, str(error))
    return row if len(notes.problems) == before else None
