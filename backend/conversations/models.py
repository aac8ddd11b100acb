"""A conversation and the dialogue that runs in it, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# A dialogue that was left alone can be taken up again for so long; afterwards it has expired.
RESUMABLE = timedelta(days=7)
# By SMS a bare answer says nothing of what it answers: a question is open for no longer than this.
RESUMABLE_BY_SMS = timedelta(hours=72)
# A conversation in which nobody has said anything for so long is forgotten.
KEPT = timedelta(days=30)


class Through(StrEnum):
    """How somebody talks with us."""

    WECHAT = "wechat"
    SMS = "sms"
    TERMINAL = "terminal"


class RunState(StrEnum):
    """Where a dialogue stands."""

    WAITING = "waiting"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Run:
    """One dialogue under way or ended. `step` is what the next answer goes to.

    `data` is what has been found out (ids and choices), `options` what the numbers offered last stand for.
    """

    dialogue: str
    step: str
    state: RunState
    begun_at: datetime
    data: dict[str, str] = field(default_factory=dict, repr=False)
    options: tuple[str, ...] = field(default=(), repr=False)
    # Steps that were answered before this one: what 返回 goes back to.
    before: tuple[Before, ...] = field(default=(), repr=False)
    misunderstood: int = 0


@dataclass(frozen=True, slots=True)
class Before:
    """A step that was answered, and what was known afterwards: going back asks its question again."""

    step: str
    data: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Previous:
    """The dialogue before the one that runs, and how it ended: left for another, it was interrupted."""

    dialogue: str
    step: str
    state: RunState


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that is known of one person's talk with us through one channel.

    `turn` counts what was heard; a change is written only over the turn it was thought of, so two messages
    that come at once are taken one after the other.
    """

    id: str
    through: Through
    address: str = field(repr=False)
    turn: int
    run: Run | None
    resident_id: str | None
    with_staff: bool
    # What was heard last, newest first, and what was answered to the newest: channels deliver twice.
    heard: tuple[str, ...]
    answer: tuple[str, ...] = field(repr=False)
    # How many messages came in the minute that began then.
    minute_at: datetime | None
    in_minute: int
    updated_at: datetime
    # How many came in the hour that began then, how many of them were heard in a flood because a life may
    # be in danger, and how often in a row the same was said.
    hour_at: datetime | None = None
    in_hour: int = 0
    alarms: int = 0
    said: str = field(default="", repr=False)
    repeats: int = 0
    # What did not fit into the answer.
    more: tuple[str, ...] = field(default=(), repr=False)
    # What this dialogue took the place of.
    previous: Previous | None = None


def resumable(through: Through) -> timedelta:
    """For how long a dialogue waits on a line."""
    return RESUMABLE_BY_SMS if through is Through.SMS else RESUMABLE


class Sight(StrEnum):
    """Whether a callback has been seen before."""

    FIRST = "first"
    # The same thing again: a channel that did not hear our answer, or somebody who listened in.
    AGAIN = "again"
    # Its stamp, on something else: nobody but a forger does that.
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class PutOff:
    """A message that is answered later."""

    through: Through
    address: str = field(repr=False)
    id: str
    text: str = field(repr=False)
