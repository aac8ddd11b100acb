"""What providers and people tell us: delivery reports and replies, pushed or fetched, each taken once."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.messages.delivering import People
from backend.messages.extensions import own_part
from backend.messages.lines import SMSLine, SMSLines
from backend.messages.models import Answer, Message, MessageChannel, MessageKind, SMSReply
from backend.messages.optout_store import OptOutStore
from backend.messages.optouts import CONFIRMATIONS, groups_meant, is_stop_word
from backend.messages.policies import POLICIES
from backend.messages.receipt_store import ReceiptStore
from backend.messages.store import MessageStore
from backend.messages.tally_store import Tallies
from backend.security.fields import BlindIndex
from backend.worker.events import Event
from notify.ports import DeliveryReport, Inquiry, InvalidNoticeError, NotifyError, Reply, TraceState

log = logging.getLogger(__name__)

# So much is fetched of one provider, and asked of all, in one go.
_MOST_ROUNDS, _MOST_ASKED = 20, 100
# No more is said of a message than it was after a day.
_ASKED_AGAIN = (timedelta(hours=1), timedelta(hours=23))


class Receiving:
    """Takes what comes back, from every provider."""

    def __init__(
        self,
        lines: SMSLines,
        messages: MessageStore,
        receipts: ReceiptStore,
        optouts: OptOutStore,
        tallies: Tallies,
        blind: BlindIndex,
        people: People,
        *,
        answer: Callable[[Answer], Awaitable[None]],
        nudge: Callable[[], None],
        push_networks: str = "",
    ) -> None:
        self._lines = lines
        self._messages = messages
        self._receipts = receipts
        self._optouts = optouts
        self._tallies = tallies
        self._blind = blind
        self._people = people
        self._answer = answer
        self._nudge = nudge
        self._networks = [ip_network(one.strip()) for one in push_networks.split(",") if one.strip()]

    async def pushed_reports(self, path: str, secret: str, body: bytes, address: str) -> None:
        """A provider's reports. Raises NOT_FOUND for a stranger, BAD_REQUEST for nonsense."""
        line = self._known(path, secret, address)
        try:
            reports = line.receiver.parse_reports(body)
        except InvalidNoticeError as error:
            raise AppError(ErrorCode.BAD_REQUEST, str(error)) from error
        await self._take_reports(line, reports)

    async def pushed_replies(self, path: str, secret: str, body: bytes, address: str) -> None:
        """A provider's replies. Raises NOT_FOUND for a stranger, BAD_REQUEST for nonsense."""
        line = self._known(path, secret, address)
        try:
            replies = line.receiver.parse_replies(body)
        except InvalidNoticeError as error:
            raise AppError(ErrorCode.BAD_REQUEST, str(error)) from error
        await self._take_replies(replies)

    def _known(self, path: str, secret: str, address: str) -> SMSLine:
        line = next((line for line in self._lines.all() if line.path == path), None)
        expected = line.callback_secret if line else ""
        if line is None or not expected or not hmac.compare_digest(secret.encode(), expected.encode()):
            raise not_found("callback secret")
        if self._networks and not self._is_allowed(address):
            raise not_found(f"callback from outside SMS_PUSH_NETWORKS for {path}")
        return line

    def _is_allowed(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._networks)
        except ValueError:
            return False

    async def fetch(self) -> int:
        """Fetch what was not pushed; returns how much came. One provider's trouble is not the others'."""
        return sum([await self._fetch_from(line) for line in self._lines.all()])

    async def _fetch_from(self, line: SMSLine) -> int:
        """Providers hand out so many at a time: until there are no more, or others want their turn."""
        count = 0
        try:
            for _ in range(_MOST_ROUNDS):
                reports = await line.receiver.fetch_reports()
                await self._take_reports(line, reports)
                replies = await line.receiver.fetch_replies()
                await self._take_replies(replies)
                count += len(reports) + len(replies)
                if not reports and not replies:
                    break
        except NotifyError as error:
            log.warning("receipts_not_fetched", extra={"provider": line.name, "code": error.code})
        return count

    async def ask(self) -> int:
        """Ask about messages of which no report came, who can be asked; returns how many are known now."""
        found = await self._messages.list_unreported(_MOST_ASKED)
        return sum([await self._ask_about(message) for message in found])

    async def _ask_about(self, message: Message) -> bool:
        delivery = message.delivery(MessageChannel.SMS)
        line = self._lines.get(delivery.provider) if delivery else None
        if delivery is None or line is None or line.tracer is None:
            return False
        wait = _ASKED_AGAIN[delivery.asked] if delivery.asked < len(_ASKED_AGAIN) else None
        if not await self._messages.begin_asking(message, delivery, clock.now() + wait if wait else None):
            return False
        phone = await self._phone_of(message)
        if not phone:
            return False
        sent_at = delivery.sent_at or delivery.started_at or message.created_at
        asked = Inquiry(phone, sent_at, delivery.provider_id, delivery.reference)
        try:
            trace = await line.tracer.trace(asked)
        except NotifyError as error:
            log.warning("message_not_traced", extra={"message_id": message.id, "code": error.code})
            return False
        if trace.state not in (TraceState.DELIVERED, TraceState.FAILED):
            return False
        delivered = trace.state is TraceState.DELIVERED
        report = DeliveryReport(
            delivery.provider_id, phone, delivered, trace.code, trace.at, delivery.reference
        )
        await self._take_reports(line, [report])
        return True

    async def _phone_of(self, message: Message) -> str:
        """The phone it went to, if it is still the person's."""
        phone = message.address or (await self._people.contact(message.recipient_id)).phone or ""
        known = await self._messages.phone_blind_of(message)
        return phone if phone and known in self._blind.candidates("phone", phone) else ""

    async def _take_reports(self, line: SMSLine, reports: Sequence[DeliveryReport]) -> None:
        for report in reports:
            await self._receipts.add_report(line.name, report)
            at = report.at or clock.now()
            sent_at = await self._messages.report(
                report.provider_id,
                self._blind.candidates("phone", report.phone),
                delivered=report.delivered,
                code=report.code,
                at=at,
                reference=report.reference,
            )
            if sent_at is not None:
                self._tallies.reported(line.name, sent_at, delivered=report.delivered, at=at)

    async def _take_replies(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            await self._receipts.add_reply(reply)
        if replies:
            self._nudge()

    async def on_reply(self, event: Event) -> None:
        """SMS_REPLY_RECEIVED: a word to stop is obeyed, and confirmed once in a life."""
        reply = await self._receipts.find_reply(event.data["reply_id"])
        if reply is None or not is_stop_word(reply.text):
            return
        meant = groups_meant(reply.text, await self._answered_by(reply), reply.received_at)
        stopped_at = [await self._optouts.add(reply.phone, group, "sms") for group in meant]
        if stopped_at[0] >= reply.received_at:
            # Said again later, it is obeyed already, and nobody is told a second time.
            key = f"stopped:{meant[0]}:{reply.id}"
            await self._answer(Answer(key, "sms", reply.phone, CONFIRMATIONS[meant[0]]))

    async def _answered_by(self, reply: SMSReply) -> list[tuple[MessageKind, datetime]]:
        """What a reply can be about: what came from the number it was written to, else all of the latest."""
        blinds, own = self._blind.candidates("phone", reply.phone), own_part(reply.extension)
        if own:
            named = await self._messages.kinds_sent_to(blinds, reply.received_at, own)
            if any(POLICIES[kind].group for kind, _ in named):
                return named
        return await self._messages.kinds_sent_to(blinds, reply.received_at)
