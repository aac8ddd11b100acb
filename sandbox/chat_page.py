"""Where a person talks with the city: the official account's chat beside text messages, for one phone."""

from __future__ import annotations

import html
import re
from typing import Any

from sandbox.gateways import Gateways
from sandbox.official_account import Chat, thread_of
from sandbox.people import PHONE
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

_SHOWN = 80
# What WeChat shows as a link: its own form of one, and a bare address.
_LINK = re.compile(r'<a href="(https?://[^"]+)">([^<]*)</a>|(https?://[^\s，。；）]+)')
_EVENTS = frozenset({"subscribe", "unsubscribe", "SCAN", "CLICK"})


def pieces_of(text: str) -> list[tuple[str, str]]:
    """A text as words and links: (words, address), the address empty for words alone."""
    pieces, at = [], 0
    for found in _LINK.finditer(text):
        pieces.append((text[at : found.start()], ""))
        address = html.unescape(found[1]) if found[1] else found[3]
        pieces.append((html.unescape(found[2]) if found[1] else address, address))
        at = found.end()
    return [piece for piece in [*pieces, (text[at:], "")] if piece[0]]


class ChatPageHandler(PageHandler):
    """GET and POST /chat."""

    chat: Chat
    gateways: Gateways

    def initialize(self, world: World, chat: Chat | None = None, gateways: Gateways | None = None) -> None:
        super().initialize(world)
        if chat is not None and gateways is not None:
            self.chat, self.gateways = chat, gateways

    async def get(self) -> None:
        """Both chats of ?number=, or the choice of a phone."""
        number = self.get_query_argument("number", "").strip()
        problem = "" if not number or PHONE.match(number) else "手机号应为 11 位，以 1 开头"
        if not number or problem:
            people = [one for one in self.world.state.persons.values() if one.phone][-60:]
            self.page("chat_choose.html", people=people, problem=problem)
            return
        self.page("chat.html", **self._both(number))

    async def post(self) -> None:
        """Say something in one of them, or do something at the account; answers show as they come."""
        number = self.get_body_argument("number", "").strip()
        if not PHONE.match(number):
            self.redirect("/chat", status=303)
            return
        text = self.get_body_argument("text", "").strip()[:500]
        event = self.get_body_argument("event", "")
        user = self.world.people.user_with_phone(number)
        if event in _EVENTS:
            self.chat.do_later(user, event, self.get_body_argument("key", "").strip()[:64])
        elif text and self.get_body_argument("through", "") == "sms":
            self.gateways.reply("mas", number, text)
        elif text:
            self.chat.say_later(user, text)
        self.redirect(f"/chat?number={number}", status=303)

    def _both(self, number: str) -> dict[str, Any]:
        state = self.world.state
        user = next((user for user in state.users.values() if user.phone == number), None)
        texts = [sms | {"mine": False} for sms in state.sms if sms["phone"] == number]
        texts += [
            {"at": one["at"], "text": one["smsContent"], "mine": True}
            for one in state.sms_replies
            if one["phone"] == number
        ]
        said = sorted(texts, key=lambda one: float(one["at"]))[-_SHOWN:]
        return {
            "number": number,
            "name": self.world.people.name_of_phone(number),
            "follows": user is None or user.follows_oa,
            "wechat": [
                one | {"pieces": pieces_of(one["text"])} for one in thread_of(self.world, user)[-_SHOWN:]
            ],
            "sms": [one | {"pieces": pieces_of(one["text"])} for one in said],
            "menu": state.oa_menu,
        }


def routes(
    world: World, chat: Chat, gateways: Gateways
) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The page's path."""
    return [(r"/chat", ChatPageHandler, {"world": world, "chat": chat, "gateways": gateways})]
