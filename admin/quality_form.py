"""The form of a rule of quality: what its boxes say, and what they hold of a rule that there is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from admin.forms import Form
from backend.errors import AppError, ErrorCode
from backend.exchange.quality.models import Kind, Rule, Severity
from backend.exchange.quality.reading import is_added

# So many conditions a form has room for; no rule of the table has more.
CONDITIONS = (1, 2, 3)
_BETWEEN = re.compile(r"[\s,，、;；]+")


class RuleForm(Form):
    """A rule as somebody wants it. Of each kind only some boxes are shown; the others stay empty."""

    step: Literal["save", "preview", "sample", "retire"] = Field("preview", title="操作")
    version: int = Field(1, ge=1, le=1_000_000, title="版本")
    title: str = Field("", max_length=100, title="说明")
    severity: Severity = Field(Severity.WARNING, title="严重程度")
    source: str = Field("", max_length=100, title="依据")
    path: str = Field("", max_length=300, title="检查的项目")
    low: str = Field("", max_length=20, title="下限")
    high: str = Field("", max_length=20, title="上限")
    among: str = Field("", max_length=2000, title="允许的代码")
    pattern: str = Field("", max_length=500, title="格式")
    any_one: str = Field("", max_length=3, title="几个值时")
    good: str = Field("", max_length=100, title="合格的例子")
    bad: str = Field("", max_length=100, title="不合格的例子")
    until: str = Field("", max_length=300, title="不能晚于")
    within_days: str = Field("", max_length=6, title="最长天数")
    check: str = Field("", max_length=40, title="检查方法")
    expression: str = Field("", max_length=500, title="表达式")
    when_1: str = Field("", max_length=300, title="前提")
    when_2: str = Field("", max_length=300, title="前提")
    when_3: str = Field("", max_length=300, title="前提")
    when_1_is: Literal["", "none", "among"] = Field("", title="前提")
    when_2_is: Literal["", "none", "among"] = Field("", title="前提")
    when_3_is: Literal["", "none", "among"] = Field("", title="前提")
    when_1_values: str = Field("", max_length=500, title="前提的值")
    when_2_values: str = Field("", max_length=500, title="前提的值")
    when_3_values: str = Field("", max_length=500, title="前提的值")
    off: str = Field("", max_length=3, title="停用")
    organization: str = Field("", max_length=64, title="机构")
    sample: str = Field("", max_length=50_000, title="样本")
    reason: str = Field("", max_length=200, title="原因")

    def changes(self, rule: Rule) -> dict[str, Any]:
        """What of a rule would be another. Raises BAD_REQUEST for what is no number."""
        wanted = self._limits(rule.kind) | {"severity": str(self.severity), "off": self.off == "yes"}
        if is_added(rule.id):
            return wanted | self._looks(rule.kind)
        return wanted | ({"title": self.title} if self.title else {})

    def draft(self, type: str, kind: Kind) -> dict[str, Any]:
        """A new rule. Raises BAD_REQUEST for what is no number."""
        about = {"type": type, "kind": str(kind), "severity": str(self.severity)}
        return about | self._limits(kind) | self._looks(kind)

    def _limits(self, kind: Kind) -> dict[str, Any]:
        if kind in (Kind.RANGE, Kind.PRESENCE):
            return {"low": _number(self.low), "high": _number(self.high)}
        if kind is Kind.CODE:
            return {"among": _listed(self.among), "pattern": self.pattern}
        if kind is Kind.TIME:
            days = _number(self.within_days)
            return {"within_days": None if days is None else int(days)}
        return {}

    def _looks(self, kind: Kind) -> dict[str, Any]:
        wanted: dict[str, Any] = {"title": self.title, "source": self.source, "when": self._conditions()}
        if kind is Kind.CROSS:
            return wanted | {"check": self.check, "expression": self.expression}
        wanted["path"] = self.path
        if kind is Kind.CODE:
            wanted |= {"any_one": self.any_one == "yes", "good": self.good, "bad": self.bad}
        return wanted | ({"until": self.until} if kind is Kind.TIME else {})

    def _conditions(self) -> list[dict[str, Any]]:
        found = []
        for number in CONDITIONS:
            path, how = getattr(self, f"when_{number}"), getattr(self, f"when_{number}_is")
            values = _listed(getattr(self, f"when_{number}_values"))
            if how == "among" and not values:
                text = "前提选了“是其中之一”，请写出是哪些值，用空格分开。"
                raise AppError(ErrorCode.BAD_REQUEST, "condition without values", text=text)
            if path or values:
                found.append({"path": path, "exists": how != "none", "in": values if how == "among" else []})
        return found


def values_of(rule: Rule, typed: Mapping[str, str]) -> dict[str, str]:
    """What the boxes hold: what was typed, or else what the rule says."""
    if typed:
        return dict(typed)
    values = {
        name: _shown(getattr(rule, name))
        for name in (
            *("title", "severity", "source", "path", "low", "high", "pattern", "good", "bad", "until"),
            *("within_days", "check", "expression", "any_one", "off"),
        )
    }
    values["among"] = " ".join(rule.among)
    for number, condition in enumerate(rule.when, 1):
        values[f"when_{number}"] = condition.path
        values[f"when_{number}_is"] = "among" if condition.among else "" if condition.exists else "none"
        values[f"when_{number}_values"] = " ".join(condition.among)
    return values


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _listed(text: str) -> list[str]:
    return [each for each in _BETWEEN.split(text) if each]


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AppError(ErrorCode.BAD_REQUEST, "no number", text="上限、下限和天数须为数字。")
    return number
