"""Login and subscribe messages against the sandbox's WeChat."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from notify.ports import CustomerMessage, RejectedError, RejectReason, SubscribeMessage, UnknownResultError
from tests.notify.contract import (
    AccountNotifierContract,
    MessengerContract,
    OfficialAccountContract,
    WeChatLoginContract,
)
from tests.notify.wechat.conftest import PHONE, WeChatWorld


class TestWeChatSubscribeMessenger(MessengerContract):
    async def test_the_message_reaches_the_persons_phone_as_written(self, world: WeChatWorld):
        await world.grant(1)
        await world.messenger.send(world.message())
        newest = (await world.outside.get("wechat-messages", phone=PHONE))["items"][0]
        assert "潍坊市人民医院" in str(newest)

    async def test_a_value_that_breaks_the_templates_rule_is_the_contents_fault(self, world: WeChatWorld):
        await world.grant(1)
        message = world.message()
        too_long = SubscribeMessage(
            message.openid, message.template_id, {**message.data, "thing1": "长" * 21}
        )
        with pytest.raises(RejectedError) as refused:
            await world.messenger.send(too_long)
        assert refused.value.reason is RejectReason.BAD_CONTENT

    async def test_a_stranger_is_the_recipients_fault(self, world: WeChatWorld):
        message = world.message()
        with pytest.raises(RejectedError) as refused:
            await world.messenger.send(SubscribeMessage("o-nobody", message.template_id, message.data))
        assert refused.value.reason is RejectReason.BAD_RECIPIENT

    async def test_a_lost_answer_is_unknown(self, world: WeChatWorld):
        await world.grant(1)
        await world.messenger.send(world.message())
        await world.grant(1)
        async with world.outside.misbehaving(lose_answers_wechat=True):
            with pytest.raises(UnknownResultError):
                await world.messenger.send(world.message())


class TestWeChatCustomerService(OfficialAccountContract):
    async def test_who_has_left_the_account_is_left_alone(self, spoken: WeChatWorld):
        await spoken.speak()
        await spoken.outside.post("wechat-users", {"openid": spoken.oa_openid, "follows_oa": False})
        try:
            with pytest.raises(RejectedError) as refused:
                await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, "您好"))
        finally:
            await spoken.outside.post("wechat-users", {"openid": spoken.oa_openid, "follows_oa": True})
        assert refused.value.reason is RejectReason.NOT_NOW

    async def test_a_lost_answer_of_wechats_is_unknown(self, spoken: WeChatWorld):
        await spoken.speak()
        async with spoken.outside.misbehaving(lose_answers_wechat=True):
            with pytest.raises(UnknownResultError):
                await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, "您好"))


class TestWeChatTemplateMessages(AccountNotifierContract):
    async def test_a_tap_leads_into_the_mini_program(self, followed: WeChatWorld):
        await followed.notifier.send_notice(followed.notice())
        newest = (await followed.outside.get("wechat-messages", openid=followed.oa_openid))["items"][0]
        assert newest["channel"] == "oa"
        assert newest["data"]["thing1"] == "潍坊市人民医院"


class TestWeChatPlatformLogin(WeChatLoginContract):
    async def test_the_page_address_leads_to_a_code_and_the_state_comes_back(self, world: WeChatWorld):
        address = world.login.authorize_url(f"{world.outside.city_url}/back?x=1", "state-1")
        parts = urlsplit(address)
        assert parts.path == "/wechat-open/connect/oauth2/authorize"
        assert parts.fragment == "wechat_redirect"
        query = parse_qs(parts.query)
        assert query["scope"] == ["snsapi_base"]
        assert query["redirect_uri"] == [f"{world.outside.city_url}/back?x=1"]
        async with httpx.AsyncClient() as browser:
            page = await browser.get(address)
        assert page.status_code in (200, 302)

    @pytest.mark.parametrize(("code", "reason"), [("40226", RejectReason.OTHER)])
    async def test_a_person_wechat_blocks_is_refused(
        self, world: WeChatWorld, code: str, reason: RejectReason
    ):
        js_code, _ = await world.js_code()
        async with world.outside.misbehaving(refuse_login=code):
            with pytest.raises(RejectedError) as refused:
                await world.login.openid_of_js_code(js_code)
        assert refused.value.reason is reason

    async def test_logging_in_needs_no_access_token(self, world: WeChatWorld):
        js_code, openid = await world.js_code()
        async with world.outside.misbehaving(refuse_token="-1"):
            assert (await world.login.openid_of_js_code(js_code)).openid == openid
