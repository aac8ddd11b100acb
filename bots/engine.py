"""Runs dialogues: hears one message, finds whose turn it is, and says what comes next.

帮助, 返回, 退出 and 人工 work everywhere, and 更多 after a text that was cut. Whoever may not have a dialogue
does not get it; the engine knows none by name, and only one by part: where a stranger makes himself known.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.conversations.models import Before, Conversation, Run, RunState, Through
from backend.conversations.service import ConversationService, Turn
from backend.errors import AppError
from backend.permissions import Actor
from bots import cutting, words
from bots.dialogue import Dialogue, Next, NotUnderstood, Say, Talk
from bots.ports import Services
from bots.understanding.danger import Danger, find_danger
from bots.understanding.values import Intent, Understanding

log = logging.getLogger(__name__)

# Longer texts are cut; nobody needs more to say what he wants, and every rule looks at every character.
LONGEST = 500
# So often in a row a person is asked the same; then somebody else has to help.
MOST_MISUNDERSTOOD = 3
_MOST_STEPS_BACK = 12
_ALWAYS = frozenset({Intent.HELP, Intent.BACK, Intent.QUIT, Intent.HUMAN})
# What takes longer hangs; the person is told to try again.
_STEP_S = 20.0
# Clocks differ, and some channels tell whole seconds.
_LATE = timedelta(seconds=10)
_MERE_ANSWERS = frozenset({Intent.CHOICE, Intent.YES, Intent.NO})
# What begins something new in the middle of something else, when it is said clearly.
_CLEARLY = 0.9


class Staff(Protocol):
    """The people behind 人工."""

    async def called(self, conversation: Conversation, text: str) -> None:
        """Somebody wants a person, or goes on talking with one."""

    async def left(self, conversation: Conversation) -> None:
        """Somebody goes back to the machine."""


class Reads(Protocol):
    """Understanding of sentences."""

    async def __call__(self, sentence: str) -> Understanding:
        """What a sentence says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as its channel brought it. `id` is the channel's own, the same when it comes again.

    `said_at` is when it was written, of channels that bring messages late or out of order.
    """

    through: Through
    address: str = field(repr=False)
    id: str
    text: str = field(repr=False)
    said_at: datetime | None = None
    # What it answers, where the line tells: by the number that a text message was written to.
    topic: str = ""


class Engine:
    """All dialogues of all channels."""

    def __init__(
        self,
        conversations: ConversationService,
        dialogues: Iterable[Dialogue],
        *,
        services: Services,
        read: Reads,
        who: Callable[[Heard], Awaitable[Actor]],
        staff: Staff,
        entrance: Dialogue | None = None,
        app_url: str = "",
    ) -> None:
        self._conversations = conversations
        self._dialogues = {dialogue.name: dialogue for dialogue in dialogues}
        self._by_intent = {intent: d for d in self._dialogues.values() for intent in d.intents}
        self._services = services
        self._read = read
        self._who = who
        self._staff = staff
        # By which a stranger makes himself known, where that can be done by talking.
        self._entrance = entrance
        self._app_url = app_url.rstrip("/")
        if entrance is not None:
            self._dialogues.setdefault(entrance.name, entrance)

    def add(self, dialogue: Dialogue) -> None:
        """One more dialogue, before anybody speaks."""
        self._dialogues[dialogue.name] = dialogue
        self._by_intent |= dict.fromkeys(dialogue.intents, dialogue)

    @property
    def dialogues(self) -> tuple[Dialogue, ...]:
        """Every dialogue that somebody can be in, the entrance among them."""
        return tuple(self._dialogues.values())

    async def hear(self, heard: Heard) -> tuple[str, ...]:
        """Answer one message: pieces of text, or nothing when there is nothing to say."""
        # Half of a pair, which some phones' gateways let through, is no text and cannot be kept.
        whole = heard.text[:LONGEST].encode("utf-8", "replace").decode()
        heard = replace(heard, text=whole)

        async def think(conversation: Conversation) -> Turn:
            turn = await self._think(conversation, heard)
            return _cut(turn) if heard.through is Through.SMS else turn

        return await self._conversations.take_turn(
            heard.through,
            heard.address,
            heard.id,
            think,
            text=heard.text,
            urgent=find_danger(heard.text) is not None,
        )

    async def _think(self, conversation: Conversation, heard: Heard) -> Turn:
        understood = await self._read(heard.text)
        actor = await self._who(heard)
        turn = _Turning(conversation, heard, understood, actor, self._services)
        danger = find_danger(heard.text)
        if danger is None:
            return await self._answered(turn)
        if danger is Danger.LIFE or conversation.with_staff:
            answered: Turn | None = await self._answered(turn)
        else:
            answered = await self._heard_by_people(turn)
        if answered is None:
            # Nothing about appointments now; what was open stays open.
            return turn.as_it_was(words.DANGER[danger])
        return replace(answered, answer=(words.DANGER[danger], *answered.answer))

    async def _heard_by_people(self, turn: _Turning) -> Turn | None:
        """What becomes of words that somebody is going to read, where such a question is open."""
        run = turn.waiting
        asked = self._dialogues.get(run.dialogue) if run else await self._asked_by_message(turn)
        if asked is None or not asked.read_by_people:
            return None
        return await (self._go_on(turn, run) if run else self._begin(turn, asked))

    async def _answered(self, turn: _Turning) -> Turn:
        conversation, heard, understood = turn.conversation, turn.heard, turn.understood
        if conversation.with_staff and understood.intent is not Intent.QUIT:
            await self._staff.called(conversation, heard.text)
            return turn.unchanged()
        if understood.intent is Intent.MORE and conversation.more:
            return turn.as_it_was("\n".join(conversation.more))
        asked = await self._asked_by_topic(turn)
        if asked is not None:
            return await self._begin(turn, asked)
        if turn.is_late and turn.waiting is not None and understood.intent in _MERE_ANSWERS:
            # It answers a question before the open one: that is asked again.
            return turn.as_it_was("\n".join(conversation.answer))
        if understood.intent in _ALWAYS:
            return await self._command(turn)
        run = turn.waiting or await self._waiting_elsewhere(turn)
        if run is not None and (turn.chosen(run) or not self._is_something_else(understood, run)):
            return await self._go_on(turn, run)
        dialogue = self._by_intent.get(understood.intent) or await self._asked_by_message(turn)
        if dialogue is None:
            return turn.say(words.menu(self._titles))
        return await self._begin(turn, dialogue)

    async def _waiting_elsewhere(self, turn: _Turning) -> Run | None:
        """What a mere answer goes on with when nothing was asked here: a talk on the person's other line."""
        if not turn.actor.id or turn.understood.intent not in _MERE_ANSWERS:
            return None
        return await self._conversations.waiting_elsewhere(turn.actor.id, turn.conversation.id)

    async def _asked_by_topic(self, turn: _Turning) -> Dialogue | None:
        """Who else asked what these words answer, by the number they were written to."""
        name, mark, _ = turn.heard.topic.partition(":")
        dialogue = self._dialogues.get(name) if mark else None
        open_here = turn.waiting if turn.waiting is not None and turn.waiting.dialogue == name else None
        if dialogue is None or (open_here and dialogue.is_about(open_here.data, turn.heard.topic)):
            return None
        talk = turn.talk(_fresh(name, clock.now()), turn.heard.text)
        return dialogue if await dialogue.has_asked(talk) else None

    async def _asked_by_message(self, turn: _Turning) -> Dialogue | None:
        """Who has asked, outside of any talk, what these words answer."""
        talk = turn.talk(_fresh("", clock.now()), turn.heard.text)
        for dialogue in self._dialogues.values():
            if await dialogue.has_asked(talk):
                return dialogue
        return None

    def _is_something_else(self, understood: Understanding, run: Run) -> bool:
        """Whether somebody who was asked something has begun to talk of another thing."""
        other, current = self._by_intent.get(understood.intent), self._dialogues.get(run.dialogue)
        if other is None or other is current or not other.interrupts or understood.confidence < _CLEARLY:
            return False
        if current is None:
            return True
        return understood.intent not in current.keeps and not current.hears_all(run.data)

    @property
    def _titles(self) -> Sequence[str]:
        return [dialogue.title for dialogue in self._dialogues.values() if dialogue.title]

    async def _command(self, turn: _Turning) -> Turn:
        run = turn.waiting
        match turn.understood.intent:
            case Intent.HELP:
                return replace(turn.say(words.menu(self._titles)), run=run)
            case Intent.QUIT:
                if turn.conversation.with_staff:
                    await self._staff.left(turn.conversation)
                return turn.say(words.GOODBYE, run=_ended(run, RunState.INTERRUPTED))
            case Intent.HUMAN:
                await self._staff.called(turn.conversation, turn.heard.text)
                return replace(turn.say(words.STAFF_CALLED, run=run), with_staff=True)
        if run is None or not run.before:
            return turn.say(words.menu(self._titles), run=_ended(run, RunState.INTERRUPTED))
        # The last step asked what is open now; the one before it asked what is to be answered differently.
        kept = run.before[:-1]
        if not kept:
            return await self._run(turn, replace(run, data={}, before=()), "start", said="")
        earlier = replace(run, data=kept[-1].data, before=kept[:-1])
        return await self._run(turn, earlier, kept[-1].step, said="")

    async def _begin(self, turn: _Turning, dialogue: Dialogue) -> Turn:
        fresh = _fresh(dialogue.name, clock.now())
        return await self._run(turn, fresh, "start", said=turn.heard.text)

    async def _go_on(self, turn: _Turning, run: Run) -> Turn:
        return await self._run(turn, run, run.step, said=turn.heard.text)

    async def _run(self, turn: _Turning, run: Run, step_name: str, *, said: str) -> Turn:
        dialogue = self._dialogues.get(run.dialogue)
        if dialogue is None:
            return turn.say(words.menu(self._titles))
        if dialogue.needs is not None and not turn.actor.may(dialogue.needs):
            return await self._refuse(turn, dialogue)
        step = dialogue.step(step_name)
        if step is None:
            # A later release has no such step any more.
            step, step_name, run = dialogue.start, "start", replace(run, data={}, before=())
        talk = turn.talk(run, said)
        about = {"dialogue": run.dialogue, "step": step_name}
        try:
            async with asyncio.timeout(_STEP_S):
                came = await step(talk)
        except AppError as error:
            log.info("dialogue_refused", extra=about | {"code": error.code})
            # What was away may be back: then the same answer does it.
            kept = run if error.status >= 500 else _ended(run, RunState.INTERRUPTED)
            return turn.say(error.text, run=kept)
        except Exception as error:
            # Neither its text nor its traceback: both may hold what was said.
            log.error("dialogue_crashed", extra=about | {"error": type(error).__name__, "at": _place(error)})
            return turn.say(words.TROUBLE, run=run)
        return self._next(turn, run, step_name, came, talk.data)

    async def _refuse(self, turn: _Turning, dialogue: Dialogue) -> Turn:
        """Somebody who may not have this dialogue: a stranger makes himself known where that can be done."""
        entrance = self._entrance
        stranger, by_sms = not turn.actor.id, turn.heard.through is Through.SMS
        if stranger and not by_sms and entrance is not None and entrance is not dialogue:
            return await self._begin(turn, entrance)
        text = words.stranger(self._app_url) if stranger else words.not_here(self._app_url)
        return turn.say(text, run=_ended(turn.waiting, RunState.INTERRUPTED))

    def _next(self, turn: _Turning, run: Run, step_name: str, came: Next, data: Mapping[str, str]) -> Turn:
        if isinstance(came, Say):
            return turn.say(came.text, run=_ended(run, RunState.COMPLETED))
        if isinstance(came, NotUnderstood):
            return self._again(turn, run, came)
        before = (*run.before, Before(step_name, dict(data)))
        asked = replace(
            run,
            step=came.step,
            data=dict(data),
            options=tuple(option.value for option in came.options),
            before=before[-_MOST_STEPS_BACK:],
            misunderstood=0,
        )
        return turn.say(words.question(came.text, [option.text for option in came.options]), run=asked)

    def _again(self, turn: _Turning, run: Run, came: NotUnderstood) -> Turn:
        times = run.misunderstood + 1
        if times >= MOST_MISUNDERSTOOD:
            return turn.say(words.OFFER_STAFF, run=replace(run, misunderstood=0))
        return turn.say(came.hint or words.AGAIN, run=replace(run, misunderstood=times))


