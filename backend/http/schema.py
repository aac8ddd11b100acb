"""The base of everything that enters or leaves as JSON."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*")


def _written(value: object) -> object:
    """Pydantic would also read a number: as seconds since 1970. A strict model reads no text as a day."""
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        return date.fromisoformat(value.strip())
    if isinstance(value, date):
        return value
    raise ValueError("a day is written as YYYY-MM-DD")


def _written_instant(value: object) -> object:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return datetime.fromisoformat(value.upper())
    if isinstance(value, datetime):
        return value
    raise ValueError("an instant is written as RFC 3339 says, with a zone")


# A day, and an instant in any zone, that come in as text. tests/guards/test_days.py holds every body to them.
WrittenDay = Annotated[date, BeforeValidator(_written)]
WrittenInstant = Annotated[AwareDatetime, BeforeValidator(_written_instant)]

# An instant goes out as RFC 3339 with Z: pydantic's own form of an aware UTC datetime.
Instant = datetime


class Schema(BaseModel):
    """Frozen, closed, strict: an unknown field or a wrong type is refused, never guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Answer(BaseModel):
    """What goes out. Built from our own values, so nothing is checked twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Query(BaseModel):
    """Query parameters: text that is read as the declared types."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PageQuery(Query):
    """Where to go on, and how many at once."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200)


class Page(Answer, Generic[T]):
    """One page of a list; `next_cursor` is null at the end."""

    items: list[T]
    next_cursor: str | None = None


class Items(Answer, Generic[T]):
    """A whole, short list."""

    items: list[T]
