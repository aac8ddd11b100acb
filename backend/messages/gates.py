"""What stands before a text message: WeChat first, the person's wish, the hour, how much a phone has had."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.messages.models import Delivery, DeliveryState, Message, MessageChannel
from backend.messages.optout_store import OptOutStore
from backend.messages.policies import POLICIES
from backend.messages.receipt_store import GrantStore
from backend.messages.store import MessageStore
from backend.residents.models import Contact
from backend.security.fields import BlindIndex
from backend.security.limits import Bucket
from backend.worker.events import RetryLater

# One phone: five at once, then one in half a minute; what is urgent does not ask.
PER_NUMBER = Bucket(5, 30)
_WECHAT_SOON_S = 3.0
_TAKEN = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED)
_ON_ITS_WAY = (DeliveryState.DUE, DeliveryState.SENDING)


class Limits(Protocol):
    """What gates need of the rate limiter."""

    async def ask(self, bucket: str, limit: Bucket, key: str) -> int:
        """Take a token; or the milliseconds to wait for one."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Between which hours of the city's day people may be disturbed; 0 to 24 is always."""

    begin: int = 9
    end: int = 21

    def quiet_until(self, at: datetime) -> datetime | None:
        """When what keeps quiet hours may go out; None for now."""
        local = at.astimezone(clock.CITY_ZONE)
        if self.begin <= local.hour < self.end:
            return None
        day = local.date() + timedelta(days=int(local.hour >= self.end))
        return clock.city_instant(day, self.begin)


class Gates:
    """Asked before each try of a text message."""

    def __init__(
        self,
        messages: MessageStore,
        grants: GrantStore,
        optouts: OptOutStore,
        limits: Limits,
        blind: BlindIndex,
        hours: Hours | None = None,
        by_account: Collection[str] = (),
    ) -> None:
        self._messages = messages
        self._grants = grants
        self._optouts = optouts
        self._limits = limits
        self._blind = blind
        self._hours = hours or Hours()
        self._by_account = by_account

    async def why_not(self, message: Message, delivery: Delivery, contact: Contact) -> str:
        """Why the message is not to go out by SMS at all; empty when it may. Raises RetryLater for later."""
        if not contact.phone:
            return "NO_PHONE"
        policy = POLICIES[message.kind]
        if await self._is_read_in_wechat(message, contact, policy.wechat_first):
            return "READ"
        if policy.group is not None and await self._optouts.has(contact.phone, policy.group):
            return "OPTED_OUT"
        until = self._hours.quiet_until(clock.now()) if policy.quiet else None
        if until is not None:
            raise RetryLater((until - clock.now()).total_seconds() + 1)
        if policy.per_day is not None:
            return await self._crowded(contact.phone, policy.per_day, first=delivery.attempt == 0)
        return ""

    async def _is_read_in_wechat(
        self, message: Message, contact: Contact, patience: timedelta | None
    ) -> bool:
        """Whether WeChat did it. Raises RetryLater while it still may."""
        wechat = message.delivery(MessageChannel.WECHAT)
        if patience is None or wechat is None:
            return False
        if wechat.state in _ON_ITS_WAY and await self._may_still_go(message, contact, wechat.state):
            raise RetryLater(_WECHAT_SOON_S)
        if wechat.state not in (DeliveryState.SENT, DeliveryState.DELIVERED):
            return False
        if message.read_at is not None:
            return True
        left = (wechat.sent_at or message.created_at) + patience - clock.now()
        if left > timedelta(0):
            raise RetryLater(left.total_seconds())
        return False

    async def _may_still_go(self, message: Message, contact: Contact, state: DeliveryState) -> bool:
        if contact.followed_as and message.kind in self._by_account:
            return True
        if not contact.mini_openid:
            return False
        granted = (await self._grants.left(message.recipient_id)).get(message.kind, 0)
        if state is DeliveryState.SENDING or granted > 0:
            return True
        # One that has not begun and finds no grant will not be sent, and nobody waits for that; but it may
        # have begun, and taken the grant, since we looked.
        found = await self._messages.find(message.recipient_id, message.id)
        now = found.delivery(MessageChannel.WECHAT) if found else None
        return now is not None and now.state in _TAKEN

    async def _crowded(self, phone: str, per_day: int, *, first: bool) -> str:
        blinds = self._blind.candidates("phone", phone)
        midnight = clock.city_instant(clock.today(), 0)
        if await self._messages.count_sent_to(blinds, midnight) >= per_day:
            return "DAILY_CAP"
        # A try that is repeated has had its token.
        wait_ms = await self._limits.ask("sms_number", PER_NUMBER, blinds[0]) if first else 0
        if wait_ms:
            raise RetryLater(wait_ms / 1000)
        return ""
