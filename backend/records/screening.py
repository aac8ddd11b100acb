"""What the PDFs of a resource say, found beside the requests: until then it is as closed as a special one."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterator
from typing import Any

from backend.errors import AppError, ErrorCode
from backend.records.apart import file_in
from backend.records.files import RecordFiles
from backend.records.models import Resource
from backend.records.narratives import is_paper
from backend.records.papers import words_of_pdf
from backend.records.sensitivity import is_special_text
from backend.records.service import RecordService
from backend.records.store import ResourceStore
from backend.worker.confined import Confined
from backend.worker.events import Event

log = logging.getLogger(__name__)


class Screening:
    """Reads PDFs, and settles of what level their resource is."""

    def __init__(
        self, store: ResourceStore, service: RecordService, files: RecordFiles, confined: Confined
    ) -> None:
        self._store = store
        self._service = service
        self._files = files
        self._confined = confined

    async def on_papers_came(self, event: Event) -> None:
        """RECORD_PAPERS_CAME: a word of the table makes it special; nothing of them opens it.

        What cannot be read stays as closed as it came. A second time changes nothing.
        """
        resource = await self._store.for_bookkeeping(event.data["resource_id"])
        if resource is None or resource.deleted:
            return
        readable = True
        for paper in _papers(resource):
            words = await self._words_of(resource, paper)
            if words is not None and is_special_text(words):
                await self._service.make_special(resource)
                return
            readable = readable and words is not None
        if readable:
            await self._store.settle(resource.id, resource.version)
        else:
            log.info("paper_unreadable", extra={"resource": resource.id})

    async def close(self) -> None:
        """End the process."""
        await self._confined.close()

    async def _words_of(self, resource: Resource, paper: dict[str, Any]) -> str | None:
        file = file_in(resource, paper)
        try:
            if file is not None:
                opened = await self._files.open(file)
                content = b"".join([chunk async for chunk in opened.chunks])
            else:
                content = base64.b64decode("".join(str(paper.get("data", "")).split()), validate=True)
        except (binascii.Error, ValueError):
            return None
        try:
            return await self._confined.run(words_of_pdf, content)
        except (AppError, MemoryError) as error:
            if isinstance(error, AppError) and error.code is not ErrorCode.UNAVAILABLE:
                raise
            # It took too long, or its process with it: so it would the next time.
            return None


def _papers(resource: Resource) -> Iterator[dict[str, Any]]:
    ahead: list[Any] = [resource.body]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            if is_paper(value):
                yield value
            value = value.values()
        ahead.extend(each for each in value if isinstance(each, dict | list))
