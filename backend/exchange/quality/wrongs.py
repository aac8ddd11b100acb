"""What is wrong with a rule that somebody has written, in words that say how to write it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from backend.exchange.fhir.definitions import served_types, shape_of
from backend.exchange.quality.costs import MOST_WAYS, expression_problem, ways
from backend.exchange.quality.functions import CHECKS, NEEDED
from backend.exchange.quality.known_paths import PathUnknownError, types_at
from backend.exchange.quality.models import Condition, Kind, Rule

LONGEST_TITLE, LONGEST_FORM = 100, 500
MOST_DAYS = 100_000
# What the path of a kind has to end at; within a resource that may be of any type nobody can say.
_ENDS = {
    Kind.RANGE: (
        frozenset({"decimal", "integer", "positiveInt", "unsignedInt", "Resource"}),
        "数值，数值如 valueQuantity.value",
    ),
    Kind.TIME: (frozenset({"date", "dateTime", "instant", "Resource"}), "日期或时间，时间如 period.start"),
}


def wrongs(rule: Rule, before: Rule | None = None) -> list[str]:
    """Everything that is wrong with a rule; what `before` said already is not asked again."""
    found = [*_words(rule), *_numbers(rule)]
    if before is None or rule.pattern != before.pattern:
        found += _form(rule)
    if before is None or _place(rule) != _place(before):
        found += _looks(rule)
    return found


def _place(rule: Rule) -> tuple[object, ...]:
    return (rule.path, rule.until, rule.when, rule.check, rule.expression)


def _words(rule: Rule) -> Iterator[str]:
    if not rule.title or len(rule.title) > LONGEST_TITLE:
        yield f"请用一句话写明不合格时的说明，最多{LONGEST_TITLE}字，如“缺出院时间”"
    if not rule.source:
        yield "请写明依据，如标准号、发文单位或“本市约定”"
    if rule.type not in served_types():
        yield "请选择资料的种类"


def _numbers(rule: Rule) -> Iterator[str]:
    bounds = [each for each in (rule.low, rule.high) if each is not None]
    if not all(math.isfinite(each) for each in bounds):
        yield "上限和下限须为普通的数字"
        return
    if rule.kind is Kind.PRESENCE and any(each < 0 or each != int(each) for each in bounds):
        yield "最少几个、最多几个须为整数，不能小于0"
    if rule.kind is Kind.RANGE and not bounds:
        yield "下限和上限至少填一个"
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        yield "下限不能大于上限"
    if rule.within_days is not None and not 0 <= rule.within_days <= MOST_DAYS:
        yield f"最长相隔天数须在0到{MOST_DAYS}之间"


def _form(rule: Rule) -> Iterator[str]:
    if not rule.pattern:
        return
    if len(rule.pattern) > LONGEST_FORM:
        yield f"格式太长，最多{LONGEST_FORM}个字符"
    elif ways(rule.pattern) > MOST_WAYS:
        yield "这个格式遇到长的值会算很久：重复里面不要再有重复或“|”，“*”和“+”最多用两个"
    else:
        form = re.compile(rule.pattern)
        if rule.good and form.fullmatch(rule.good) is None:
            yield "合格的例子不符合所写的格式"
        if rule.bad and form.fullmatch(rule.bad) is not None:
            yield "不合格的例子却符合所写的格式"


def _looks(rule: Rule) -> Iterator[str]:
    """What it looks at, and when."""
    if rule.type not in served_types():
        return
    for condition in rule.when:
        yield from _condition(rule, condition)
    if rule.kind is Kind.CROSS:
        yield from _cross(rule)
        return
    if not rule.path:
        yield "请填写检查的项目，如 code.coding.code"
        return
    yield from _path(rule, rule.path, "检查的项目", *_ENDS.get(rule.kind, ()))
    if rule.kind is Kind.CODE and not (rule.among or rule.pattern):
        yield "请填写允许的代码，或代码的格式"
    if rule.kind is Kind.TIME and not rule.until:
        yield "请填写不能晚于什么：另一个时间项目，或“now”（现在）"
    elif rule.kind is Kind.TIME and rule.until != "now":
        yield from _path(rule, rule.until, "不能晚于", *_ENDS[Kind.TIME])


def _condition(rule: Rule, condition: Condition) -> Iterator[str]:
    if not condition.path:
        yield "前提缺项目：请填写路径，或把这一行清空"
    else:
        yield from _path(rule, condition.path, "前提")


def _path(
    rule: Rule, path: str, title: str, wanted: frozenset[str] | None = None, example: str = ""
) -> Iterator[str]:
    try:
        found = types_at(rule.type, path)
    except PathUnknownError as error:
        yield f"{title}：{error}"
        return
    if wanted is not None and not found <= wanted:
        yield f"{title}：“{path}”不是{example}"


def _cross(rule: Rule) -> Iterator[str]:
    if bool(rule.check) == bool(rule.expression):
        yield "请选择一种检查方法，或写一个表达式，两者取一"
    elif rule.expression:
        too_long = len(rule.expression) > LONGEST_FORM
        problem = f"表达式最多{LONGEST_FORM}个字符" if too_long else expression_problem(rule.expression)
        if problem:
            yield problem
    elif rule.check not in CHECKS:
        yield "没有这种检查方法"
    elif NEEDED.get(rule.check) not in (None, *shape_of(rule.type).elements):
        yield f"这种检查看的是“{NEEDED[rule.check]}”，{rule.type}没有这个项目"
