"""What every endpoint of the FHIR face shares: forms, refusals as OperationOutcomes, what the headers say."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPServerRequest, format_timestamp

from backend import exact_json
from backend.errors import ERRORS, AppError
from backend.exchange.fhir.definitions import served_types
from backend.exchange.fhir.issues import Refused, RefusedError, outcome, refuse
from backend.http.base import APIHandler, as_app_error
from backend.permissions import Permission
from backend.records.asking import read_asked
from backend.records.models import Purpose, Resource
from backend.records.sharing_models import Asked

if TYPE_CHECKING:
    from backend.bootstrap import City

FHIR_JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
_JSON = frozenset({FHIR_JSON, "application/json", "text/json", "json"})
_ANY = frozenset({"*/*", "application/*", "text/*"})
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')
ERROR_SYSTEM = "urn:healthycity:error"
# As much as a message of HL7 v2 may bring; from whoever may not write, what a question takes.
MOST_BODY_BYTES = 32 * 1024 * 1024
MOST_OF_A_READER = 8 * 1024 * 1024

# Our errors in FHIR's words (issue-type), by status.
_ISSUES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 409: "conflict",
    410: "deleted", 412: "conflict", 413: "too-long", 422: "processing", 429: "throttled", 503: "transient",
}  # fmt: skip


class FHIRHandler(APIHandler):
    """An endpoint that speaks FHIR R4 JSON."""

    refused_in = FHIR_JSON

    @classmethod
    def larger_body(cls, request: HTTPServerRequest, city: City) -> int:
        """Documents and pictures come within resources."""
        may = cls.bearer_may(request, city, Permission.HOSPITAL_RECORDS_WRITE)
        return MOST_BODY_BYTES if may else MOST_OF_A_READER

    def prepare(self) -> Awaitable[None] | None:
        """Refuse what is not to be answered in JSON."""
        super().prepare()
        if not self._accepts_json():
            raise refuse(Refused.FORMAT, "Only JSON (application/fhir+json, FHIR 4.0) is answered.")
        return None

    def _accepts_json(self) -> bool:
        said = self.get_query_argument("_format", "") or self.request.headers.get("Accept", "")
        # A plus sign in an address is a space.
        kinds = [part.replace("fhir json", "fhir+json") for part in said.split(",")] if said else ["*/*"]
        return any(_is_json(kind, or_any=True) for kind in kinds)

    @property
    def base(self) -> str:
        """Our address."""
        return f"{self.city.settings.public_url}/fhir/R4"

    @property
    def asked(self) -> Asked:
        """Who sits at the screen, and what for."""
        try:
            return read_asked(self.request.headers)
        except ValueError:
            known = ", ".join(Purpose)
            raise refuse(Refused.PARAMETER_VALUE, f"X-Purpose is one of {known}.") from None

    @property
    def preferred(self) -> str:
        """What is to come back of what was written: minimal, representation or OperationOutcome."""
        found = re.search(
            r"\breturn=(minimal|representation|OperationOutcome)\b", self.request.headers.get("Prefer", "")
        )
        return found[1] if found else "minimal"

    def if_match(self) -> int | None:
        """The version that is to be changed; None when none is named."""
        said = self.request.headers.get("If-Match")
        if said is None or said.strip() == "*":
            # Any version; that there is one is asked for in any case.
            return None
        match = _ETAG.fullmatch(said.strip())
        if match is None:
            raise refuse(Refused.VERSION_NEEDED, 'If-Match names a version: W/"3".')
        return int(match[1])

    def refuse_only_new(self) -> None:
        """An update that is meant for what is not there yet would change what is. Raises a refusal."""
        if "If-None-Match" in self.request.headers:
            told = "PUT changes what is there. To create only what is not: POST with If-None-Exist."
            raise refuse(
                Refused.VERSION_CONFLICT, told, text="如需仅在不存在时新建，请用 POST 加 If-None-Exist。"
            )

    def has_it(self, version: int) -> bool:
        """Whether the client says that this version is what it has."""
        said = self.request.headers.get("If-None-Match", "")
        known = {each.strip().removeprefix("W/") for each in said.split(",")}
        return self.request.method == "GET" and bool(known & {"*", f'"{version}"'})

    def read_json(self) -> Any:
        """The body, exactly as it was sent."""
        kind = self.request.headers.get("Content-Type", "")
        if not _is_json(kind):
            raise refuse(Refused.MEDIA_TYPE, "Send application/fhir+json in UTF-8, FHIR 4.0.")
        return parsed(self.request.body)

    def read_patch(self) -> Any:
        """The body as a JSON Patch."""
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != JSON_PATCH:
            raise refuse(
                Refused.MEDIA_TYPE, f"Send {JSON_PATCH} (RFC 6902).", text=f"部分修改请以 {JSON_PATCH} 发送。"
            )
        return parsed(self.request.body)

    def read_resource(self, type: str) -> dict[str, Any]:
        """The body as a resource of this type."""
        body = self.read_json()
        if not isinstance(body, dict):
            raise refuse(Refused.STRUCTURE, "A resource is a JSON object.")
        said = body.get("resourceType")
        if isinstance(said, str) and said != type:
            raise refuse(Refused.TYPE_MISMATCH, f"The address says {type}, the body another type.")
        return body

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the address, in order."""
        try:
            return [
                (name, value.decode())
                for name, all_ in self.request.query_arguments.items()
                for value in all_
            ]
        except UnicodeDecodeError:
            raise refuse(Refused.NOT_UTF_8, "The address is not UTF-8.") from None

    def send(self, body: dict[str, Any] | None, status: int = 200) -> None:
        """Answer with a resource, or with nothing."""
        self.set_status(status)
        self._headers["Cache-Control"] = "no-store"
        if body is None:
            self.clear_header("Content-Type")
            self.finish()
            return
        self._headers["Content-Type"] = f"{FHIR_JSON}; charset=utf-8"
        self.finish(exact_json.dumps(body))

    def send_resource(self, resource: Resource, status: int = 200) -> None:
        """Answer with a version of a resource; with nothing new when the client has it."""
        self.set_header("ETag", f'W/"{resource.version}"')
        self.set_header("Last-Modified", format_timestamp(resource.updated_at.astimezone(UTC)))
        if self.has_it(resource.version):
            self.send(None, 304)
            return
        self.send(resource.body, status)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every refusal is an OperationOutcome."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.set_header("Cache-Control", "no-store")
        if isinstance(error, RefusedError):
            self.send(error.outcome(), error.status)
            return
        ours = as_app_error(error, status_code)
        self.set_error_headers(ours)
        self.send(outcome([issue_of(ours)]), ours.status)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Refusals of this face are expected."""
        if not isinstance(value, RefusedError):
            super().log_exception(typ, value, tb)


def parsed(raw: bytes) -> Any:
    """JSON exactly as it was sent. Raises a refusal saying what is wrong with it."""
    try:
        return exact_json.strict_loads(raw)
    except exact_json.JSONProblemError as problem:
        told = {
            "not-json": "The body is no JSON",
            "not-utf-8": "The body is no UTF-8",
            "name-twice": "A name stands twice in one object",
            "too-deep": f"The body is nested deeper than {exact_json.MOST_DEPTH} levels",
            "number-too-large": "A number is too large",
        }[problem.kind]
        where = f": {problem.where}" if problem.where else ""
        raise refuse(Refused(problem.kind), f"{told}{where}.") from None


def issue_of(error: AppError) -> dict[str, Any]:
    """An error of the city's as an issue; what helps the caller on stands in `diagnostics`."""
    text = error.text or ERRORS[error.code].text
    issue: dict[str, Any] = {
        "severity": "error",
        "code": _ISSUES.get(error.status, "exception"),
        "details": {"coding": [{"system": ERROR_SYSTEM, "code": str(error.code)}], "text": text},
    }
    if error.data:
        issue["diagnostics"] = exact_json.dumps(error.data).decode()
    return issue


def checked_type(type: str) -> str:
    """A type that is served. Raises a refusal that names those there are."""
    if type not in served_types():
        known = ", ".join(served_types())
        raise refuse(Refused.TYPE_UNKNOWN, f"Resources of this type are not kept here; there are: {known}.")
    return type


def _is_json(said: str, *, or_any: bool = False) -> bool:
    kind, *parameters = (part.strip().lower() for part in said.split(";"))
    if kind not in _JSON and not (or_any and kind in _ANY):
        return False
    named = dict(part.partition("=")[::2] for part in parameters)
    version, charset = named.get("fhirversion", "4.0"), named.get("charset", "utf-8").strip('"')
    return version in ("4.0", "4.0.1") and charset in ("utf-8", "utf8") and named.get("q", "1") != "0"


def instant(at: datetime) -> str:
    """An instant as FHIR writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
