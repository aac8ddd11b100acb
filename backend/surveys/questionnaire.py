"""A questionnaire as a frozen value, and the pure rules of asking it: what comes next, and how it scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

# An answer as it is kept: an option's value, several, a number, words, an ISO date; None is "skipped".
Value = str | int | Decimal | tuple[str, ...] | None
Answers = Mapping[str, Value]
# What a condition compares with its like.
Ordered = TypeVar("Ordered", str, Decimal)


class Kind(StrEnum):
    """What a question asks for. Sections and notes ask nothing: they give order and words."""

    CHOICE = "choice"
    MULTIPLE = "multiple"
    SCALE = "scale"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    SECTION = "section"
    NOTE = "note"


ASKING = frozenset(kind for kind in Kind if kind not in (Kind.SECTION, Kind.NOTE))
WITH_OPTIONS = frozenset({Kind.CHOICE, Kind.MULTIPLE})


class Operator(StrEnum):
    """How a condition compares."""

    EXISTS = "exists"
    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Code:
    """A word of some terminology; kept for those who send and receive questionnaires."""

    code: str = ""
    system: str = ""
    display: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose. `alarm`: whoever chooses it is called back, whatever the rest says."""

    value: str
    text: str
    score: Decimal | None = None
    alarm: bool = False
    system: str = ""
    # The text came with the value; without it the value is the text.
    named: bool = True
    # What it is in FHIR: a coding, unless `string`, `integer` or `date`.
    form: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must have been answered to another question.

    `value` is written as text; beside a number it is read as one. EXISTS compares with "true" or "false".
    """

    question_id: str
    operator: Operator
    value: str
    system: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, or a section or note between questions.

    `spoken` is the wording for the telephone and for text messages; empty, `text` is used. `parent` is the
    section or question it belongs to: it is only asked where that one is. `form` is the FHIR type it came as.
    """

    id: str
    kind: Kind
    text: str = ""
    spoken: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    low_label: str = ""
    high_label: str = ""
    scored: bool = False
    # A high number is a bad one, as with pain.
    reversed: bool = False
    longest: int | None = None
    show_if: tuple[Condition, ...] = ()
    show_if_any: bool = False
    parent: str | None = None
    prefix: str = ""
    codes: tuple[Code, ...] = ()
    form: str = ""
    # Where the options are listed, when they are not the questionnaire's own.
    value_set: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is anything to answer."""
        return self.kind in ASKING

    def option(self, value: str) -> Option | None:
        """The option of this value."""
        return next((each for each in self.options if each.value == value), None)


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version of a questionnaire. `alarm_below`: at a lower score somebody is called back."""

    title: str
    questions: tuple[Question, ...]
    intro: str = ""
    thanks: str = ""
    alarm_below: int | None = None
    # What a questionnaire from elsewhere says of itself, word for word.
    about: Mapping[str, str] = field(default_factory=dict)

    def question(self, question_id: str) -> Question | None:
        """The question of this id."""
        return next((each for each in self.questions if each.id == question_id), None)


@dataclass(frozen=True, slots=True)
class Score:
    """Points between the least and the most that the asked questions could give; `percent` from 0 to 100."""

    points: Decimal
    least: Decimal
    most: Decimal

    @property
    def percent(self) -> int:
        """The share of what was to be had, rounded half up."""
        return int((self.points - self.least) * 100 / (self.most - self.least) + Decimal("0.5"))


def visible(questionnaire: Questionnaire, answers: Answers) -> list[Question]:
    """What is to be shown, given the answers. An answer to what is not shown counts for nothing."""
    shown: dict[str, Question] = {}
    heard: dict[str, Value] = {}
    for question in questionnaire.questions:
        if question.parent is not None and question.parent not in shown:
            continue
        if not _fits(question, heard):
            continue
        shown[question.id] = question
        if question.id in answers:
            heard[question.id] = answers[question.id]
    return list(shown.values())


def next_question(questionnaire: Questionnaire, answers: Answers) -> Question | None:
    """The first question that is shown and not yet answered or skipped; None at the end."""
    return next((q for q in visible(questionnaire, answers) if q.asks and q.id not in answers), None)


def relevant(questionnaire: Questionnaire, answers: Answers) -> dict[str, Value]:
    """The answers to what is shown: others were given before an earlier one was changed."""
    return {q.id: answers[q.id] for q in visible(questionnaire, answers) if q.id in answers}


def score(questionnaire: Questionnaire, answers: Answers) -> Score | None:
    """What the answers are worth; None when nothing that was answered carries points."""
    points = least = most = Decimal(0)
    for question in visible(questionnaire, answers):
        worth = _worth(question, answers.get(question.id))
        if worth is not None:
            points, least, most = points + worth[0], least + worth[1], most + worth[2]
    return Score(points, least, most) if most > least else None


