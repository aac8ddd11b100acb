"""Taking answers: from whatever channel, into the same run, each once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.surveys.answering import NoAnswerError, answered, check_answer, read_answer, wording
from backend.surveys.models import OPEN_STATES, Cause, Run, RunState, Through
from backend.surveys.questionnaire import (
    Kind,
    Question,
    Questionnaire,
    Value,
    alarms,
    is_bad,
    next_question,
    relevant,
    score,
    visible,
)
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.run_store import RunStore
from backend.surveys.screening import risks
from backend.worker.events import Event, EventKind

MAX_TRIES = 8
# So much is kept of words that are no answer.
LONGEST_REMARK = 1000


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: words, or a value that was ticked. Without a question's id it is to the next one."""

    key: str
    through: Through
    text: str | None = None
    value: Value = None
    question_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands: the question that comes next, or none at the end. `hint`: the answer was none."""

    run: Run
    questionnaire: Questionnaire
    question: Question | None
    hint: str = ""

    @property
    def is_open(self) -> bool:
        """Whether answers are taken."""
        return _is_open(self.run)

    @property
    def text(self) -> str:
        """The question as it is read in a message, the notes before it included."""
        if self.question is None:
            return self.questionnaire.thanks or "问卷已完成，感谢您的反馈。"
        return "\n".join([*self.notes, wording(self.question, spoken=True)])

    @property
    def notes(self) -> list[str]:
        """What stands between the last question and this one: sections' titles and notes."""
        found: list[str] = []
        for question in visible(self.questionnaire, self.run.answers):
            if self.question is not None and question.id == self.question.id:
                break
            if question.asks:
                found = []
            elif question.kind in (Kind.SECTION, Kind.NOTE) and question.text:
                found.append(question.text)
        return found

    @property
    def progress(self) -> tuple[int, int]:
        """How many questions are answered, and of how many."""
        return answered(self.questionnaire, self.run.answers)


class Asking:
    """Runs as those see them who answer."""

    def __init__(self, runs: RunStore, questionnaires: QuestionnaireStore) -> None:
        self._runs = runs
        self._questionnaires = questionnaires

    async def step(self, run_id: str) -> Step:
        """Where a run stands. Raises NOT_FOUND."""
        run = await self._runs.find(run_id)
        if run is None:
            raise not_found("survey run")
        return await self._step(run)

    async def open_question(self, resident_id: str) -> Step | None:
        """What a person is asked at present, or None."""
        run = await self._runs.open_of(resident_id)
        return await self._step(run) if run is not None else None

    async def answer(self, run_id: str, said: Said) -> Step:
        """Take an answer; the same key again changes nothing. Raises NOT_FOUND, CONFLICT."""
        for _ in range(MAX_TRIES):
            step = await self.step(run_id)
            if not step.is_open or said.key in step.run.heard:
                return step
            after, hint = _taken(step, _meant(step, said), said)
            if after is None:
                return replace(step, hint=hint)
            if await self._write(step.run, after):
                return replace(await self._step(replace(after, turn=after.turn + 1)), hint=hint)
        raise AppError(ErrorCode.CONFLICT, "answers of one run keep meeting")

    async def refuse(self, run_id: str, through: Through) -> Step:
        """The person does not want to be asked. Again, it changes nothing."""
        for _ in range(MAX_TRIES):
            step = await self.step(run_id)
            if not step.is_open:
                return step
            refused = replace(
                step.run,
                state=RunState.REFUSED,
                through=through,
                due_at=None,
                ended_at=clock.now(),
                posted=None,
                on_phone_list=False,
            )
            counted = (*_sent_meanwhile(step.run), "refused")
            if await self._runs.write(refused, counted=counted):
                return await self._step(replace(refused, turn=refused.turn + 1))
        raise AppError(ErrorCode.CONFLICT, "answers of one run keep meeting")

    async def _step(self, run: Run) -> Step:
        version = await self._questionnaires.find(run.questionnaire_id, run.version)
        if version is None:
            raise not_found("questionnaire")
        question = next_question(version.content, run.answers) if _is_open(run) else None
        return Step(run, version.content, question)

    async def _write(self, before: Run, after: Run) -> bool:
        counted = list(_sent_meanwhile(before))
        if before.state is not RunState.ANSWERING:
            counted.append("answering")
        if after.state is RunState.COMPLETED:
            counted.append("completed")
        events = []
        if set(after.causes) - set(before.causes):
            counted += [] if before.causes else ["tickets"]
            events.append(Event(EventKind.SURVEY_ALARMED, {"run_id": after.id}))
        return await self._runs.write(after, counted=counted, events=events)


