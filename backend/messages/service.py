"""Messages' service: tell people, keep what they were told, know what became of it.

Areas above tell by `tell`; what areas below announce is put into words by `tellers.py`. Methods named `on_…`
are subscribed to events in `bootstrap.py`; each may be called twice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from backend import clock, context, metrics
from backend.audit.service import AuditService
from backend.db.client import Database
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import derived_id
from backend.messages.codes import CodeSending
from backend.messages.delivering import Delivering, People
from backend.messages.documents import addressed, due_event
from backend.messages.extensions import OPEN_FOR, TALK, own_part
from backend.messages.gates import Gates, Hours, Limits
from backend.messages.lines import SMSLine, SMSLines
from backend.messages.models import (
    CODE_KINDS,
    Answer,
    Content,
    Delivery,
    DeliveryState,
    Letter,
    Message,
    MessageChannel,
    MessageKind,
    SMSReply,
)
from backend.messages.notices import NoticeReports, NoticeStore
from backend.messages.optout_store import OptOutStore
from backend.messages.optouts import OptOut
from backend.messages.policies import Group
from backend.messages.receipt_store import GrantStore, ReceiptStore
from backend.messages.receiving import Receiving
from backend.messages.reindexing import OptOutIndexes, ReplyIndexes
from backend.messages.rendering import render, wrong_facts
from backend.messages.store import MessageStore
from backend.messages.tally_store import Tallies
from backend.messages.template_store import TemplateStore
from backend.messages.templates import Templates
from backend.messages.texts import WORDINGS
from backend.messages.wechat import AccountDelivering, WeChatDelivering
from backend.permissions import Actor, Permission
from backend.security.fields import BlindIndex, FieldCipher
from backend.worker.events import Event
from notify.ports import AccountNotifier, MiniProgramMessenger, OfficialAccountMessenger

log = logging.getLogger(__name__)

_PHONE = re.compile(r"1[0-9]{10}", re.ASCII)
_RESENDABLE = frozenset({DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.SKIPPED})


class MessageService:
    """Writes, lists, delivers, and hears back."""

    def __init__(
        self,
        db: Database,
        *,
        cipher: FieldCipher,
        blind: BlindIndex,
        people: People,
        lines: Sequence[SMSLine],
        messenger: MiniProgramMessenger,
        official: OfficialAccountMessenger,
        notifier: AccountNotifier,
        audit: AuditService,
        limits: Limits,
        templates: Mapping[str, str],
        account_templates: Mapping[str, str] | None = None,
        push_networks: str = "",
        hours: Hours | None = None,
        nudge: Callable[[], None] = lambda: None,
    ) -> None:
        self._messages = MessageStore(db, cipher)
        self._receipts = ReceiptStore(db, cipher, blind)
        self._grants = GrantStore(db)
        self._optouts = OptOutStore(db, cipher, blind)
        self.reply_indexes = ReplyIndexes(self._receipts, blind)
        self.optout_indexes = OptOutIndexes(self._optouts, blind)
        self.tallies = Tallies(db)
        self.lines = SMSLines(lines, self.tallies, limits)
        self.templates = Templates(TemplateStore(db), audit, self.lines.first_ids)
        by_account = account_templates or {}
        notices = NoticeStore(db, cipher, self._receipts, blind, notifier.name)
        account = AccountDelivering(self._messages, notices, official, notifier, by_account)
        self._delivering = Delivering(
            self._messages,
            self._receipts,
            self._grants,
            people,
            self.lines,
            Gates(self._messages, self._grants, self._optouts, limits, blind, hours, by_account),
            WeChatDelivering(self._messages, self._grants, messenger, account, templates),
            blind,
            self.templates,
        )
        self._codes = CodeSending(self._messages, self.lines, blind, self.templates)
        self.notices = NoticeReports(notices, nudge)
        self.receiving = Receiving(
            self.lines,
            self._messages,
            self._receipts,
            self._optouts,
            self.tallies,
            blind,
            people,
            answer=self.answer,
            nudge=nudge,
            push_networks=push_networks,
        )
        self._people, self._blind, self._audit = people, blind, audit
        self._wechat_templates = templates
        self._wechat_kinds = {*templates, *by_account}
        self._nudge = nudge

    # Telling.

    async def tell(self, *letters: Letter) -> None:
        """Write messages and let them be delivered. Telling again with the same key tells nobody again.

        One with a fact that is missing or not of its type is refused: kept, shown in the console, and sent
        nowhere until it is told again, or sent again by staff, and can be written.
        """
        for letter in letters:
            message = await self._write(letter)
            if message.refused:
                await self._refuse(message)
            else:
                due = [due_event(message, d.channel) for d in message.deliveries]
                if not await self._messages.insert(message, due):
                    await self._messages.put_right(message, due)
        self._nudge()

    async def _refuse(self, message: Message) -> None:
        seen = {"message_id": message.id, "kind": message.kind, "facts": list(message.refused)}
        log.error("message_refused", extra=seen)
        metrics.MESSAGES_REFUSED.labels(message.kind).inc()
        await self._messages.insert(message, [])

    async def find_told(self, letter: Letter) -> Message | None:
        """What has become of a letter; None before it was told."""
        return await self._messages.find(letter.recipient_id, _id_of(letter))

    async def _write(self, letter: Letter) -> Message:
        channels = [
            channel
            for channel in WORDINGS[letter.kind].channels
            if channel is not MessageChannel.WECHAT or letter.kind in self._wechat_kinds
        ]
        blank = Message(
            id=_id_of(letter),
            recipient_id=letter.recipient_id,
            kind=letter.kind,
            content=Content("", "", ""),
            deliveries=tuple(Delivery(channel, DeliveryState.DUE) for channel in channels),
            created_at=clock.now(),
            appointment_id=letter.appointment_id,
            organization_id=letter.organization_id,
            request_id=context.request_id(),
            topic=letter.topic,
        )
        return await self._filled(blank, letter.facts)

    async def _filled(self, message: Message, facts: Mapping[str, str]) -> Message:
        """A message with its words by the version in use; refused when they cannot be written."""
        template = await self.templates.current(message.kind)
        odd = tuple(wrong_facts(template.wording, facts))
        state, error = DeliveryState.DUE, ""
        if odd:
            state, error = DeliveryState.FAILED, f"WRONG_FACTS {' '.join(odd)}"
        unwritten = Content(template.wording.title, "", "", params=dict(facts))
        return replace(
            message,
            content=unwritten if odd else render(template.wording, facts),
            version=template.number,
            deliveries=tuple(Delivery(d.channel, state, last_error=error) for d in message.deliveries),
            refused=odd,
        )

    async def on_message_due(self, event: Event) -> None:
        """MESSAGE_DUE."""
        await self._delivering.on_message_due(event)

    async def answer(self, answer: Answer) -> None:
        """Push a conversation's words to the line it is held on. Asked again with the same key, nothing."""
        channel = MessageChannel(answer.through)
        sms = answer.text if channel is MessageChannel.SMS else ""
        message = replace(
            self._addressed(MessageKind.ANSWER, channel, answer.address),
            content=Content(WORDINGS[MessageKind.ANSWER].title, answer.text, sms),
            topic=TALK if channel is MessageChannel.SMS else "",
            resident_id=answer.resident_id,
        )
        await self._push(message, answer.key, channel)

    async def tell_phone(
        self, key: str, phone: str, kind: MessageKind, facts: Mapping[str, str], organization_id: str
    ) -> None:
        """Tell a phone that is nobody's account, such as a desk's. Told again with the same key, nothing."""
        blank = self._addressed(kind, MessageChannel.SMS, phone)
        message = await self._filled(replace(blank, organization_id=organization_id), facts)
        await self._push(message, key, MessageChannel.SMS)

    def _addressed(self, kind: MessageKind, channel: MessageChannel, address: str) -> Message:
        blind = self._blind.of("phone" if channel is MessageChannel.SMS else "openid", address)
        return addressed(kind, channel, address, f"{channel}:{blind}")

    async def _push(self, message: Message, key: str, channel: MessageChannel) -> None:
        due = [] if message.refused else [due_event(message, channel)]
        if await self._messages.insert_answer(message, key, due):
            self._nudge()

    async def send_code(self, phone: str, code: str) -> None:
        """Send a sign-in code now, while the person waits. Raises PHONE_INVALID or UNAVAILABLE."""
        await self._codes.send(phone, MessageKind.LOGIN_CODE, {"code": code})

    async def send_consent_code(self, phone: str, code: str, guardian: str) -> None:
        """The same for a code by which somebody lets `guardian` act for him."""
        await self._codes.send(phone, MessageKind.CONSENT_CODE, {"code": code, "guardian": guardian})

    async def send_record_code(self, phone: str, code: str, organization: str) -> None:
        """The same for a code by which somebody lets a hospital read his record."""
        await self._codes.send(phone, MessageKind.RECORD_CODE, {"code": code, "organization": organization})

    # The resident's list.

    async def list_mine(
        self, actor: Actor, *, cursor: str | None = None, limit: int = 20
    ) -> tuple[list[Message], str | None]:
        """What the actor was told, newest first, and the cursor of the next page."""
        found = await self._messages.list_of(actor.id, cursor, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def mark_read(self, actor: Actor, message_id: str) -> None:
        """The actor has seen it. Raises NOT_FOUND."""
        if not await self._messages.set_read(actor.id, message_id):
            raise not_found("message")

    async def grant(self, actor: Actor, kinds: Sequence[MessageKind]) -> None:
        """The actor accepted WeChat's prompt: one more message of each kind may be sent."""
        for kind in dict.fromkeys(kinds):
            if kind in self._wechat_templates:
                await self._grants.add(actor.id, kind)

    # What people may stop.

    async def list_optouts(self, actor: Actor) -> list[OptOut]:
        """What goes to the actor's phone no more."""
        contact = await self._people.contact(actor.id)
        return await self._optouts.list_of(contact.phone) if contact.phone else []

    async def has_stopped(self, phone: str | None, group: Group) -> bool:
        """Whether a phone has had a group stopped, for those who would ask by other ways instead."""
        return phone is not None and await self._optouts.has(phone, group)

    async def stop(self, actor: Actor, group: str) -> None:
        """The actor wants no more text messages of a group. Raises NOT_FOUND for no group."""
        contact, meant = await self._people.contact(actor.id), _group(group)
        if contact.phone:
            await self._optouts.add(contact.phone, meant, "resident")

    async def allow(self, actor: Actor, group: str) -> None:
        """The actor wants them again. Raises NOT_FOUND for no group."""
        contact, meant = await self._people.contact(actor.id), _group(group)
        if contact.phone:
            await self._optouts.remove(contact.phone, meant)

    # What providers and people tell us.

    async def fetch_receipts(self) -> int:
        """Periodic: fetch reports and replies that were not pushed, ask for those missing; how many came."""
        return await self.receiving.fetch() + await self.receiving.ask()

    async def on_sms_reply(self, event: Event) -> None:
        """SMS_REPLY_RECEIVED."""
        await self.receiving.on_reply(event)

    async def find_reply(self, reply_id: str) -> SMSReply | None:
        """What somebody wrote to us by SMS; who subscribes to SMS_REPLY_RECEIVED reads it here."""
        reply = await self._receipts.find_reply(reply_id)
        own = own_part(reply.extension) if reply is not None else ""
        if reply is None or not own:
            return reply
        blinds = self._blind.candidates("phone", reply.phone)
        topic = await self._messages.topic_of(blinds, own, reply.received_at - OPEN_FOR)
        return replace(reply, topic=topic)

    # What staff see and do.

    async def list_messages(
        self,
        actor: Actor,
        *,
        state: DeliveryState | None = None,
        kind: MessageKind | None = None,
        appointment_id: str | None = None,
        recipient_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Message], str | None]:
        """Messages within the actor's organisations, newest first, and the cursor of the next page."""
        about = {"appointment_id": appointment_id, "recipient_id": recipient_id}
        found = await self._messages.list_for_staff(
            organization_ids=actor.organization_ids,
            state=state,
            kind=kind,
            about={name: value for name, value in about.items() if value},
            before=cursor,
            limit=limit + 1,
        )
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def look_up(
        self, actor: Actor, number: str, person_id: str | None, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Message], str | None]:
        """What went to a phone, whoever's it is or was, and to the person, in scope; the older ones' cursor.

        That it was asked for is put on record by whoever finds the person.
        """
        blinds = self._blind.candidates("phone", number) if _PHONE.fullmatch(number) else []
        people = [person_id] if person_id else []
        found = await self._messages.list_to_phone(blinds, people, cursor, limit + 1)
        page, following = found[:limit], found[limit - 1].id if len(found) > limit else None
        if actor.organization_ids is None:
            return page, following
        return [one for one in page if one.organization_id and actor.covers(one.organization_id)], following

    async def resend(self, actor: Actor, message_id: str, channel: MessageChannel, reason: str) -> None:
        """Try a delivery that did not work once more. Raises MESSAGE_NOT_RESENDABLE, REASON_REQUIRED."""
        if not actor.may(Permission.STAFF_MESSAGES_RESEND):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_MESSAGES_RESEND)
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        message = await self.access_message(actor, message_id)
        if message.refused:
            await self._put_right(message)
        else:
            await self._make_due(message, channel)
        await self._audit.record(
            actor, "messages.resent", f"message/{message_id}", reason, message.organization_id
        )
        self._nudge()

    async def _make_due(self, message: Message, channel: MessageChannel) -> None:
        delivery = message.delivery(channel)
        if message.kind in CODE_KINDS or delivery is None or delivery.state not in _RESENDABLE:
            raise AppError(ErrorCode.MESSAGE_NOT_RESENDABLE)
        if not await self._messages.make_due(message, delivery, due_event(message, channel)):
            raise AppError(ErrorCode.CONFLICT)

    async def _put_right(self, message: Message) -> None:
        """Write a refused message by the version now in use, and send it every way."""
        filled = await self._filled(message, message.content.params)
        if filled.refused:
            raise AppError(ErrorCode.MESSAGE_NOT_RESENDABLE, f"facts {' '.join(filled.refused)}")
        due = [due_event(filled, each.channel) for each in filled.deliveries]
        if not await self._messages.put_right(filled, due):
            raise AppError(ErrorCode.CONFLICT)

    async def access_message(self, actor: Actor, message_id: str) -> Message:
        """A message within the staff member's scope. Raises NOT_FOUND."""
        message = await self._messages.find_by_id(message_id)
        covered = message is not None and (
            actor.organization_ids is None
            or (message.organization_id is not None and actor.covers(message.organization_id))
        )
        if message is None or not covered:
            raise not_found("message")
        return message

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: what a person was told goes with the account."""
        await self._messages.forget(event.data["resident_id"])
        await self._grants.forget(event.data["resident_id"])


def _group(text: str) -> Group:
    try:
        return Group(text)
    except ValueError:
        raise not_found(f"group {text}") from None


def _id_of(letter: Letter) -> str:
    return derived_id(letter.at, "message", letter.key, letter.kind, letter.recipient_id)
