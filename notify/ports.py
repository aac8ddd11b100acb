"""The ports to message providers and to WeChat: small protocols with our own frozen types.

An adapter owns the wire; who is told what, when, and how often is `backend/messages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class RejectReason(StrEnum):
    """Why a provider said no, as far as the caller would act differently."""

    OTHER = "other"
    NOT_SUBSCRIBED = "not_subscribed"
    BAD_RECIPIENT = "bad_recipient"
    BAD_CONTENT = "bad_content"
    CODE_INVALID = "code_invalid"
    MISCONFIGURED = "misconfigured"
    # A person who has not spoken to us lately, or was answered too often since, is not to be spoken to.
    NOT_NOW = "not_now"


class NotifyError(Exception):
    """Base of what an adapter raises. `code` is the provider's own word, `detail` is for the log."""

    def __init__(self, code: str = "", detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class RetryableError(NotifyError):
    """It was not sent; the same call may be made again later."""


class ThrottledError(RetryableError):
    """The provider asks us to slow down."""


class RejectedError(NotifyError):
    """The provider said no and would say no again."""

    def __init__(self, code: str = "", detail: str = "", reason: RejectReason = RejectReason.OTHER) -> None:
        super().__init__(code, detail)
        self.reason = reason


class DuplicateRequestError(NotifyError):
    """The provider has this message already."""


class InvalidNoticeError(NotifyError):
    """A report or reply that cannot be read."""


class UnknownResultError(NotifyError):
    """Nobody knows whether it was sent."""


@dataclass(frozen=True, slots=True)
class SMS:
    """One text message to one phone. `extension` lengthens the sender's number where that is allowed."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    extension: str = ""


@dataclass(frozen=True, slots=True)
class TemplateSMS:
    """One text message by a template the provider has approved; some providers send nothing else.

    `params` are named, and stand in the order of the template's slots: some providers fill a slot by its
    name, some by its place. `reference` is our own number of this try; some providers give it back.
    """

    phone: str = field(repr=False)
    template_id: str
    params: Mapping[str, str] = field(repr=False)
    extension: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SubscribeMessage:
    """One WeChat subscribe message: it spends one of the grants the person gave for this template."""

    openid: str
    template_id: str
    data: Mapping[str, str] = field(repr=False)
    page: str = ""


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """One template message of the official account, to somebody who follows it; it spends nothing.

    With the same `reference` within some minutes the person gets it once, however often it is sent.
    """

    openid: str
    template_id: str
    data: Mapping[str, str] = field(repr=False)
    page: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """Words to somebody who has just spoken to the official account."""

    openid: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What somebody sent to the official account, or did there. `stamp` names the callback it came by."""

    id: str
    openid: str = field(repr=False)
    account: str
    # text, voice, image, …; of an event its name and its key.
    kind: str
    event: str = ""
    key: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    # Of the event that tells what became of a message of ours: WeChat's number of it, `success` or why not.
    about: str = ""
    status: str = ""
    sent_at: datetime = field(kw_only=True)
    stamp: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider has taken the message over; `provider_id` is how its reports name it."""

    provider: str
    provider_id: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of a message at the recipient's carrier; `phone` is the openid of a template message."""

    provider_id: str
    phone: str = field(repr=False)
    delivered: bool = False
    code: str = ""
    at: datetime | None = None
    # Our own number of the try, from a provider that gives it back.
    reference: str = ""


class TraceState(StrEnum):
    """How far a provider says a message has come."""

    ABSENT = "absent"
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Which message is asked about: by the provider's number of it or, where its answer was lost, by ours."""

    phone: str = field(repr=False)
    sent_at: datetime
    provider_id: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if not (self.provider_id or self.reference):
            raise ValueError("an inquiry needs the provider's number of the message or ours")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a provider says when asked about one message. ABSENT: it has no word of it, or none yet."""

    state: TraceState
    code: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message a person sent to us."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    extension: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MiniSession:
    """Who is behind a mini-program login code."""

    openid: str
    unionid: str | None = None


class SMSSender(Protocol):
    """A provider of text messages."""

    @property
    def name(self) -> str:
        """The provider's name in our records."""

    async def send(self, message: SMS) -> SendResult:
        """Hand one message to the provider."""

    async def aclose(self) -> None:
        """Let go of connections."""


class TemplateSMSSender(Protocol):
    """A provider of text messages by approved templates."""

    @property
    def name(self) -> str:
        """The provider's name in our records."""

    async def send_template(self, message: TemplateSMS) -> SendResult:
        """Hand one message to the provider."""

    async def aclose(self) -> None:
        """Let go of connections."""


class SMSTracer(Protocol):
    """A provider that can be asked what became of one message: a lost report, a lost answer."""

    async def trace(self, inquiry: Inquiry) -> Trace:
        """Ask about one message; asking changes nothing."""


class SMSReceiver(Protocol):
    """What a provider tells us back: pushed to our callback, or fetched by us."""

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        """Read a pushed delivery report; `InvalidNoticeError` when unreadable."""

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        """Read a pushed reply; `InvalidNoticeError` when unreadable."""

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        """Fetch delivery reports that were not pushed; each is given once."""

    async def fetch_replies(self) -> tuple[Reply, ...]:
        """Fetch replies that were not pushed; each is given once."""


class MiniProgramMessenger(Protocol):
    """WeChat subscribe messages of the mini-program."""

    @property
    def name(self) -> str:
        """The provider's name in our records."""

    async def send(self, message: SubscribeMessage) -> SendResult:
        """Send one message; `NOT_SUBSCRIBED` when the person's grants are used up."""

    async def aclose(self) -> None:
        """Let go of connections."""


class OfficialAccountMessenger(Protocol):
    """WeChat customer-service messages of the official account."""

    @property
    def name(self) -> str:
        """The provider's name in our records."""

    async def send_text(self, message: CustomerMessage) -> SendResult:
        """Send one text; `NOT_NOW` when WeChat lets us say no more to the person."""

    async def aclose(self) -> None:
        """Let go of connections."""


class OfficialAccountLine(Protocol):
    """What comes in from the official account's chat, and what goes back."""

    @property
    def is_set_up(self) -> bool:
        """Whether there is an account that is to answer."""

    def echo(self, query: Mapping[str, str], now: datetime) -> str:
        """What the platform wants back when the address is entered. Raises InvalidNoticeError."""

    def read(self, query: Mapping[str, str], body: bytes, now: datetime) -> InboundMessage:
        """A message or an event. Raises InvalidNoticeError."""

    def reply(self, message: InboundMessage, text: str, now: datetime) -> bytes:
        """The body that answers a message at once."""

    async def set_menu(self, buttons: Sequence[Mapping[str, Any]]) -> None:
        """Put another menu under the account's chat."""


class AccountNotifier(Protocol):
    """WeChat template messages of the official account."""

    @property
    def name(self) -> str:
        """The provider's name in our records."""

    async def send_notice(self, notice: AccountNotice) -> SendResult:
        """Send one; `NOT_NOW` to somebody who does not follow the account."""

    async def aclose(self) -> None:
        """Let go of connections."""


class WeChatLogin(Protocol):
    """Who is who at WeChat. A used, expired or made-up code is rejected with `CODE_INVALID`."""

    async def openid_of_js_code(self, js_code: str) -> MiniSession:
        """The person behind `wx.login`'s code."""

    async def phone_of_code(self, phone_code: str) -> str:
        """The phone number a person agreed to share, 11 digits, mainland China."""

    async def openid_of_oauth_code(self, code: str) -> str:
        """The official account's openid behind a web page authorisation."""

    def authorize_url(self, redirect_url: str, state: str) -> str:
        """Where to send a browser inside WeChat to be authorised for the official account."""

    async def aclose(self) -> None:
        """Let go of connections."""
