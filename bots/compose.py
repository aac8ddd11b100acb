"""How the bots fit together; the composition root alone calls this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from backend.conversations.models import Through
from backend.conversations.service import ConversationService
from backend.permissions import ANONYMOUS, Actor
from backend.residents.service import ResidentService
from bots.bind import Bind
from bots.dialogue import Dialogue
from bots.dialogues.book import Book
from bots.engine import Engine, Heard, Staff
from bots.ports import Services
from bots.vocabulary import CityReader


class CityServices(Services, Protocol):
    """What the channels need besides what dialogues use."""

    conversations: ConversationService


@dataclass
class Bots:
    """Everything that talks."""

    engine: Engine
    reader: CityReader

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.reader.close()


def make_bots(services: CityServices, staff: Staff, *, app_url: str, city_name: str) -> Bots:
    """The bots of a city. Nothing is read before somebody speaks."""
    reader = CityReader(services.directory, city_name)
    engine = Engine(
        services.conversations,
        _dialogues(app_url),
        services=services,
        read=reader,
        who=Callers(services.residents),
        staff=staff,
        entrance=Bind(),
        app_url=app_url,
    )
    return Bots(engine, reader)


def _dialogues(app_url: str) -> Iterable[Dialogue]:
    return (Book(app_url),)


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
