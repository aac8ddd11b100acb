"""Targets, traffic lights, comments and monthly reports: the city supervises, hospitals see their own."""

from __future__ import annotations

import re
from datetime import date

from pydantic import Field

from admin import board_view, kpi_reading, kpi_words
from admin.base import PageHandler, page
from admin.board_period import first_of, months_before
from admin.forms import Filters, Form
from admin.kpi_reading import Wanted
from admin.lookups import organizations_in_scope
from admin.views.rulebooks import sent_text
from backend import clock
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.permissions import Permission
from backend.statistics.board_models import Definition
from backend.statistics.definitions import book
from backend.statistics.kpi_models import CITY, Sheet, Standing
from backend.statistics.kpi_rules import may_have_target

_READ = Permission.STAFF_BOARD_READ
_COMMENT, _WRITE = Permission.STAFF_TARGETS_COMMENT, Permission.STAFF_TARGETS_WRITE
# How the city itself is called in an address.
WHOLE = "city"
SHOWN_MONTHS = 12
_WRONG = f"目标值须为不带负号的数字，最多两位小数；容差是 0 到 {kpi_reading.MOST_TOLERANCE} 的整数。"
_MONTH = re.compile(r"20\d{2}-(0[1-9]|1[0-2])", re.ASCII)
_BAD = (ErrorCode.BAD_REQUEST, ErrorCode.NOT_FOUND)


class MonthFilters(Filters):
    """Which month."""

    month: str = Field("", max_length=7, title="月份")


class CommentForm(Form):
    """What is said of a month, or of one figure of it."""

    month: str = Field(max_length=7, title="月份")
    figure: str = Field("", max_length=40, title="指标")
    text: str = Field(min_length=1, max_length=500, title="批注")
    # Made with the page: a form that is sent twice says it once.
    id: str = Field("", pattern="^([0-9A-Z]{26})?$", title="批注编号")


class TargetsForm(Form):
    """A box for each figure; an empty one has no target."""

    month: str = Field(max_length=7, title="月份")
    figure: list[str] = Field(default_factory=list, max_length=100, title="指标")
    value: list[str] = Field(default_factory=list, max_length=100, title="目标值")
    tolerance: list[str] = Field(default_factory=list, max_length=100, title="容差")


class CopyForm(Form):
    """Take over the targets of the month before."""

    month: str = Field(max_length=7, title="月份")


class ImportForm(Form):
    """A table of targets."""

    content: str = Field("", max_length=500_000, title="内容")
    act: str = Field("preview", max_length=10, title="操作")


class MonthHandler(PageHandler):
    """Every institution in a month."""

    @requires(_READ)
    @page("Institutions and their targets", errors=(ErrorCode.BAD_REQUEST,))
    async def get(self, query: MonthFilters) -> None:
        """Who stands how; whoever has one institution sees its sheet behind its name."""
        month = _month(query.month)
        self.show_page(
            "kpi/month.html",
            lines=await self.services.statistics.kpi.lines(self.actor, month),
            **_common(self, month),
        )


class SheetHandler(PageHandler):
    """One institution in a month."""

    @requires(_READ)
    @page("The sheet of an institution", errors=_BAD)
    async def get(self, query: MonthFilters, place: str) -> None:
        """Figures, targets, lights, comments, reports."""
        await self._sheet(place, query.month)

    async def show(self, **path: str) -> None:
        """Shown again when a comment was refused."""
        await self._sheet(path["place"], self.typed.get("month", ""))

    @requires(_COMMENT)
    @page("Comment on a month", errors=_BAD, again=True)
    async def post(self, body: CommentForm, place: str) -> None:
        """Says it, once."""
        kpi = self.services.statistics.kpi
        month = _month(body.month)
        await kpi.comment(self.actor, _id(place), month, body.text, body.figure, body.id)
        self.redirect(f"/admin/board/kpi/{place}?month={month}&done=saved", status=303)

    async def _sheet(self, place: str, month: str) -> None:
        month = _month(month)
        sheet = await self.services.statistics.kpi.sheet(self.actor, _id(place), month)
        self.show_page(
            "kpi/sheet.html",
            **_common(self, month),
            sheet=sheet,
            place=place,
            groups=_groups(sheet),
            figures={each.definition.code: each.definition.name for each in sheet.standings},
            names=await self.services.staff.names({each.author_id for each in sheet.comments}),
            comment_id=new_id(),
        )


