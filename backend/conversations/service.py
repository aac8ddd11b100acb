"""Taking turns: one message after another, each answered once however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.conversations.callback_store import CallbackStore
from backend.conversations.models import (
    RESUMABLE_BY_SMS,
    Conversation,
    Previous,
    PutOff,
    Run,
    RunState,
    Sight,
    Through,
    resumable,
)
from backend.conversations.store import ConversationStore
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.security.fields import BlindIndex, FieldCipher

# Two messages of one person hardly ever meet; a script that sends them all at once is told to wait.
MAX_TRIES = 8
# Channels repeat a message within minutes; so many of the newest are known again.
REMEMBERED = 20
# Nobody types faster; what does is a machine, and an answer to each would cost a text message.
MOST_PER_MINUTE = 20
TOO_FAST = "您发得太快了，请过一分钟再试。"
# By SMS every answer is paid for, and a machine at the other end answers each.
MOST_BY_SMS_PER_HOUR = 30
TOO_MANY = "您这一小时发的短信太多了，请过一会儿再试，或打开微信小程序办理。"
# Words of danger are heard in a flood, too, so often in an hour: help may cost a message, a machine only few.
MOST_ALARMS = 3
# Numbers and short words are said again and again in a dialogue; whole sentences are not.
SHORTEST_REPEATED, MOST_REPEATS = 5, 3


@dataclass(frozen=True, slots=True)
class Turn:
    """What a message leads to: the answer in pieces, and where the dialogue stands afterwards."""

    answer: tuple[str, ...]
    run: Run | None
    resident_id: str | None = None
    with_staff: bool = False
    # What did not fit into the answer and is said when it is asked for.
    more: tuple[str, ...] = ()


Think = Callable[[Conversation], Awaitable[Turn]]


class ConversationService:
    """Conversations of all channels."""

    def __init__(
        self,
        db: Database,
        *,
        cipher: FieldCipher,
        blind: BlindIndex,
        nudge: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = ConversationStore(db, cipher, blind)
        self._callbacks = CallbackStore(db, cipher)
        self._nudge = nudge

    async def take_turn(
        self,
        through: Through,
        address: str,
        message_id: str,
        think: Think,
        *,
        text: str = "",
        urgent: bool = False,
    ) -> tuple[str, ...]:
        """Hear one message and return the answer. `think` may run more than once for it and must bear that.

        What is `urgent` is thought of in a flood, too, up to a limit of its own.

        A message heard before gets its old answer while it is the newest, and silence afterwards. Raises
        CONFLICT when somebody's messages keep meeting each other.
        """
        for _ in range(MAX_TRIES):
            found = await self._store.find(through, address) or self._store.begin(through, address)
            if message_id in found.heard:
                return found.answer if message_id == found.heard[0] else ()
            counted = _counted(_timely(found), message_id, text)
            refusal = _refusal(found, counted, text)
            if refusal is not None and urgent and counted.alarms < MOST_ALARMS:
                counted, refusal = replace(counted, alarms=counted.alarms + 1), None
            if refusal is not None:
                changed = replace(counted, answer=refusal)
            else:
                changed = _after(counted, await think(counted))
            if await self._store.write(changed):
                return changed.answer
        raise AppError(ErrorCode.CONFLICT, "messages of one conversation keep meeting")

    async def has_heard(self, through: Through, address: str, message_id: str) -> bool:
        """Whether a message is among those heard lately."""
        found = await self._store.find(through, address)
        return found is not None and message_id in found.heard

    async def see_callback(self, stamp: str, what: str) -> Sight:
        """Note that a channel called; `stamp` is used once, and stands for `what` it brought."""
        return await self._callbacks.see(stamp, what)

    async def put_off(self, message: PutOff) -> bool:
        """Have a message answered by a worker: CHAT_PUT_OFF. False when it is answered at once instead."""
        kept = await self._callbacks.put_off(message)
        self._nudge()
        return kept

    async def tell_at_once(self, message: PutOff) -> bool:
        """Note that a message is answered where it came in. False when a worker answers it instead."""
        return await self._callbacks.tell_at_once(message)

    async def find_put_off(self, key: str) -> PutOff | None:
        """A message that was put off."""
        return await self._callbacks.find_put_off(key)

    async def waiting_elsewhere(self, resident_id: str, conversation_id: str) -> Run | None:
        """The dialogue that waits for a person's answer on another line; it may go on on this one."""
        since = clock.now() - RESUMABLE_BY_SMS
        found = await self._store.find_waiting(resident_id, conversation_id, since)
        return found.run if found else None

    async def expire(self) -> int:
        """Periodic: write down of dialogues that were left alone that they are over; returns how many."""
        now = clock.now()
        return sum([await self._store.expire(through, now - resumable(through)) for through in Through])

    async def find(self, conversation_id: str) -> Conversation | None:
        """A conversation by its id."""
        return await self._store.find_by_id(conversation_id)

    async def find_many(self, conversation_ids: Sequence[str]) -> list[Conversation]:
        """Those of some conversations that are still known."""
        return await self._store.find_many(conversation_ids)

    async def give_to_machine(self, conversation_id: str) -> None:
        """Staff are done with it: the machine answers again."""
        await self._store.end_staff(conversation_id)

    async def ids_of_resident(self, resident_id: str) -> list[str]:
        """The conversations with a person."""
        return await self._store.ids_of_resident(resident_id)

    async def forget_resident(self, resident_id: str) -> None:
        """What was said goes with the account."""
        await self._store.forget_resident(resident_id)