@dataclass(frozen=True, slots=True)
class _Turning:
    """One message on its way through the engine."""

    conversation: Conversation
    heard: Heard
    understood: Understanding
    actor: Actor
    services: Services

    @property
    def waiting(self) -> Run | None:
        """The dialogue that waits for an answer."""
        run = self.conversation.run
        return run if run is not None and run.state is RunState.WAITING else None

    def chosen(self, run: Run) -> str:
        """The option whose number was said."""
        ordinal = self.understood.slots.ordinal
        if self.understood.intent is not Intent.CHOICE or ordinal is None:
            return ""
        place = ordinal - 1 if ordinal > 0 else len(run.options) + ordinal
        return run.options[place] if 0 <= place < len(run.options) else ""

    def talk(self, run: Run, said: str) -> Talk:
        """What a step is given."""
        key = hashlib.blake2b(f"{self.conversation.id}|{self.heard.id}".encode(), digest_size=16).hexdigest()
        return Talk(
            actor=self.actor,
            through=self.heard.through,
            address=self.heard.address,
            said=said,
            # Who goes back has not answered: nothing of that word may be taken for an answer.
            understood=self.understood if said else Understanding(Intent.UNKNOWN, 0.0),
            data=dict(run.data),
            chosen=self.chosen(run) if said else "",
            key=key,
            now=clock.now(),
            services=self.services,
            topic=self.heard.topic,
        )

    @property
    def is_late(self) -> bool:
        """Whether it was written before the question that is open now was asked."""
        said_at = self.heard.said_at
        return said_at is not None and said_at < self.conversation.updated_at - _LATE

    def as_it_was(self, text: str) -> Turn:
        """Say something, and leave everything where it stands."""
        return replace(self.say(text, run=self.conversation.run), with_staff=self.conversation.with_staff)

    def say(self, text: str, run: Run | None = None) -> Turn:
        """Answer, and leave the dialogue as given."""
        return Turn(answer=words.pieces(text), run=run, resident_id=self.actor.id or None)

    def unchanged(self) -> Turn:
        """Nothing to say; a person is at it."""
        return Turn((), self.conversation.run, self.actor.id or None, with_staff=True)


def _fresh(dialogue: str, at: datetime) -> Run:
    return Run(dialogue, "start", RunState.WAITING, at)


def _cut(turn: Turn) -> Turn:
    """The first of the texts that the answer takes; the others wait for 回复M看更多."""
    if not turn.answer:
        return turn
    first, *others = cutting.parts("\n".join(turn.answer))
    return replace(turn, answer=(first,), more=tuple(others))


def _place(error: BaseException) -> str:
    """The file and line it came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""


def _ended(run: Run | None, state: RunState) -> Run | None:
    return None if run is None else replace(run, state=state, options=(), before=(), data={})
