"""/fhir/R4/$load: a file of resources as NDJSON, taken in while it is being sent."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import stream_request_body

from backend import exact_json
from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.http import FHIRHandler, instant
from backend.exchange.fhir.issues import Refused, refuse
from backend.exchange.fhir.loading import BYTES, LINES, LONGEST_LINE
from backend.exchange.fhir.loads_store import Load
from backend.http.endpoint import operation, operation_of, requires
from backend.permissions import Permission

if TYPE_CHECKING:
    from backend.bootstrap import City

NDJSON = "application/fhir+ndjson"
_NDJSON = (NDJSON, "application/x-ndjson", "application/ndjson")
# Of one file: ten million resources of five kilobytes.
_LARGEST = 50 * 1024 * 1024 * 1024


@stream_request_body
class LoadListHandler(FHIRHandler):
    """POST /fhir/R4/$load."""

    # A file takes as long as the network and the database need.
    body_within_s = 24 * 3600.0
    _load: Load | None = None
    _rest = b""
    _failed: Exception | None = None

    @classmethod
    def larger_body(cls, request: HTTPServerRequest, city: City) -> int:
        """No more of it is in memory than one step takes."""
        return _LARGEST

    async def prepare(self) -> None:
        """Before anything of the body is read: who sends it, and what it says it is."""
        super().prepare()
        if self.request.method != "POST":
            return
        described = operation_of(type(self).post)
        await self.enter(described.access, described.rate_limit)
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _NDJSON:
            raise refuse(Refused.MEDIA_TYPE, f"Send {NDJSON}: one resource a line.")
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.set_max_body_size(_LARGEST)
        self._load = await self.services.fhir.loading.begin(self.actor, self.idempotency_key)
        self._passed_over = self._load.lines
        self._lines: list[bytes] = []
        self._bytes = 0

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A piece of the file; what comes next waits until this is dealt with."""
        return self._take(chunk) if self._load is not None and self._failed is None else None

    async def _take(self, chunk: bytes) -> None:
        try:
            await self._take_lines(chunk)
        except Exception as error:
            # Raised here, it would only hang up: the sender is told when he has ended.
            self._failed, self._rest, self._lines = error, b"", []

    async def _take_lines(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise AppError(ErrorCode.BODY_TOO_LARGE, "a line of a file")
        for line in lines:
            await self._line(line)

    async def _line(self, line: bytes) -> None:
        if self._passed_over:
            self._passed_over -= 1
            return
        self._lines.append(line)
        self._bytes += len(line)
        if len(self._lines) >= LINES or self._bytes >= BYTES:
            await self._step()

    async def _step(self) -> None:
        if self._lines and self._load is not None:
            self._load = await self.services.fhir.loading.take(self.actor, self._load, self._lines)
            self._lines, self._bytes = [], 0

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Load a file of resources", tag="fhir", rate_limit="hospital_write", media="application/fhir+json",
        errors=(ErrorCode.CONFLICT,),
    )  # fmt: skip
    async def post(self) -> bytes | None:
        """One resource a line, patients first. Under the same `Idempotency-Key` it goes on where it ended."""
        if self._failed is not None:
            raise self._failed
        if self._load is None:
            raise AppError(ErrorCode.BAD_REQUEST, "no file")
        if self._rest:
            await self._line(self._rest)
        await self._step()
        load = await self.services.fhir.loading.finish(self._load)
        self.set_header("Content-Location", f"{self.base}/$load/{load.id}")
        self.send(told(load))
        return None


class LoadHandler(FHIRHandler):
    """GET /fhir/R4/$load/{load_id}."""

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation("How far a file is", tag="fhir", rate_limit="hospital_write", media="application/fhir+json")
    async def get(self, load_id: str) -> bytes | None:
        """Lines dealt with, resources written, unchanged and refused."""
        self.send(told(await self.services.fhir.loading.access(self.actor, load_id)))
        return None


class LoadRefusalsHandler(FHIRHandler):
    """GET /fhir/R4/$load/{load_id}/refusals."""

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation("What of a file was refused", tag="fhir", rate_limit="hospital_write", media=NDJSON)
    async def get(self, load_id: str) -> bytes | None:
        """An OperationOutcome a line; each says which line of the file it is about."""
        loading = self.services.fhir.loading
        found = await loading.refusals(await loading.access(self.actor, load_id))
        self.set_header("Content-Type", NDJSON)
        self.set_header("Cache-Control", "no-store")
        self.finish(b"".join(exact_json.dumps(each) + b"\n" for each in found))
        return None


def told(load: Load) -> dict[str, Any]:
    """A load as FHIR Parameters."""
    counts = ("lines", "written", "unchanged", "refused")
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "id", "valueId": load.id},
            {"name": "state", "valueCode": load.state},
            *({"name": name, "valueInteger": getattr(load, name)} for name in counts),
            {"name": "began", "valueInstant": instant(load.began_at)},
        ],
    }


routes = [
    (r"/fhir/R4/\$load", LoadListHandler),
    (r"/fhir/R4/\$load/(?P<load_id>[0-9A-Z]{26})", LoadHandler),
    (r"/fhir/R4/\$load/(?P<load_id>[0-9A-Z]{26})/refusals", LoadRefusalsHandler),
]