class TargetsHandler(PageHandler):
    """The targets of one institution and month."""

    @requires(_WRITE)
    @page("Targets", errors=_BAD)
    async def get(self, query: MonthFilters, place: str) -> None:
        """A box for each figure."""
        await self._form(place, query.month)

    async def show(self, **path: str) -> None:
        """Shown again when it was refused."""
        await self._form(path["place"], self.typed.get("month", ""))

    @requires(_WRITE)
    @page("Set targets", errors=_BAD, again=True)
    async def post(self, body: TargetsForm, place: str) -> None:
        """What has changed, and nothing when anything of it cannot be."""
        _of_the_city(self)
        kpi, month, organization_id = self.services.statistics.kpi, _month(body.month), _id(place)
        sheet = await kpi.sheet(self.actor, organization_id, month)
        there = {each.definition.code: each.target for each in sheet.standings}
        wanted, removed = _wanted(body, month, organization_id)
        for each in wanted:
            target = there.get(each.figure)
            if target is None or (target.value, target.tolerance) != (each.value, each.tolerance):
                await kpi.set_target(
                    self.actor, organization_id, month, each.figure, each.value, each.tolerance
                )
        for figure in removed:
            if there.get(figure) is not None:
                await kpi.remove_target(self.actor, organization_id, month, figure)
        self.redirect(f"/admin/board/kpi/{place}?month={month}&done=saved", status=303)

    async def _form(self, place: str, month: str) -> None:
        month = _month(month)
        _of_the_city(self)
        sheet = await self.services.statistics.kpi.sheet(self.actor, _id(place), month)
        given = {
            name: [text.decode("utf-8", "replace") for text in self.request.body_arguments.get(name, [])]
            for name in ("figure", "value", "tolerance")
        }
        boxes = zip(given["figure"], given["value"], given["tolerance"], strict=False)
        self.show_page(
            "kpi/targets.html",
            **_common(self, month),
            sheet=sheet,
            place=place,
            groups=[
                (title, [each for each in mine if may_have_target(each.definition)])
                for title, mine in _groups(sheet)
            ],
            entered={figure: (value, slack) for figure, value, slack in boxes},
            tolerance=kpi_reading.TOLERANCE,
        )


class CopyHandler(PageHandler):
    """The targets of the month before, taken over."""

    @requires(_WRITE)
    @page("Copy the targets of the month before", errors=_BAD)
    async def post(self, body: CopyForm, place: str) -> None:
        """What the month has already stays."""
        month = _month(body.month)
        earlier = f"{months_before(_first(month), 1):%Y-%m}"
        await self.services.statistics.kpi.copy_targets(self.actor, _id(place), earlier, month)
        self.redirect(f"/admin/board/kpi/{place}/targets?month={month}&done=saved", status=303)


class ImportHandler(PageHandler):
    """Targets of many institutions from a table."""

    @requires(_WRITE)
    @page("Import targets")
    async def get(self) -> None:
        """The form."""
        _of_the_city(self)
        await self.show()

    async def show(self, **path: str) -> None:
        """Shown again when it was refused."""
        del path
        await self._form(self.typed.get("content", ""))

    @requires(_WRITE)
    @page("Read or import a table of targets", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: ImportForm) -> None:
        """A look first; with anything wrong in it, nothing of it is taken."""
        _of_the_city(self)
        text = sent_text(self) or body.content
        organizations = await organizations_in_scope(self.services, self.actor)
        wanted, problems = kpi_reading.read_table(text, organizations, _with_targets())
        if body.act != "apply" or problems or not wanted:
            names = {each.id: each.name for each in organizations} | {CITY: kpi_reading.CITY_NAME}
            await self._form(text, wanted=wanted, problems=problems, names=names)
            return
        for each in wanted:
            await self.services.statistics.kpi.set_target(
                self.actor, each.organization_id, each.month, each.figure, each.value, each.tolerance
            )
        self.redirect(f"/admin/board/kpi?month={wanted[0].month}&done=targets-imported", status=303)

    async def _form(self, text: str, **found: object) -> None:
        preview: dict[str, object] = {"wanted": [], "problems": [], "names": {}, "looked": bool(found)}
        self.show_page(
            "kpi/import.html",
            text=text or ",".join(kpi_reading.COLUMNS) + "\n",
            definitions=_with_targets(),
            figures={each.code: each for each in _with_targets()},
            **{**preview, **found},
        )


