"""A message as people see it: segment by segment, masked unless somebody may see it whole."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from backend.exchange.v2.charsets import decode
from backend.exchange.v2.parsing import lines_of
from backend.exchange.v2.rules import DATA

_LONGEST = 2_000
_MARKS = frozenset("^~&\\|")


@dataclass(frozen=True)
class Line:
    """One segment: its name, and its fields by number as far as they say anything."""

    name: str
    fields: tuple[tuple[int, str], ...]


def lines_for(raw: bytes, charset: str, *, masked: bool) -> list[Line]:
    """The message's segments."""
    text, _ = decode(raw, charset)
    return [_line(line, masked=masked) for line in lines_of(text)[:1_000]]


def text_for(raw: bytes, charset: str) -> str:
    """The message as text, a line for each segment: what an editor shows."""
    text, _ = decode(raw, charset)
    return "\n".join(lines_of(text))


def _line(line: str, *, masked: bool) -> Line:
    name = line[:3]
    header = name in ("MSH", "FHS", "BHS")
    mark = line[3:4] if header else "|"
    parts = line.split(mark or "|")
    first = 2 if header else 1
    fields = [(number, text) for number, text in enumerate(parts[1:], start=first) if text]
    shown = _shown().get(name, ())
    if masked and shown != "*":
        fields = [(number, text if number in shown else _dots(text)) for number, text in fields]
    return Line(name, tuple((number, text[:_LONGEST]) for number, text in fields))


def _dots(text: str) -> str:
    return "".join(c if c in _MARKS else "•" for c in text[:40])


@cache
def _shown() -> dict[str, str | list[int]]:
    said: dict[str, str | list[int]] = tomllib.loads((DATA / "shown.toml").read_text("utf-8"))
    return said
