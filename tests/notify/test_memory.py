"""The providers in memory keep the same contracts as the real adapters."""

import pytest

from notify.ports import AccountNotice, MiniSession, SubscribeMessage
from tests.notify.contract import (
    AccountNotifierContract,
    MessengerContract,
    OfficialAccountContract,
    SMSSenderContract,
    SMSTracerContract,
    TemplateSMSSenderContract,
    WeChatLoginContract,
)
from tests.notify.memory import MemoryLogin, MemoryMessenger, MemoryNotifier, MemoryOfficialAccount, MemorySMS


class MemorySMSWorld:
    phone = "13912340000"
    template_id = "{patient}您好，您已预约{when}。"

    def __init__(self) -> None:
        self.sender = self.templates = self.tracer = MemorySMS()

    async def texts(self, phone: str) -> list[str]:
        return self.sender.texts_to(phone)


class TestMemorySMS(SMSSenderContract, TemplateSMSSenderContract, SMSTracerContract):
    @pytest.fixture
    def sms(self) -> MemorySMSWorld:
        return MemorySMSWorld()

    @pytest.fixture
    def traced(self, sms: MemorySMSWorld) -> MemorySMSWorld:
        return sms

    @pytest.fixture
    def templated(self, sms: MemorySMSWorld) -> MemorySMSWorld:
        return sms


class MemoryMessengerWorld:
    openid = "o-person"

    def __init__(self) -> None:
        self.messenger = MemoryMessenger()

    def message(self) -> SubscribeMessage:
        return SubscribeMessage(self.openid, "template", {"thing1": "市人民医院"})

    async def grant(self, count: int) -> None:
        self.messenger.grant(self.openid, "template", count)


class TestMemoryMessenger(MessengerContract):
    @pytest.fixture
    def world(self) -> MemoryMessengerWorld:
        return MemoryMessengerWorld()


class MemoryOfficialWorld:
    oa_openid = "o-follower"

    def __init__(self) -> None:
        self.official_messenger = MemoryOfficialAccount()

    async def speak(self) -> None:
        self.official_messenger.open[self.oa_openid] = 5

    async def fall_silent(self) -> None:
        self.official_messenger.open.clear()

    async def heard(self) -> list[str]:
        return [message.text for message in self.official_messenger.sent]


class TestMemoryOfficialAccount(OfficialAccountContract):
    @pytest.fixture
    def spoken(self) -> MemoryOfficialWorld:
        return MemoryOfficialWorld()


class MemoryNotifierWorld:
    def __init__(self) -> None:
        self.notifier = MemoryNotifier()
        self.notifier.followers.add("o-follower")

    def notice(self) -> AccountNotice:
        return AccountNotice("o-follower", "template", {"thing1": "市人民医院"})

    async def follow(self, follows: bool) -> None:
        self.notifier.followers = {"o-follower"} if follows else set()


class TestMemoryNotifier(AccountNotifierContract):
    @pytest.fixture
    def followed(self) -> MemoryNotifierWorld:
        return MemoryNotifierWorld()


class MemoryLoginWorld:
    def __init__(self) -> None:
        self.login = MemoryLogin()

    async def js_code(self) -> tuple[str, str]:
        self.login.js_codes["js"] = MiniSession("o-mini")
        return "js", "o-mini"

    async def phone_code(self) -> tuple[str, str]:
        self.login.phone_codes["phone"] = "13912345678"
        return "phone", "13912345678"

    async def oauth_code(self) -> tuple[str, str]:
        self.login.oauth_codes["page"] = "o-oa"
        return "page", "o-oa"


class TestMemoryLogin(WeChatLoginContract):
    @pytest.fixture
    def world(self) -> MemoryLoginWorld:
        return MemoryLoginWorld()
