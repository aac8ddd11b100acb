"""What the exchange knows: senders, messages as they came, what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.exchange.v2.mapping.building import Finding


class MessageState(StrEnum):
    """Where a message stands."""

    # Stored and not yet mapped: either just now, or because something was away. Tried again by itself.
    WAITING = "waiting"
    DONE = "done"
    # Not accepted, with a reason: somebody edits and replays it, or sets it aside.
    DEAD = "dead"
    # A corrected copy took its place.
    REPLACED = "replaced"
    SET_ASIDE = "set_aside"


class SenderKind(StrEnum):
    """By what a hospital is known on the wire."""

    FACILITY = "facility"
    CERTIFICATE = "certificate"
    PORT = "port"


class SenderState(StrEnum):
    """Whether messages of this sender are taken. Nobody is until a human said so."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Link:
    """What a connection says about who is at its other end."""

    port: int = 0
    # The common name of the client's certificate, and its whole subject.
    certificate: tuple[str, ...] = ()
    peer: str = ""


@dataclass(frozen=True)
class Sender:
    """A name on the wire and whose it is; `organization_id` is empty while nobody has said."""

    id: str
    kind: SenderKind
    value: str
    organization_id: str
    state: SenderState
    charset: str = ""
    seen: int = 0
    last_seen_at: datetime | None = None
    last_kind: str = ""


@dataclass(frozen=True)
class Outcome:
    """What processing made of a message."""

    resources: tuple[str, ...] = ()
    chart_id: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A message as it is stored."""

    id: str
    organization_id: str
    sender: str
    control_id: str
    kind: str
    version: str
    state: MessageState
    verdict: str
    size: int
    charset: str
    received_at: datetime
    reason: str = ""
    chart_id: str = ""
    resources: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    findings_count: int = 0
    problems: tuple[Finding, ...] = ()
    tries: int = 0
    copied_from: str = ""
    replaced_by: str = ""
    answer: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class MessageQuery:
    """Which messages a list shows; empty asks for nothing in particular."""

    organization_ids: frozenset[str] | None = None
    states: tuple[MessageState, ...] = ()
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, str] | None = None
    limit: int = 50
