"""Messages as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backend.http.schema import Answer, Instant, Schema
from backend.messages.models import Delivery, Message, MessageChannel, MessageKind
from backend.messages.optouts import OptOut
from backend.messages.policies import Group

Kind = Annotated[MessageKind, Field(strict=False)]


class DeliveryOut(Answer):
    """What became of a message on one channel."""

    channel: MessageChannel
    state: str


class MessageOut(Answer):
    """One message of the resident's list. `body` is lines of `label：value`."""

    id: str
    kind: MessageKind
    title: str
    body: str
    appointment_id: str | None
    created_at: Instant
    read_at: Instant | None
    deliveries: list[DeliveryOut]


class Subscriptions(Schema):
    """The kinds of message for which the resident has just accepted WeChat's prompt."""

    template_kinds: list[Kind] = Field(max_length=20)


class OptOutOut(Answer):
    """A group of messages that go to the resident's phone no more. `by`: what it was stopped by."""

    group: Group
    by: Literal["sms", "resident"]
    at: Instant


class AliyunHeard(Answer):
    """What Aliyun wants to hear."""

    code: int = 0
    msg: str = "接收成功"


class TencentHeard(Answer):
    """What Tencent Cloud wants to hear."""

    result: int = 0
    errmsg: str = "OK"


def optout_out(one: OptOut) -> OptOutOut:
    """The resident's view."""
    return OptOutOut(group=one.group, by=one.by, at=one.at)


def message_out(message: Message) -> MessageOut:
    """The resident's view."""
    return MessageOut(
        id=message.id,
        kind=message.kind,
        title=message.content.title,
        body=message.content.body,
        appointment_id=message.appointment_id,
        created_at=message.created_at,
        read_at=message.read_at,
        deliveries=[_delivery_out(delivery) for delivery in message.deliveries],
    )


def _delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(channel=delivery.channel, state=str(delivery.state))
