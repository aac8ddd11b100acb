"""How the bots fit together; the composition root alone calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.conversations.inbox import Inbox
from backend.conversations.models import Through
from backend.conversations.service import ConversationService
from backend.permissions import ANONYMOUS, Actor
from backend.residents.service import ResidentService
from bots.bind import Bind
from bots.dialogues import all_dialogues
from bots.engine import Engine, Heard
from bots.ports import Services
from bots.vocabulary import CityReader


class CityServices(Services, Protocol):
    """What the channels need besides what dialogues use."""

    conversations: ConversationService
    inbox: Inbox


@dataclass
class Bots:
    """Everything that talks."""

    engine: Engine
    reader: CityReader

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.reader.close()


def make_bots(services: CityServices, *, app_url: str, city_name: str) -> Bots:
    """The bots of a city. Nothing is read before somebody speaks."""
    reader = CityReader(services.directory, city_name)
    engine = Engine(
        services.conversations,
        all_dialogues(app_url),
        services=services,
        read=reader,
        who=Callers(services.residents),
        staff=services.inbox,
        entrance=Bind(),
        app_url=app_url,
    )
    return Bots(engine, reader)


class Callers:
    """Who is behind a line: an openid once bound, a phone as far as it can be believed, nobody else."""

    def __init__(self, residents: ResidentService) -> None:
        self._residents = residents

    async def __call__(self, heard: Heard) -> Actor:
        """The actor of one message."""
        match heard.through:
            case Through.WECHAT:
                return await self._residents.talking.of_openid(heard.address)
            case Through.SMS:
                return await self._residents.talking.of_phone(heard.address)
        return ANONYMOUS
