"""What the city's figures are told by the areas above them: gauges, figures kept elsewhere, look-ups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Ids
from datetime import date

from backend import clock
from backend.births.store import FilingStore
from backend.bootstrap.areas import Services
from backend.db.client import Document
from backend.db.figures import FigureStore
from backend.medication import figures as medication
from backend.medication.judging import Kind
from backend.permissions import SYSTEM
from backend.recognition import figures as recognition
from backend.referrals.store import ReferralStore
from backend.reports.paper import Paper, Part
from backend.reports.paper import Row as PaperRow
from backend.statistics.kpi_report import Report
from backend.statistics.models import NOWHERE, Fact, Measure, Row, Total
from backend.surveys.result_store import ResultStore
from backend.surveys.results_models import Level

QUALITY_DAYS = 7
_TENTHS = 10


class KeptFigures:
    """What an area counts beside its documents, as rows of the board: of days, or of months at a level."""

    def __init__(
        self, figures: FigureStore, measure: Measure, by_month: str, total: Callable[[Document], Total]
    ) -> None:
        self.measures = frozenset({measure})
        self._figures = figures
        self._measure = measure
        self._by_month = by_month
        self._total = total

    async def rows(
        self, from_on: date, to_on: date, within: Ids[str] | None, *, by_day: bool
    ) -> Sequence[Row]:
        """One row for each institution and day or month."""
        level = "day" if by_day else self._by_month
        places = None if within is None else sorted(within)
        docs = await self._figures.read(level, _span(from_on, to_on, by_day=by_day), places)
        found = ((self._total(doc), doc) for doc in docs)
        return [
            Row(total, self._measure, doc["month"], doc["organization_id"])
            for total, doc in found
            if total.count
        ]


class KeptSurveys:
    """Surveys sent and answered, and satisfaction."""

    measures = frozenset(
        {
            Measure.SURVEY_SENT,
            Measure.SURVEY_COMPLETED,
            Measure.SURVEY_SCORED,
            Measure.SURVEY_SATISFIED,
        }
    )

    def __init__(self, results: ResultStore) -> None:
        self._results = results

    async def rows(
        self, from_on: date, to_on: date, within: Ids[str] | None, *, by_day: bool
    ) -> Sequence[Row]:
        """Rows for each institution and day or month."""
        level = Level.DAY if by_day else Level.ORGANIZATION
        found = await self._results.by_place(level, _span(from_on, to_on, by_day=by_day), within)
        return [
            Row(total, measure, when, organization_id)
            for when, organization_id, totals in found
            for measure, total in (
                (Measure.SURVEY_SENT, Total(totals["sent"])),
                (Measure.SURVEY_COMPLETED, Total(totals["completed"])),
                (Measure.SURVEY_SCORED, Total(totals["scored"], amount=totals["points"])),
                (Measure.SURVEY_SATISFIED, Total(totals["satisfied"])),
            )
            if total.count
        ]


def _recognised(doc: Document) -> Total:
    return Total(count=doc.get("accepted", 0), fen=doc.get("saved_fen", 0))


def _repeated(doc: Document) -> Total:
    return Total(doc.get("alerts", 0) if doc["name"] == Kind.DUPLICATE else 0)


def fill_statistics(services: Services) -> None:
    """Put in what the areas above know."""
    above, db = services.statistics.above, services.db
    recognitions = FigureStore(db, "recognition_checks", "recognition_figures", recognition.ATTRIBUTES)
    alerts = FigureStore(db, "medication_checks", "medication_figures", medication.ATTRIBUTES)
    surveys = ResultStore(db, services.cipher)
    above.kept += [
        KeptFigures(recognitions, Measure.RECOGNISED, "organization", _recognised),
        KeptFigures(alerts, Measure.DUPLICATE_MEDICINE, "kind", _repeated),
        KeptSurveys(surveys),
    ]
    above.again += [recognitions.count_again, alerts.count_again]
    above.referral = ReferralStore(db, services.cipher).find
    above.filing = FilingStore(db, services.cipher).find
    above.working_days = services.births.rules.calendar.between
    services.statistics.kpi.draw = lambda report: drawn(services, report)
    services.statistics.kpi.city_name = services.settings.city_name
    above.gauges |= {
        "quality": lambda: quality_levels(services),
        "work": lambda: open_work(services),
    }


async def drawn(services: Services, report: Report) -> bytes:
    """A report as PDF, drawn where everything is drawn that is printed."""
    parts = [
        Part(
            table.heading,
            columns=table.columns,
            widths=table.widths,
            rows=tuple(PaperRow(row, marked=n in table.marked) for n, row in enumerate(table.rows)),
        )
        for table in report.tables
    ]
    closing = Part("说明", text=report.text)
    paper = Paper(report.title, report.mark, report.made_at, report.facts, (*parts, closing))
    return await services.reports.documents.on_paper(paper)


async def quality_levels(services: Services) -> list[Fact]:
    """Which institutions have sent anything of late, and how good it was."""
    today = clock.today()
    sums: dict[str, tuple[int, float, float]] = {}
    for day in await services.quality.days(SYSTEM, QUALITY_DAYS):
        resources, checked, failed = sums.get(day.organization_id, (0, 0.0, 0.0))
        sums[day.organization_id] = (resources + day.resources, checked + day.checked, failed + day.failed)
    found = []
    for place, (resources, checked, failed) in sums.items():
        if resources:
            found.append(Fact(today, place, Measure.CONNECTED, amount=1))
        if checked:
            score = round(100 * _TENTHS * (1 - failed / checked))
            found.append(Fact(today, place, Measure.QUALITY_SCORE, amount=score))
    return found


async def open_work(services: Services) -> list[Fact]:
    """What waits for somebody, by institution."""
    today = clock.today()
    waiting = await services.surveys.tickets.waiting()
    for talk in await services.inbox.list_open(SYSTEM):
        place = talk.organization_id or NOWHERE
        waiting[place] = waiting.get(place, 0) + 1
    return [Fact(today, place, Measure.OPEN_WORK, amount=count) for place, count in waiting.items()]


def _span(from_on: date, to_on: date, *, by_day: bool) -> tuple[str, str]:
    if by_day:
        return from_on.isoformat(), to_on.isoformat()
    return f"{from_on:%Y-%m}", f"{to_on:%Y-%m}"
