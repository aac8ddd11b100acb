"""Editions of a rulebook, and what changes from one to the next."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from backend.rulebooks.reading import Problem
from backend.rulebooks.tables import Book, Row, Table, write_cell

# What a spreadsheet would run as a formula.
_FORMULA = ("=", "+", "-", "@")
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class EditionInfo:
    """One edition without its rows. `tables` names each table's content by its digest."""

    book: str
    number: int
    effective_on: date
    source: str
    made_by: str
    created_at: datetime
    tables: Mapping[str, str]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition with its rows. Number 0 is the empty one before the first."""

    info: EditionInfo
    tables: Mapping[str, Sequence[Row]]

    @property
    def number(self) -> int:
        """Which edition."""
        return self.info.number

    def rows(self, table: str) -> Sequence[Row]:
        """A table's rows."""
        return self.tables.get(table, ())


@dataclass(frozen=True, slots=True)
class Change:
    """One row that comes, goes or is altered; `altered` says what it was and becomes, by column title."""

    key: str
    altered: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What an import does to one table."""

    table: Table
    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    changed: tuple[Change, ...]
    same: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A dry run: on which edition it would build, what it would change, and what stands against it."""

    base: int
    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]

    @property
    def changes_nothing(self) -> bool:
        """Whether the tables are as they are already."""
        return not any(each.added or each.removed or each.changed for each in self.differences)


def difference(table: Table, before: Sequence[Row], after: Sequence[Row]) -> Difference:
    """Row by row, by the table's key."""
    old = {table.key_of(row): row for row in before}
    new = {table.key_of(row): row for row in after}
    changed = [
        Change(" / ".join(key), _altered(table, old[key], row))
        for key, row in new.items()
        if key in old and row != old[key]
    ]
    return Difference(
        table,
        added=tuple(Change(" / ".join(key)) for key in new if key not in old),
        removed=tuple(Change(" / ".join(key)) for key in old if key not in new),
        changed=tuple(changed),
        same=sum(1 for key, row in new.items() if old.get(key) == row),
    )


def _altered(table: Table, before: Row, after: Row) -> tuple[tuple[str, str, str], ...]:
    columns = [column for column in table.columns if before.get(column.name) != after.get(column.name)]
    return tuple(
        (each.title, write_cell(each, before.get(each.name)), write_cell(each, after.get(each.name)))
        for each in columns
    )


def as_csv(table: Table, rows: Sequence[Row]) -> str:
    """A table as text that is read again, and that no spreadsheet runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.title for column in table.columns])
    for row in rows:
        cells = [write_cell(column, row.get(column.name)) for column in table.columns]
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue()


def empty(book: Book) -> Edition:
    """What is in force before anything has been imported."""
    start = datetime.min.replace(tzinfo=UTC)
    info = EditionInfo(book.name, 0, date.min, "", "", start, {}, {})
    return Edition(info, {})
