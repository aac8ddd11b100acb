"""Rules from the table and back into a table's row; what is wrong with a row is said in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from backend.exchange.quality.models import Condition, Kind, Rule, Severity
from backend.exchange.quality.paths import read_path

_KEYS = {"min": "low", "max": "high", "in": "among", "any": "any_one"}
_NAMES = {field.name for field in fields(Rule)}
# What staff may change of a rule of the table. What it looks at is the table's.
EDITABLE = ("title", "severity", "low", "high", "among", "pattern", "within_days", "off")
# What they may change of a rule that the city has added; what it is about, and its kind, stay.
ADDED_EDITABLE = (
    *EDITABLE, "source", "path", "when", "any_one", "until", "check", "expression", "good", "bad"
)  # fmt: skip
_ADDED = "CITY-"


class RuleError(ValueError):
    """The row is no rule, with the reason."""


@cache
def given_rules() -> dict[str, Rule]:
    """The rules that come with the program, by id."""
    rows = orjson.loads(files(__package__).joinpath("data/rules.json").read_bytes())["rules"]
    return {row["id"]: read_rule(row) for row in rows}


def added_id(key: str) -> str:
    """The id of a rule that the city adds, from what the form carries: sent twice, it is one rule."""
    return f"{_ADDED}{key[-10:]}"


def is_added(rule_id: str) -> bool:
    """Whether a rule is the city's own, and does not come with the program."""
    return rule_id.startswith(_ADDED)


def read_rule(row: Mapping[str, Any]) -> Rule:
    """A rule from a row of the table. Raises RuleError."""
    values = {_KEYS.get(key, key): value for key, value in row.items()}
    if unknown := set(values) - _NAMES:
        raise RuleError(f"{row.get('id')}: unknown {sorted(unknown)}")
    try:
        values |= {"kind": Kind(values["kind"]), "severity": Severity(values["severity"])}
        values["when"] = tuple(_condition(each) for each in values.get("when", ()))
        values["among"] = tuple(values.get("among", ()))
        rule = Rule(**values)
        re.compile(rule.pattern)
        for path in (rule.path, *(each.path for each in rule.when)):
            if path:
                read_path(path)
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        re.error,
    ) as error:
        raise RuleError(f"{row.get('id')}: {error}") from error
    return rule


def row_of(rule: Rule) -> dict[str, Any]:
    """The rule as a row that `read_rule` reads again."""
    row = {field.name: getattr(rule, field.name) for field in fields(Rule)}
    row |= {"kind": str(rule.kind), "severity": str(rule.severity), "among": list(rule.among)}
    row["when"] = [
        {"path": each.path, "in": list(each.among), "exists": each.exists}
        if each.among
        else {"path": each.path, "exists": each.exists}
        for each in rule.when
    ]
    return row


def changed(rule: Rule, change: Mapping[str, Any], version: int) -> Rule:
    """The rule as somebody has changed it. Raises RuleError."""
    editable = ADDED_EDITABLE if is_added(rule.id) else EDITABLE
    wanted = {name: value for name, value in change.items() if name in editable}
    return read_rule(row_of(rule) | wanted | {"version": version})


def _condition(row: Mapping[str, Any]) -> Condition:
    return Condition(row["path"], tuple(row.get("in", ())), bool(row.get("exists", True)))
