"""What an entry of the audit log holds, and what a check of the log can find."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing somebody did. Holds ids and codes only, never personal data."""

    id: str
    stream: str
    number: int
    at: datetime
    actor_kind: str
    actor_id: str
    role: str
    action: str
    object: str
    basis: str
    organization_id: str | None
    request_id: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a reader of the log looks for; None means anything."""

    action: str | None = None
    actor_id: str | None = None
    object: str | None = None
    # Besides what is about `object`, what names one of these charts among others.
    charts: frozenset[str] = frozenset()
    organization_id: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


class Finding(StrEnum):
    """How an entry shows that somebody touched the log."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    BROKEN_CHAIN = "broken_chain"
    END_UNKNOWN = "end_unknown"

    @property
    def text(self) -> str:
        """What the console and the command line say."""
        return _TEXTS[self]


_TEXTS = {
    Finding.CHANGED: "the entry is not what was written",
    Finding.REMOVED: "the entry is missing",
    Finding.INSERTED: "the entry was not written by this system",
    Finding.REORDERED: "the entry was written at another place",
    Finding.BROKEN_CHAIN: "the entry does not follow the one before it",
    Finding.END_UNKNOWN: "the mark of the stream's end is missing or forged, so a cut-off end would not show",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: at which number of which stream (up to `last`, for a gap), and where a moved entry was."""

    stream: str
    number: int
    finding: Finding
    last: int | None = None
    was: int | None = None

    def __str__(self) -> str:
        place = f"{self.stream}:{self.number}"
        if self.last is not None and self.last > self.number:
            place += f"-{self.last}"
        moved = f" (it was number {self.was})" if self.was is not None else ""
        return f"{place}: {self.finding.text}{moved}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of checking every stream."""

    streams: int
    entries: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was touched."""
        return not self.problems
