"""The rule of the traffic light. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from backend.statistics.board_models import Definition, Formula, Value
from backend.statistics.kpi_models import Light, Target

# What grows with the days of a month; rates, means and levels do not.
_GROWING = (Formula.COUNT, Formula.MONEY, Formula.WEIGHED)


def may_have_target(definition: Definition) -> bool:
    """A figure of which more or less is neither better nor worse has no target."""
    return definition.better != ""


def expected(definition: Definition, target: Target, today: date) -> float:
    """What a target asks for by now: of what grows, the part of the month that is over."""
    year, month = (int(part) for part in target.month.split("-"))
    days = monthrange(year, month)[1]
    if definition.formula not in _GROWING or today > date(year, month, days):
        return target.value
    gone = (today - date(year, month, 1)).days
    return target.value * max(0, gone) / days


def light(definition: Definition, value: Value, target: Target | None, today: date) -> Light | None:
    """Green when the target is met, amber when it is missed by the tolerance at most, else red.

    No light where there is no target, nothing to compare with it, or too little to be shown.
    """
    if target is None or value.number is None or not may_have_target(definition):
        return None
    wanted = expected(definition, target, today)
    slack = wanted * target.tolerance / 100
    short = wanted - value.number if definition.better == "more" else value.number - wanted
    if short <= 0:
        return Light.GREEN
    return Light.AMBER if short <= slack else Light.RED
