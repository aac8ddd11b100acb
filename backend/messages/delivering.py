"""Carrying one message through one channel: begun once per try, never lost, never repeated while in doubt.

due → sending → sent → delivered, or skipped (no way to reach the person), failed (refused), unknown (the
provider may have it). A provider without a memory of our numbers cannot be asked, so an unknown SMS waits for
a report that proves it went; only when none comes is it sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.messages.ends import REPORT_WAIT, failed, sent
from backend.messages.extensions import extension_of
from backend.messages.gates import Gates
from backend.messages.lines import Draft, SMSLine, SMSLines
from backend.messages.models import (
    FINAL_STATES,
    Delivery,
    DeliveryState,
    Message,
    MessageChannel,
    MessageKind,
)
from backend.messages.policies import POLICIES, Priority, segments
from backend.messages.receipt_store import GrantStore, ReceiptStore
from backend.messages.store import MessageStore
from backend.messages.templates import Templates
from backend.messages.texts import WORDINGS
from backend.messages.wechat import WeChatDelivering
from backend.residents.models import Contact
from backend.security.fields import BlindIndex
from backend.worker.events import Event, RetryLater
from notify.ports import Inquiry, NotifyError, RejectedError, TraceState

log = logging.getLogger(__name__)

# A try that has not ended after this was cut off with its process.
TRY_LASTS = timedelta(seconds=90)
# News older than this is no news; what is still due then is a person's business.
GIVE_UP = timedelta(hours=24)
# What nobody can account for is repeated so often and no more.
MOST_DOUBTS = 1
_TRACED = {
    TraceState.WAITING: DeliveryState.SENT,
    TraceState.DELIVERED: DeliveryState.DELIVERED,
    TraceState.FAILED: DeliveryState.FAILED,
}


class People(Protocol):
    """What delivering needs of the residents' service."""

    async def contact(self, resident_id: str) -> Contact:
        """Phone and openids of a person; empty for one who is gone."""


