"""What every adapter of the notify ports must do, one class per port."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from backend.ids import new_id
from notify.ports import (
    SMS,
    AccountNotice,
    AccountNotifier,
    CustomerMessage,
    Inquiry,
    MiniProgramMessenger,
    OfficialAccountMessenger,
    RejectedError,
    RejectReason,
    SMSSender,
    SMSTracer,
    SubscribeMessage,
    TemplateSMS,
    TemplateSMSSender,
    TraceState,
    WeChatLogin,
)
from tests.support.polling import poll

PHONE = "13912345678"


class SMSWorld(Protocol):
    """The other end of a provider."""

    @property
    def sender(self) -> SMSSender:
        """The provider as our adapter shows it."""

    async def texts(self, phone: str) -> list[str]:
        """What a phone has received, oldest first."""


class SMSSenderContract:
    async def test_a_message_arrives_and_has_the_providers_id(self, sms: SMSWorld):
        before = len(await sms.texts(PHONE))
        result = await sms.sender.send(SMS(PHONE, "您已预约市人民医院,序号3。"))
        assert result.provider == sms.sender.name
        assert result.provider_id
        arrived = await sms.texts(PHONE)
        assert len(arrived) == before + 1
        assert arrived[-1].endswith("您已预约市人民医院,序号3。")

    async def test_two_messages_have_two_ids(self, sms: SMSWorld):
        ids = {(await sms.sender.send(SMS(PHONE, f"第{n}条"))).provider_id for n in range(2)}
        assert len(ids) == 2

    async def test_a_number_that_is_none_is_rejected_as_the_recipients_fault(self, sms: SMSWorld):
        with pytest.raises(RejectedError) as refused:
            await sms.sender.send(SMS("12", "您好"))
        assert refused.value.reason is RejectReason.BAD_RECIPIENT

    async def test_an_empty_text_is_rejected_as_the_contents_fault(self, sms: SMSWorld):
        with pytest.raises(RejectedError) as refused:
            await sms.sender.send(SMS(PHONE, " "))
        assert refused.value.reason is RejectReason.BAD_CONTENT


class TemplateSMSWorld(Protocol):
    """The other end of a provider that sends by templates."""

    # A phone that no other test writes to: providers count what a phone gets.
    phone: str
    # A template with the slots `patient` and `when`, whatever the provider calls it.
    template_id: str

    @property
    def templates(self) -> TemplateSMSSender:
        """The provider as our adapter shows it."""

    async def texts(self, phone: str) -> list[str]:
        """What a phone has received, oldest first."""


class TemplateSMSSenderContract:
    @staticmethod
    def message(world: TemplateSMSWorld, **changes: Any) -> TemplateSMS:
        params = {"patient": "张*", "when": "11月23日08:30"}
        return replace(TemplateSMS(world.phone, world.template_id, params), **changes)

    async def test_a_filled_template_arrives_and_has_the_providers_id(self, templated: TemplateSMSWorld):
        before = len(await templated.texts(templated.phone))
        result = await templated.templates.send_template(self.message(templated))
        assert result.provider == templated.templates.name
        assert result.provider_id
        arrived = await templated.texts(templated.phone)
        assert len(arrived) == before + 1
        assert arrived[-1].index("张*") < arrived[-1].index("11月23日08:30")

    async def test_two_messages_by_a_template_have_two_ids(self, templated: TemplateSMSWorld):
        sender, message = templated.templates, self.message(templated)
        assert len({(await sender.send_template(message)).provider_id for _ in range(2)}) == 2

    async def test_a_number_that_is_none_gets_no_template(self, templated: TemplateSMSWorld):
        with pytest.raises(RejectedError) as refused:
            await templated.templates.send_template(self.message(templated, phone="12"))
        assert refused.value.reason is RejectReason.BAD_RECIPIENT

    async def test_a_parameter_that_is_a_story_is_rejected_as_the_contents_fault(
        self, templated: TemplateSMSWorld
    ):
        story = {"patient": "张*", "when": "很久以前" * 500}
        with pytest.raises(RejectedError) as refused:
            await templated.templates.send_template(self.message(templated, params=story))
        assert refused.value.reason is RejectReason.BAD_CONTENT


class SMSTracerWorld(TemplateSMSWorld, Protocol):
    """The same provider, and its carrier reports at once."""

    @property
    def tracer(self) -> SMSTracer:
        """The provider as our adapter shows it."""


class SMSTracerContract:
    async def ask(self, world: SMSTracerWorld, **known: str) -> TraceState:
        inquiry = Inquiry(world.phone, datetime.now(UTC), **known)
        return (await world.tracer.trace(inquiry)).state

    async def test_a_sent_message_is_found_by_either_number(self, traced: SMSTracerWorld):
        params = {"patient": "张*", "when": "11月23日08:30"}
        message = TemplateSMS(traced.phone, traced.template_id, params, reference="our-number")
        sent = await traced.templates.send_template(message)

        async def delivered() -> bool:
            return await self.ask(traced, provider_id=sent.provider_id) is TraceState.DELIVERED

        await poll(delivered)
        assert await self.ask(traced, reference="our-number") is TraceState.DELIVERED

    async def test_a_message_the_provider_never_had_is_absent(self, traced: SMSTracerWorld):
        assert await self.ask(traced, provider_id="never-had") is TraceState.ABSENT
        assert await self.ask(traced, reference="never-had") is TraceState.ABSENT


class MessengerWorld(Protocol):
    """A person with WeChat, who may accept prompts."""

    openid: str

    @property
    def messenger(self) -> MiniProgramMessenger:
        """WeChat as our adapter shows it."""

    def message(self) -> SubscribeMessage:
        """A message that is right in every way."""

    async def grant(self, count: int) -> None:
        """The person accepts so many of that message."""


class MessengerContract:
    async def test_a_granted_message_is_sent(self, world: MessengerWorld):
        await world.grant(1)
        result = await world.messenger.send(world.message())
        assert result.provider == world.messenger.name
        assert result.provider_id

    async def test_each_grant_is_good_for_one_message(self, world: MessengerWorld):
        await world.grant(2)
        await world.messenger.send(world.message())
        await world.messenger.send(world.message())
        with pytest.raises(RejectedError) as refused:
            await world.messenger.send(world.message())
        assert refused.value.reason is RejectReason.NOT_SUBSCRIBED


class OfficialWorld(Protocol):
    """A person who follows the official account, and may speak to it."""

    oa_openid: str

    @property
    def official_messenger(self) -> OfficialAccountMessenger:
        """WeChat as our adapter shows it."""

    async def speak(self) -> None:
        """The person says something to the account."""

    async def fall_silent(self) -> None:
        """It is long since the person said anything."""

    async def heard(self) -> list[str]:
        """What the person was told by the account, oldest first."""


class OfficialAccountContract:
    async def test_who_has_spoken_is_answered(self, spoken: OfficialWorld):
        await spoken.speak()
        before = len(await spoken.heard())
        result = await spoken.official_messenger.send_text(
            CustomerMessage(spoken.oa_openid, "您好 😀\n请选择")
        )
        assert result.provider == spoken.official_messenger.name
        assert (await spoken.heard())[before:] == ["您好 😀\n请选择"]

    async def test_who_has_not_spoken_lately_is_left_alone(self, spoken: OfficialWorld):
        await spoken.fall_silent()
        with pytest.raises(RejectedError) as refused:
            await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, "您好"))
        assert refused.value.reason is RejectReason.NOT_NOW

    async def test_a_word_of_theirs_allows_five_of_ours(self, spoken: OfficialWorld):
        await spoken.fall_silent()
        await spoken.speak()
        for number in range(5):
            await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, f"第{number}条"))
        with pytest.raises(RejectedError) as refused:
            await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, "第六条"))
        assert refused.value.reason is RejectReason.NOT_NOW

    async def test_a_text_that_is_too_long_is_the_contents_fault(self, spoken: OfficialWorld):
        await spoken.speak()
        with pytest.raises(RejectedError) as refused:
            await spoken.official_messenger.send_text(CustomerMessage(spoken.oa_openid, "长" * 683))
        assert refused.value.reason is RejectReason.BAD_CONTENT


class NotifierWorld(Protocol):
    """A person who may follow the official account."""

    @property
    def notifier(self) -> AccountNotifier:
        """WeChat as our adapter shows it."""

    def notice(self) -> AccountNotice:
        """A template message that is right in every way."""

    async def follow(self, follows: bool) -> None:
        """The person begins or ends to follow the account."""


class AccountNotifierContract:
    async def test_who_follows_is_told_as_often_as_there_is_news(self, followed: NotifierWorld):
        await followed.follow(True)
        results = [await followed.notifier.send_notice(followed.notice()) for _ in range(2)]
        assert {result.provider for result in results} == {followed.notifier.name}
        assert len({result.provider_id for result in results}) == 2

    async def test_the_same_again_under_our_number_is_sent_once(self, followed: NotifierWorld):
        await followed.follow(True)
        notices = [replace(followed.notice(), reference=new_id()) for _ in range(2)]
        results = [await followed.notifier.send_notice(notice) for notice in (*notices, notices[0])]
        assert results[0] == results[2]
        assert results[0] != results[1]

    async def test_who_does_not_follow_is_left_alone(self, followed: NotifierWorld):
        await followed.follow(False)
        try:
            with pytest.raises(RejectedError) as refused:
                await followed.notifier.send_notice(followed.notice())
        finally:
            await followed.follow(True)
        assert refused.value.reason is RejectReason.NOT_NOW

    async def test_a_keyword_that_is_too_long_is_the_contents_fault(self, followed: NotifierWorld):
        notice = followed.notice()
        long = replace(notice, data={**notice.data, "thing1": "长" * 21})
        with pytest.raises(RejectedError) as refused:
            await followed.notifier.send_notice(long)
        assert refused.value.reason is RejectReason.BAD_CONTENT


class LoginWorld(Protocol):
    """A person whose WeChat hands out codes."""

    @property
    def login(self) -> WeChatLogin:
        """WeChat as our adapter shows it."""

    async def js_code(self) -> tuple[str, str]:
        """A fresh login code and the openid behind it."""

    async def phone_code(self) -> tuple[str, str]:
        """A fresh phone code and the number behind it."""

    async def oauth_code(self) -> tuple[str, str]:
        """A fresh page code and the official account's openid behind it."""