class ReportHandler(PageHandler):
    """A month as PDF."""

    @requires(_READ)
    @page("The report of a month", errors=(*_BAD, ErrorCode.UNAVAILABLE))
    async def get(self, query: MonthFilters, place: str) -> None:
        """Goes on record: it leaves the house."""
        month, organization_id = _month(query.month), _id(place)
        content = await self.services.statistics.kpi.report(self.actor, organization_id, month)
        await self.services.audit.record(
            self.actor, "board.report", f"report/{month}", "下载月报", organization_id or None
        )
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", f'attachment; filename="report-{month}.pdf"')
        self.finish(content)


def _of_the_city(handler: PageHandler) -> None:
    """Targets are the city's to set: who works for some institutions is told so before filling in a form."""
    if handler.actor.organization_ids is not None:
        raise AppError(ErrorCode.FORBIDDEN, "targets are the city's to set")


def _month(text: str) -> str:
    """A month as it is written; this one when nothing is said. Raises BAD_REQUEST."""
    if not text:
        return f"{clock.today():%Y-%m}"
    if not _MONTH.fullmatch(text):
        raise AppError(ErrorCode.BAD_REQUEST, "month", text="月份：要写成 2026-01 这样。")
    return text


def _first(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)


def _id(place: str) -> str:
    return CITY if place == WHOLE else place


def _common(handler: PageHandler, month: str) -> dict[str, object]:
    """What every page of a month shows beside its own."""
    this = first_of(clock.today())
    return {
        "month": month,
        "months": [f"{months_before(this, back):%Y-%m}" for back in range(-1, SHOWN_MONTHS)],
        "this_month": f"{this:%Y-%m}",
        "whole": WHOLE,
        "sees_city": handler.actor.organization_ids is None,
        "said": kpi_words,
        "view": board_view,
    }


def _groups(sheet: Sheet) -> list[tuple[str, list[Standing]]]:
    found: dict[str, list[Standing]] = {}
    for each in sheet.standings:
        found.setdefault(each.definition.group, []).append(each)
    return list(found.items())


def _with_targets() -> list[Definition]:
    return [each for each in book().figures if may_have_target(each)]


def _wanted(body: TargetsForm, month: str, organization_id: str) -> tuple[list[Wanted], list[str]]:
    """The targets of the boxes, and the figures whose box is empty. Raises BAD_REQUEST naming the box."""
    known = {each.code: each.name for each in _with_targets()}
    wanted, removed = [], []
    for figure, value, slack in zip(body.figure, body.value, body.tolerance, strict=False):
        name = known.get(figure)
        if name is None:
            raise AppError(ErrorCode.BAD_REQUEST, "figure", text="指标：不在可选范围内。")
        if not value.strip():
            removed.append(figure)
            continue
        number, tolerance = kpi_reading.number(value), kpi_reading.tolerance(slack)
        if number is None or tolerance is None:
            raise AppError(ErrorCode.BAD_REQUEST, "target", text=f"{name}：{_WRONG}")
        wanted.append(Wanted(month, organization_id, figure, number, tolerance))
    return wanted, removed


_PLACE = r"(?P<place>city|[0-9A-Z]{26})"
routes = [
    (r"/admin/board/kpi", MonthHandler),
    (r"/admin/board/kpi/import", ImportHandler),
    (rf"/admin/board/kpi/{_PLACE}", SheetHandler),
    (rf"/admin/board/kpi/{_PLACE}/targets", TargetsHandler),
    (rf"/admin/board/kpi/{_PLACE}/targets/copy", CopyHandler),
    (rf"/admin/board/kpi/{_PLACE}/report", ReportHandler),
]
