"""A report as a file: the original, or our rendering."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.streaming import send_chunks
from backend.permissions import Permission
from backend.reports.documents import SHOWN, Original
from backend.reports.handlers import READING
from backend.reports.schemas import OpenQuery


async def send_original(handler: APIHandler, original: Original, *, inline: bool = False) -> None:
    """Piece by piece, kept by no cache; to be shown only where browsers know the type."""
    shown = original.kind in SHOWN
    kind = original.kind if shown else "application/octet-stream"
    handler.set_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
    handler.set_header("Content-Length", str(original.content.size))
    handler.set_header("Content-Disposition", "inline" if inline and shown else "attachment")
    handler.set_header("Cache-Control", "no-store")
    await send_chunks(handler, original.content.chunks)


class DocumentHandler(APIHandler):
    """The report as its hospital issued it."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Fetch a report as issued", errors=READING, tag="reports", media="application/octet-stream")
    async def get(self, report_id: str, number: str, query: OpenQuery) -> bytes | None:
        """The bytes, in the type that the hospital named if browsers know it."""
        documents = self.services.reports.documents
        original = await documents.issued(self.actor, report_id, int(number), opened=query.open)
        await send_original(self, original)
        return None


class PaperHandler(APIHandler):
    """Our own rendering."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation(
        "Fetch a report as a PDF of ours",
        errors=(*READING, ErrorCode.UNAVAILABLE),
        tag="reports",
        media="application/pdf",
    )
    async def get(self, report_id: str, query: OpenQuery) -> bytes | None:
        """Marked on each page as what it is."""
        content = await self.services.reports.documents.rendered(self.actor, report_id, opened=query.open)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", 'attachment; filename="report.pdf"')
        self.set_header("Cache-Control", "no-store")
        self.finish(content)
        return None


_REPORT = r"/api/v1/reports/(?P<report_id>[0-9A-Z-]{26,60})"
routes = [
    (rf"{_REPORT}/documents/(?P<number>[0-9]{{1,3}})", DocumentHandler),
    (rf"{_REPORT}/pdf", PaperHandler),
]
