"""How the bots fit together; the composition root alone calls this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.conversations.inbox import Inbox
from backend.conversations.models import Through
from backend.conversations.service import ConversationService
from backend.messages.service import MessageService
from backend.permissions import ANONYMOUS, Actor
from backend.residents.service import ResidentService
from backend.worker.events import Event
from bots.bind import Bind
from bots.dialogues import all_dialogues
from bots.engine import Engine, Heard
from bots.official_account import OfficialAccount
from bots.ports import Services
from bots.sms import TextMessages
from bots.survey import Survey
from bots.vocabulary import CityReader
from notify.ports import OfficialAccountLine


class CityServices(Services, Protocol):
    """What the channels need besides what dialogues use."""

    conversations: ConversationService
    inbox: Inbox
    messages: MessageService


@dataclass
class Bots:
    """Everything that talks."""

    engine: Engine
    reader: CityReader
    official_account: OfficialAccount
    text_messages: TextMessages
    conversations: ConversationService

    async def on_put_off(self, event: Event) -> None:
        """CHAT_PUT_OFF: what took longer than its channel waits."""
        message = await self.conversations.find_put_off(event.data["message_id"])
        if message is not None:
            heard = Heard(message.through, message.address, message.id, message.text)
            await self.official_account.answer_later(heard)

    async def close(self) -> None:
        """Finish what is being thought of, stop what runs in the background."""
        await self.official_account.close()
        await self.reader.close()


def make_bots(services: CityServices, line: OfficialAccountLine, *, app_url: str, city_name: str) -> Bots:
    """The bots of a city. Nothing is read before somebody speaks."""
    reader = CityReader(services.directory, city_name)
    engine = Engine(
        services.conversations,
        [*all_dialogues(app_url), Survey()],
        services=services,
        read=reader,
        who=Callers(services.residents),
        staff=services.inbox,
        entrance=Bind(),
        app_url=app_url,
    )
    official_account = OfficialAccount(
        engine,
        line,
        services.conversations,
        services.directory,
        services.messages,
        services.residents.talking,
        app_url=app_url,
        city_name=city_name,
    )
    text_messages = TextMessages(engine, services.messages)
    return Bots(engine, reader, official_account, text_messages, services.conversations)


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
