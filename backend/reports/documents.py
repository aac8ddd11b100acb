"""A report as a file: as its hospital issued it, or put on paper by us and marked as that."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.records.apart import File, file_in
from backend.records.files import Content
from backend.records.ids import is_resource_id
from backend.records.models import Basis, RecordQuery
from backend.reports.models import Document
from backend.reports.paper import FontMissingError, Paper, as_pdf
from backend.reports.papers import of_report
from backend.reports.ports import Files, Reader
from backend.reports.service import ReportService
from backend.worker.confined import Confined

# What a browser may show as it is; everything else is handed out as bytes to keep.
SHOWN = frozenset({"application/pdf", "image/jpeg", "image/png", "text/plain"})


@dataclass(frozen=True, slots=True)
class Original:
    """A document as its hospital sent it: its type, and its bytes as they come."""

    kind: str
    content: Content


class Names(Protocol):
    """What is needed of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""


class Documents:
    """Finds the original, and makes a rendering."""

    def __init__(
        self,
        reports: ReportService,
        reader: Reader,
        files: Files,
        drawing: Confined,
        names: Names,
        *,
        city_name: str,
        font: str,
    ) -> None:
        self._reports = reports
        self._reader = reader
        self._files = files
        self._drawing = drawing
        self._names = names
        self._city_name = city_name
        self._font = font

    async def issued(self, actor: Actor, report_id: str, number: int, *, opened: bool) -> Original:
        """The original. Raises NOT_FOUND where the hospital has sent none."""
        found = await self._reports.open(actor, report_id, opened=opened)
        if found.hidden:
            raise not_found(f"document {number} of {report_id}")
        return await self.of_basis(found.basis, found.report.documents, number)

    async def of_basis(self, basis: Basis, documents: Sequence[Document], number: int) -> Original:
        """One of what stands in a resource that has been read on this basis already."""
        if not 1 <= number <= len(documents):
            raise not_found(f"document {number} of {len(documents)}")
        document = documents[number - 1]
        lies: str | File = document.file or document.data or await self._binary(basis, document)
        if isinstance(lies, File):
            return Original(document.content_type, await self._files.open(lies))
        try:
            content = base64.b64decode("".join(lies.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise not_found("a document that is no base64") from error
        return Original(document.content_type, Content(len(content), _at_once(content)))

    async def opened_by(self, basis: Basis, documents: Sequence[Document]) -> list[bool]:
        """Which of them this basis opens: a Binary is closed by itself until its paper has been read."""
        asked = {_binary_id(each) for each in documents if _lies_elsewhere(each)}
        ids = tuple(filter(is_resource_id, asked))
        query = RecordQuery(ids=ids, types=("Binary",), limit=len(ids))
        found = {each.id for each in (await self._reader.search(basis, query)).items} if ids else set()
        return [not _lies_elsewhere(each) or _binary_id(each) in found for each in documents]

    async def rendered(self, actor: Actor, report_id: str, *, opened: bool) -> bytes:
        """Our own rendering, as a PDF."""
        found = await self._reports.open(actor, report_id, opened=opened)
        if found.hidden:
            raise not_found(f"report {report_id} is not opened")
        person_id = found.basis.person_id
        patient = (await self._names.names([person_id])).get(person_id, "")
        return await self.on_paper(
            of_report(found.report, city=self._city_name, place=found.place, patient=patient)
        )

    async def on_paper(self, paper: Paper) -> bytes:
        """A document as a PDF. Raises UNAVAILABLE without a font; the log says what to do."""
        try:
            return await self._drawing.run(as_pdf, paper, self._font)
        except FontMissingError as error:
            raise AppError(ErrorCode.UNAVAILABLE, str(error)) from None

    async def _binary(self, basis: Basis, document: Document) -> str | File:
        id = _binary_id(document)
        resource = await self._reader.read(basis, id) if is_resource_id(id) else None
        if resource is None or resource.type != "Binary":
            raise not_found("the document's Binary")
        return file_in(resource, resource.body) or str(resource.body.get("data", ""))


def _lies_elsewhere(document: Document) -> bool:
    return not (document.file or document.data)


def _binary_id(document: Document) -> str:
    return document.reference.removeprefix("Binary/").partition("/")[0]


async def _at_once(content: bytes) -> AsyncIterator[bytes]:
    yield content
