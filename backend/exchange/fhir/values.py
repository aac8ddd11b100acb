"""What stands in a body: values at a path, dates as the spans they mean, tokens. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?"
)
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)")
_EVER = datetime(9999, 12, 31, tzinfo=UTC)
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
# A day without a zone is a day here.
_CITY = "+08:00"


def values(body: Any, path: str) -> Iterator[Any]:
    """What stands at a dotted path, of several paths at all; `effective[x]` is every form of it."""
    for each in path.split(","):
        yield from _at(body, each)


def _at(body: Any, path: str) -> Iterator[Any]:
    head, _, rest = path.partition(".")
    if not isinstance(body, dict):
        return
    if head.endswith("[x]"):
        base = head[:-3]
        found: list[Any] = [v for name, v in body.items() if name.startswith(base) and name != base]
    else:
        found = [body.get(head)]
    for value in found:
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            if rest:
                yield from _at(item, rest)
            else:
                yield item


@dataclass(frozen=True, slots=True)
class Span:
    """What a date means: from one instant to before another."""

    since: datetime
    until: datetime


def span(text: str) -> Span | None:
    """The span of a FHIR date or dateTime; None of what is none."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, _, zone = match.groups()
    try:
        start = datetime.fromisoformat(
            f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
            f"{(zone or _CITY).replace('Z', '+00:00')}"
        ).astimezone(UTC)
        return Span(start, start + _length(int(year), month, day, hour, second))
    except (ValueError, OverflowError):
        return None


def _length(year: int, month: str | None, day: str | None, hour: str | None, second: str | None) -> timedelta:
    if month is None:
        return timedelta(days=366 if calendar.isleap(year) else 365)
    if day is None:
        return timedelta(days=calendar.monthrange(year, int(month))[1])
    if hour is None:
        return timedelta(days=1)
    return timedelta(seconds=1) if second else timedelta(minutes=1)


def span_of(value: Any) -> Span | None:
    """The span of a date, a Period or a Timing's first event."""
    if isinstance(value, str):
        return span(value)
    if not isinstance(value, dict):
        return None
    if value.get("event"):
        return span(str(value["event"][0]))
    start, end = span(str(value.get("start", ""))), span(str(value.get("end", "")))
    if start is None and end is None:
        return None
    return Span(start.since if start else _NEVER, end.until if end else _EVER)


@dataclass(frozen=True, slots=True)
class DateAsked:
    """A date to search by, with its prefix."""

    prefix: str
    span: Span

    def fits(self, found: Span) -> bool:
        """As R4 defines the prefixes."""
        asked = self.span
        match self.prefix:
            case "eq":
                return asked.since <= found.since and found.until <= asked.until
            case "ne":
                return not (asked.since <= found.since and found.until <= asked.until)
            case "gt":
                return found.until > asked.until
            case "lt":
                return found.since < asked.since
            case "sa":
                return found.since >= asked.until
            case "eb":
                return found.until <= asked.since
            case "ge":
                return found.until > asked.since
            case "le":
                return found.since < asked.until
        # ap: within a tenth of the time between now and then is what R4 proposes; they overlap, here.
        return found.since < asked.until and asked.since < found.until


def date_asked(text: str) -> DateAsked | None:
    """A date parameter's value; None of what is none."""
    match = _PREFIX.fullmatch(text)
    read = span(match[2]) if match else None
    return DateAsked(match[1] or "eq", read) if match and read else None


def token_fits(asked: str, value: Any) -> bool:
    """Whether `system|code`, `|code` or `code` names a value: a Coding, a concept, an identifier, a code."""
    system, bar, code = asked.rpartition("|")
    return any(
        said == code and (not bar or (system or "") == found_system) for found_system, said in _tokens(value)
    )


def _tokens(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, bool):
        yield "", str(value).lower()
    elif isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        if "coding" in value or "text" in value:
            for coding in value.get("coding") or ():
                yield from _tokens(coding)
        elif "code" in value:
            yield str(value.get("system", "")), str(value["code"])
        elif "value" in value:
            yield str(value.get("system", "")), str(value["value"])