def alarms(questionnaire: Questionnaire, answers: Answers) -> list[str]:
    """Ids of the questions whose answer asks for somebody to call back."""
    found = []
    for question in visible(questionnaire, answers):
        chosen = _chosen(answers.get(question.id))
        if any(option.alarm for option in question.options if option.value in chosen):
            found.append(question.id)
    return found


def is_bad(questionnaire: Questionnaire, scored: Score | None) -> bool:
    """Whether a score is low enough for somebody to call back."""
    bound = questionnaire.alarm_below
    return bound is not None and scored is not None and scored.percent < bound


def problems(questionnaire: Questionnaire) -> list[str]:
    """What keeps a questionnaire from being asked, a sentence for the builder each."""
    found = [] if questionnaire.title.strip() else ["请填写问卷名称。"]
    if not any(question.asks for question in questionnaire.questions):
        found.append("至少要有一道题。")
    before: dict[str, Question] = {}
    for number, question in enumerate(questionnaire.questions, 1):
        found += [f"第{number}项：{problem}" for problem in _problems_of(question, before)]
        before[question.id] = question
    return found


def _fits(question: Question, heard: Answers) -> bool:
    if not question.show_if:
        return True
    met = (_met(condition, heard) for condition in question.show_if)
    return any(met) if question.show_if_any else all(met)


def _met(condition: Condition, heard: Answers) -> bool:
    given = heard.get(condition.question_id)
    if condition.operator is Operator.EXISTS:
        return (given is not None) == (condition.value == "true")
    if given is None:
        return False
    if isinstance(given, tuple):
        return _compare_several(condition, given)
    return _compare(given, condition.operator, condition.value)


def _compare_several(condition: Condition, given: tuple[str, ...]) -> bool:
    if condition.operator is Operator.NOT_EQUAL:
        return condition.value not in given
    return any(_compare(each, condition.operator, condition.value) for each in given)


def _compare(given: str | int | Decimal, operator: Operator, wanted: str) -> bool:
    if isinstance(given, str):
        return _ordered(given, operator, wanted)
    try:
        return _ordered(Decimal(given), operator, Decimal(wanted))
    except InvalidOperation:
        return False


def _ordered(given: Ordered, operator: Operator, wanted: Ordered) -> bool:
    # ISO dates order as text.
    match operator:
        case Operator.EQUAL:
            return given == wanted
        case Operator.NOT_EQUAL:
            return given != wanted
        case Operator.GREATER:
            return given > wanted
        case Operator.LESS:
            return given < wanted
        case Operator.AT_LEAST:
            return given >= wanted
        case _:
            return given <= wanted


def _worth(question: Question, value: Value) -> tuple[Decimal, Decimal, Decimal] | None:
    """Points, the least and the most of one answer; None when it carries none."""
    if value is None:
        return None
    if question.kind in WITH_OPTIONS:
        return _worth_of_options(question, _chosen(value))
    if not question.scored or question.minimum is None or question.maximum is None:
        return None
    if isinstance(value, tuple | str) or question.minimum >= question.maximum:
        return None
    points = question.minimum + question.maximum - value if question.reversed else Decimal(value)
    return points, question.minimum, question.maximum


def _worth_of_options(question: Question, chosen: frozenset[str]) -> tuple[Decimal, Decimal, Decimal] | None:
    scores = {option.value: option.score for option in question.options if option.score is not None}
    points = [scores[value] for value in chosen if value in scores]
    if question.kind is Kind.CHOICE:
        return (points[0], min(scores.values()), max(scores.values())) if points else None
    if not scores:
        return None
    zero = Decimal(0)
    least = sum((each for each in scores.values() if each < 0), zero)
    return sum(points, zero), least, sum((each for each in scores.values() if each > 0), zero)


def _chosen(value: Value) -> frozenset[str]:
    if isinstance(value, tuple):
        return frozenset(value)
    return frozenset({value}) if isinstance(value, str) else frozenset()


def _problems_of(question: Question, before: Mapping[str, Question]) -> list[str]:
    found = []
    if not question.id or question.id in before:
        found.append("题目编号重复或缺失。")
    if question.asks and not (question.text or question.spoken).strip():
        found.append("请填写题目。")
    if question.kind in WITH_OPTIONS:
        found += _problems_of_options(question.options)
    if question.kind is Kind.SCALE and (question.minimum is None or question.maximum is None):
        found.append("请填写打分的最低分和最高分。")
    if question.minimum is not None and question.maximum is not None and question.minimum >= question.maximum:
        found.append("最小值必须小于最大值。")
    if question.parent is not None and question.parent not in before:
        found.append("所属的分组不在前面。")
    asked = {earlier.id for earlier in before.values() if earlier.asks}
    if any(condition.question_id not in asked for condition in question.show_if):
        found.append("显示条件只能用前面的题目。")
    return found


def _problems_of_options(options: Sequence[Option]) -> Iterable[str]:
    if len(options) < 2:
        yield "至少要有两个选项。"
    if len({option.value for option in options}) < len(options):
        yield "选项重复。"
    if len({option.text for option in options}) < len(options):
        yield "选项文字重复。"
