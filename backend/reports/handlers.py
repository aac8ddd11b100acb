"""`/api/v1/reports`: a resident's reports and trends."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Page
from backend.permissions import Permission
from backend.reports.schemas import (
    OpenQuery,
    ReportLineOut,
    ReportOut,
    ReportsQuery,
    TrendOut,
    TrendQuery,
    line_out,
    report_out,
    trend_out,
)

READING = (ErrorCode.NOT_FOUND, ErrorCode.PATIENT_PENDING, ErrorCode.REAL_NAME_REQUIRED)


class ReportListHandler(APIHandler):
    """The reports of somebody."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List the reports of oneself or of whom one acts for", errors=READING, tag="reports")
    async def get(self, query: ReportsQuery) -> Page[ReportLineOut]:
        """The latest first, by kind and by visit."""
        lines, cursor = await self.services.reports.service.list_reports(
            self.actor,
            query.patient_id,
            kind=query.kind,
            visit_id=query.visit_id,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Page(items=[line_out(line) for line in lines], next_cursor=cursor)


class ReportHandler(APIHandler):
    """One report."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Read one report", errors=READING, tag="reports")
    async def get(self, report_id: str, query: OpenQuery) -> ReportOut:
        """With its results; a sensitive one only when it is opened by itself."""
        opened = await self.services.reports.service.open(self.actor, report_id, opened=query.open)
        return report_out(opened)


class TrendHandler(APIHandler):
    """One analyte over time."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("See how a value went over time and hospitals", errors=READING, tag="reports")
    async def get(self, query: TrendQuery) -> TrendOut:
        """In one unit; what cannot be converted stands apart."""
        return trend_out(
            await self.services.reports.service.trend(self.actor, query.patient_id, query.analyte)
        )


routes = [
    (r"/api/v1/reports", ReportListHandler),
    (r"/api/v1/reports/trend", TrendHandler),
    (r"/api/v1/reports/(?P<report_id>[0-9A-Z-]{26,60})", ReportHandler),
]
