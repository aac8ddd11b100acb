"""Figures of referrals by month and institution: up and down, time to accept, who arrives; as files, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import Field

from admin import referral_words, spreadsheet
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import organization_names
from admin.small_numbers import SMALL, too_small
from admin.views.referrals import READ, ROOT, ReferralPage
from admin.workbook import KIND as WORKBOOK
from admin.workbook import Cell, Sheet, workbook
from backend import clock
from backend.http.endpoint import requires
from backend.permissions import Actor
from backend.referrals.figures_models import MonthFigures, ReferralFigures
from backend.referrals.models import Side
from backend.statistics.definitions import book

PERIODS = (("3", "近3个月"), ("6", "近6个月"), ("12", "近12个月"))
_WHOLE = ""
HEAD = (
    "上转", "下转", "已接收", "已拒绝", "已失效", "已撤回", "已到达", "未到",
    "接收用时中位数（分钟）", "到达率%", "到期随访", "随访按时率%",
)  # fmt: skip

_COUNTS = ("up", "down", "accepted", "rejected", "lapsed", "withdrawn", "arrived", "missed")
_NAMES = (*_COUNTS, "median_minutes_to_accept", "arrival_permille", "followed", "follow_up_permille")
Hidden = tuple[MonthFigures, str]


class FigureFilters(Filters):
    """For how long, and which month the institutions are compared in."""

    months: int = Field(6, ge=1, le=12, title="时间")
    month: str = Field("", pattern=r"^(\d{4}-\d{2})?$", title="月份")


class ExportFilters(FigureFilters):
    """And as what."""

    form: Literal["csv", "xlsx"] = Field("csv", title="格式")


class FiguresHandler(ReferralPage):
    """The page."""

    @requires(READ)
    @page("Figures of referrals")
    async def get(self, query: FigureFilters) -> None:
        """Totals of the last month, months, institutions."""
        months = months_back(clock.today(), query.months)
        figures = await self.services.referrals.figures(self.actor, months)
        month = query.month if query.month in months else months[-1]
        places = rows_of(figures, months=(month,), whole=False)
        names = await organization_names(self.services, {row.organization_id for row in places})
        whole = rows_of(figures, months=months, whole=True)
        await self.show_referrals(
            "referrals/figures.html",
            months=months,
            month=month,
            whole=whole,
            places=sorted(places, key=lambda row: (row.side, names.get(row.organization_id, ""))),
            names=names,
            periods=PERIODS,
            charts=_charts(months, whole, hidden_of(figures, self.actor)),
            sides=referral_words.SIDES,
            hidden=hidden_of(figures, self.actor),
            small=SMALL,
            arrival=meaning.what if (meaning := book().find("referral_arrival_rate")) else "",
        )


class ExportHandler(PageHandler):
    """The tables as a file."""

    @requires(READ)
    @page("Export the figures of referrals")
    async def get(self, query: ExportFilters) -> None:
        """CSV or a workbook; every month and institution."""
        months = months_back(clock.today(), query.months)
        figures = await self.services.referrals.figures(self.actor, months)
        names = await organization_names(self.services, {row.organization_id for row in figures.rows})
        await self.services.audit.record(
            self.actor, "referrals.exported", "referrals/figures", "导出转诊统计"
        )
        head = ("月份", "机构", "方向", *HEAD)
        hidden = hidden_of(figures, self.actor)
        rows = [_cells(row, names, hidden) for row in figures.rows]
        if query.form == "xlsx":
            content: bytes | str = workbook([Sheet("转诊统计", head, rows)])
        else:
            shown = [["" if cell is None else str(cell) for cell in row] for row in rows]
            content = spreadsheet.lines([head, *shown], first=True)
        kind = WORKBOOK if query.form == "xlsx" else "text/csv; charset=utf-8"
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", f'attachment; filename="referrals.{query.form}"')
        self.finish(content)


def months_back(today: date, count: int) -> list[str]:
    """This month and those before it, the oldest first."""
    last = today.year * 12 + today.month - 1
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(last - count + 1, last + 1)]


def rows_of(figures: ReferralFigures, *, months: Iterable[str], whole: bool) -> list[MonthFigures]:
    """The rows of some months: of the whole scope, or of each institution."""
    wanted = set(months)
    return [row for row in figures.rows if row.month in wanted and (row.organization_id == _WHOLE) is whole]


def hidden_of(figures: ReferralFigures, actor: Actor) -> set[Hidden]:
    """What whoever reads of all institutions is not shown: few would say who they were."""
    if actor.organization_ids is not None:
        return set()
    counts = {(row, name): getattr(row, name) for row in figures.rows for name in (*_COUNTS, "followed")}
    sums: dict[tuple[str, Side, str], list[Hidden]] = {}
    for row, name in counts:
        if row.organization_id != _WHOLE:
            sums.setdefault((row.month, row.side, name), []).append((row, name))
    hidden = too_small(counts, sums.values())
    for row in figures.rows:
        if hidden & {(row, "accepted"), (row, "arrived")}:
            hidden.add((row, "arrival_permille"))
        if (row, "followed") in hidden:
            hidden.add((row, "follow_up_permille"))
        if (row, "accepted") in hidden:
            hidden.add((row, "median_minutes_to_accept"))
    return hidden


def _cells(row: MonthFigures, names: dict[str, str], hidden: set[Hidden]) -> list[Cell]:
    cells: list[Cell] = [
        SMALL if (row, name) in hidden else cell for name, cell in zip(_NAMES, cells_of(row), strict=True)
    ]
    if row.organization_id == _WHOLE:
        return [row.month, "合计", "", *cells]
    place = names.get(row.organization_id, row.organization_id)
    return [row.month, place, referral_words.SIDES[row.side], *cells]


def cells_of(row: MonthFigures) -> list[Cell]:
    """The figures in the order of `HEAD`."""
    arrival = None if row.arrival_permille is None else row.arrival_permille / 10
    in_time = None if row.follow_up_permille is None else row.follow_up_permille / 10
    return [
        row.up, row.down, row.accepted, row.rejected, row.lapsed, row.withdrawn, row.arrived, row.missed,
        row.median_minutes_to_accept, arrival, row.followed, in_time,
    ]  # fmt: skip


def _charts(months: Sequence[str], whole: Sequence[MonthFigures], hidden: set[Hidden]) -> dict[str, Any]:
    by_month = {row.month: row for row in whole}
    rows = [by_month.get(month) for month in months]

    def line(name: str) -> list[int | None]:
        shown = (0 if row is None else getattr(row, name) for row in rows)
        return [None if (row, name) in hidden else count for row, count in zip(rows, shown, strict=True)]

    return {
        "labels": list(months),
        "series": [
            {"label": "上转", "data": line("up")},
            {"label": "下转", "data": line("down")},
        ],
    }


routes = [
    (rf"{ROOT}/figures", FiguresHandler),
    (rf"{ROOT}/figures/export", ExportHandler),
]
