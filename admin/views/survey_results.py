"""Results of surveys: figures with charts, the comparison of places, the digest of a week, and a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import Field

from admin import spreadsheet, survey_words
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import access_organization, organizations_in_scope
from backend import clock
from backend.audit.service import AuditService
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.surveys.models import Version
from backend.surveys.results_models import Figures, Line, QuestionFigures, Results

PERIODS = (3, 6, 12, 24)


class ResultFilters(Filters):
    """Which questionnaire, where, and for how long."""

    questionnaire: str = Field("", max_length=64, title="问卷")
    organization: str = Field("", max_length=64, title="机构")
    months: int = Field(12, ge=1, le=24, title="时间")


class ResultsHandler(PageHandler):
    """The figures of one questionnaire."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("Results of a survey")
    async def get(self, query: ResultFilters) -> None:
        """Totals, trend, answers, words, and the places compared."""
        versions = await self.services.surveys.library.list_questionnaires(self.actor)
        chosen = await _chosen(self, versions, query)
        results = await _results(self, chosen, query) if chosen else None
        self.show_page(
            "surveys/results.html",
            versions=versions,
            chosen=chosen,
            results=results,
            names=await _names(self, results) if results else {},
            organizations=await organizations_in_scope(self.services, self.actor),
            tickets=await self.services.surveys.tickets.count(self.actor),
            periods=[(months, f"近{months}个月") for months in PERIODS],
            charts=_charts(results) if results else {},
            said=survey_words,
        )


class ExportHandler(PageHandler):
    """The table as a file."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("Export a survey's results")
    async def get(self, query: ResultFilters) -> None:
        """CSV; what the page hides, the file hides."""
        versions = await self.services.surveys.library.list_questionnaires(self.actor)
        chosen = await _chosen(self, versions, query)
        results = await _results(self, chosen, query) if chosen else None
        rows = _rows(results, await _names(self, results)) if results else []
        audit: AuditService = self.services.audit
        await audit.record(
            self.actor,
            "surveys.exported",
            f"questionnaire/{chosen.questionnaire_id if chosen else ''}",
            "导出随访结果",
            query.organization or None,
        )
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="surveys.csv"')
        self.finish(spreadsheet.lines(rows, first=True))


class DigestHandler(PageHandler):
    """Last week on one page, to be read on Monday morning."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("The week's digest")
    async def get(self) -> None:
        """Each questionnaire: the week, the one before, what was good and bad, and what waits."""
        surveys = self.services.surveys
        today = clock.today()
        last = today - timedelta(days=today.weekday() + 7)
        entries = []
        for version in await surveys.library.list_questionnaires(self.actor):
            total, questions, spoken = await surveys.reading.week(
                self.actor, version.questionnaire_id, version.content, last
            )
            before, _, _ = await surveys.reading.week(
                self.actor, version.questionnaire_id, version.content, last - timedelta(days=7)
            )
            if total.sent or before.sent:
                entries.append(
                    {
                        "version": version,
                        "total": total,
                        "before": before,
                        "questions": questions,
                        "words": spoken,
                    }
                )
        waiting, _ = await surveys.tickets.list_tickets(self.actor, limit=10)
        self.show_page(
            "surveys/digest.html",
            first=last,
            last=last + timedelta(days=6),
            entries=entries,
            tickets=await surveys.tickets.count(self.actor),
            waiting=waiting,
            now=clock.now(),
            said=survey_words,
        )


async def _chosen(handler: PageHandler, versions: Sequence[Version], query: ResultFilters) -> Version | None:
    """The questionnaire asked for, else the newest that has been used; one of others looks like none."""
    if query.organization:
        await access_organization(handler.services, handler.actor, query.organization)
    if query.questionnaire:
        return await handler.services.surveys.library.read(handler.actor, query.questionnaire)
    published = [version for version in versions if version.published_at is not None or version.number > 1]
    return next(iter(published or versions), None)


async def _results(handler: PageHandler, chosen: Version, query: ResultFilters) -> Results:
    reading = handler.services.surveys.reading
    return await reading.results(
        handler.actor,
        chosen.questionnaire_id,
        chosen.content,
        last=clock.today(),
        organization_id=query.organization,
        months=query.months,
    )


async def _names(handler: PageHandler, results: Results) -> dict[str, str]:
    directory = handler.services.directory
    organizations = await directory.organizations_by_id([line.id for line in results.organizations])
    departments = await directory.departments_by_id([line.id for line in results.departments])
    practitioners = await directory.practitioners_by_id([line.id for line in results.practitioners])
    return {
        entry.id: entry.name
        for table in (organizations, departments, practitioners)
        for entry in table.values()
    }


def _charts(results: Results) -> dict[str, Any]:
    months = results.months
    return {
        "months": [line.id for line in months],
        "percent": [line.figures.percent for line in months],
        "rate": [None if line.figures.hidden else line.figures.rate for line in months],
        "words": [count.text for count in results.words[:12]],
        "times": [count.count for count in results.words[:12]],
    }


def _rows(results: Results, names: dict[str, str]) -> list[list[str]]:
    head = ["范围", "名称", "计划", "发送", "完成", "回收率%", "平均得分", "满意%", "不满意%", "工单"]
    rows = [head, _row("合计", "", results.total)]
    rows += [_row("月份", line.id, line.figures) for line in results.months]
    for title, lines in (
        ("机构", results.organizations),
        ("科室", results.departments),
        ("医生", results.practitioners),
    ):
        rows += [_row(title, _name(names, line), line.figures) for line in lines]
    for question in results.questions:
        rows += _question_rows(question)
    return rows + [["关键词", count.text, "", "", str(count.count)] for count in results.words]


def _name(names: dict[str, str], line: Line) -> str:
    return names.get(line.id, line.id)


def _row(title: str, name: str, figures: Figures) -> list[str]:
    shown = (
        figures.completed if not figures.hidden else None,
        figures.rate if not figures.hidden else None,
        figures.percent,
        figures.satisfied,
        figures.dissatisfied,
        figures.tickets if not figures.hidden else None,
    )
    cells = [survey_words.HIDDEN if value is None else str(value) for value in shown]
    return [title, name, str(figures.planned), str(figures.sent), *cells]


def _question_rows(question: QuestionFigures) -> list[list[str]]:
    answered = survey_words.HIDDEN if question.answered is None else str(question.answered)
    rows = [
        ["题目", question.text, "", "", answered, "", "" if question.mean is None else str(question.mean)]
    ]
    return rows + [
        ["选项", count.text, "", "", survey_words.HIDDEN if count.count is None else str(count.count)]
        for count in question.counts
    ]


routes = [
    (r"/admin/surveys", ResultsHandler),
    (r"/admin/surveys/export", ExportHandler),
    (r"/admin/surveys/digest", DigestHandler),
]
