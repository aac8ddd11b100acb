"""Message providers and WeChat in memory: the same promises as the real ones, and faults on demand."""

from dataclasses import dataclass, field
from typing import TypeVar

from notify.ports import (
    SMS,
    AccountNotice,
    CustomerMessage,
    DeliveryReport,
    Inquiry,
    MiniSession,
    NotifyError,
    RejectedError,
    RejectReason,
    Reply,
    SendResult,
    SubscribeMessage,
    TemplateSMS,
    Trace,
    TraceState,
    UnknownResultError,
)

T = TypeVar("T")


@dataclass
class Faults:
    """What goes wrong next: an error instead of the call, or `after`: done, but the answer is lost."""

    queue: list[NotifyError | str | None] = field(default_factory=list)

    def enter(self) -> bool:
        fault = self.queue.pop(0) if self.queue else None
        if isinstance(fault, NotifyError):
            raise fault
        return fault == "after"


LONGEST_TEXT = 500


class MemorySMS:
    """Every port for text messages in memory; a template's id is its wording, with slots."""

    name = "memory_sms"

    def __init__(self) -> None:
        self.sent: list[SMS] = []
        self.faults = Faults()
        # What `trace` answers, by either number.
        self.traces: dict[str, Trace] = {}
        self.reports: list[DeliveryReport] = []
        self.replies: list[Reply] = []

    async def send(self, message: SMS) -> SendResult:
        lost = self.faults.enter()
        if not (len(message.phone) == 11 and message.phone.isdigit()):
            raise RejectedError("InvalidMobile", reason=RejectReason.BAD_RECIPIENT)
        if not message.text.strip():
            raise RejectedError("InvalidMessage", reason=RejectReason.BAD_CONTENT)
        self.sent.append(message)
        if lost:
            raise UnknownResultError("LOST")
        return SendResult(self.name, f"S{len(self.sent)}")

    async def send_template(self, message: TemplateSMS) -> SendResult:
        text = message.template_id.format_map(message.params)
        if len(text) > LONGEST_TEXT:
            raise RejectedError("InvalidMessage", reason=RejectReason.BAD_CONTENT)
        before = len(self.sent)
        try:
            return await self.send(SMS(message.phone, text, message.extension))
        finally:
            # Known by either number even when the answer is lost, and by none when it was refused.
            if len(self.sent) > before:
                names = (message.reference, f"S{len(self.sent)}")
                self.traces |= {name: Trace(TraceState.DELIVERED) for name in names if name}

    async def trace(self, inquiry: Inquiry) -> Trace:
        known = inquiry.provider_id or inquiry.reference
        return self.traces.get(known, Trace(TraceState.ABSENT))

    def texts_to(self, phone: str) -> list[str]:
        """What a phone has received, oldest first."""
        return [message.text for message in self.sent if message.phone == phone]

    def parse_reports(self, body: bytes) -> tuple[DeliveryReport, ...]:
        raise NotImplementedError

    def parse_replies(self, body: bytes) -> tuple[Reply, ...]:
        raise NotImplementedError

    async def fetch_reports(self) -> tuple[DeliveryReport, ...]:
        found, self.reports = tuple(self.reports), []
        return found

    async def fetch_replies(self) -> tuple[Reply, ...]:
        found, self.replies = tuple(self.replies), []
        return found

    async def aclose(self) -> None:
        return None


class MemoryMessenger:
    """`MiniProgramMessenger` in memory, with grants counted as WeChat counts them."""

    name = "memory_messenger"

    def __init__(self) -> None:
        self.sent: list[SubscribeMessage] = []
        self.grants: dict[tuple[str, str], int] = {}
        self.faults = Faults()

    def grant(self, openid: str, template_id: str, count: int = 1) -> None:
        """The person accepts a prompt."""
        self.grants[openid, template_id] = self.grants.get((openid, template_id), 0) + count

    async def send(self, message: SubscribeMessage) -> SendResult:
        lost = self.faults.enter()
        left = self.grants.get((message.openid, message.template_id), 0)
        if left < 1:
            raise RejectedError("43101", reason=RejectReason.NOT_SUBSCRIBED)
        self.grants[message.openid, message.template_id] = left - 1
        self.sent.append(message)
        if lost:
            raise UnknownResultError("LOST")
        return SendResult(self.name, f"W{len(self.sent)}")

    async def aclose(self) -> None:
        return None


class MemoryOfficialAccount:
    """`OfficialAccountMessenger` in memory; each openid may be told as often as it was opened for."""

    name = "memory_official_account"

    def __init__(self) -> None:
        self.sent: list[CustomerMessage] = []
        self.open: dict[str, int] = {}
        self.faults = Faults()

    async def send_text(self, message: CustomerMessage) -> SendResult:
        lost = self.faults.enter()
        if not message.text.strip() or len(message.text.encode()) > 2048:
            raise RejectedError("45002", reason=RejectReason.BAD_CONTENT)
        left = self.open.get(message.openid, 0)
        if left < 1:
            raise RejectedError("45015", reason=RejectReason.NOT_NOW)
        self.open[message.openid] = left - 1
        self.sent.append(message)
        if lost:
            raise UnknownResultError("LOST")
        return SendResult(self.name, "")

    async def aclose(self) -> None:
        return None


class MemoryNotifier:
    """`AccountNotifier` in memory, to those who follow."""

    name = "memory_notifier"

    def __init__(self) -> None:
        self.sent: list[AccountNotice] = []
        self.followers: set[str] = set()
        # What went to whom under the sender's own number.
        self.known: dict[tuple[str, str], str] = {}
        self.faults = Faults()

    async def send_notice(self, notice: AccountNotice) -> SendResult:
        lost = self.faults.enter()
        if notice.openid not in self.followers:
            raise RejectedError("43004", reason=RejectReason.NOT_NOW)
        if any(len(value) > 20 for name, value in notice.data.items() if name.startswith("thing")):
            raise RejectedError("47003", reason=RejectReason.BAD_CONTENT)
        known = self.known.get((notice.openid, notice.reference)) if notice.reference else None
        if known is None:
            self.sent.append(notice)
            known = self.known[notice.openid, notice.reference] = f"N{len(self.sent)}"
        if lost:
            raise UnknownResultError("LOST")
        return SendResult(self.name, known)

    async def aclose(self) -> None:
        return None


class MemoryLogin:
    """`WeChatLogin` in memory; every code works once."""

    def __init__(self) -> None:
        self.js_codes: dict[str, MiniSession] = {}
        self.phone_codes: dict[str, str] = {}
        self.oauth_codes: dict[str, str] = {}

    async def openid_of_js_code(self, js_code: str) -> MiniSession:
        return _spend(self.js_codes, js_code)

    async def phone_of_code(self, phone_code: str) -> str:
        return _spend(self.phone_codes, phone_code)

    async def openid_of_oauth_code(self, code: str) -> str:
        return _spend(self.oauth_codes, code)

    def authorize_url(self, redirect_url: str, state: str) -> str:
        return f"https://open.example/connect/oauth2/authorize?redirect_uri={redirect_url}&state={state}"

    async def aclose(self) -> None:
        return None


def _spend(codes: dict[str, T], code: str) -> T:
    if code not in codes:
        raise RejectedError("40029", reason=RejectReason.CODE_INVALID)
    return codes.pop(code)
