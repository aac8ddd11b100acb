"""The staff inbox: who has asked for a person, who has taken the talk, and what both say.

Staff speak through a port, for messages are a neighbour of this area. What staff read has numbers that name a
person taken out, and every look is on record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backend import clock
from backend.audit.service import AuditService
from backend.conversations.inbox_models import LEFT_AFTER, By, Handover, HandoverState, Line
from backend.conversations.inbox_store import InboxStore
from backend.conversations.models import Conversation, Through
from backend.conversations.service import ConversationService
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import derived_id, new_id
from backend.permissions import SYSTEM, Actor, Permission
from backend.security.fields import FieldCipher
from backend.security.masking import mask_phone
from backend.security.redaction import redact
from backend.worker.events import Event

LONGEST = 500
MOST_SHOWN = 200
_BATCH = 100
TAKEN = "这段对话已由其他同事接手，请刷新页面。"
CLOSED = "这段对话已经结束。"
TOO_LONG = f"回复最多{LONGEST}字，请分几次发送。"
ENDED = "本次人工服务已结束。您可以继续直接说要办的事，需要时再回复“人工”。"
LEFT = "人工服务暂时无人应答，已为您转回自助服务。紧急情况请直接联系医院。"


@dataclass(frozen=True, slots=True)
class Said:
    """Words on their way to a person; told once for a key."""

    key: str
    through: Through
    address: str
    text: str
    resident_id: str | None


Speak = Callable[[Said], Awaitable[None]]


class Inbox:
    """Talks with staff."""

    def __init__(
        self,
        db: Database,
        conversations: ConversationService,
        directory: DirectoryService,
        audit: AuditService,
        speak: Speak,
        *,
        cipher: FieldCipher,
    ) -> None:
        self._store = InboxStore(db, cipher)
        self._conversations = conversations
        self._directory = directory
        self._audit = audit
        self._speak = speak

    # -- what the engine tells -------------------------------------------------------------------------

    async def called(self, conversation: Conversation, text: str) -> None:
        """Somebody wants a person, or goes on talking with one. Called again for the same words, nothing."""
        place = await self._place_of(conversation)
        handover, begun = await self._store.open(conversation, conversation.resident_id, place)
        now = clock.now()
        if begun and conversation.answer:
            # What the machine said last, so that nobody has to ask what this is about.
            said = "\n".join(conversation.answer)
            await self._store.add_line(handover, Line(new_id(), By.MACHINE, said, conversation.updated_at))
        message_id = conversation.heard[0] if conversation.heard else new_id()
        line_id = derived_id(handover.opened_at, "line", handover.id, message_id)
        await self._store.add_line(handover, Line(line_id, By.PERSON, text, now))

    async def left(self, conversation: Conversation) -> None:
        """Somebody has gone back to the machine."""
        handover = await self._store.find_open(conversation.id)
        if handover is not None:
            await self._store.end(handover)

    # -- what staff see and do -------------------------------------------------------------------------

    async def list_open(self, actor: Actor) -> list[Handover]:
        """Open talks within the actor's scope; talks that are about no institution are the city's."""
        _check(actor)
        return await self._store.list_open(actor.organization_ids, MOST_SHOWN)

    async def count_waiting(self, actor: Actor) -> int:
        """How many talks within the actor's scope nobody has taken yet."""
        _check(actor)
        return await self._store.count_waiting(actor.organization_ids)

    async def access(self, actor: Actor, handover_id: str) -> Handover:
        """A talk within the actor's scope. Raises NOT_FOUND."""
        _check(actor)
        handover = await self._store.find(handover_id)
        covered = handover is not None and (
            actor.organization_ids is None
            or (handover.organization_id is not None and actor.covers(handover.organization_id))
        )
        if handover is None or not covered:
            raise not_found("handover")
        return handover

    async def read(self, actor: Actor, handover_id: str) -> tuple[Handover, list[Line]]:
        """Open a talk; the look is on record."""
        handover, lines = await self.follow(actor, handover_id)
        await self._record(actor, "conversations.read", handover)
        return handover, lines

    async def follow(self, actor: Actor, handover_id: str) -> tuple[Handover, list[Line]]:
        """A talk and its words for a page that is open already: numbers that name a person are taken out."""
        handover = await self.access(actor, handover_id)
        lines = await self._store.lines(handover)
        return handover, [Line(one.id, one.by, redact(one.text), one.at, one.staff_id) for one in lines]

    async def callers(self, handovers: Sequence[Handover]) -> dict[str, str]:
        """The masked number of each talk that is held by SMS; an openid says nothing to anybody."""
        by_sms = {one.conversation_id: one.id for one in handovers if one.through is Through.SMS}
        found = await self._conversations.find_many(list(by_sms))
        return {by_sms[one.id]: mask_phone(one.address) for one in found}

    async def take(self, actor: Actor, handover_id: str) -> None:
        """From now on this member answers. Raises CONFLICT when somebody else does."""
        handover = await self.access(actor, handover_id)
        mine = (None, actor.id)
        to = {"state": str(HandoverState.TAKEN), "taken_by": actor.id}
        _insist(await self._store.change(handover, [HandoverState.WAITING, HandoverState.TAKEN], mine, **to))
        await self._record(actor, "conversations.take", handover)

    async def answer(self, actor: Actor, handover_id: str, text: str, key: str) -> None:
        """Say something to the person, once for a key. Raises CONFLICT when the talk is not this member's."""
        handover = await self.access(actor, handover_id)
        text = text.strip()
        if not text:
            raise AppError(ErrorCode.BAD_REQUEST, "empty answer", text="请填写回复内容。")
        if len(text) > LONGEST:
            raise AppError(ErrorCode.BAD_REQUEST, "long answer", text=TOO_LONG)
        now = clock.now()
        taken = [HandoverState.TAKEN]
        _insist(await self._store.change(handover, taken, [actor.id], asked_at=None, last_at=now))
        line_id = derived_id(handover.opened_at, "answer", handover.id, actor.id, key)
        await self._store.add_line(handover, Line(line_id, By.STAFF, text, now, actor.id))
        await self._tell(handover, line_id, text)
        await self._record(actor, "conversations.answer", handover)

    async def give_back(self, actor: Actor, handover_id: str) -> None:
        """Let a colleague take it."""
        handover = await self.access(actor, handover_id)
        to = {"state": str(HandoverState.WAITING), "taken_by": None}
        _insist(await self._store.change(handover, [HandoverState.TAKEN], [actor.id], **to))
        await self._record(actor, "conversations.give_back", handover)

    async def close(self, actor: Actor, handover_id: str) -> None:
        """End the talk; the machine answers again. Raises CONFLICT when it is a colleague's."""
        handover = await self.access(actor, handover_id)
        if handover.state is HandoverState.TAKEN and handover.taken_by != actor.id:
            raise AppError(ErrorCode.CONFLICT, "a colleague's", text=TAKEN)
        if await self._end(handover, ENDED):
            await self._record(actor, "conversations.close", handover)

    async def end_left(self) -> int:
        """Periodic: give talks in which nobody says anything any more back to the machine."""
        left = await self._store.list_left(clock.now() - LEFT_AFTER, _BATCH)
        ended = [handover for handover in left if await self._end(handover, LEFT)]
        for handover in ended:
            await self._record(SYSTEM, "conversations.close", handover)
        return len(ended)

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: what was said goes with the account."""
        resident_id = event.data["resident_id"]
        # The words first: a conversation that is gone leads to them no more.
        await self._store.forget(await self._conversations.ids_of_resident(resident_id))
        await self._conversations.forget_resident(resident_id)

    # -- steps -----------------------------------------------------------------------------------------

    async def _end(self, handover: Handover, text: str) -> bool:
        """The machine first: a crash in between leaves a talk that staff can close again."""
        await self._conversations.give_to_machine(handover.conversation_id)
        if not await self._store.end(handover):
            return False
        await self._tell(handover, f"{handover.id}.end", text)
        return True

    async def _tell(self, handover: Handover, key: str, text: str) -> None:
        conversation = await self._conversations.find(handover.conversation_id)
        if conversation is not None:
            resident_id = conversation.resident_id
            await self._speak(Said(key, conversation.through, conversation.address, text, resident_id))

    async def _place_of(self, conversation: Conversation) -> str | None:
        """The institution that the person was talking about."""
        known = conversation.run.data if conversation.run else {}
        if known.get("organization_id"):
            return known["organization_id"]
        department = await self._directory.find_department(known.get("department_id", ""))
        return department.organization_id if department else None

    async def _record(self, actor: Actor, action: str, handover: Handover) -> None:
        await self._audit.record(
            actor, action, f"handover/{handover.id}", "asked for a person", handover.organization_id
        )


def _check(actor: Actor) -> None:
    if not actor.may(Permission.STAFF_CONVERSATIONS_ANSWER):
        raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_CONVERSATIONS_ANSWER)


def _insist(changed: Handover | None) -> None:
    if changed is None:
        raise AppError(ErrorCode.CONFLICT, "not this member's", text=TAKEN)
