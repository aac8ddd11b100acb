"""How a try ends: taken, to be tried later, refused for good, or in doubt."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from backend import clock
from backend.messages.models import Delivery, DeliveryState, Message
from backend.messages.store import MessageStore
from backend.worker.events import RetryLater
from notify.ports import (
    DuplicateRequestError,
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    SendResult,
)

log = logging.getLogger(__name__)

# How long a report may take that tells whether an unknown try went out.
REPORT_WAIT = timedelta(seconds=120)
_MISCONFIGURED_WAIT_S = 600.0
# A report that has not come after this was lost on its way, or the phone is off.
ASKED_AFTER = timedelta(minutes=10)


async def sent(
    messages: MessageStore,
    message: Message,
    delivery: Delivery,
    result: SendResult,
    *,
    can_be_asked: bool = False,
) -> None:
    """Write down that it was taken; of whom can be asked, when to ask should no report come."""
    asked = {"ask_at": clock.now() + ASKED_AFTER, "asked": 0} if can_be_asked else {}
    await messages.end(
        message,
        delivery,
        DeliveryState.SENT,
        provider=result.provider,
        provider_id=result.provider_id,
        sent_at=clock.now(),
        last_error="",
        **asked,
    )


async def failed(messages: MessageStore, message: Message, delivery: Delivery, error: NotifyError) -> None:
    """Write down what an error means for the delivery; comes back later where there is a later."""
    state, wait_s = _consequence(error, delivery)
    fields: dict[str, Any] = {"last_error": f"{type(error).__name__} {error.code}".strip()}
    if state is DeliveryState.SENT:
        fields["sent_at"] = clock.now()
    await messages.end(message, delivery, state, **fields)
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
