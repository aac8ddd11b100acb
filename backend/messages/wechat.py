"""Carrying a message through WeChat: subscribe messages, and words in the official account's talk."""

from __future__ import annotations

from collections.abc import Mapping

from backend.messages.ends import failed, sent
from backend.messages.models import Delivery, DeliveryState, Message
from backend.messages.receipt_store import GrantStore
from backend.messages.store import MessageStore
from backend.residents.models import Contact
from backend.worker.events import RetryLater
from notify.ports import (
    CustomerMessage,
    MiniProgramMessenger,
    NotifyError,
    OfficialAccountMessenger,
    RejectedError,
    RejectReason,
    RetryableError,
    SubscribeMessage,
)


class WeChatDelivering:
    """Sends what is due through WeChat."""

    def __init__(
        self,
        messages: MessageStore,
        grants: GrantStore,
        messenger: MiniProgramMessenger,
        official: OfficialAccountMessenger,
        templates: Mapping[str, str],
    ) -> None:
        self._messages = messages
        self._grants = grants
        self._messenger = messenger
        self._official = official
        self._templates = templates

    async def send(self, message: Message, delivery: Delivery, contact: Contact) -> None:
        """A subscribe message: one grant of the person's for one message."""
        template = self._templates.get(message.kind)
        if not contact.mini_openid or not template:
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error="NO_WECHAT")
            return
        if not (await self._grants.left(message.recipient_id)).get(message.kind):
            # Said before anything is begun: an SMS may be waiting for what becomes of this.
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error="NOT_SUBSCRIBED")
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
        await sent(self._messages, message, begun, result)

    async def send_official(self, message: Message, delivery: Delivery) -> None:
        """Words in the official account's talk; what WeChat will not let us say there is not said."""
        begun = await self._messages.begin(message, delivery)
        if begun is None:
            raise RetryLater(5)
        try:
            result = await self._official.send_text(CustomerMessage(message.address, message.content.body))
        except RejectedError as error:
            if error.reason is not RejectReason.NOT_NOW:
                await failed(self._messages, message, begun, error)
                return
            await self._messages.end(
                message, begun, DeliveryState.SKIPPED, last_error=f"NOT_NOW {error.code}"
            )
        except NotifyError as error:
            await failed(self._messages, message, begun, error)
        else:
            await sent(self._messages, message, begun, result)

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
        await failed(self._messages, message, delivery, error)
