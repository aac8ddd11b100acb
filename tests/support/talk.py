"""Somebody who talks with the city's bot: the real engine and services on a test city.

talk = await open_talk(city, who)
await talk.says("明天上午市人民医院儿科").hears("请选择", "1. ")
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field

from backend.conversations.models import Conversation, Through
from backend.permissions import ANONYMOUS, Actor, Role
from bots.compose import Callers
from bots.dialogue import Dialogue
from bots.dialogues import all_dialogues
from bots.engine import Engine, Heard
from bots.survey import Survey
from bots.vocabulary import CityReader
from tests.support.city import Caller, TestCity

APP = "https://app.test"


@dataclass
class Said:
    """Something said, and what has to be in the answer; nothing happens before it is awaited."""

    _answer: Callable[[], Awaitable[str]]
    _heard: list[str] = field(default_factory=list)
    _not_heard: list[str] = field(default_factory=list)

    def hears(self, *parts: str) -> Said:
        """All of these are in the answer, in this order."""
        self._heard += parts
        return self

    def not_hears(self, *parts: str) -> Said:
        """None of these is in the answer."""
        self._not_heard += parts
        return self

    def __await__(self) -> Generator[None, None, str]:
        return self.answer().__await__()

    async def answer(self) -> str:
        """Say it now."""
        answer = await self._answer()
        rest = answer
        for part in self._heard:
            assert part in rest, f"{part!r} is not (in this order) in: {answer}"
            rest = rest.partition(part)[2]
        for part in self._not_heard:
            assert part not in answer, f"{part!r} is in: {answer}"
        return answer


@dataclass
class Desk:
    """The people behind 人工, as far as a dialogue knows them."""

    heard: list[str] = field(default_factory=list)

    async def called(self, conversation: Conversation, text: str) -> None:
        self.heard.append(text)

    async def left(self, conversation: Conversation) -> None:
        self.heard.append("")


@dataclass
class Talker:
    """One person on one line."""

    engine: Engine
    through: Through
    address: str
    desk: Desk
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    def says(self, text: str, *, message_id: str = "") -> Said:
        """Send one message; `message_id` repeats one."""
        return Said(lambda: self._say(text, message_id or f"m{next(self._ids)}"))

    async def hears_after(self, *said: str) -> str:
        """Say one after the other; the answer to the last."""
        return [await self.says(text) for text in said][-1]

    async def _say(self, text: str, message_id: str) -> str:
        return "\n".join(await self.engine.hear(Heard(self.through, self.address, message_id, text)))


async def open_talk(
    city: TestCity,
    who: Caller | None = None,
    *,
    through: Through = Through.WECHAT,
    entrance: Dialogue | None = None,
) -> Talker:
    """A line to the city: by WeChat already bound, by SMS known by the number. Without `who` a stranger's.

    Without an `entrance` a stranger is only told that he is one.
    """
    services, desk = city.city.services, Desk()

    async def bound(heard: Heard) -> Actor:
        if who is None:
            return ANONYMOUS
        return Actor("resident", who.id, Role.RESIDENT, channel="wechat", real_name=True)

    engine = Engine(
        services.conversations,
        [*all_dialogues(APP), Survey()],
        services=services,
        read=CityReader(services.directory, "健康城市"),
        who=bound if through is Through.WECHAT else Callers(services.residents),
        staff=desk,
        entrance=entrance,
        app_url=APP,
    )
    return Talker(engine, through, who.phone if who else "13000000000", desk)
