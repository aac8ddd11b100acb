"""Carrying one message through one channel: begun once per try, never lost, never repeated while in doubt.

due → sending → sent → delivered, or skipped (no way to reach the person), failed (refused), unknown (the
provider may have it). A provider without a memory of our numbers cannot be asked, so an unknown SMS waits for
a report that proves it went; only when none comes is it sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend import clock
from backend.messages.models import (
    FINAL_STATES,
    Delivery,
    DeliveryState,
    Message,
    MessageChannel,
    MessageKind,
)
from backend.messages.receipt_store import GrantStore, ReceiptStore
from backend.messages.store import MessageStore
from backend.residents.models import Contact
from backend.security.fields import BlindIndex
from backend.worker.events import Event, RetryLater
from notify.ports import (
    SMS,
    CustomerMessage,
    DuplicateRequestError,
    MiniProgramMessenger,
    NotifyError,
    OfficialAccountMessenger,
    RejectedError,
    RejectReason,
    RetryableError,
    SendResult,
    SMSSender,
    SubscribeMessage,
)

log = logging.getLogger(__name__)

# A try that has not ended after this was cut off with its process.
TRY_LASTS = timedelta(seconds=90)
# How long a report may take that tells whether an unknown try went out.
REPORT_WAIT = timedelta(seconds=120)
# News older than this is no news; what is still due then is a person's business.
GIVE_UP = timedelta(hours=24)
# What nobody can account for is repeated so often and no more.
MOST_DOUBTS = 1
_MISCONFIGURED_WAIT_S = 600.0


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
        sms: SMSSender,
        messenger: MiniProgramMessenger,
        official: OfficialAccountMessenger,
        blind: BlindIndex,
        templates: Mapping[str, str],
    ) -> None:
        self._messages = messages
        self._receipts = receipts
        self._grants = grants
        self._people = people
        self._sms = sms
        self._messenger = messenger
        self._official = official
        self._blind = blind
        self._templates = templates

    async def on_message_due(self, event: Event) -> None:
        """MESSAGE_DUE: bring one delivery a step further."""
        message = await self._messages.find(event.data["recipient_id"], event.data["message_id"])
        channel = MessageChannel(event.data["channel"])
        delivery = message.delivery(channel) if message else None
        if message is None or delivery is None or delivery.state in FINAL_STATES:
            return
        if delivery.state is DeliveryState.SENDING:
            delivery = await self._cut_off(message, delivery)
        if delivery.state is DeliveryState.UNKNOWN and not await self._resolve_doubt(message, delivery):
            return
        await self._try(event.data["recipient_id"], message.id, channel)

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
        if await self._went_out(message, delivery, started_at):
            return False
        if message.kind is MessageKind.ANSWER or delivery.doubts >= MOST_DOUBTS:
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
        for report in await self._receipts.list_reports_since(blind, since):
            if not await self._messages.is_reported(report.provider_id):
                await self._messages.report_on(
                    message, report.provider_id, delivered=report.delivered, code=report.code, at=report.at
                )
                return True
        return False

    async def _again(self, message: Message, channel: MessageChannel) -> Delivery:
        found = await self._messages.find(message.recipient_id, message.id)
        delivery = found.delivery(channel) if found else None
        if delivery is None or delivery.state in FINAL_STATES:
            raise RetryLater(1)
        return delivery

    async def _try(self, recipient_id: str, message_id: str, channel: MessageChannel) -> None:
        message = await self._messages.find(recipient_id, message_id)
        delivery = message.delivery(channel) if message else None
        if message is None or delivery is None or delivery.state is not DeliveryState.DUE:
            return
        since = delivery.made_due_at or message.created_at
        if clock.now() - since > GIVE_UP:
            await self._messages.end(message, delivery, DeliveryState.FAILED, last_error="GIVEN_UP")
            return
        if channel is MessageChannel.OFFICIAL_ACCOUNT:
            await self._send_official(message, delivery)
            return
        contact = await self._contact(message)
        if channel is MessageChannel.SMS:
            await self._send_sms(message, delivery, contact)
        else:
            await self._send_wechat(message, delivery, contact)

    async def _contact(self, message: Message) -> Contact:
        if message.address:
            return Contact(message.recipient_id, phone=message.address)
        return await self._people.contact(message.recipient_id)

    async def _send_sms(self, message: Message, delivery: Delivery, contact: Contact) -> None:
        if not contact.phone:
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error="NO_PHONE")
            return
        blind = self._blind.of("phone", contact.phone)
        begun = await self._messages.begin(message, delivery, blind)
        if begun is None:
            raise RetryLater(5)
        try:
            result = await self._sms.send(SMS(contact.phone, message.content.sms))
        except NotifyError as error:
            await self._failed(message, begun, error)
            return
        await self._sent(message, begun, result)
        # A quick carrier reports before we have written down what the provider calls the message.
        report = await self._receipts.find_report(result.provider_id, blind)
        if report is not None:
            await self._messages.report_on(
                message, report.provider_id, delivered=report.delivered, code=report.code, at=report.at
            )

    async def _send_wechat(self, message: Message, delivery: Delivery, contact: Contact) -> None:
        template = self._templates.get(message.kind)
        if not contact.mini_openid or not template:
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error="NO_WECHAT")
            return
        begun = await self._messages.begin(message, delivery)
        if begun is None:
            raise RetryLater(5)
        if not await self._grants.take(message.recipient_id, message.kind):
            await self._messages.end(message, begun, DeliveryState.SKIPPED, last_error="NOT_SUBSCRIBED")
            return
        content = message.content
        try:
            result = await self._messenger.send(
                SubscribeMessage(contact.mini_openid, template, content.wechat, content.page)
            )
        except NotifyError as error:
            await self._wechat_failed(message, begun, error)
            return
        await self._sent(message, begun, result)

    async def _send_official(self, message: Message, delivery: Delivery) -> None:
        """Words in the official account's talk; what WeChat will not let us say there is not said."""
        begun = await self._messages.begin(message, delivery)
        if begun is None:
            raise RetryLater(5)
        try:
            result = await self._official.send_text(CustomerMessage(message.address, message.content.body))
        except RejectedError as error:
            if error.reason is not RejectReason.NOT_NOW:
                await self._failed(message, begun, error)
                return
            await self._messages.end(
                message, begun, DeliveryState.SKIPPED, last_error=f"NOT_NOW {error.code}"
            )
        except NotifyError as error:
            await self._failed(message, begun, error)
        else:
            await self._sent(message, begun, result)

    async def _wechat_failed(self, message: Message, delivery: Delivery, error: NotifyError) -> None:
        if isinstance(error, RejectedError) and error.reason is RejectReason.NOT_SUBSCRIBED:
            await self._grants.clear(message.recipient_id, message.kind)
            await self._messages.end(
                message, delivery, DeliveryState.SKIPPED, last_error=f"NOT_SUBSCRIBED {error.code}"
            )
            return
        if isinstance(error, RetryableError | RejectedError):
            # Nothing was sent, so the grant is still WeChat's to honour.
            await self._grants.add(message.recipient_id, message.kind)
        await self._failed(message, delivery, error)

    async def _sent(self, message: Message, delivery: Delivery, result: SendResult) -> None:
        await self._messages.end(
            message,
            delivery,
            DeliveryState.SENT,
            provider=result.provider,
            provider_id=result.provider_id,
            sent_at=clock.now(),
            last_error="",
        )

    async def _failed(self, message: Message, delivery: Delivery, error: NotifyError) -> None:
        """Write down what an error means for the delivery; comes back later where there is a later."""
        state, wait_s = _consequence(error, delivery)
        fields: dict[str, Any] = {"last_error": f"{type(error).__name__} {error.code}".strip()}
        if state is DeliveryState.SENT:
            fields["sent_at"] = clock.now()
        await self._messages.end(message, delivery, state, **fields)
        log.warning(
            "message_not_sent",
            extra={"message_id": message.id, "channel": delivery.channel, "code": error.code, "state": state},
        )
        if wait_s:
            raise RetryLater(wait_s)


def _consequence(error: NotifyError, delivery: Delivery) -> tuple[DeliveryState, float]:
    if isinstance(error, RetryableError):
        return DeliveryState.DUE, min(5.0 * 2 ** min(delivery.attempt, 8), 900.0)
    if isinstance(error, DuplicateRequestError):
        return DeliveryState.SENT, 0.0
    if isinstance(error, RejectedError):
        if error.reason is RejectReason.MISCONFIGURED:
            # Our fault, not the message's: it goes out when the setting is put right.
            return DeliveryState.DUE, _MISCONFIGURED_WAIT_S
        return DeliveryState.FAILED, 0.0
    return DeliveryState.UNKNOWN, REPORT_WAIT.total_seconds()
