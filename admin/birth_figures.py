"""Figures of births as the console shows them, in a file and drawn; and which of them are too small. Pure."""

from __future__ import annotations

from typing import Any

from admin.small_numbers import SMALL, too_small
from backend.births.figures import AgencyLine, BirthFigures, Line
from backend.permissions import Actor

_DAYS = "用时工作日（中位数）"
MONTH_COLUMNS = [
    "提交",
    "全部办结",
    "部分办结",
    "撤回或未办",
    "办理中",
    "有部门超期",
    _DAYS,
]
AGENCY_COLUMNS = [
    "送办",
    "办结",
    "其中超期办结",
    "超期未办结",
    "证件已签收",
    "证件未签收",
    "曾未收到",
    _DAYS,
    "办结到签收天数（中位数）",
]


# What a filing that was handed in has become: together they are all of them.
_PARTS = ("completed", "partly", "ended_otherwise", "under_way")
_OF_LINE = ("filed", *_PARTS, "overdue")
_OF_AGENCY = ("asked", "done", "late", "overdue", "received", "to_receive", "lost")
# A month, a step or, without a name, all of them; and the figure.
Hidden = tuple[str, str]


def hidden_of(figures: BirthFigures, actor: Actor) -> set[Hidden]:
    """What whoever reads of all institutions is not shown: few would say whose children they are."""
    if actor.organization_ids is not None:
        return set()
    lines = (figures.total, *figures.months)
    counts: dict[Hidden, int] = {
        (line.month, name): getattr(line, name) for line in lines for name in _OF_LINE
    } | {(line.step, name): getattr(line, name) for line in figures.agencies for name in _OF_AGENCY}
    sums = [[(line.month, name) for name in _PARTS] for line in lines]
    sums += [[(line.month, name) for line in figures.months] for name in _OF_LINE]
    sums += [[(line.step, "received"), (line.step, "to_receive")] for line in figures.agencies]
    hidden = too_small(counts, sums)
    took = {(key, "median_days") for key, name in hidden if name in ("completed", "done")}
    return hidden | took | {(key, "median_receiving_days") for key, name in hidden if name == "received"}


def month_cells(line: Line, hidden: set[Hidden]) -> list[str]:
    """A month, or all of them, in the order of `MONTH_COLUMNS`."""
    counts = [SMALL if (line.month, name) in hidden else str(getattr(line, name)) for name in _OF_LINE]
    return [*counts, _days(line.month, line.median_days, hidden)]


def agency_cells(line: AgencyLine, hidden: set[Hidden]) -> list[str]:
    """A step at its agency, in the order of `AGENCY_COLUMNS`."""
    counts = [SMALL if (line.step, name) in hidden else str(getattr(line, name)) for name in _OF_AGENCY]
    receiving = _days(line.step, line.median_receiving_days, hidden, "median_receiving_days")
    return [*counts, _days(line.step, line.median_days, hidden), receiving]


def _days(key: str, days: float | None, hidden: set[Hidden], name: str = "median_days") -> str:
    return "" if days is None or (key, name) in hidden else f"{days:g}"


def charts(figures: BirthFigures, hidden: set[Hidden]) -> dict[str, Any]:
    """What is drawn by month."""

    def shown(name: str) -> list[int | None]:
        return [None if (line.month, name) in hidden else getattr(line, name) for line in figures.months]

    return {
        "labels": [line.month for line in figures.months],
        "series": [
            {"label": "提交", "data": shown("filed")},
            {"label": "全部办结", "data": shown("completed")},
        ],
    }
