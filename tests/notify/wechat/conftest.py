"""A person with WeChat in the sandbox, and the city's two applications."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from notify.ports import AccountNotice, SubscribeMessage
from notify.wechat.client import WeChatApp, WeChatAppConfig
from notify.wechat.customer_service import WeChatCustomerService
from notify.wechat.login import WeChatPlatformLogin
from notify.wechat.messenger import WeChatSubscribeMessenger
from notify.wechat.template_messages import WeChatTemplateMessages
from tests.support.outside import Outside

PHONE = "13700001111"
BOOKED = {
    "thing1": "潍坊市人民医院",
    "thing2": "心血管内科门诊",
    "name3": "张三",
    "time4": "2026年1月5日 09:30",
    "thing5": "请提前30分钟到院取号",
}


class WeChatWorld:
    def __init__(self, outside: Outside, user: dict[str, Any]) -> None:
        self.outside = outside
        self.user = user
        self.openid = str(user["mini_openid"])
        self.mini = WeChatApp(self.config("wechat_mini"))
        self.official = WeChatApp(self.config("wechat_oa"))
        self.messenger = WeChatSubscribeMessenger(self.mini)
        self.oa_openid = str(user["oa_openid"])
        self.official_messenger = WeChatCustomerService(self.official)
        self.notifier = WeChatTemplateMessages(self.official, self.mini.config.app_id)
        self.login = WeChatPlatformLogin(self.mini, self.official, f"{outside.url}/wechat-open")

    def config(self, app: str, **changes: Any) -> WeChatAppConfig:
        known = self.outside.credentials[app]
        config = WeChatAppConfig(f"{self.outside.url}/wechat", known["app_id"], known["secret"], threads=2)
        return replace(config, **changes)

    def message(self) -> SubscribeMessage:
        template = self.outside.credentials["subscribe_templates"]["appointment_booked"]
        return SubscribeMessage(self.openid, template, BOOKED, "pages/appointments/detail?id=1")

    async def grant(self, count: int) -> None:
        body = {"openid": self.openid, "kinds": ["appointment_booked"]}
        await self.outside.post("subscribe", body | {"accept": False})
        await self.outside.post("subscribe", body | {"count": count})

    def notice(self) -> AccountNotice:
        template = self.outside.credentials["oa_templates"]["appointment_booked"]
        return AccountNotice(self.oa_openid, template, BOOKED, "pages/appointments/detail?id=1")

    async def follow(self, follows: bool) -> None:
        who = {"openid": self.oa_openid, "follows_oa": follows}
        await self.outside.post("wechat-users", who)

    async def speak(self) -> None:
        await self.outside.post("oa-acts", {"openid": self.oa_openid, "act": "message"})

    async def fall_silent(self) -> None:
        long_ago = {"act": "message", "ago_s": 49 * 3600}
        await self.outside.post("oa-acts", {"openid": self.oa_openid, **long_ago})

    async def heard(self) -> list[str]:
        found = (await self.outside.get("wechat-messages", openid=self.oa_openid))["items"]
        return [message["data"]["content"] for message in reversed(found)]

    async def js_code(self) -> tuple[str, str]:
        answer = await self.outside.post("js-code", {"app": "mini", "phone": PHONE})
        return answer["js_code"], answer["openid"]

    async def phone_code(self) -> tuple[str, str]:
        return (await self.outside.post("phone-code", {"phone": PHONE}))["code"], PHONE

    async def oauth_code(self) -> tuple[str, str]:
        answer = await self.outside.post("oauth-code", {"phone": PHONE})
        return answer["code"], answer["openid"]


@pytest.fixture
async def world(outside: Outside) -> AsyncIterator[WeChatWorld]:
    world = WeChatWorld(outside, await outside.post("wechat-users", {"phone": PHONE}))
    yield world
    await world.login.aclose()


@pytest.fixture
def followed(world: WeChatWorld) -> WeChatWorld:
    return world


@pytest.fixture
def spoken(world: WeChatWorld) -> WeChatWorld:
    return world