class Delivering:
    """Sends what is due."""

    def __init__(
        self,
        messages: MessageStore,
        receipts: ReceiptStore,
        grants: GrantStore,
        people: People,
        lines: SMSLines,
        gates: Gates,
        wechat: WeChatDelivering,
        blind: BlindIndex,
        templates: Templates,
    ) -> None:
        self._messages = messages
        self._receipts = receipts
        self._grants = grants
        self._people = people
        self._lines = lines
        self._gates = gates
        self._wechat = wechat
        self._blind = blind
        self._templates = templates

    async def on_message_due(self, event: Event) -> None:
        """MESSAGE_DUE: bring one delivery a step further."""
        message = await self._messages.find(event.data["recipient_id"], event.data["message_id"])
        channel = MessageChannel(event.data["channel"])
        delivery = message.delivery(channel) if message else None
        if message is None or delivery is None or delivery.state in FINAL_STATES:
            return
        if delivery.state is DeliveryState.DUE:
            await self._try(message, delivery)
        else:
            await self._resume(message, delivery)
        if WORDINGS[message.kind].redact:
            await self._messages.redact(message)

    async def _resume(self, message: Message, delivery: Delivery) -> None:
        """A try that was begun and has no good end: in doubt, and tried again only when that is settled."""
        if delivery.state is DeliveryState.SENDING:
            delivery = await self._cut_off(message, delivery)
        if delivery.state is DeliveryState.UNKNOWN and not await self._resolve_doubt(message, delivery):
            return
        found = await self._messages.find(message.recipient_id, message.id)
        now = found.delivery(delivery.channel) if found else None
        if found is not None and now is not None and now.state is DeliveryState.DUE:
            await self._try(found, now)

    async def _cut_off(self, message: Message, delivery: Delivery) -> Delivery:
        """A try whose end was never written: under way elsewhere, or its process died."""
        started_at = delivery.started_at or message.created_at
        left = started_at + TRY_LASTS - clock.now()
        if left > timedelta(0):
            raise RetryLater(left.total_seconds() + 1)
        await self._messages.end(message, delivery, DeliveryState.UNKNOWN, last_error="CUT_OFF")
        return await self._again(message, delivery.channel)

    async def _resolve_doubt(self, message: Message, delivery: Delivery) -> bool:
        """Whether an unknown delivery is to be tried again."""
        started_at = delivery.started_at or message.created_at
        if await self._went_out(message, delivery, started_at) or await self._is_traced(message, delivery):
            return False
        forgotten = self._wechat.account.forgets(delivery, started_at)
        if message.kind is MessageKind.ANSWER or delivery.doubts >= MOST_DOUBTS or forgotten:
            log.warning("message_in_doubt", extra={"message_id": message.id, "channel": delivery.channel})
            return False
        left = started_at + REPORT_WAIT - clock.now()
        if left > timedelta(0):
            raise RetryLater(left.total_seconds() + 1)
        doubts = delivery.doubts + 1
        return await self._messages.end(message, delivery, DeliveryState.DUE, doubts=doubts)

    async def _went_out(self, message: Message, delivery: Delivery, since: datetime) -> bool:
        if delivery.channel is not MessageChannel.SMS:
            return False
        blind = await self._messages.phone_blind_of(message)
        if blind is None:
            return False
        for report in await self._receipts.list_reports_since(delivery.provider, blind, since):
            if report.reference and report.reference != delivery.reference:
                continue
            if not await self._messages.is_reported(report.provider_id):
                await self._messages.report_on(
                    message, report.provider_id, delivered=report.delivered, code=report.code, at=report.at
                )
                return True
        return False

    async def _is_traced(self, message: Message, delivery: Delivery) -> bool:
        """Whether the provider, asked by our own number of the try, has it; no word of it proves nothing."""
        line = self._lines.get(delivery.provider)
        if delivery.channel is not MessageChannel.SMS or line is None or line.tracer is None:
            return False
        phone = (await self._contact(message)).phone
        if not phone or not delivery.reference:
            return False
        asked = Inquiry(phone, delivery.started_at or message.created_at, reference=delivery.reference)
        try:
            trace = await line.tracer.trace(asked)
        except NotifyError as error:
            log.warning("message_not_traced", extra={"message_id": message.id, "code": error.code})
            return False
        state = _TRACED.get(trace.state)
        if state is None:
            return False
        at = trace.at or clock.now()
        fields = {"delivered_at": at} if state is DeliveryState.DELIVERED else {"sent_at": at}
        await self._messages.end(message, delivery, state, last_error=trace.code, **fields)
        return True

    async def _again(self, message: Message, channel: MessageChannel) -> Delivery:
        found = await self._messages.find(message.recipient_id, message.id)
        delivery = found.delivery(channel) if found else None
        if delivery is None or delivery.state in FINAL_STATES:
            raise RetryLater(1)
        return delivery

    async def _try(self, message: Message, delivery: Delivery) -> None:
        since = delivery.made_due_at or message.created_at
        if clock.now() - since > GIVE_UP:
            await self._messages.end(message, delivery, DeliveryState.FAILED, last_error="GIVEN_UP")
            return
        channel = delivery.channel
        if channel is MessageChannel.OFFICIAL_ACCOUNT:
            await self._wechat.account.send_official(message, delivery)
            return
        contact = await self._contact(message)
        if channel is MessageChannel.SMS:
            await self._send_sms(message, delivery, contact)
        else:
            await self._wechat.send(message, delivery, contact)

    async def _contact(self, message: Message) -> Contact:
        if message.address:
            return Contact(message.recipient_id, phone=message.address)
        return await self._people.contact(message.recipient_id)

    async def _send_sms(self, message: Message, delivery: Delivery, contact: Contact) -> None:
        skipped = await self._gates.why_not(message, delivery, contact)
        if skipped or not contact.phone:
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error=skipped)
            return
        approved = (await self._templates.version(message.kind, message.version)).template_ids
        lines = await self._lines_for(message, delivery, approved)
        blind, text = self._blind.of("phone", contact.phone), message.content.sms
        extension = extension_of(message.topic)
        begun = await self._messages.begin(
            message,
            delivery,
            phone_blind=blind,
            provider=lines[0].name,
            segments=segments(text, self._lines.signature),
            **({"extension": extension} if extension else {}),
        )
        if begun is None:
            raise RetryLater(5)

        async def trying(line: SMSLine) -> None:
            if line is not lines[0]:
                await self._messages.note_provider(message, begun, line.name)

        draft = Draft(contact.phone, text, message.content.params, begun.reference, approved, extension)
        try:
            result = await self._lines.send(lines, draft, trying)
        except NotifyError as error:
            await failed(self._messages, message, begun, error)
            return
        taker = self._lines.get(result.provider)
        can_be_asked = taker is not None and taker.tracer is not None
        await sent(self._messages, message, begun, result, can_be_asked=can_be_asked)
        # A quick carrier reports before we have written down what the provider calls the message.
        report = await self._receipts.find_report(result.provider_id, blind)
        if report is not None:
            await self._messages.report_on(
                message, report.provider_id, delivered=report.delivered, code=report.code, at=report.at
            )

    async def _lines_for(
        self, message: Message, delivery: Delivery, approved: Mapping[str, str]
    ) -> list[SMSLine]:
        try:
            urgent = POLICIES[message.kind].priority is Priority.URGENT
            return await self._lines.await_turn(approved, urgent=urgent)
        except RejectedError as error:
            await failed(self._messages, message, delivery, error)
            raise RetryLater(1) from error
