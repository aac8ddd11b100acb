"""Rational medication: figures with charts, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin import clinical_words, spreadsheet
from admin.base import PageHandler, page
from admin.lookups import access_organization, organization_names, organizations_in_scope
from admin.views import rulebooks
from admin.views.recognition import FigureFilters
from admin.views.rulebooks import EditionFilters, ImportForm, Shelf, StartForm
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.medication.book import START_SOURCE, start_rules
from backend.medication.figures import Figures, Line, Report
from backend.medication.rules import Rules
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_MEDICATION_READ, Permission.STAFF_MEDICATION_WRITE
SHELF = Shelf("/admin/medication/rules", "medication", START_SOURCE)


class FiguresHandler(PageHandler):
    """The figures."""

    @requires(_READ)
    @page("Figures of rational medication")
    async def get(self, query: FigureFilters) -> None:
        """Totals, months, hospitals, kinds, rules, doctors, reasons."""
        report = await _report(self, query)
        rules = await self.services.medication.service.rules_in_force()
        self.show_page(
            "medication/figures.html",
            report=report,
            organizations=await organizations_in_scope(self.services, self.actor),
            names=await organization_names(self.services, [line.id for line in report.organizations]),
            rules=_rule_names(rules),
            reasons=rules.reasons,
            charts=_charts(report),
            has_rules=bool(rules.ingredients),
            said=clinical_words,
        )


class ExportHandler(PageHandler):
    """The tables as a file."""

    @requires(_READ)
    @page("Export the figures of rational medication")
    async def get(self, query: FigureFilters) -> None:
        """CSV; what the page hides, the file hides."""
        report = await _report(self, query)
        rules = await self.services.medication.service.rules_in_force()
        names = await organization_names(self.services, [line.id for line in report.organizations])
        columns = [title for _, title in clinical_words.MEDICATION_COLUMNS]
        rows = [["类别", "名称", *columns, "改方率%"]]
        rows += _rows("合计", [Line("", report.total)], {})
        rows += _rows("月份", report.months, {})
        rows += _rows("机构", report.organizations, names)
        rows += _rows("提示类型", report.kinds, clinical_words.ALERT_KINDS)
        rows += _rows("规则", report.rules, _rule_names(rules))
        rows += _rows("医生", report.practitioners, {})
        for code, count in report.total.reasons.items():
            rows.append(["坚持用药原因", f"{code} {rules.reasons.get(code, '')}", _shown(count)])
        await self.services.audit.record(
            self.actor,
            "medication.exported",
            "medication/figures",
            "导出合理用药统计",
            query.organization or None,
        )
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="medication.csv"')
        self.finish(spreadsheet.lines(rows, first=True))


class RulesHandler(PageHandler):
    """The rules."""

    @requires(_READ)
    @page("Medication rules")
    async def get(self) -> None:
        """Tables and editions."""
        writes = self.actor.may(_WRITE)
        await rulebooks.show_tables(self, self.services.medication.rules, SHELF, writes=writes)

    @requires(_WRITE)
    @page("Begin with the start rules", errors=(ErrorCode.CONFLICT,))
    async def post(self, body: StartForm) -> None:
        """Only where there are none."""
        del body
        await rulebooks.begin(self, self.services.medication.rules, SHELF, start_rules())


class RuleTableHandler(PageHandler):
    """One table of rules."""

    @requires(_READ)
    @page("A table of medication rules")
    async def get(self, query: EditionFilters, table: str) -> None:
        """Its rows, and the box to change them in."""
        rules, writes = self.services.medication.rules, self.actor.may(_WRITE)
        await rulebooks.show_table(self, rules, SHELF, table, writes=writes, number=query.edition)

    async def show(self, **path: str) -> None:
        """What was typed is kept when it was refused."""
        rules, text = self.services.medication.rules, self.typed.get("content")
        await rulebooks.show_table(self, rules, SHELF, path["table"], writes=True, text=text)

    @requires(_WRITE)
    @page("Import medication rules", errors=(ErrorCode.BAD_REQUEST, ErrorCode.CONFLICT), again=True)
    async def post(self, body: ImportForm, table: str) -> None:
        """A dry run first, then the import."""
        await rulebooks.import_table(self, self.services.medication.rules, SHELF, table, body)


class RuleExportHandler(PageHandler):
    """A table of rules as a file."""

    @requires(_READ)
    @page("Export medication rules")
    async def get(self, query: EditionFilters, table: str) -> None:
        """CSV."""
        await rulebooks.export_table(self, self.services.medication.rules, table, query.edition)


async def _report(handler: PageHandler, query: FigureFilters) -> Report:
    if query.organization:
        await access_organization(handler.services, handler.actor, query.organization)
    counting = handler.services.medication.counting
    return await counting.read(handler.actor, query.organization, query.months)


def _rule_names(rules: Rules) -> dict[str, str]:
    interactions = {each.code: f"{each.code} {each.text}" for each in rules.interactions}
    return (
        clinical_words.BUILT_IN_RULES
        | interactions
        | {each.code: f"{each.code} {each.text}" for each in rules.allergies}
    )


def _charts(report: Report) -> dict[str, Any]:
    return {
        "labels": [line.id for line in report.months],
        "series": [
            {"label": title, "data": [line.figures.get(name) for line in report.months]}
            for name, title in clinical_words.MEDICATION_COLUMNS[2:5]
        ],
    }


def _rows(kind: str, lines: Sequence[Line], names: dict[str, str]) -> list[list[str]]:
    return [[kind, names.get(line.id, line.id), *_cells(line.figures)] for line in lines]


def _cells(figures: Figures) -> list[str]:
    counts = [_shown(figures.get(name)) for name, _ in clinical_words.MEDICATION_COLUMNS]
    return [*counts, "" if figures.rate is None else str(figures.rate)]


def _shown(count: int | None) -> str:
    return clinical_words.HIDDEN if count is None else str(count)


routes = [
    (r"/admin/medication", FiguresHandler),
    (r"/admin/medication/export", ExportHandler),
    (r"/admin/medication/rules", RulesHandler),
    (r"/admin/medication/rules/(?P<table>[a-z]+)", RuleTableHandler),
    (r"/admin/medication/rules/(?P<table>[a-z]+)/export", RuleExportHandler),
]
