"""Taking turns: one message after another, each answered once however often it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.conversations.callback_store import CallbackStore, PutOff, Sight
from backend.conversations.models import RESUMABLE, Conversation, Run, RunState, Through
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
        self, through: Through, address: str, message_id: str, think: Think
    ) -> tuple[str, ...]:
        """Hear one message and return the answer. `think` may run more than once for it and must bear that.

        A message heard before gets its old answer while it is the newest, and silence afterwards. Raises
        CONFLICT when somebody's messages keep meeting each other.
        """
        for _ in range(MAX_TRIES):
            found = await self._store.find(through, address) or self._store.begin(through, address)
            if message_id in found.heard:
                return found.answer if message_id == found.heard[0] else ()
            counted = _counted(_timely(found), message_id)
            if counted.in_minute > MOST_PER_MINUTE:
                answer = (TOO_FAST,) if counted.in_minute == MOST_PER_MINUTE + 1 else ()
                changed = replace(counted, answer=answer)
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

    async def put_off(self, message: PutOff) -> None:
        """Have a message answered by a worker: CHAT_PUT_OFF."""
        await self._callbacks.put_off(message)
        self._nudge()

    async def find_put_off(self, key: str) -> PutOff | None:
        """A message that was put off."""
        return await self._callbacks.find_put_off(key)

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
    if clock.now() - conversation.updated_at <= RESUMABLE:
        return conversation
    return replace(conversation, run=replace(run, state=RunState.EXPIRED, options=(), before=()))


def _counted(conversation: Conversation, message_id: str) -> Conversation:
    now = clock.now()
    fresh = conversation.minute_at is None or now - conversation.minute_at >= timedelta(minutes=1)
    return replace(
        conversation,
        heard=(message_id, *conversation.heard)[:REMEMBERED],
        minute_at=now if fresh else conversation.minute_at,
        in_minute=1 if fresh else conversation.in_minute + 1,
    )


def _after(conversation: Conversation, turn: Turn) -> Conversation:
    return replace(
        conversation,
        answer=turn.answer,
        run=turn.run,
        resident_id=turn.resident_id or conversation.resident_id,
        with_staff=turn.with_staff,
        more=turn.more,
    )
