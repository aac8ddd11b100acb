"""The official account's chat: every call answered within the five seconds that WeChat waits.

What the engine says in time goes back at once. What takes longer is put off to a worker, and its answer
follows as a customer-service message. Where not even that is certain in time, as when the database stands
still, nothing goes back, and WeChat asks again. Which of the two ways an answer goes is decided once for each
message, in the database: nobody gets it by both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import orjson

from backend import clock
from backend.conversations.models import PutOff, Sight, Through
from backend.conversations.service import ConversationService
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode, not_found
from backend.messages.models import Answer
from backend.messages.service import MessageService
from backend.residents.talking import TalkingResidents
from bots import links, words
from bots.engine import Engine, Heard
from notify.ports import DeliveryReport, InboundMessage, InvalidNoticeError, NotifyError, OfficialAccountLine

log = logging.getLogger(__name__)

# WeChat gives up after five seconds, the way there and back included. So long the engine may think, and by
# then something has gone back, or nothing will.
THINK_WITHIN_S, ANSWER_WITHIN_S = 3.8, 4.3
MENU_FILE = Path(__file__).with_name("menu.json")
_READABLE = frozenset({"text", "voice"})
# What a picture or a place is answered with costs nothing, so nothing is put off for it.
NOTHING = b"success"


class OfficialAccount:
    """Between WeChat's calls and the engine."""

    def __init__(
        self,
        engine: Engine,
        line: OfficialAccountLine,
        conversations: ConversationService,
        directory: DirectoryService,
        messages: MessageService,
        residents: TalkingResidents,
        *,
        app_url: str,
        city_name: str,
        within_s: float = THINK_WITHIN_S,
    ) -> None:
        self._engine = engine
        self._line = line
        self._conversations = conversations
        self._directory = directory
        self._messages = messages
        self._residents = residents
        self._app_url = app_url
        self._city_name = city_name
        self.within_s = within_s
        self._thinking: set[asyncio.Task[tuple[str, ...]]] = set()

    def echo(self, query: Mapping[str, str]) -> str:
        """What WeChat wants back when the city enters its address. Raises FORBIDDEN, NOT_FOUND."""
        self._insist_on_account()
        try:
            return self._line.echo(query, clock.now())
        except InvalidNoticeError as error:
            raise _refused(error) from None

    async def receive(self, query: Mapping[str, str], body: bytes) -> bytes | None:
        """Answer one call; None when nothing was certain in time, and WeChat is to ask again.

        Raises FORBIDDEN for what is not WeChat's, BAD_REQUEST for nonsense.
        """
        until = asyncio.get_running_loop().time() + self.within_s
        self._insist_on_account()
        try:
            message = self._line.read(query, body, clock.now())
        except InvalidNoticeError as error:
            raise _refused(error) from None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._receive(message, until)
        except TimeoutError:
            log.warning("chat_left_to_ask_again")
            return None

    async def _receive(self, message: InboundMessage, until: float) -> bytes | None:
        # All of it: in plain mode the signature is about the stamp, and whoever heard one may write the rest.
        what = repr(astuple(replace(message, stamp="")))
        sight = await self._conversations.see_callback(message.stamp, what)
        if sight is Sight.FORGED:
            raise AppError(ErrorCode.FORBIDDEN, "a used stamp on another message")
        await self._note(message)
        text = await self._said(message)
        if not text:
            return self._at_once(message) if sight is Sight.FIRST else NOTHING
        heard = Heard(Through.WECHAT, message.openid, message.id, text)
        if sight is Sight.AGAIN:
            # Who waits for this answer is not certain: it follows by the way that leads to the person alone.
            if not await self._conversations.has_heard(Through.WECHAT, heard.address, heard.id):
                await self._conversations.put_off(_put_off(heard))
            return NOTHING
        return await self._answer(message, heard, until)

    async def push_menu(self, text: str | None = None) -> list[str]:
        """Put a menu under the chat, ours unless another is given; the names of its buttons.

        `{app}` in an address is the city's app; its links lead by way of WeChat's authorisation.
        """
        menu = orjson.loads(text if text is not None else MENU_FILE.read_text(encoding="utf-8"))
        buttons = menu.get("button") if isinstance(menu, dict) else None
        if not isinstance(buttons, list) or not all(isinstance(one, dict) for one in buttons):
            raise AppError(ErrorCode.BAD_REQUEST, "not a menu", text="菜单文件须有 button 列表。")
        try:
            await self._line.set_menu([self._button(button) for button in buttons])
        except NotifyError as error:
            raise AppError(ErrorCode.UNAVAILABLE, str(error), text=f"微信不接受：{error}") from error
        return [str(button.get("name", "")) for button in buttons]

    def _button(self, button: Mapping[str, Any]) -> dict[str, Any]:
        placed = dict(button)
        if "sub_button" in button:
            placed["sub_button"] = [self._button(each) for each in button["sub_button"]]
        if "url" in button:
            placed["url"] = links.opened(str(button["url"]), self._app_url)
        return placed

    async def close(self) -> None:
        """Let what is being thought of come to its end."""
        if self._thinking:
            await asyncio.wait(self._thinking)

    async def _answer(self, message: InboundMessage, heard: Heard, until: float) -> bytes | None:
        thinking = asyncio.create_task(self._engine.hear(heard))
        self._thinking.add(thinking)
        thinking.add_done_callback(self._thought)
        left_s = max(0.0, until - asyncio.get_running_loop().time())
        done, _ = await asyncio.wait({thinking}, timeout=left_s)
        if not done or thinking.exception() is not None:
            # Kept first, answered by a worker: this process may end at any moment. Whoever of the two comes
            # first has thought for both. What another call has answered may not have arrived: ask again.
            return NOTHING if await self._conversations.put_off(_put_off(heard)) else None
        first, *others = thinking.result() or ("",)
        if first and not await self._conversations.tell_at_once(_put_off(heard)):
            # A call before this one has put it off, and the worker's answer is on its way.
            return NOTHING
        for number, piece in enumerate(others, 1):
            await self._push(heard, f"{heard.id}:{number}", piece)
        return self._line.reply(message, self._fit(first), clock.now()) if first else NOTHING

    async def answer_later(self, heard: Heard) -> None:
        """Answer a message that was put off."""
        for number, piece in enumerate(await self._engine.hear(heard)):
            await self._push(heard, f"{heard.id}:{number}", piece)

    async def _push(self, heard: Heard, key: str, text: str) -> None:
        await self._messages.answer(Answer(key, "official_account", heard.address, self._fit(text)))

    async def _said(self, message: InboundMessage) -> str:
        """What somebody said, or meant by what he did; empty when it is nothing for the engine."""
        if message.kind in _READABLE:
            return message.text
        if message.kind != "event":
            return ""
        if message.event == "click":
            return message.key
        if message.event in ("scan", "subscribe_scan"):
            return await self._place(message.key.removeprefix("qrscene_"))
        return ""

    async def _note(self, message: InboundMessage) -> None:
        """What WeChat tells of itself: what became of a message, who has come and who has left.

        Told again it is noted again, for the process that heard it first may have died before.
        """
        if message.event == "templatesendjobfinish":
            delivered = message.status == "success"
            code = "" if delivered else message.status[:_LONGEST_STATUS]
            report = DeliveryReport(message.about, message.openid, delivered, code, message.sent_at)
            await self._messages.notices.take(report)
        elif message.event in ("subscribe", "subscribe_scan", "unsubscribe"):
            follows = message.event != "unsubscribe"
            await self._residents.note_following(message.openid, follows=follows, at=message.sent_at)

    async def _place(self, scene: str) -> str:
        """The code at a department's door begins a booking there."""
        kind, _, found_id = scene.partition(":")
        department = await self._directory.find_department(found_id) if kind == "department" else None
        place_id = department.organization_id if department else found_id
        place = await self._directory.find_organization(place_id) if kind in _PLACES else None
        return f"{place.name}{department.name if department else ''}" if place else ""

    def _at_once(self, message: InboundMessage) -> bytes:
        """The answer to what the engine does not hear."""
        if message.event.startswith("subscribe") or message.event == "scan":
            text = words.welcome(self._city_name)
        elif message.kind != "event":
            text = words.CANNOT_READ
        else:
            return NOTHING
        return self._line.reply(message, text, clock.now())

    def _fit(self, text: str) -> str:
        return links.fit(text, Through.WECHAT, self._app_url)

    def _insist_on_account(self) -> None:
        if not self._line.is_set_up:
            raise not_found("no official account is set up")

    def _thought(self, task: asyncio.Task[tuple[str, ...]]) -> None:
        self._thinking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("chat_not_answered", extra={"error": type(error).__name__})


_PLACES = ("department", "organization")
_LONGEST_STATUS = 100


def _put_off(heard: Heard) -> PutOff:
    return PutOff(heard.through, heard.address, heard.id, heard.text)


def _refused(error: InvalidNoticeError) -> AppError:
    code = ErrorCode.BAD_REQUEST if error.code == "UNREADABLE" else ErrorCode.FORBIDDEN
    return AppError(code, f"official account: {error.code}")
