"""Rules made ready to be asked, and a resource held against all of its type. Pure.

A rule is read once: its paths become functions. What a rule says nothing about (no value to check, a
condition that is not met) counts neither for nor against.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend import clock
from backend.exchange.quality.costs import LONGEST_VALUE
from backend.exchange.quality.functions import CHECKS, NEEDED, Check
from backend.exchange.quality.models import Condition, Kind, Rule, Verdict
from backend.exchange.quality.moments import Stretch, is_surely_after, read_stretch
from backend.exchange.quality.paths import Body, Lookup, Values, nothing, read_path
from backend.exchange.quality.reading import RuleError

# Clocks of hospitals are not all set right.
_CLOCKS_DIFFER = timedelta(minutes=10)


class RuleSet:
    """All rules in force, by the type of resource they are about."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self._by_type: dict[str, _OfType] = defaultdict(_OfType)
        for place, rule in enumerate(self.rules.values()):
            if rule.in_force:
                self._by_type[rule.type].add(place, rule)
        self.types = frozenset(self._by_type)

    def check(self, body: Body, lookup: Lookup = nothing) -> list[Verdict]:
        """What the rules say of a resource; those that do not apply are silent."""
        of_type = self._by_type.get(str(body.get("resourceType")))
        verdicts = []
        for each in of_type.applying(body, lookup) if of_type is not None else ():
            kept = each.check(body, lookup)
            if kept is not None:
                verdicts.append(Verdict(each.id, kept))
        return verdicts


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule as a function; `place` is where it stands among all of them.

    Without the element that it `needs` it says nothing, and is not asked; empty: it always says something.
    """

    place: int
    id: str
    check: Check
    needs: str


class _OfType:
    """The rules of one type of resource. Most are about one code of hundreds: found by it, not tried."""

    def __init__(self) -> None:
        self._always: list[_Ready] = []
        self._by_value: dict[str, tuple[Values, dict[str, list[_Ready]]]] = {}

    def add(self, place: int, rule: Rule) -> None:
        first = rule.when[0] if rule.when else None
        if first is None or not first.among:
            self._always.append(_Ready(place, rule.id, ready(rule), _needed(rule)))
            return
        # Found by its first condition, it has been met.
        found = _Ready(place, rule.id, _where(_MAKERS[rule.kind](rule), rule.when[1:]), "")
        _, rules = self._by_value.setdefault(first.path, (read_path(first.path), {}))
        for value in set(first.among):
            rules.setdefault(value, []).append(found)

    def applying(self, body: Body, lookup: Lookup) -> list[_Ready]:
        """Those whose first condition may be met, in their order."""
        found = [each for each in self._always if not each.needs or each.needs in body]
        more = {
            each.place: each
            for values, rules in self._by_value.values()
            for value in values(body, lookup)
            for each in rules.get(_text(value), ())
        }
        return sorted([*found, *more.values()], key=_place) if more else found


_place = operator.attrgetter("place")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def _needed(rule: Rule) -> str:
    """The element without which a rule says nothing; empty where there is no such one."""
    first = rule.when[0] if rule.when else None
    if first is not None and (first.among or first.exists):
        path = first.path
    elif rule.kind in (Kind.CODE, Kind.RANGE, Kind.TIME):
        path = rule.path
    else:
        return NEEDED.get(rule.check, "") if rule.kind is Kind.CROSS else ""
    found = _NAME.match(path)
    return found[0] if found and "|" not in path else ""


def ready(rule: Rule) -> Check:
    """One rule as a function of a resource. Raises RuleError."""
    return _where(_MAKERS[rule.kind](rule), rule.when)


def _where(check: Check, when: Sequence[Condition]) -> Check:
    """A check that is silent where its conditions are not met."""
    for condition in reversed(when):
        check = _conditional(_condition(condition), check)
    return check


def _conditional(met: Callable[[Body, Lookup], bool], check: Check) -> Check:
    return lambda body, lookup: check(body, lookup) if met(body, lookup) else None


def _condition(condition: Condition) -> Callable[[Body, Lookup], bool]:
    values = read_path(condition.path)
    if condition.among:
        wanted = frozenset(condition.among)
        return lambda body, lookup: any(_text(each) in wanted for each in values(body, lookup))
    if _NAME.fullmatch(condition.path):
        there = _is_there(condition.path)
        return lambda body, lookup: there(body, lookup) is condition.exists
    return lambda body, lookup: bool(values(body, lookup)) is condition.exists


def _presence(rule: Rule) -> Check:
    values = read_path(rule.path)
    if rule.low is None and rule.high is None and _NAME.fullmatch(rule.path):
        return _is_there(rule.path)
    low = 1 if rule.low is None else rule.low
    high = float("inf") if rule.high is None else rule.high
    return lambda body, lookup: low <= len(values(body, lookup)) <= high


def _is_there(name: str) -> Check:
    """What most rules of presence ask."""

    def check(body: Body, lookup: Lookup) -> bool | None:
        value = body.get(name)
        if isinstance(value, list):
            return any(each is not None for each in value)
        return value is not None and value != ""

    return check


def _code(rule: Rule) -> Check:
    values, among = read_path(rule.path), frozenset(rule.among)
    form = re.compile(rule.pattern) if rule.pattern else None
    enough = any if rule.any_one else all

    def fits(value: Any) -> bool:
        text = _text(value)
        if text in among:
            return True
        return form is not None and len(text) <= LONGEST_VALUE and form.fullmatch(text) is not None

    def check(body: Body, lookup: Lookup) -> bool | None:
        found = values(body, lookup)
        return enough(fits(each) for each in found) if found else None

    return check


def _range(rule: Rule) -> Check:
    values = read_path(rule.path)
    low = float("-inf") if rule.low is None else rule.low
    high = float("inf") if rule.high is None else rule.high

    def check(body: Body, lookup: Lookup) -> bool | None:
        found = [value for value in values(body, lookup) if isinstance(value, int | float)]
        return all(low <= value <= high for value in found) if found else None

    return check


def _time(rule: Rule) -> Check:
    first, until = read_path(rule.path), _end(rule.until)
    within = timedelta(days=rule.within_days) if rule.within_days is not None else None

    def check(body: Body, lookup: Lookup) -> bool | None:
        starts = _stretches(first(body, lookup))
        ends = until(body, lookup)
        if not starts or not ends:
            return None
        for start in starts:
            for end in ends:
                if is_surely_after(start, end):
                    return False
                if within is not None and end.first - start.last > within:
                    return False
        return True

    return check


def _end(until: str) -> Callable[[Body, Lookup], list[Stretch]]:
    if until == "now":

        def now(body: Body, lookup: Lookup) -> list[Stretch]:
            at = clock.now() + _CLOCKS_DIFFER
            return [Stretch(at, at)]

        return now
    values = read_path(until)
    return lambda body, lookup: _stretches(values(body, lookup))


def _stretches(values: list[Any]) -> list[Stretch]:
    found = (read_stretch(value) for value in values if isinstance(value, str))
    return [each for each in found if each is not None]


def _cross(rule: Rule) -> Check:
    if rule.expression:
        return _expression(rule.expression)
    if rule.check not in CHECKS:
        raise RuleError(f"{rule.id}: there is no check {rule.check}")
    return CHECKS[rule.check]


def _expression(text: str) -> Check:
    # Costs more than ten times what a path does: only for what nothing else can say.
    from fhirpathpy import compile as compile_fhirpath

    ask = compile_fhirpath(text, None)

    def check(body: Body, lookup: Lookup) -> bool | None:
        try:
            found = ask(dict(body), {})
        except Exception:
            # The library raises whatever comes up where types do not fit: then it says nothing, and the
            # other rules are asked.
            return None
        return all(each is True for each in found) if found else None

    return check


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_MAKERS: dict[Kind, Callable[[Rule], Check]] = {
    Kind.PRESENCE: _presence,
    Kind.CODE: _code,
    Kind.RANGE: _range,
    Kind.TIME: _time,
    Kind.CROSS: _cross,
}
