"""`WeChatLogin`: the people behind the codes that WeChat's clients hand out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from notify.ports import MiniSession, RejectedError, RejectReason, RetryableError
from notify.wechat.client import WeChatApp


class WeChatPlatformLogin:
    """Login through the mini-program and through the official account's web pages."""

    def __init__(self, mini: WeChatApp, official: WeChatApp, open_url: str) -> None:
        self._mini = mini
        self._official = official
        self._open_url = open_url.rstrip("/")

    async def openid_of_js_code(self, js_code: str) -> MiniSession:
        """The person behind `wx.login`'s code. The session key stays unused and is not kept."""
        config = self._mini.config
        answer = await self._mini.get(
            "js_code",
            "sns/jscode2session",
            {
                "appid": config.app_id,
                "secret": config.secret,
                "js_code": js_code,
                "grant_type": "authorization_code",
            },
        )
        return MiniSession(_text(answer, "openid"), answer.get("unionid"))

    async def phone_of_code(self, phone_code: str) -> str:
        """The number behind `getPhoneNumber`'s code."""
        answer = await self._mini.post(
            "phone_code", "wxa/business/getuserphonenumber", {"code": phone_code}, read=True
        )
        info = answer.get("phone_info")
        if not isinstance(info, dict):
            raise RetryableError("UNREADABLE", "phone_info")
        self._check_watermark(info)
        phone = _text(info, "purePhoneNumber")
        if str(info.get("countryCode")) != "86" or len(phone) != 11 or not phone.isdigit():
            raise RejectedError("FOREIGN_PHONE", reason=RejectReason.BAD_RECIPIENT)
        return phone

    def _check_watermark(self, info: dict[str, Any]) -> None:
        watermark = info.get("watermark")
        app_id = watermark.get("appid") if isinstance(watermark, dict) else None
        if app_id != self._mini.config.app_id:
            raise RejectedError("WATERMARK", reason=RejectReason.CODE_INVALID)

    async def openid_of_oauth_code(self, code: str) -> str:
        """The official account's openid; the page token that comes with it is not kept."""
        config = self._official.config
        answer = await self._official.get(
            "oauth_code",
            "sns/oauth2/access_token",
            {
                "appid": config.app_id,
                "secret": config.secret,
                "code": code,
                "grant_type": "authorization_code",
            },
        )
        return _text(answer, "openid")

    def authorize_url(self, redirect_url: str, state: str) -> str:
        """A silent authorisation: the openid and nothing else, no question to the person."""
        query = urlencode(
            {
                "appid": self._official.config.app_id,
                "redirect_uri": redirect_url,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            }
        )
        return f"{self._open_url}/connect/oauth2/authorize?{query}#wechat_redirect"

    async def aclose(self) -> None:
        """Close both applications."""
        await self._mini.aclose()
        await self._official.aclose()


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise RetryableError("UNREADABLE", f"{name} missing")
    return value
