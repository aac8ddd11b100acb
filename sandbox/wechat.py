"""The WeChat platform (api.weixin.qq.com): mini-program login, access tokens, phone numbers."""

from __future__ import annotations

from typing import Any

from sandbox.state import AccessToken
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import (
    GRACE_S,
    WeChatError,
    WeChatHandler,
    issue_token,
    session_key,
    take_code,
)
from sandbox.world import World

REFRESHES_A_DAY = 20
REFRESH_APART_S = 30


class CodeToSessionHandler(WeChatHandler):
    """GET /sns/jscode2session."""

    media_type = "text/plain"

    async def get(self) -> None:
        """openid, session_key and unionid for a code from wx.login."""
        app_id = self.query("appid")
        self.check_app(app_id, self.query("secret"), self.query("grant_type"), "authorization_code")
        if app_id != self.world.credentials.mini["app_id"]:
            raise WeChatError(48001)
        self.refuse_if_told("refuse_login")
        code = take_code(self.world, self.query("js_code", 41008), "js", app_id)
        user = self.world.people.find_user(code.openid)
        if user is None:
            raise WeChatError(40029)
        self.reply({"session_key": session_key(), "openid": user.mini_openid, "unionid": user.unionid})


class TokenHandler(WeChatHandler):
    """GET /cgi-bin/token: each call makes a new token and ages the one before."""

    async def get(self) -> None:
        """A new access token."""
        app_id = self.query("appid")
        self.check_app(app_id, self.query("secret"), self.query("grant_type"), "client_credential")
        self.refuse_if_told("refuse_token")
        _age(self.world, "token", app_id)
        self.reply({"access_token": issue_token(self.world, "token", app_id), "expires_in": 7200})


class StableTokenHandler(WeChatHandler):
    """POST /cgi-bin/stable_token: the same token until its last five minutes."""

    async def post(self) -> None:
        """The stable access token, or a new one when forced to."""
        body = self.posted()
        app_id = str(body.get("appid") or "")
        grant_type = str(body.get("grant_type") or "")
        self.check_app(app_id, str(body.get("secret") or ""), grant_type, "client_credential")
        self.refuse_if_told("refuse_token")
        now = self.world.now()
        if body.get("force_refresh") is True:
            self._count_refresh(app_id, now)
        else:
            found = _latest(self.world, app_id)
            if found and found[1].expires_at - now > GRACE_S:
                self.reply({"access_token": found[0], "expires_in": int(found[1].expires_at - now)})
                return
        _age(self.world, "stable", app_id)
        self.reply({"access_token": issue_token(self.world, "stable", app_id), "expires_in": 7200})

    def _count_refresh(self, app_id: str, now: float) -> None:
        times = [at for at in self.world.state.stable_refreshes.get(app_id, []) if now - at < 86400]
        if times and now - times[-1] < REFRESH_APART_S:
            raise WeChatError(45011)
        if len(times) >= REFRESHES_A_DAY:
            raise WeChatError(45009)
        self.world.state.stable_refreshes[app_id] = [*times, now]


def _latest(world: World, app_id: str) -> tuple[str, AccessToken] | None:
    mine = [(v, t) for v, t in world.state.tokens.items() if t.kind == "stable" and t.app_id == app_id]
    return max(mine, key=lambda pair: pair[1].issued_at, default=None)


def _age(world: World, kind: str, app_id: str) -> None:
    for token in world.state.tokens.values():
        if token.kind == kind and token.app_id == app_id:
            token.expires_at = min(token.expires_at, world.now() + GRACE_S)


class PhoneNumberHandler(WeChatHandler):
    """POST /wxa/business/getuserphonenumber."""

    async def post(self) -> None:
        """The phone number behind a code from getPhoneNumber."""
        app_id = self.app_of_token()
        body = self.posted()
        if app_id != self.world.credentials.mini["app_id"]:
            raise WeChatError(48001)
        self.refuse_if_told("refuse_phone_number")
        value = str(body.get("code") or "")
        try:
            code = take_code(self.world, value, "phone", app_id)
        except WeChatError as error:
            raise WeChatError(40029, f"invalid code hint: [{value[:8]}]") from error
        if body.get("openid") not in (None, "", code.openid):
            raise WeChatError(40003)
        watermark = {"timestamp": int(self.world.now()), "appid": app_id}
        phone = {"phoneNumber": code.phone, "purePhoneNumber": code.phone, "countryCode": "86"}
        self.reply({"errcode": 0, "errmsg": "ok", "phone_info": phone | {"watermark": watermark}})


class UnknownHandler(WeChatHandler):
    """Any other path of the platform."""

    async def prepare(self) -> None:
        raise WeChatError(-1, "system error: the sandbox does not speak this API")


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The platform's paths for login and tokens."""
    given = {"world": world}
    return [
        (r"/wechat/sns/jscode2session", CodeToSessionHandler, given),
        (r"/wechat/cgi-bin/token", TokenHandler, given),
        (r"/wechat/cgi-bin/stable_token", StableTokenHandler, given),
        (r"/wechat/wxa/business/getuserphonenumber", PhoneNumberHandler, given),
    ]
