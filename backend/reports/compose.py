"""How the reports' parts are put together; the composition root calls this."""

from __future__ import annotations

from backend.reports.ports import Gate, People, Places, Reader
from backend.reports.service import ReportService


def make_reports(*, gate: Gate, reader: Reader, people: People, places: Places) -> ReportService:
    """The service."""
    return ReportService(gate, reader, people, places)
