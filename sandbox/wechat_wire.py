"""The WeChat platform API's manners: errcode with HTTP 200, access tokens in the query, raw UTF-8 bodies."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Any

import orjson

from sandbox.state import AccessToken, LoginCode, new_token
from sandbox.web import SandboxHandler
from sandbox.world import World

TOKEN_LIVES_S = 7200
CODE_LIVES_S = 300
# A refreshed cgi-bin/token leaves its predecessor valid for about five minutes.
GRACE_S = 300
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40008: "invalid message type",
    40013: "invalid appid",
    40017: "invalid button size",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40023: "invalid sub button size",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip 127.0.0.1, not in whitelist",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    42003: "code expired",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    43107: "subscribe message capability banned",
    44002: "empty post data",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45168: "hit sensitive words",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
}


class WeChatError(Exception):
    """A refusal by the platform."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        super().__init__(f"{errcode} {detail}")
        self.errcode = errcode
        self.detail = detail

    def body(self) -> dict[str, Any]:
        """errcode and errmsg; the message ends in a request id."""
        message = self.detail or MESSAGES.get(self.errcode, "error")
        rid = f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        return {"errcode": self.errcode, "errmsg": f"{message} rid: {rid}"}


class WeChatHandler(SandboxHandler):
    """Answers 200 whatever happens, as the platform does."""

    service = "wechat"
    media_type = "application/json; encoding=utf-8"

    def reply(self, body: dict[str, Any]) -> None:
        """A success."""
        self.answer(200, body, self.media_type)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code == 405:
            error = WeChatError(43002)
        if not isinstance(error, WeChatError):
            self.set_status(status_code)
            self.finish()
            return
        self.set_status(200)
        self.set_header("Content-Type", self.media_type)
        self.finish(orjson.dumps(error.body()))

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], WeChatError):
            super().log_exception(*args)

    def query(self, name: str, missing: int | None = None) -> str:
        """A query parameter; its own error code when it is missing."""
        value = self.get_query_argument(name, "")
        if not value and missing is not None:
            raise WeChatError(missing)
        return value

    def refuse_if_told(self, switch: str) -> None:
        """Obey a refuse_* switch."""
        code = self.world.switches.text(switch)
        if code:
            raise WeChatError(int(code) if code.lstrip("-").isdigit() else -1)

    def check_app(self, app_id: str, secret: str, grant_type: str, wanted: str) -> None:
        """The app is known, its secret right, the grant type the one of this call."""
        if not app_id:
            raise WeChatError(41002)
        if not secret:
            raise WeChatError(41004)
        expected = self.world.credentials.app_secret(app_id)
        if expected is None:
            raise WeChatError(40013)
        if secret != expected:
            raise WeChatError(40125)
        if grant_type != wanted:
            raise WeChatError(40002)

    def app_of_token(self) -> str:
        """The app whose access token came in the query."""
        token = self.world.state.tokens.get(self.query("access_token", 41001))
        if token is None or token.kind not in ("token", "stable"):
            raise WeChatError(40001)
        if token.expires_at <= self.world.now():
            raise WeChatError(42001)
        return token.app_id

    def posted(self) -> dict[str, Any]:
        """The JSON object of a POST, refused when empty or broken."""
        if not self.request.body:
            raise WeChatError(44002)
        try:
            body = self.json_body()
        except orjson.JSONDecodeError as error:
            raise WeChatError(47001) from error
        if not isinstance(body, dict):
            raise WeChatError(47001)
        return body

    def posted_text(self) -> dict[str, Any]:
        """As `posted`, for texts people read: \\u escapes would reach them as they are."""
        if _ESCAPED.search(self.request.body):
            raise WeChatError(47001, "data format error hint: body must be raw UTF-8, not \\u escaped")
        return self.posted()


def issue_code(world: World, code: LoginCode) -> str:
    """A new single-use code."""
    value = f"0{secrets.choice('abcdefghj')}1{secrets.token_hex(14)}"
    world.state.codes[value] = code
    world.keeper.changed()
    return value


def take_code(world: World, value: str, kind: str, app_id: str) -> LoginCode:
    """Use a code up, or refuse it as the platform does."""
    code = world.state.codes.get(value)
    if code is None or code.kind != kind or code.app_id != app_id:
        raise WeChatError(40029)
    if code.used:
        raise WeChatError(40163)
    if world.now() - code.issued_at > CODE_LIVES_S:
        raise WeChatError(40029 if kind != "oauth" else 42003)
    code.used = True
    world.keeper.changed()
    return code


def issue_token(world: World, kind: str, app_id: str, **of: str) -> str:
    """A new access token; the platform asks merchants to keep room for 512 characters."""
    value = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"
    now = world.now()
    lives = TOKEN_LIVES_S if kind != "refresh" else 30 * 86400
    world.state.tokens[value] = AccessToken(kind, app_id, now + lives, now, **of)
    world.keeper.changed()
    return value


def session_key() -> str:
    """A session key: base64 of sixteen random bytes."""
    return base64.b64encode(bytes.fromhex(new_token())).decode()
