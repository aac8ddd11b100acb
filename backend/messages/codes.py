"""One-time codes: sent now, while the person waits; kept nowhere, and never sent again."""

from __future__ import annotations

import logging

from backend import clock, context
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.messages.documents import reference_of
from backend.messages.lines import Draft, SMSLine, SMSLines
from backend.messages.models import Content, Delivery, DeliveryState, Message, MessageChannel, MessageKind
from backend.messages.policies import segments
from backend.messages.rendering import render, wrong_facts
from backend.messages.store import MessageStore
from backend.messages.templates import Templates
from backend.messages.wording import TemplateVersion
from backend.security.fields import BlindIndex
from notify.ports import (
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    SendResult,
    UnknownResultError,
)

log = logging.getLogger(__name__)

CODE_MINUTES = 5


class CodeSending:
    """Sends codes through the providers of text messages."""

    def __init__(
        self, messages: MessageStore, lines: SMSLines, blind: BlindIndex, templates: Templates
    ) -> None:
        self._messages = messages
        self._templates = templates
        self._lines = lines
        self._blind = blind

    async def send(self, phone: str, kind: MessageKind, facts: dict[str, str]) -> None:
        """Raises PHONE_INVALID or UNAVAILABLE. While nobody knows whether it went out, nothing is raised."""
        template = await self._templates.current(kind)
        message, sending = self._record(phone, template)
        given = facts | {"minutes": str(CODE_MINUTES)}
        odd = wrong_facts(template.wording, given)
        if odd:
            # Somebody waits for it: he is told that there is none, and our mistake is in the log.
            raise AppError(ErrorCode.UNAVAILABLE, f"{kind} cannot be written: {' '.join(odd)}")
        content = render(template.wording, given)
        await self._messages.insert_code(
            message,
            self._blind.of("phone", phone),
            reference=reference_of(message, sending),
            segments=segments(content.sms, self._lines.signature),
        )
        reference = reference_of(message, sending)
        draft = Draft(phone, content.sms, content.params, reference, template.template_ids)
        try:
            result = await self._send(message, sending, draft)
        except NotifyError as error:
            await self._failed(message, sending, error)
            return
        sent = {"provider": result.provider, "provider_id": result.provider_id, "sent_at": clock.now()}
        await self._messages.end(message, sending, DeliveryState.SENT, **sent)

    async def _send(self, message: Message, sending: Delivery, draft: Draft) -> SendResult:
        async def trying(line: SMSLine) -> None:
            await self._messages.note_provider(message, sending, line.name)

        lines = await self._lines.order(draft.template_ids, urgent=True)
        try:
            return await self._lines.send(lines, draft, trying)
        except RetryableError:
            # Somebody waits in front of the screen: a hiccup is given one more chance.
            return await self._lines.send(lines, draft, trying)

    def _record(self, phone: str, template: TemplateVersion) -> tuple[Message, Delivery]:
        sending = Delivery(MessageChannel.SMS, DeliveryState.SENDING, attempt=1)
        message = Message(
            id=new_id(),
            recipient_id=f"phone:{self._blind.of('phone', phone)}",
            kind=template.kind,
            version=template.number,
            content=Content(template.wording.title, "", ""),
            deliveries=(sending,),
            created_at=clock.now(),
            request_id=context.request_id(),
        )
        return message, sending

    async def _failed(self, message: Message, sending: Delivery, error: NotifyError) -> None:
        unknown = isinstance(error, UnknownResultError)
        state = DeliveryState.UNKNOWN if unknown else DeliveryState.FAILED
        await self._messages.end(message, sending, state, last_error=f"{type(error).__name__} {error.code}")
        log.warning("code_not_sent", extra={"message_id": message.id, "code": error.code, "state": state})
        if unknown:
            return
        if isinstance(error, RejectedError) and error.reason is RejectReason.BAD_RECIPIENT:
            raise AppError(ErrorCode.PHONE_INVALID, str(error)) from error
        raise AppError(ErrorCode.UNAVAILABLE, f"code not sent: {error}") from error
