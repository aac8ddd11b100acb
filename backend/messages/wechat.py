"""Carrying a message through WeChat: subscribe messages, and words in the official account's talk."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta

from backend import clock
from backend.messages.documents import repeated_reference_of
from backend.messages.ends import failed, sent
from backend.messages.models import Delivery, DeliveryState, Message
from backend.messages.notices import NoticeStore
from backend.messages.receipt_store import GrantStore
from backend.messages.store import MessageStore
from backend.residents.models import Contact
from backend.worker.events import RetryLater
from notify.ports import (
    AccountNotice,
    AccountNotifier,
    CustomerMessage,
    MiniProgramMessenger,
    NotifyError,
    OfficialAccountMessenger,
    RejectedError,
    RejectReason,
    RetryableError,
    SendResult,
    SubscribeMessage,
)

# WeChat knows our number of a template message for ten minutes; what is sent again takes a while, too.
NUMBER_KEPT = timedelta(minutes=9)


class AccountDelivering:
    """Through the official account: words in its talk, and template messages to who follows it."""

    def __init__(
        self,
        messages: MessageStore,
        notices: NoticeStore,
        official: OfficialAccountMessenger,
        notifier: AccountNotifier,
        templates: Mapping[str, str],
    ) -> None:
        self._messages = messages
        self._notices = notices
        self._official = official
        self._notifier = notifier
        self._templates = templates

    async def notify(self, message: Message, delivery: Delivery, contact: Contact) -> bool:
        """A template message, when the mini-program may not write; False when there is no such way either."""
        template, openid = self._templates.get(message.kind), contact.followed_as
        if not openid or not template:
            return False
        begun = await self._messages.begin(message, delivery, provider=self._notifier.name)
        if begun is None:
            raise RetryLater(5)
        content = message.content
        reference = repeated_reference_of(message, begun)
        notice = AccountNotice(openid, template, content.wechat, content.page, reference)
        result = await self._hand_over(message, begun, self._notifier.send_notice(notice))
        if result is not None:
            await self._catch_up(message, result, openid)
        return True

    async def _catch_up(self, message: Message, result: SendResult, openid: str) -> None:
        """WeChat may have said what became of it before we had written down its number."""
        known = await self._notices.kept(result.provider_id, openid)
        if known is not None:
            found = await self._messages.find(message.recipient_id, message.id)
            await self._notices.report(
                found or message, known.provider_id, delivered=known.delivered, code=known.code, at=known.at
            )

    def forgets(self, delivery: Delivery, since: datetime) -> bool:
        """Whether WeChat no longer knows our number of a template message: sent again, it would go twice."""
        return delivery.provider == self._notifier.name and clock.now() - since > NUMBER_KEPT

    async def send_official(self, message: Message, delivery: Delivery) -> None:
        """Words in the official account's talk; what WeChat will not let us say there is not said."""
        begun = await self._messages.begin(message, delivery)
        if begun is None:
            raise RetryLater(5)
        words = CustomerMessage(message.address, message.content.body)
        await self._hand_over(message, begun, self._official.send_text(words))

    async def _hand_over(
        self, message: Message, begun: Delivery, call: Awaitable[SendResult]
    ) -> SendResult | None:
        try:
            result = await call
        except RejectedError as error:
            if error.reason is not RejectReason.NOT_NOW:
                await failed(self._messages, message, begun, error)
                return None
            why = f"NOT_NOW {error.code}"
            await self._messages.end(message, begun, DeliveryState.SKIPPED, last_error=why)
        except NotifyError as error:
            await failed(self._messages, message, begun, error)
        else:
            await sent(self._messages, message, begun, result)
            return result
        return None


class WeChatDelivering:
    """Sends what is due through WeChat."""

    def __init__(
        self,
        messages: MessageStore,
        grants: GrantStore,
        messenger: MiniProgramMessenger,
        account: AccountDelivering,
        templates: Mapping[str, str],
    ) -> None:
        self._messages = messages
        self._grants = grants
        self._messenger = messenger
        self.account = account
        self._templates = templates

    async def send(self, message: Message, delivery: Delivery, contact: Contact) -> None:
        """A subscribe message: one grant of the person's for one message."""
        template = self._templates.get(message.kind)
        granted = bool((await self._grants.left(message.recipient_id)).get(message.kind))
        if not (contact.mini_openid and template and granted):
            if await self.account.notify(message, delivery, contact):
                return
            # Said before anything is begun: an SMS may be waiting for what becomes of this.
            why = "NOT_SUBSCRIBED" if contact.mini_openid and template else "NO_WECHAT"
            await self._messages.end(message, delivery, DeliveryState.SKIPPED, last_error=why)
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