def _is_open(run: Run) -> bool:
    # Who answers at once is faster than our looking whether the message has left.
    waiting = run.state is RunState.PLANNED and (run.posted is not None or run.on_phone_list)
    return (run.state in OPEN_STATES or waiting) and clock.now() < run.closes_at


def _sent_meanwhile(run: Run) -> tuple[str, ...]:
    return ("sent",) if run.state is RunState.PLANNED else ()


def at_question(step: Step, question_id: str) -> Step:
    """The same run at a question that is shown; at the next one where it is not."""
    found = _shown(step, question_id) if step.is_open else None
    return replace(step, question=found) if found is not None else step


def _shown(step: Step, question_id: str) -> Question | None:
    shown = visible(step.questionnaire, step.run.answers)
    return next((each for each in shown if each.id == question_id and each.asks), None)


def _meant(step: Step, said: Said) -> Question | None:
    """The question an answer is to: the next one, or one that is shown and is being corrected.

    None for words to a question that another way's answer has meanwhile taken away.
    """
    if said.question_id is None:
        return step.question
    found = _shown(step, said.question_id)
    if found is None and said.text is None:
        raise not_found("question")
    return found


def _value(question: Question, said: Said) -> Value:
    if said.text is not None:
        return read_answer(question, said.text, today=clock.today())
    return check_answer(question, said.value)


def _taken(step: Step, question: Question | None, said: Said) -> tuple[Run | None, str]:
    """The run with what was said, and the hint when that is no answer; no run when nothing is to be kept."""
    danger = _danger(question, said)
    if question is None:
        return (_remarked(_heard(step.run, said), danger) if danger else None), ""
    try:
        value = _value(question, said)
    except NoAnswerError as refused:
        return (_remarked(_heard(step.run, said), danger) if danger else None), refused.hint
    after = _after(step, question, value, said)
    # What a question for words took is kept whole as its answer.
    return (_remarked(after, danger) if danger and question.kind is not Kind.TEXT else after), ""


def _danger(question: Question | None, said: Said) -> str:
    """The words, when they speak of a danger: whatever was asked, somebody has to hear of it."""
    words = said.text
    if words is None and question and question.kind is Kind.TEXT and isinstance(said.value, str):
        words = said.value
    return words.strip()[:LONGEST_REMARK] if words and risks(words) else ""


def _remarked(run: Run, words: str) -> Run:
    causes = tuple(dict.fromkeys([*run.causes, Cause.RISK_WORD]))
    return replace(run, remarks=(words, *run.remarks), causes=causes, alarmed_at=_alarmed_at(run, causes))


def _alarmed_at(run: Run, causes: tuple[Cause, ...]) -> datetime | None:
    """When the first cause arose; of what was told under another instant before, nothing changes."""
    return run.alarmed_at or (clock.now() if causes and not run.causes else None)


def _heard(run: Run, said: Said) -> Run:
    return replace(
        run,
        state=RunState.ANSWERING,
        heard=(said.key, *run.heard),
        through=said.through,
        sent_at=run.sent_at or clock.now(),
        # Nobody is reminded who has begun.
        posted=None,
        on_phone_list=False,
        due_at=run.closes_at,
    )


def _after(step: Step, question: Question, value: Value, said: Said) -> Run:
    run, questionnaire = step.run, step.questionnaire
    answers = relevant(questionnaire, {**run.answers, question.id: value})
    causes = _causes(run, questionnaire, answers, question, value)
    after = replace(_heard(run, said), answers=answers, causes=causes, alarmed_at=_alarmed_at(run, causes))
    if next_question(questionnaire, answers) is not None:
        return after
    scored = score(questionnaire, answers)
    bad = (Cause.SCORE,) if is_bad(questionnaire, scored) else ()
    causes = tuple(dict.fromkeys([*after.causes, *bad]))
    return replace(
        after,
        state=RunState.COMPLETED,
        due_at=None,
        ended_at=clock.now(),
        percent=scored.percent if scored else None,
        causes=causes,
        alarmed_at=_alarmed_at(after, causes),
    )


def _causes(
    run: Run, questionnaire: Questionnaire, answers: dict[str, Value], question: Question, value: Value
) -> tuple[Cause, ...]:
    """What is grave is heard at once: whoever says it may say nothing more."""
    found = list(run.causes)
    if question.kind is Kind.TEXT and isinstance(value, str) and risks(value):
        found.append(Cause.RISK_WORD)
    if alarms(questionnaire, answers):
        found.append(Cause.ANSWER)
    return tuple(dict.fromkeys(found))
