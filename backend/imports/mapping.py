"""The list by which a feed's locations are hospitals that the directory has already: CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.imports.models import FeedError, Problem

# The first line of a spreadsheet, if it names the columns.
_HEADERS = frozenset({("location", "organization"), ("location", "organisation"), ("地点", "机构")})


class MappingError(FeedError):
    """The list cannot be used: every line that is wrong, and why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(told, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Mapped:
    """A line of the list: a location of the feed, by id, identifier or name, and an institution's id."""

    line: int
    location: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class LocationMapping:
    """The list as it was written."""

    file: str
    entries: tuple[Mapped, ...]

    def organizations(self) -> dict[str, str]:
        """Institutions by location, as the import takes them."""
        return {entry.location: entry.organization_id for entry in self.entries}

    def check_known(self, known: Mapping[str, object]) -> None:
        """Raise MappingError unless the directory has every institution of the list."""
        unknown = [entry for entry in self.entries if entry.organization_id not in known]
        if unknown:
            raise MappingError(
                *(self._problem(e, f"there is no institution {e.organization_id!r}") for e in unknown)
            )

    def problems_of_unused(self, unused: set[str]) -> list[Problem]:
        """A problem for each line whose location the feed does not have."""
        reason = "the feed has no location of the id, identifier or name"
        return [self._problem(e, f"{reason} {e.location!r}") for e in self.entries if e.location in unused]

    def _problem(self, entry: Mapped, reason: str) -> Problem:
        return Problem(self.file, entry.line, reason)


def read_mapping(path: Path) -> LocationMapping:
    """Read a list: `.json` an object, anything else CSV of two columns. Raises MappingError."""
    text = _text_of(path)
    problems: list[Problem] = []
    rows = _json_rows(path.name, text) if path.suffix.lower() == ".json" else _csv_rows(text)
    first: dict[str, int] = {}
    entries = []
    for line, cells in rows:
        reason = _reason_against(cells, first)
        if reason:
            problems.append(Problem(path.name, line, reason))
            continue
        location, organization_id = (str(cell).strip() for cell in cells)
        first[location] = line
        entries.append(Mapped(line, location, organization_id))
    if not entries and not problems:
        problems.append(Problem(path.name, 0, "it names no location"))
    if problems:
        raise MappingError(*problems)
    return LocationMapping(path.name, tuple(entries))


def told(problem: Problem) -> str:
    """File, line and reason in one line."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    return f"{place}: {problem.reason}"


def _reason_against(cells: list[Any], first: Mapping[str, int]) -> str:
    """Why a line cannot be used; empty when it can."""
    if len(cells) != 2 or not all(isinstance(cell, str) and cell.strip() for cell in cells):
        return "a line is a location and an institution's id, both as text"
    location = cells[0].strip()
    if location in first:
        where = f" (line {first[location]})" if first[location] else ""
        return f"the location {location!r} has been named before{where}"
    return ""


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MappingError(Problem(str(path), 0, f"it cannot be read: {error.strerror}")) from None
    for encoding in ("utf-8", "gb18030"):  # a spreadsheet saves Chinese as the latter
        try:
            return raw.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise MappingError(Problem(path.name, 0, "it is neither UTF-8 nor GB 18030"))


def _csv_rows(text: str) -> Iterator[tuple[int, list[Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    for cells in reader:
        filled = [cell for cell in cells if cell.strip()]
        is_header = reader.line_num == 1 and tuple(cell.strip().lower() for cell in filled) in _HEADERS
        if filled and not is_header:
            yield reader.line_num, cells


def _json_rows(file: str, text: str) -> list[tuple[int, list[Any]]]:
    try:
        # Pairs, not a dictionary: a location that stands there twice must be told.
        pairs = json.loads(text, object_pairs_hook=lambda found: found)
    except json.JSONDecodeError as error:
        raise MappingError(Problem(file, error.lineno, f"it is not JSON: {error.msg}")) from None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        reason = 'write an object: {"location of the feed": "institution id"}'
        raise MappingError(Problem(file, 0, reason))
    return [(_line_of(text, str(name)), [name, value]) for name, value in pairs]


def _line_of(text: str, name: str) -> int:
    at = text.find(json.dumps(name, ensure_ascii=False))
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
