"""Official-account OAuth: the authorize page of open.weixin.qq.com and the sns/ calls behind it."""

from __future__ import annotations

import urllib.parse
from typing import Any

from sandbox.people import PHONE
from sandbox.state import AccessToken, LoginCode
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import WeChatError, WeChatHandler, issue_code, issue_token, take_code
from sandbox.world import World

SCOPES = ("snsapi_base", "snsapi_userinfo")


class AuthorizeHandler(PageHandler):
    """The page on which a person says who they are; the real one knows from the phone it runs on."""

    async def get(self) -> None:
        """Show the choice, or what the real page says of wrong parameters."""
        problem = self._problem()
        if problem:
            self.set_status(400)
        self.page(
            "authorize.html", problem=problem, people=people_with_phones(self.world), query=self._query()
        )

    async def post(self) -> None:
        """Go back to the city with a code."""
        phone = self.get_body_argument("other", "").strip() or self.get_body_argument("phone", "")
        problem = self._problem() or ("" if PHONE.match(phone) else "请输入正确的手机号")
        if problem:
            self.set_status(400)
            self.page(
                "authorize.html", problem=problem, people=people_with_phones(self.world), query=self._query()
            )
            return
        user = self.world.people.user_with_phone(phone)
        code = LoginCode(
            kind="oauth",
            app_id=self._query()["appid"],
            openid=user.oa_openid,
            issued_at=self.world.now(),
            scope=self._query()["scope"],
        )
        self.redirect(self._back_with(issue_code(self.world, code)))

    def _query(self) -> dict[str, str]:
        names = ("appid", "redirect_uri", "response_type", "scope", "state")
        return {name: self.get_query_argument(name, "") for name in names}

    def _problem(self) -> str:
        query = self._query()
        if query["appid"] != self.world.credentials.oa["app_id"]:
            return "Appid参数错误（错误码 10013）"
        if not self.world.city.owns(query["redirect_uri"]):
            return "redirect_uri域名与后台配置不一致，错误码:10003"
        if query["response_type"] != "code":
            return "response_type参数错误（错误码 10010）"
        if query["scope"] not in SCOPES:
            return "Scope 参数错误或没有 Scope 权限（错误码 10005）"
        if len(query["state"].encode()) > 128:
            return "state参数过长，最多128字节"
        return ""

    def _back_with(self, code: str) -> str:
        parts = urllib.parse.urlsplit(self._query()["redirect_uri"])
        added = urllib.parse.urlencode({"code": code, "state": self._query()["state"]})
        query = f"{parts.query}&{added}" if parts.query else added
        return urllib.parse.urlunsplit(parts._replace(query=query))


def people_with_phones(world: World) -> list[dict[str, str]]:
    """Whom the page offers: everybody in the register who has a phone."""
    return [{"name": p.name, "phone": p.phone} for p in world.state.persons.values() if p.phone][-200:]


class OAuthTokenHandler(WeChatHandler):
    """GET /sns/oauth2/access_token."""

    media_type = "text/plain"

    async def get(self) -> None:
        """openid and a token of this one resident."""
        app_id = self.query("appid")
        self.check_app(app_id, self.query("secret"), self.query("grant_type"), "authorization_code")
        self.refuse_if_told("refuse_login")
        code = take_code(self.world, self.query("code", 41008), "oauth", app_id)
        self.reply(_tokens(self.world, app_id, code.openid, code.scope))


class OAuthRefreshHandler(WeChatHandler):
    """GET /sns/oauth2/refresh_token."""

    media_type = "text/plain"

    async def get(self) -> None:
        """A new token for an old refresh token."""
        token = self.world.state.tokens.get(self.query("refresh_token"))
        if token is None or token.kind != "refresh" or token.app_id != self.query("appid", 41002):
            raise WeChatError(40030)
        if self.query("grant_type") != "refresh_token":
            raise WeChatError(40002)
        self.reply(_tokens(self.world, token.app_id, token.openid, token.scope))


def _tokens(world: World, app_id: str, openid: str, scope: str) -> dict[str, Any]:
    user = world.people.find_user(openid)
    of = {"openid": openid, "scope": scope}
    return {
        "access_token": issue_token(world, "oauth", app_id, **of),
        "expires_in": 7200,
        "refresh_token": issue_token(world, "refresh", app_id, **of),
        "openid": openid,
        "scope": scope,
        "unionid": user.unionid if user else "",
    }


class UserInfoHandler(WeChatHandler):
    """GET /sns/userinfo."""

    async def get(self) -> None:
        """Nickname and unionid, when the resident agreed to it."""
        token = _oauth_token(self)
        if token.scope != "snsapi_userinfo":
            raise WeChatError(48001)
        user = self.world.people.find_user(token.openid)
        if user is None:
            raise WeChatError(40003)
        self.reply(
            {
                "openid": user.oa_openid,
                "nickname": user.nickname,
                "sex": 0,
                "language": "",
                "city": "",
                "province": "",
                "country": "",
                "headimgurl": "",
                "privilege": [],
                "unionid": user.unionid,
            }
        )


class AuthHandler(WeChatHandler):
    """GET /sns/auth: whether an OAuth token still holds."""

    async def get(self) -> None:
        """ok, or why not."""
        _oauth_token(self)
        self.reply({"errcode": 0, "errmsg": "ok"})


def _oauth_token(handler: WeChatHandler) -> AccessToken:
    token = handler.world.state.tokens.get(handler.query("access_token", 41001))
    if token is None or token.kind != "oauth":
        raise WeChatError(40001)
    if token.expires_at <= handler.world.now():
        raise WeChatError(42001)
    if token.openid != handler.query("openid"):
        raise WeChatError(40003)
    return token


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The paths of OAuth on both hosts."""
    given = {"world": world}
    return [
        (r"/wechat-open/connect/oauth2/authorize", AuthorizeHandler, given),
        (r"/wechat/sns/oauth2/access_token", OAuthTokenHandler, given),
        (r"/wechat/sns/oauth2/refresh_token", OAuthRefreshHandler, given),
        (r"/wechat/sns/userinfo", UserInfoHandler, given),
        (r"/wechat/sns/auth", AuthHandler, given),
    ]
