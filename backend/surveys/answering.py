"""From what somebody said, typed or ticked to an answer, or to a hint why it is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from backend.surveys.questionnaire import Kind, Option, Question, Questionnaire, Value

LONGEST_TEXT = 500
_MOST_DIGITS = 12
_SKIP = frozenset({"跳过", "略", "略过", "不回答", "不想回答", "不想说", "pass", "skip"})
_NONE_OF_THEM = frozenset({"无", "没有", "都没有", "没", "以上都没有", "都不是"})
_HAN = {
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
_LETTERS = {letter: number for number, letter in enumerate("abcdefghij", 1)}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CHOICE = re.compile(
    r"(?:选择|选|第|回复|我选)?\s*([0-9]{1,2}|[a-jA-J]|[一二两三四五六七八九十])\s*(?:个|项|号|分|星)?"
)
_SEPARATORS = re.compile(r"[,，、;；/\s和]+")
_DAYS_AGO = {"今天": 0, "昨天": 1, "前天": 2}
_FULL_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_SHORT_DATE = re.compile(r"(\d{1,2})[-/.月](\d{1,2})[日号]?")
_NOT = "不没非未无"


class NoAnswerError(ValueError):
    """What was said answers nothing. `hint` tells the person what would; it never repeats what was said."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


def read_answer(question: Question, said: str, *, today: date) -> Value:
    """Words or digits as the answer to a question. Raises NoAnswerError."""
    text = _plain(said)
    if not text or text.lower() in _SKIP:
        return check_answer(question, None)
    if question.kind is Kind.TEXT:
        return check_answer(question, said.strip())
    return check_answer(question, _READERS[question.kind](question, text, today))


def check_answer(question: Question, value: Value) -> Value:
    """The answer in its kept form, when it is one. Raises NoAnswerError."""
    if value is None or value == () or (isinstance(value, str) and not value.strip()):
        if question.required:
            raise NoAnswerError("这道题需要回答。" + hint_for(question))
        return None
    checked = _CHECKS.get(question.kind)
    if checked is None:
        raise NoAnswerError("这里不需要回答。")
    return checked(question, value)


def hint_for(question: Question) -> str:
    """What an answer to this question looks like."""
    match question.kind:
        case Kind.CHOICE:
            return f"请回复1到{len(question.options)}之间的序号。"
        case Kind.MULTIPLE:
            return "请回复序号，可多选，例如“1,3”。"
        case Kind.SCALE:
            return f"请回复{question.minimum}到{question.maximum}之间的整数。"
        case Kind.NUMBER:
            return f"请回复一个数字{_range(question)}。"
        case Kind.DATE:
            return "请回复日期，例如“11月2日”。"
        case _:
            return f"请用一两句话回答，不超过{question.longest or LONGEST_TEXT}字。"


def wording(question: Question, *, spoken: bool = False) -> str:
    """A question as it is read in a message or on the telephone, with its options numbered."""
    text = (question.spoken if spoken else "") or question.text
    lines = [f"{number}. {option.text}" for number, option in enumerate(question.options, 1)]
    if question.kind is Kind.SCALE:
        ends = [
            f"{end}分{label}"
            for end, label in (
                (question.minimum, question.low_label),
                (question.maximum, question.high_label),
            )
            if label
        ]
        text += f"（{'，'.join(ends)}）" if ends else ""
    return "\n".join([text, *lines])


def pack(answers: Mapping[str, Value]) -> dict[str, Any]:
    """Answers for JSON: numbers with a point as text under a key of their own."""
    packed: dict[str, Any] = {}
    for question_id, value in answers.items():
        if isinstance(value, Decimal):
            packed[question_id] = {"number": str(value)}
        else:
            packed[question_id] = list(value) if isinstance(value, tuple) else value
    return packed


def unpack(packed: Mapping[str, Any]) -> dict[str, Value]:
    """What `pack` made."""
    return {question_id: _unpacked(value) for question_id, value in packed.items()}


def answered(questionnaire: Questionnaire, answers: Mapping[str, Value]) -> tuple[int, int]:
    """How many of the questions have an answer, for "3 of 8"."""
    asking = [question for question in questionnaire.questions if question.asks]
    return sum(question.id in answers for question in asking), len(asking)


def _unpacked(value: Any) -> Value:
    if isinstance(value, dict):
        return Decimal(value["number"])
    return tuple(value) if isinstance(value, list) else value


def _plain(said: str) -> str:
    return unicodedata.normalize("NFKC", said).strip().strip("。.!！,，?？ \t\n")


# From words.


def _read_choice(question: Question, text: str, _: date) -> Value:
    found = _CHOICE.fullmatch(text)
    if found and found[1].isdigit():
        return _nth(question, int(found[1]))
    named = _named(question.options, text)
    if named is not None:
        return named.value
    if found:
        return _nth(question, _counted(found[1]))
    raise NoAnswerError(hint_for(question))


