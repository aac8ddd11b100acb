"""Recognition: figures with charts, orders that were placed in spite of a result, and the lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from admin import clinical_words, spreadsheet
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import access_organization, organization_names, organizations_in_scope
from admin.views import rulebooks
from admin.views.rulebooks import EditionFilters, ImportForm, Shelf, StartForm
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.recognition.book import START_SOURCE, start_list
from backend.recognition.figures import Figures, Line, Report

_READ, _WRITE = Permission.STAFF_RECOGNITION_READ, Permission.STAFF_RECOGNITION_WRITE
SHELF = Shelf("/admin/recognition/lists", "recognition", START_SOURCE)
PER_PAGE = 50


class FigureFilters(Filters):
    """Where, and for how long."""

    organization: str = Field("", max_length=64, title="机构")
    months: int = Field(6, ge=1, le=12, title="时间")


class FiguresHandler(PageHandler):
    """The figures."""

    @requires(_READ)
    @page("Figures of recognition")
    async def get(self, query: FigureFilters) -> None:
        """Totals, months, hospitals, items, doctors, reasons."""
        report = await _report(self, query)
        lists = await self.services.recognition.service.lists_in_force()
        self.show_page(
            "recognition/figures.html",
            report=report,
            organizations=await organizations_in_scope(self.services, self.actor),
            names=await organization_names(self.services, [line.id for line in report.organizations]),
            items={code: item.name for code, item in lists.items.items()},
            reasons=lists.reasons,
            charts=_charts(report),
            has_lists=bool(lists.items),
            said=clinical_words,
        )


class ExportHandler(PageHandler):
    """The tables as a file."""

    @requires(_READ)
    @page("Export the figures of recognition")
    async def get(self, query: FigureFilters) -> None:
        """CSV; what the page hides, the file hides."""
        report = await _report(self, query)
        lists = await self.services.recognition.service.lists_in_force()
        names = await organization_names(self.services, [line.id for line in report.organizations])
        items = {code: item.name for code, item in lists.items.items()}
        columns = [title for _, title in clinical_words.RECOGNITION_COLUMNS]
        rows = [["类别", "名称", *columns, "互认率%", "节省费用（元）"]]
        rows += _rows("合计", [Line("", report.total)], {})
        rows += _rows("月份", report.months, {})
        rows += _rows("机构", report.organizations, names)
        rows += _rows("项目", report.items, items)
        rows += _rows("医生", report.practitioners, {})
        for code, count in report.total.reasons.items():
            reason = lists.reasons.get(code)
            rows.append(["原因", f"{code} {reason.text if reason else ''}", _shown(count)])
        await self.services.audit.record(
            self.actor,
            "recognition.exported",
            "recognition/figures",
            "导出互认统计",
            query.organization or None,
        )
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="recognition.csv"')
        self.finish(spreadsheet.lines(rows, first=True))


class RepeatsHandler(PageHandler):
    """Repeated orders."""

    @requires(_READ)
    @page("Orders in spite of a result")
    async def get(self, query: Filters) -> None:
        """The newest first; whose they are stays with the hospital."""
        repeating = self.services.recognition.repeating
        repeats, following = await repeating.list_repeats(self.actor, query.cursor or None, PER_PAGE)
        lists = await self.services.recognition.service.lists_in_force()
        self.show_page(
            "recognition/repeats.html",
            repeats=repeats,
            following=following,
            names=await organization_names(self.services, [each.organization_id for each in repeats]),
            items={code: item.name for code, item in lists.items.items()},
            said=clinical_words,
        )


class ListsHandler(PageHandler):
    """The lists."""

    @requires(_READ)
    @page("Recognition lists")
    async def get(self) -> None:
        """Tables and editions."""
        writes = self.actor.may(_WRITE)
        await rulebooks.show_tables(self, self.services.recognition.lists, SHELF, writes=writes)

    @requires(_WRITE)
    @page("Begin with the start list", errors=(ErrorCode.CONFLICT,))
    async def post(self, body: StartForm) -> None:
        """Only where there is none."""
        del body
        settings = self.city.settings
        text = start_list(settings.city_code, settings.city_name)
        await rulebooks.begin(self, self.services.recognition.lists, SHELF, text)


class ListHandler(PageHandler):
    """One list."""

    @requires(_READ)
    @page("A recognition list")
    async def get(self, query: EditionFilters, table: str) -> None:
        """Its rows, and the box to change them in."""
        lists, writes = self.services.recognition.lists, self.actor.may(_WRITE)
        await rulebooks.show_table(self, lists, SHELF, table, writes=writes, number=query.edition)

    async def show(self, **path: str) -> None:
        """What was typed is kept when it was refused."""
        lists, text = self.services.recognition.lists, self.typed.get("content")
        await rulebooks.show_table(self, lists, SHELF, path["table"], writes=True, text=text)

    @requires(_WRITE)
    @page("Import a recognition list", errors=(ErrorCode.BAD_REQUEST, ErrorCode.CONFLICT), again=True)
    async def post(self, body: ImportForm, table: str) -> None:
        """A dry run first, then the import."""
        await rulebooks.import_table(self, self.services.recognition.lists, SHELF, table, body)


class ListExportHandler(PageHandler):
    """A list as a file."""

    @requires(_READ)
    @page("Export a recognition list")
    async def get(self, query: EditionFilters, table: str) -> None:
        """CSV."""
        await rulebooks.export_table(self, self.services.recognition.lists, table, query.edition)


async def _report(handler: PageHandler, query: FigureFilters) -> Report:
    if query.organization:
        await access_organization(handler.services, handler.actor, query.organization)
    counting = handler.services.recognition.counting
    return await counting.read(handler.actor, query.organization, query.months)


def _charts(report: Report) -> dict[str, Any]:
    return {
        "labels": [line.id for line in report.months],
        "series": [
            {"label": title, "data": [line.figures.get(name) for line in report.months]}
            for name, title in clinical_words.RECOGNITION_COLUMNS[1:4]
        ],
    }


def _rows(kind: str, lines: Sequence[Line], names: dict[str, str]) -> list[list[str]]:
    return [[kind, names.get(line.id, line.id), *_cells(line.figures)] for line in lines]


def _cells(figures: Figures) -> list[str]:
    counts = [_shown(figures.get(name)) for name, _ in clinical_words.RECOGNITION_COLUMNS]
    saved = figures.saved_fen
    rate = "" if figures.rate is None else str(figures.rate)
    return [*counts, rate, clinical_words.HIDDEN if saved is None else f"{saved / 100:.2f}"]


def _shown(count: int | None) -> str:
    return clinical_words.HIDDEN if count is None else str(count)


routes = [
    (r"/admin/recognition", FiguresHandler),
    (r"/admin/recognition/export", ExportHandler),
    (r"/admin/recognition/repeats", RepeatsHandler),
    (r"/admin/recognition/lists", ListsHandler),
    (r"/admin/recognition/lists/(?P<table>[a-z]+)", ListHandler),
    (r"/admin/recognition/lists/(?P<table>[a-z]+)/export", ListExportHandler),
]