def _timely(conversation: Conversation) -> Conversation:
    """The conversation as the clock sees it: a dialogue left alone for too long has expired."""
    run = conversation.run
    if run is None or run.state is not RunState.WAITING:
        return conversation
    if clock.now() - conversation.updated_at <= resumable(conversation.through):
        return conversation
    return replace(conversation, run=replace(run, state=RunState.EXPIRED, options=(), before=()))


def _counted(conversation: Conversation, message_id: str, text: str) -> Conversation:
    now, said = clock.now(), _digest(text)
    minute = conversation.minute_at is None or now - conversation.minute_at >= timedelta(minutes=1)
    hour = conversation.hour_at is None or now - conversation.hour_at >= timedelta(hours=1)
    return replace(
        conversation,
        heard=(message_id, *conversation.heard)[:REMEMBERED],
        minute_at=now if minute else conversation.minute_at,
        in_minute=1 if minute else conversation.in_minute + 1,
        hour_at=now if hour else conversation.hour_at,
        in_hour=1 if hour else conversation.in_hour + 1,
        alarms=0 if hour else conversation.alarms,
        said=said,
        repeats=conversation.repeats + 1 if said and said == conversation.said else 0,
    )


def _refusal(before: Conversation, counted: Conversation, text: str) -> tuple[str, ...] | None:
    """What is said instead of an answer to a flood or to a machine: once something, then nothing."""
    if counted.in_minute > MOST_PER_MINUTE:
        return (TOO_FAST,) if counted.in_minute == MOST_PER_MINUTE + 1 else ()
    if counted.through is not Through.SMS:
        return None
    if counted.in_hour > MOST_BY_SMS_PER_HOUR:
        return (TOO_MANY,) if counted.in_hour == MOST_BY_SMS_PER_HOUR + 1 else ()
    # Our own words come back, or the same whole sentence again and again: nobody is there.
    echo = bool(text) and text.strip() in ("\n".join(before.answer), *before.answer)
    return () if echo or counted.repeats >= MOST_REPEATS else None


def _digest(text: str) -> str:
    """What is compared with what is said next; nothing of short words."""
    plain = "".join(text.split())
    if len(plain) < SHORTEST_REPEATED:
        return ""
    return hashlib.blake2b(plain.encode(), digest_size=8).hexdigest()


def _displaced(before: Run | None, after: Run | None) -> Previous | None:
    """What another dialogue, or none, has come in the place of."""
    if before is None or (
        after is not None and (after.dialogue, after.begun_at) == (before.dialogue, before.begun_at)
    ):
        return None
    state = RunState.INTERRUPTED if before.state is RunState.WAITING else before.state
    return Previous(before.dialogue, before.step, state)


def _after(conversation: Conversation, turn: Turn) -> Conversation:
    return replace(
        conversation,
        answer=turn.answer,
        run=turn.run,
        previous=_displaced(conversation.run, turn.run) or conversation.previous,
        resident_id=turn.resident_id or conversation.resident_id,
        with_staff=turn.with_staff,
        more=turn.more,
    )
