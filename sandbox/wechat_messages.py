"""WeChat's outgoing messages: one-time subscribe messages, and template messages of the account."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from sandbox.message_templates import OA_TEMPLATES, SUBSCRIBE_TEMPLATES, Template, is_field_valid
from sandbox.official_account import Chat
from sandbox.state import WeChatUser
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import WeChatError, WeChatHandler
from sandbox.world import World

_PAGE = re.compile(r"^[\w\-./]+(\?.*)?$")
_STATES = (None, "", "developer", "trial", "formal")
_LONGEST_NUMBER, _NUMBER_KEPT_S = 64, 600.0
_LANGUAGES = (None, "", "zh_CN", "en_US", "zh_HK", "zh_TW")


def _value(data: dict[str, Any], field: str) -> str:
    entry = data.get(field)
    value = entry.get("value") if isinstance(entry, dict) else None
    if value is None or value == "":
        raise WeChatError(47003, f"argument invalid! data.{field}.value is empty")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WeChatError(47003, f"argument invalid! data.{field}.value invalid")
    return str(value)


def check_fields(template: Template, data: Any) -> dict[str, str]:
    """Every keyword of the template is there and fits its type."""
    if not isinstance(data, dict):
        raise WeChatError(47001)
    values = {field: _value(data, field) for field in template.fields}
    for field, value in values.items():
        if not is_field_valid(field, value):
            raise WeChatError(47003, f"argument invalid! data.{field}.value invalid")
    return values


def _find_template(ids: dict[str, str], templates: dict[str, Template], wanted: Any) -> tuple[str, Template]:
    for kind, template_id in ids.items():
        if template_id == wanted and kind in templates:
            return kind, templates[kind]
    raise WeChatError(40037)


def _message(
    user: WeChatUser, openid: str, kind: str, template: Template, values: dict[str, str]
) -> dict[str, Any]:
    lines = [{"label": label, "value": values[field]} for field, label in template.fields.items()]
    return {
        "msgid": secrets.randbelow(2**53),
        "at": time.time(),
        "openid": openid,
        "phone": user.phone,
        "kind": kind,
        "title": template.title,
        "lines": lines,
        "data": values,
    }


class SendHandler(WeChatHandler):
    """What both ways of sending have in common."""

    def addressed(
        self, app_id: str, openid_of: Callable[[WeChatUser], str]
    ) -> tuple[dict[str, Any], WeChatUser]:
        """The message, from the app that may send it, and the one it is for."""
        if self.app_of_token() != app_id:
            raise WeChatError(48001)
        body = self.posted_text()
        openid = body.get("touser")
        user = self.world.people.find_user(str(openid or ""))
        if user is None or openid != openid_of(user):
            raise WeChatError(40003)
        return body, user

    def keep(self, message: dict[str, Any]) -> None:
        """It has arrived."""
        self.world.state.wechat_messages.append(message)
        self.world.keeper.changed()
        self.reply({"errcode": 0, "errmsg": "ok", "msgid": message["msgid"]})


class SubscribeSendHandler(SendHandler):
    """POST /cgi-bin/message/subscribe/send."""

    async def post(self) -> None:
        """Send one message for one accepted prompt."""
        body, user = self.addressed(self.world.credentials.mini["app_id"], attrgetter("mini_openid"))
        ids = self.world.credentials.told["subscribe_templates"]
        kind, template = _find_template(ids, SUBSCRIBE_TEMPLATES, body.get("template_id"))
        self._check_jump(body)
        values = check_fields(template, body.get("data"))
        self.refuse_if_told("refuse_subscribe_message")
        granted = user.grants.get(ids[kind], 0)
        if granted < 1:
            raise WeChatError(43101)
        user.grants[ids[kind]] = granted - 1
        message = _message(user, user.mini_openid, kind, template, values)
        message |= {"channel": "mini", "page": body.get("page") or "", "template_id": ids[kind]}
        self.keep(message)

    def _check_jump(self, body: dict[str, Any]) -> None:
        page = body.get("page")
        if page and (not isinstance(page, str) or page.startswith("/") or not _PAGE.match(page)):
            raise WeChatError(41030)
        if body.get("miniprogram_state") not in _STATES:
            raise WeChatError(47003, "argument invalid! miniprogram_state invalid")
        if body.get("lang") not in _LANGUAGES:
            raise WeChatError(47003, "argument invalid! lang invalid")


class TemplateSendHandler(SendHandler):
    """POST /cgi-bin/message/template/send."""

    chat: Chat

    def initialize(self, world: World, chat: Chat | None = None) -> None:
        super().initialize(world)
        if chat is not None:
            self.chat = chat

    async def post(self) -> None:
        """Send a template message to someone who follows the account."""
        body, user = self.addressed(self.world.credentials.oa["app_id"], attrgetter("oa_openid"))
        ids = self.world.credentials.told["oa_templates"]
        kind, template = _find_template(ids, OA_TEMPLATES, body.get("template_id"))
        values = check_fields(template, body.get("data"))
        self._check_jump(body.get("miniprogram"))
        self.refuse_if_told("refuse_subscribe_message")
        if not user.follows_oa:
            raise WeChatError(43004)
        number = self._client_number(body)
        if known := self._sent_as(user, number):
            self.reply({"errcode": 0, "errmsg": "ok", "msgid": known["msgid"]})
            return
        message = _message(user, user.oa_openid, kind, template, values)
        message |= {"channel": "oa", "page": body.get("url") or "", "template_id": ids[kind]}
        self.keep(message | {"client_msg_id": number})
        self.chat.finish_later(user, message["msgid"])

    def _client_number(self, body: dict[str, Any]) -> str:
        number = body.get("client_msg_id") or ""
        if not isinstance(number, str) or len(number) > _LONGEST_NUMBER:
            raise WeChatError(47003, "argument invalid! client_msg_id invalid")
        return number

    def _sent_as(self, user: WeChatUser, number: str) -> dict[str, Any] | None:
        """What went to the person under the sender's own number within ten minutes: it is not sent again."""
        since = time.time() - _NUMBER_KEPT_S
        sent = (one for one in self.world.state.wechat_messages if number and one["at"] >= since)
        mine = (one for one in sent if one["openid"] == user.oa_openid)
        return next((one for one in mine if one.get("client_msg_id") == number), None)

    def _check_jump(self, miniprogram: Any) -> None:
        if miniprogram is None:
            return
        if (
            not isinstance(miniprogram, dict)
            or miniprogram.get("appid") != self.world.credentials.mini["app_id"]
        ):
            raise WeChatError(40013)


def routes(world: World, chat: Chat) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The platform's paths for messages."""
    given = {"world": world}
    return [
        (r"/wechat/cgi-bin/message/subscribe/send", SubscribeSendHandler, given),
        (r"/wechat/cgi-bin/message/template/send", TemplateSendHandler, given | {"chat": chat}),
    ]
