"""Talking by text message: what people write to the city's number, and how much the city writes back.

Every answer costs money, and a machine at the other end answers back. So a number gets so many answers an
hour, and one that repeats itself gets none.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from backend import clock
from backend.conversations.models import Through
from backend.messages.models import Answer
from backend.messages.service import MessageService
from backend.worker.events import Event
from bots.engine import Engine, Heard

log = logging.getLogger(__name__)

# What has been on its way for longer answers nothing that is still open.
TOO_OLD = timedelta(hours=72)


class TextMessages:
    """Between replies by SMS and the engine."""

    def __init__(self, engine: Engine, messages: MessageService) -> None:
        self._engine = engine
        self._messages = messages

    async def on_reply(self, event: Event) -> None:
        """SMS_REPLY_RECEIVED. Heard twice, it is answered once."""
        reply = await self._messages.find_reply(event.data["reply_id"])
        # Words to stop messages have been obeyed already; whoever says them wants no answer either.
        if reply is None or reply.opted_out or not reply.text.strip():
            return
        if clock.now() - reply.said_at > TOO_OLD:
            log.info("reply_too_old", extra={"reply_id": reply.id})
            return
        heard = Heard(
            Through.SMS, reply.phone, reply.id, reply.text, said_at=reply.said_at, topic=reply.topic
        )
        for number, text in enumerate(await self._engine.hear(heard)):
            await self._messages.answer(Answer(f"{reply.id}:{number}", "sms", reply.phone, text))
