"""WeChat's customer-service messages: what the account may still say to whom, and for how long.

The account may speak only after the person has done something, and only so often: each act opens a window of
its own, and the widest one counts. As published for service accounts (2023 rules).
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from sandbox.control import ControlError, ControlHandler
from sandbox.state import WeChatUser
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import WeChatError, WeChatHandler
from sandbox.world import World

# What a person's act allows: for how many seconds, how many messages.
WINDOWS: dict[str, tuple[float, int]] = {
    "message": (48 * 3600, 5),
    "menu": (60, 3),
    "subscribe": (60, 3),
    "scan": (60, 3),
}
LONGEST_BYTES = 2048


def open_window(world: World, user: WeChatUser, act: str) -> None:
    """The person did something: the account may speak again."""
    lives, count = WINDOWS[act]
    user.windows[act] = [world.now() + lives, count]
    world.keeper.changed()


def _take(world: World, user: WeChatUser) -> None:
    """Spend one message of a window, of the one that ends first."""
    now = world.now()
    open_ones = sorted(window for window in user.windows.values() if window[0] > now)
    if not open_ones:
        raise WeChatError(45015)
    usable = next((window for window in open_ones if window[1] > 0), None)
    if usable is None:
        raise WeChatError(45047)
    usable[1] -= 1


class CustomSendHandler(WeChatHandler):
    """POST /cgi-bin/message/custom/send, texts only."""

    async def post(self) -> None:
        """Say something to somebody who has spoken lately."""
        if self.app_of_token() != self.world.credentials.oa["app_id"]:
            raise WeChatError(48001)
        body = self.posted_text()
        openid = body.get("touser")
        user = self.world.people.find_user(str(openid or ""))
        if user is None or openid != user.oa_openid:
            raise WeChatError(40003)
        text = _text_of(body)
        self.refuse_if_told("refuse_customer_message")
        if not user.follows_oa:
            raise WeChatError(43004)
        _take(self.world, user)
        self.world.state.wechat_messages.append(_message(user, text))
        self.world.keeper.changed()
        self.reply({"errcode": 0, "errmsg": "ok"})


def _text_of(body: dict[str, Any]) -> str:
    if body.get("msgtype") != "text":
        raise WeChatError(40008)
    inner = body.get("text")
    text = inner.get("content") if isinstance(inner, dict) else None
    if not isinstance(text, str) or not text:
        raise WeChatError(44004)
    if len(text.encode()) > LONGEST_BYTES:
        raise WeChatError(45002)
    return text


def _message(user: WeChatUser, text: str) -> dict[str, Any]:
    return {
        "msgid": secrets.randbelow(2**53),
        "at": time.time(),
        "openid": user.oa_openid,
        "phone": user.phone,
        "kind": "custom",
        "title": "公众号回复",
        "lines": [{"label": "", "value": text}],
        "data": {"content": text},
        "channel": "oa",
        "page": "",
        "template_id": "",
    }


class WindowHandler(ControlHandler):
    """POST /control/oa-acts {phone|openid, act: message|menu|subscribe|scan, ago_s?}: a person's act."""

    async def post(self) -> None:
        """Open the window of an act, as if done `ago_s` seconds ago."""
        body = self.body()
        user, act = self.world.people.user_of(body), str(body.get("act") or "message")
        if act not in WINDOWS:
            raise ControlError(400, f"act is one of {', '.join(WINDOWS)}")
        open_window(self.world, user, act)
        user.windows[act][0] -= float(body.get("ago_s", 0))
        self.reply({"openid": user.oa_openid, "windows": user.windows})


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The platform's path, and the control path."""
    given = {"world": world}
    return [
        (r"/wechat/cgi-bin/message/custom/send", CustomSendHandler, given),
        (r"/control/oa-acts", WindowHandler, given),
    ]