class WeChatLoginContract:
    async def test_a_login_code_names_the_person_once(self, world: LoginWorld):
        code, openid = await world.js_code()
        assert (await world.login.openid_of_js_code(code)).openid == openid
        with pytest.raises(RejectedError) as refused:
            await world.login.openid_of_js_code(code)
        assert refused.value.reason is RejectReason.CODE_INVALID

    async def test_a_phone_code_gives_the_number_once(self, world: LoginWorld):
        code, phone = await world.phone_code()
        assert await world.login.phone_of_code(code) == phone
        with pytest.raises(RejectedError) as refused:
            await world.login.phone_of_code(code)
        assert refused.value.reason is RejectReason.CODE_INVALID

    async def test_a_page_code_names_the_person_once(self, world: LoginWorld):
        code, openid = await world.oauth_code()
        assert await world.login.openid_of_oauth_code(code) == openid
        with pytest.raises(RejectedError) as refused:
            await world.login.openid_of_oauth_code(code)
        assert refused.value.reason is RejectReason.CODE_INVALID

    async def test_a_made_up_code_is_refused(self, world: LoginWorld):
        with pytest.raises(RejectedError) as refused:
            await world.login.openid_of_js_code("made-up")
        assert refused.value.reason is RejectReason.CODE_INVALID
