"""The official account's chat: what people say and do there is carried to the city, and its answers shown.

As the platform does it: five seconds for an answer, three tries with one MsgId, then an apology of its own.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import orjson

from sandbox.control import ControlError, ControlHandler
from sandbox.customer_service import open_window
from sandbox.oa_wire import BadReplyError, OaWire, fields_of, xml_of
from sandbox.state import WeChatUser
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import WeChatError, WeChatHandler
from sandbox.world import World

ANSWER_WITHIN_S = 5.0
TRIES = 3
PATH = "/callbacks/wechat/official-account"
APOLOGY = "该公众号提供的服务出现故障，请稍后再试"
LONGEST_BYTES = 2048
ACCOUNT = "gh_healthycity01"
_WINDOWS = {"subscribe": "subscribe", "scan": "scan", "click": "menu"}
_MOST_BUTTONS, _MOST_SUB_BUTTONS = 3, 5


class Chat:
    """Carries one act after another of each person."""

    def __init__(self, world: World) -> None:
        self._world = world
        oa = world.credentials.oa
        self._wire = OaWire(oa["app_id"], oa["token"], oa["aes_key"])
        self._client = httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False, follow_redirects=False)
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Close the connections."""
        for task in self._running:
            task.cancel()
        await self._client.aclose()

    def say_later(self, user: WeChatUser, text: str) -> None:
        """Say something and do not wait for the answer: the page looks again by itself."""
        self._in_background(self.say(user, text))

    def do_later(self, user: WeChatUser, event: str, key: str = "") -> None:
        """The same for an act."""
        self._in_background(self.do(user, event, key))

    async def say(self, user: WeChatUser, text: str, kind: str = "text") -> list[str]:
        """What the city answers at once to words (or to a voice message, or a picture)."""
        self._note(user, text if kind == "text" else f"[{kind}] {text}", mine=True)
        open_window(self._world, user, "message")
        content = {
            "text": {"Content": text},
            "voice": {"MediaId": "m1", "Format": "amr", "Recognition": text},
            "image": {"PicUrl": "http://127.0.0.1/p.jpg", "MediaId": "m1"},
        }[kind]
        number = 2_400_000_000_000_0000 + self._world.state.count("oa_messages")
        return await self._send(user, {"MsgType": kind, **content, "MsgId": number})

    async def do(self, user: WeChatUser, event: str, key: str = "") -> list[str]:
        """What the city answers at once to an act: subscribe, unsubscribe, SCAN, CLICK, VIEW."""
        name = event.lower()
        if name in ("subscribe", "unsubscribe"):
            user.follows_oa = name == "subscribe"
        if name in _WINDOWS:
            open_window(self._world, user, _WINDOWS[name])
        if name == "subscribe" and key:
            key = f"qrscene_{key}"
        self._note(user, f"〔{event} {key}〕".replace(" 〕", "〕"), mine=True)
        fields = {"MsgType": "event", "Event": event, "EventKey": key}
        return await self._send(user, fields)

    def finish_later(self, user: WeChatUser, number: int) -> None:
        """Tell what became of a template message; nobody sees that in the chat."""
        status = self._world.switches.text("template_result")
        event = {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": number, "Status": status}
        self._in_background(self._carry(user, self._fields(user, event)))

    def _in_background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _send(self, user: WeChatUser, content: dict[str, Any]) -> list[str]:
        fields = self._fields(user, content)
        copies = 2 if self._world.switches.on("duplicate_chat") else 1
        answers = [await self._carry(user, fields) for _ in range(copies)]
        # The platform shows the answer to one of several copies.
        answer = answers[0]
        if answer:
            self._note(user, answer, mine=False)
        return [answer] if answer else []

    def _fields(self, user: WeChatUser, content: dict[str, Any]) -> dict[str, Any]:
        now = int(self._world.now())
        return {"ToUserName": ACCOUNT, "FromUserName": user.oa_openid, "CreateTime": now, **content}

    async def _carry(self, user: WeChatUser, fields: dict[str, Any]) -> str:
        url = f"{self._world.city.url}{PATH}"
        if not self._world.city.owns(url):
            return APOLOGY
        for _ in range(TRIES):
            query, body, sealed = self._form(user, fields)
            try:
                answer = await self._client.post(
                    url, params=query, content=body.encode(), headers={"Content-Type": "text/xml"}
                )
                if answer.status_code == 200:
                    return self._read(answer.text, sealed=sealed)
            except (httpx.HTTPError, BadReplyError):
                continue
        # Nobody answers for what somebody leaving does.
        return "" if fields.get("Event") in ("unsubscribe", "VIEW") else APOLOGY

    def _form(self, user: WeChatUser, fields: dict[str, Any]) -> tuple[dict[str, str], str, bool]:
        now, mode = self._world.now(), self._world.switches.text("chat_mode")
        xml = xml_of(fields)
        if mode == "plain":
            return self._wire.query(now, openid=user.oa_openid), xml, False
        query, sealed = self._wire.sealed(xml, now, user.oa_openid)
        beside = fields if mode == "compatible" else {"ToUserName": fields["ToUserName"]}
        return query, xml_of({**beside, **sealed}), True

    def _read(self, body: str, *, sealed: bool) -> str:
        if body in ("", "success"):
            return ""
        fields = self._wire.opened(body) if sealed else fields_of(body)
        text = fields.get("Content", "")
        if fields.get("MsgType") != "text" or not text or len(text.encode()) > LONGEST_BYTES:
            raise BadReplyError("no text, or too long")
        return text

    def _note(self, user: WeChatUser, text: str, *, mine: bool) -> None:
        said = {"at": time.time(), "openid": user.oa_openid, "phone": user.phone, "text": text, "mine": mine}
        self._world.state.oa_chat.append(said)
        self._world.keeper.changed()


def thread_of(world: World, user: WeChatUser | None) -> list[dict[str, Any]]:
    """All that was said in one person's chat, customer-service messages included, oldest first."""
    if user is None:
        return []
    said = [one for one in world.state.oa_chat if one["openid"] == user.oa_openid]
    pushed = [
        {"at": one["at"], "text": one["data"]["content"], "mine": False, "pushed": True}
        for one in world.state.wechat_messages
        if one["openid"] == user.oa_openid and one["kind"] == "custom"
    ]
    return sorted([{"pushed": False} | one for one in said] + pushed, key=lambda one: float(one["at"]))


class MenuHandler(WeChatHandler):
    """POST /cgi-bin/menu/create."""

    async def post(self) -> None:
        """Check and keep the menu."""
        if self.app_of_token() != self.world.credentials.oa["app_id"]:
            raise WeChatError(48001)
        buttons = self.posted_text().get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= _MOST_BUTTONS:
            raise WeChatError(40017)
        for button in buttons:
            _check_button(button, below=True)
        self.world.state.oa_menu[:] = buttons
        self.world.keeper.changed()
        self.reply({"errcode": 0, "errmsg": "ok"})


def _check_button(button: Any, *, below: bool) -> None:
    name = button.get("name") if isinstance(button, dict) else None
    if not isinstance(name, str) or not name:
        raise WeChatError(40018)
    if len(name.encode()) > (16 if below else 60):
        raise WeChatError(40018)
    children = button.get("sub_button")
    if below and children:
        if len(children) > _MOST_SUB_BUTTONS:
            raise WeChatError(40023)
        for child in children:
            _check_button(child, below=False)
        return
    kind = button.get("type")
    if kind == "click" and isinstance(button.get("key"), str) and len(button["key"].encode()) <= 128:
        return
    if kind == "view" and isinstance(button.get("url"), str) and len(button["url"].encode()) <= 1024:
        return
    raise WeChatError(40019)


class ChatControlHandler(ControlHandler):
    """GET and POST /control/oa-chat: what was said, and saying something."""

    chat: Chat

    def initialize(self, world: World, chat: Chat | None = None) -> None:
        super().initialize(world)
        if chat is not None:
            self.chat = chat

    async def get(self) -> None:
        """The thread of ?phone= or ?openid=."""
        given = {name: self.get_query_argument(name, "") for name in ("phone", "openid")}
        self.reply({"items": thread_of(self.world, self.world.people.user_of(given))})

    async def post(self) -> None:
        """{phone|openid, text, kind?} or {phone|openid, event, key?}: the answers that came at once."""
        body = self.body()
        user = self.world.people.user_of(body)
        if body.get("event"):
            answers = await self.chat.do(user, str(body["event"]), str(body.get("key", "")))
        elif body.get("text"):
            kind = str(body.get("kind", "text"))
            if kind not in ("text", "voice", "image"):
                raise ControlError(400, "kind is text, voice or image")
            answers = await self.chat.say(user, str(body["text"]), kind)
        else:
            raise ControlError(400, "text or event is needed")
        self.reply({"openid": user.oa_openid, "answers": answers})


class MenuControlHandler(ControlHandler):
    """GET /control/oa-menu."""

    async def get(self) -> None:
        """The menu as it was last put there."""
        self.answer(200, orjson.loads(orjson.dumps({"button": self.world.state.oa_menu})))


def routes(world: World, chat: Chat) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The platform's path, and the control paths."""
    return [
        (r"/wechat/cgi-bin/menu/create", MenuHandler, {"world": world}),
        (r"/control/oa-chat", ChatControlHandler, {"world": world, "chat": chat}),
        (r"/control/oa-menu", MenuControlHandler, {"world": world}),
    ]
