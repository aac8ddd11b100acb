"""The whole file to take away: order, look how far it is, fetch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Answer, Instant, Schema
from backend.permissions import Permission
from backend.reports.export_store import Export
from backend.reports.handlers import READING


class NewExport(Schema):
    """Whose file, and as what: a FHIR Bundle in JSON, or a PDF."""

    patient_id: str = Field(max_length=64)
    form: Literal["fhir", "pdf"]


class ExportOut(Answer):
    """How far a file is."""

    id: str
    form: Literal["fhir", "pdf"]
    state: Literal["due", "running", "done", "failed"]
    done: int
    total: int
    expires_at: Instant


class ExportsHandler(APIHandler):
    """Ordering."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation(
        "Have the whole file made ready", status=201, errors=(*READING, ErrorCode.CONFLICT), tag="records"
    )
    async def post(self, body: NewExport) -> ExportOut:
        """Made in the background; forgotten after a day."""
        return _out(await self.services.reports.exporting.order(self.actor, body.patient_id, body.form))


class ExportHandler(APIHandler):
    """One order."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("See how far it is", errors=READING, tag="records")
    async def get(self, export_id: str) -> ExportOut:
        """`done` of `total`."""
        return _out(await self.services.reports.exporting.access(self.actor, export_id))


class ExportFileHandler(APIHandler):
    """The file."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Fetch the whole file", errors=READING, tag="records", media="application/octet-stream")
    async def get(self, export_id: str) -> bytes | None:
        """JSON or PDF."""
        content, form = await self.services.reports.exporting.fetch(self.actor, export_id)
        kind, name = _KINDS[form]
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.set_header("Cache-Control", "no-store")
        self.finish(content)
        return None


_KINDS = {
    "fhir": ("application/fhir+json", "record.json"),
    "pdf": ("application/pdf", "record.pdf"),
}


def _out(export: Export) -> ExportOut:
    return ExportOut(
        id=export.id,
        form=export.form,
        state=export.state,
        done=export.done,
        total=export.total,
        expires_at=export.expires_at,
    )


_ID = r"(?P<export_id>[0-9A-Z]{26})"
routes = [
    (r"/api/v1/records/exports", ExportsHandler),
    (rf"/api/v1/records/exports/{_ID}", ExportHandler),
    (rf"/api/v1/records/exports/{_ID}/file", ExportFileHandler),
]
