"""What a dialogue is made of: a class per dialogue, a method per step, and what a step can answer.

    class Directions(Dialogue):
        name, title, intents = "directions", "怎么去医院", (Intent.DIRECTIONS,)

        async def start(self, talk: Talk) -> Next:
            return Ask("您要去哪家医院？", "hospital", options=..., choices=...)

        async def hospital(self, talk: Talk) -> Next:
            place = await talk.services.directory.find_organization(talk.chosen)
            return Say(place.address) if place else NotUnderstood()

A step is named by a string that is stored, so a conversation can go on after days and after a new release; a
step that no longer exists begins its dialogue anew. Steps may run twice for one message, and pass `talk.key`
to what they do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, cast

from backend.conversations.models import Through
from backend.permissions import Actor, Permission
from bots.ports import Services
from bots.understanding.values import Intent, Understanding


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose by number: what is stored, and what is read."""

    value: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question; the next message goes to `step`. Options are numbered from 1."""

    text: str = field(repr=False)
    step: str
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """The last word of a dialogue."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The answer was none; the question is asked again, with a hint."""

    hint: str = ""


Next = Ask | Say | NotUnderstood


@dataclass
class Talk:
    """What a step knows: who speaks, what was said and what has been found out.

    `data` is kept between steps. `chosen` is the value of the option whose number was said, else empty. `key`
    is the same for every try to answer this message: the idempotency key of whatever a step does. `said` is
    empty when somebody has gone back to this step: it then asks anew from what `data` knows.
    """

    actor: Actor
    said: str = field(repr=False)
    understood: Understanding
    data: dict[str, str] = field(repr=False)
    chosen: str
    key: str
    now: datetime
    services: Services
    # The line it was said on: an openid or a phone, shown to nobody.
    through: Through = Through.TERMINAL
    address: str = field(default="", repr=False)
    # What the words are about, where the line tells: `survey:<run>`.
    topic: str = ""


Step = Callable[[Talk], Awaitable[Next]]


class Dialogue(ABC):
    """One thing a resident can do by talking.

    `intents` begin it. `keeps` are heard by its own steps while it waits for an answer, where otherwise they
    would begin something else: 取消 at the question whether to book is no wish to cancel an appointment. One
    that does not interrupt begins only while nothing else waits.
    `needs` is what whoever speaks must be granted before any step runs; None lets everybody in. The default
    is what a number by which somebody texts us does not prove, so by SMS a dialogue is shut unless it says
    more.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    intents: ClassVar[tuple[Intent, ...]] = ()
    keeps: ClassVar[tuple[Intent, ...]] = ()
    interrupts: ClassVar[bool] = True
    # Whether somebody reads what is said in it: words of danger go on to where they are heard.
    read_by_people: ClassVar[bool] = False
    needs: ClassVar[Permission | None] = Permission.RESIDENT_ACCOUNT_MANAGE

    def hears_all(self, data: Mapping[str, str]) -> bool:
        """Whether any words answer what it asks now: somebody's own words begin nothing else."""
        return False

    def is_about(self, data: Mapping[str, str], topic: str) -> bool:
        """Whether what is open here is the matter that a reply names by the number it was written to."""
        return False

    async def has_asked(self, talk: Talk) -> bool:
        """Whether this dialogue has asked something by another way, a message say, that these words answer.

        Only heard while no dialogue waits, of words that begin none.
        """
        return False

    @abstractmethod
    async def start(self, talk: Talk) -> Next:
        """The first step; a sentence may already say much."""

    def step(self, name: str) -> Step | None:
        """The step of this name; None when a later release has no such step."""
        found = getattr(self, name, None) if name.isidentifier() and not name.startswith("_") else None
        return cast(Step, found) if callable(found) and name != "step" else None
