"""The dialogue that hears answers to surveys: asked in a message, answered in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from backend.conversations.models import Through
from backend.permissions import Permission
from backend.surveys.asking import Step
from backend.surveys.models import Through as SurveyThrough
from backend.surveys.questionnaire import Kind
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Say, Talk
from bots.understanding.values import Intent

_NOTHING_ASKED = "现在没有要您回答的问题，谢谢！"
# Where the questions are not asked by talking.
_ELSEWHERE = frozenset({SurveyThrough.PAGE, SurveyThrough.PHONE})
_BARE = frozenset({Intent.CHOICE, Intent.YES, Intent.NO})
_ANSWERS = frozenset({Intent.CHOICE, Intent.YES, Intent.NO, Intent.SURVEY_ANSWER, Intent.UNKNOWN})


class Survey(Dialogue):
    """Puts what a person says into the run that is open, whatever channel it began on."""

    name: ClassVar[str] = "survey"
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = (Intent.SURVEY_ANSWER,)
    # Whoever has the phone that was asked may answer; nothing is told that was not in the question.
    needs: ClassVar[Permission | None] = None
    interrupts: ClassVar[bool] = False
    read_by_people: ClassVar[bool] = True

    def hears_all(self, data: Mapping[str, str]) -> bool:
        """A question for words takes all of them."""
        return data.get("kind") == Kind.TEXT

    def is_about(self, data: Mapping[str, str], topic: str) -> bool:
        """A run is a matter of its own."""
        return topic == _topic(data.get("run_id", ""))

    async def has_asked(self, talk: Talk) -> bool:
        """Whether a survey's question waits for words like these."""
        return talk.understood.intent in _ANSWERS and await _open_step(talk) is not None

    async def start(self, talk: Talk) -> Next:
        """The first answer, or the question once more for whoever went back to it."""
        step = await (_noted(talk) if "run_id" in talk.data else _open_step(talk))
        if step is None:
            return Say(_NOTHING_ASKED)
        if not talk.said or (step.run.through in _ELSEWHERE and talk.understood.intent in _BARE):
            # What was asked on this line may be answered by now: a mere 1 is no answer to the rest.
            return _next(talk, step)
        _note(talk, step)
        after = await _answered(talk)
        # The question came some time ago: with the hint it is asked again.
        return Ask(f"{after.hint}\n{after.text}", "answer") if after.hint else _next(talk, after)

    async def answer(self, talk: Talk) -> Next:
        """The next ones; or the question once more for whoever went back to it."""
        if not talk.said:
            return _next(talk, await _noted(talk))
        after = await _answered(talk)
        return NotUnderstood(after.hint) if after.hint else _next(talk, after)


def _topic(run_id: str) -> str:
    return f"survey:{run_id}"


def _next(talk: Talk, step: Step) -> Next:
    if not step.is_open or step.question is None:
        return Say(step.text)
    _note(talk, step)
    return Ask(step.text, "answer")


def _note(talk: Talk, step: Step) -> None:
    talk.data["run_id"] = step.run.id
    talk.data["recipient_id"] = step.run.recipient_id or ""
    talk.data["question_id"] = step.question.id if step.question else ""
    talk.data["kind"] = str(step.question.kind) if step.question else ""


async def _answered(talk: Talk) -> Step:
    by = SurveyThrough.SMS if talk.through is Through.SMS else SurveyThrough.CHAT
    return await talk.services.surveys.answer(
        talk.data["recipient_id"],
        talk.data["run_id"],
        talk.said,
        talk.key,
        by,
        # By another way somebody may have gone on meanwhile: what was asked here is what is answered here.
        talk.data.get("question_id") or None,
    )


async def _noted(talk: Talk) -> Step:
    """The question that was asked here."""
    data = talk.data
    return await talk.services.surveys.question(
        data["recipient_id"], data["run_id"], data.get("question_id", "")
    )


async def _open_step(talk: Talk) -> Step | None:
    """What this line is asked at present: its resident, or a person on file who is told by this phone."""
    asked = [talk.actor.id] if talk.actor.id else []
    if talk.through is Through.SMS:
        asked += await talk.services.residents.search_patients(talk.address)
    first: Step | None = None
    for person_id in dict.fromkeys(asked):
        step = await talk.services.surveys.open_question(person_id)
        if step is None or not step.is_open or step.question is None:
            continue
        if talk.topic == _topic(step.run.id):
            return step
        first = first or step
    return first