def _read_multiple(question: Question, text: str, _: date) -> Value:
    if text in _NONE_OF_THEM and _named(question.options, text) is None:
        return ()
    named = _named(question.options, text, exact=True)
    parts = [text] if named else [part for part in _SEPARATORS.split(text) if part]
    # "13" with nine options or fewer is 1 and 3.
    if len(parts) == 1 and text.isdigit() and len(question.options) <= 9:
        parts = list(text)
    chosen = {str(_read_choice(question, part, date.min)) for part in parts}
    return tuple(option.value for option in question.options if option.value in chosen)


def _read_number(question: Question, text: str, _: date) -> Value:
    if text in _HAN:
        return Decimal(_HAN[text])
    numbers = _NUMBER.findall(text)
    if len(numbers) != 1 or len(numbers[0]) > _MOST_DIGITS:
        raise NoAnswerError(hint_for(question))
    return Decimal(numbers[0])


def _read_date(question: Question, text: str, today: date) -> Value:
    if text in _DAYS_AGO:
        return (today - timedelta(days=_DAYS_AGO[text])).isoformat()
    full, short = _FULL_DATE.fullmatch(text), _SHORT_DATE.fullmatch(text)
    try:
        if full:
            return date(int(full[1]), int(full[2]), int(full[3])).isoformat()
        if short:
            near = date(today.year, int(short[1]), int(short[2]))
            # People speak of what has been: 12月30日 said in January was last year's.
            return (
                near if near <= today + timedelta(days=180) else near.replace(year=near.year - 1)
            ).isoformat()
    except ValueError:
        pass
    raise NoAnswerError(hint_for(question))


def _read_text(_: Question, text: str, __: date) -> Value:
    return text


def _read_nothing(question: Question, text: str, _: date) -> Value:
    raise NoAnswerError("这里不需要回答。")


def _nth(question: Question, number: int) -> str:
    if not 1 <= number <= len(question.options):
        raise NoAnswerError(hint_for(question))
    return question.options[number - 1].value


def _counted(mark: str) -> int:
    return _HAN.get(mark) or _LETTERS.get(mark.lower(), 0)


def _named(options: Sequence[Option], text: str, *, exact: bool = False) -> Option | None:
    """The one option that was said; 不太满意 does not say 满意."""
    same = [option for option in options if _plain(option.text) == text]
    if same or exact:
        return same[0] if same else None
    within = [option for option in options if _says(text, _plain(option.text))]
    longest = max((len(option.text) for option in within), default=0)
    best = [option for option in within if len(option.text) == longest]
    return best[0] if len(best) == 1 else None


def _says(text: str, label: str) -> bool:
    at = text.find(label) if label else -1
    return at >= 0 and not any(mark in text[max(0, at - 2) : at] for mark in _NOT)


# The checks.


def _check_choice(question: Question, value: Value) -> Value:
    if not isinstance(value, str) or question.option(value) is None:
        raise NoAnswerError(hint_for(question))
    return value


def _check_multiple(question: Question, value: Value) -> Value:
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, tuple) or any(question.option(each) is None for each in given):
        raise NoAnswerError(hint_for(question))
    return tuple(option.value for option in question.options if option.value in given)


def _check_scale(question: Question, value: Value) -> Value:
    number = _number(question, value)
    if number != number.to_integral_value():
        raise NoAnswerError(hint_for(question))
    return int(number)


def _check_number(question: Question, value: Value) -> Value:
    number = _number(question, value)
    if question.form == "integer" and number != number.to_integral_value():
        raise NoAnswerError("请回复一个整数。")
    return number.normalize() if number else Decimal(0)


def _check_text(question: Question, value: Value) -> Value:
    if not isinstance(value, str):
        raise NoAnswerError(hint_for(question))
    text = value.strip()
    if len(text) > (question.longest or LONGEST_TEXT):
        raise NoAnswerError(hint_for(question))
    return text


def _check_date(question: Question, value: Value) -> Value:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "").isoformat()
    except ValueError:
        raise NoAnswerError(hint_for(question)) from None


def _number(question: Question, value: Value) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    low, high = question.minimum, question.maximum
    if not number.is_finite() or (low is not None and number < low) or (high is not None and number > high):
        raise NoAnswerError(hint_for(question))
    return number


def _range(question: Question) -> str:
    if question.minimum is not None and question.maximum is not None:
        return f"（{question.minimum}到{question.maximum}）"
    if question.minimum is not None:
        return f"（不小于{question.minimum}）"
    return f"（不大于{question.maximum}）" if question.maximum is not None else ""


_READERS: dict[Kind, Callable[[Question, str, date], Value]] = {
    Kind.CHOICE: _read_choice,
    Kind.MULTIPLE: _read_multiple,
    Kind.SCALE: _read_number,
    Kind.NUMBER: _read_number,
    Kind.DATE: _read_date,
    Kind.TEXT: _read_text,
    Kind.SECTION: _read_nothing,
    Kind.NOTE: _read_nothing,
}
_CHECKS: dict[Kind, Callable[[Question, Value], Value]] = {
    Kind.CHOICE: _check_choice,
    Kind.MULTIPLE: _check_multiple,
    Kind.SCALE: _check_scale,
    Kind.NUMBER: _check_number,
    Kind.TEXT: _check_text,
    Kind.DATE: _check_date,
}
