"""The handlers everything stands on: who is asking, reading, answering, errors, headers, the log line."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pymongo.errors import ConnectionFailure, PyMongoError, WriteConcernError
from tornado.httputil import HTTPHeaders, HTTPServerRequest, format_timestamp
from tornado.web import HTTPError, RequestHandler

from backend import context, metrics
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import Access
from backend.ids import new_id
from backend.permissions import ANONYMOUS, Actor, Permission

if TYPE_CHECKING:
    from backend.bootstrap import City, Services

log = logging.getLogger("backend.http")

M = TypeVar("M", bound=BaseModel)

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
JSON_TYPE = "application/json; charset=utf-8"
_STATUS_CODES = {
    400: ErrorCode.BAD_REQUEST,
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
}
SECURE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
# An answer that is no page loads nothing; pages bring a policy of their own.
NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_CHALLENGE = 'Bearer realm="healthycity"'
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


class InFlight:
    """How many requests have begun and not ended: shutdown waits for them."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """A request has begun."""
        self._count += 1
        self._idle.clear()

    def end(self) -> None:
        """A request has been answered."""
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def until_idle(self, grace_s: float) -> bool:
        """Return when nothing is being served, or after `grace_s`; whether all has been answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        return not self._count


class BaseHandler(RequestHandler):
    """What JSON endpoints and console pages share: city, request id, secure headers, one log line."""

    actor: Actor = ANONYMOUS
    request_id: str = ""
    route: str = ""

    def initialize(self, route: str = "") -> None:
        """`route` is the pattern that matched: a metric label with few values.

        The request id is bound here and not in `prepare`, which a request that Tornado refuses never reaches.
        """
        self.route = route
        given = self.request.headers.get("X-Request-Id", "")
        # A caller's own is kept when it is harmless.
        self.request_id = given if _SAFE_ID.fullmatch(given) else new_id()
        self._headers["X-Request-Id"] = self.request_id
        context.bind_request_id(self.request_id)
        self.application.settings["in_flight"].begin()

    @classmethod
    def larger_body(cls, request: HTTPServerRequest, city: City) -> int:
        """How many bytes of a body are taken where they are more than usual; asked before the body comes."""
        return 0

    @property
    def city(self) -> City:
        """The opened city: settings, database and services."""
        city: City = self.application.settings["city"]
        return city

    @property
    def services(self) -> Services:
        """Every area's service."""
        return self.city.services

    def clear(self) -> None:
        """Begin the answer anew. As Tornado's own, whose headers cost more than all of our routing."""
        self._headers = HTTPHeaders()
        self._headers["Content-Type"] = "text/html; charset=UTF-8"
        self._headers["Date"] = _http_date(int(time.time()))
        self.set_default_headers()
        self._write_buffer = []
        self.set_status(200)

    def set_default_headers(self) -> None:
        """Secure headers and the request's id on every answer, errors included."""
        # Constants and what we have looked at need none of the checks that `set_header` makes.
        for name, value in SECURE_HEADERS:
            self._headers[name] = value
        self._headers["Content-Security-Policy"] = NO_PAGE_POLICY
        if self.request_id:
            self._headers["X-Request-Id"] = self.request_id
        city = self.application.settings.get("city")
        if city is not None and city.settings.is_production:
            self.set_header(*HSTS)

    def compute_etag(self) -> str | None:
        """No ETag by hashing every answer; cached answers bring their own."""
        return None

    @property
    def client_ip(self) -> str:
        """The caller's address, as the outermost of our own proxies saw it."""
        return caller_address(
            self.request.remote_ip or "",
            self.request.headers.get_list("X-Forwarded-For"),
            self.city.settings.trusted_proxies,
        )

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Our own errors are expected and logged in one line; anything else with its traceback."""
        if isinstance(value, AppError):
            metrics.ERRORS_TOTAL.labels(value.code).inc()
            if value.status >= 500:
                log.warning("request_error", extra={"code": value.code, "detail": value.log})
        elif as_app_error(value, 500).code is ErrorCode.UNAVAILABLE:
            # Every request hits this while the database is away: a line each, no traceback.
            metrics.ERRORS_TOTAL.labels(ErrorCode.UNAVAILABLE).inc()
            log.warning("database_away", extra={"error": type(value).__name__})
        elif not isinstance(value, HTTPError):
            log.error("request_crashed", exc_info=(typ, value, tb))  # type: ignore[arg-type]

    def on_finish(self) -> None:
        """One line and one measurement per request; the path only as its pattern, for it may hold ids."""
        self.application.settings["in_flight"].end()
        seconds = self.request.request_time()
        status = self.get_status()
        method = self.request.method or ""
        # Anybody can make up a method: it must not become a label.
        method = method if method in self.SUPPORTED_METHODS else "other"
        metrics.http_requests(self.route, method, status).observe(seconds)
        if status >= 400 or log.isEnabledFor(logging.DEBUG):
            log.info(
                "request",
                extra={
                    "method": method,
                    "route": self.route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "actor": self.actor.kind,
                },
            )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one renderer of JSON errors."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        self.set_header("Content-Type", JSON_TYPE)
        self.set_header("Cache-Control", "no-store")
        self.set_error_headers(error)
        self.finish(orjson.dumps(error.body(self.request_id)))

    def set_error_headers(self, error: AppError) -> None:
        """What HTTP itself wants said with some refusals."""
        if error.code is ErrorCode.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(allowed_methods(type(self))))
        if error.status == 401:
            # RFC 6750: a token that was given and is no good is called so.
            given = self.request.headers.get("Authorization", "").startswith("Bearer ")
            wrong = given and error.code in (ErrorCode.UNAUTHENTICATED, ErrorCode.TOKEN_EXPIRED)
            self.set_header("WWW-Authenticate", _CHALLENGE + (', error="invalid_token"' if wrong else ""))
        if "retry_after_s" in error.data:
            self.set_header("Retry-After", str(error.data["retry_after_s"]))


class APIHandler(BaseHandler):
    """A JSON endpoint."""

    # Refusals come in this form, whatever the answer would have come in.
    refused_in = "application/json"

    @staticmethod
    def bearer_may(request: HTTPServerRequest, city: City, permission: Permission) -> bool:
        """Whether a request comes from somebody who has this permission; asked before its body comes."""
        header = request.headers.get("Authorization", "")
        with contextlib.suppress(AppError):
            return header.startswith("Bearer ") and city.services.tokens.verify(header[7:]).may(permission)
        return False

    @property
    def idempotency_key(self) -> str | None:
        """The caller's `Idempotency-Key`, or None. Raises IDEMPOTENCY_KEY_INVALID for a malformed one."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not _SAFE_ID.fullmatch(key):
            raise AppError(ErrorCode.IDEMPOTENCY_KEY_INVALID, data={"expected": "8-64 of A-Z a-z 0-9 _ -"})
        return key

    async def enter(self, access: Access, rate_limit: str | None) -> None:
        """Find out who is asking and whether they may. Called by `@operation`; deny is the default."""
        header = self.request.headers.get("Authorization")
        if header and header.startswith("Bearer ") and access.public_reason is None:
            self.actor = self.services.tokens.verify(header[7:])
        if access.permission is not None:
            if self.actor.kind == "anonymous":
                raise AppError(ErrorCode.UNAUTHENTICATED)
            if not self.actor.may(access.permission):
                raise AppError(ErrorCode.FORBIDDEN, str(access.permission))
        elif access.public_reason is None:
            raise AppError(ErrorCode.FORBIDDEN, "no access declared")
        if rate_limit is not None:
            await self.services.limiter.take(rate_limit, self._whose_bucket(header))

    def _whose_bucket(self, header: str | None) -> str:
        """The caller's own where he says who he is, also where nobody has to: a whole hospital, or half of a
        carrier's phones, come from one address.
        """
        if not self.actor.id and header and header.startswith("Bearer "):
            # A token that is no good is as good as none here.
            with contextlib.suppress(AppError):
                return self.services.tokens.verify(header[7:]).id
        return self.actor.id or self.client_ip

    def read_body(self, kind: type[M]) -> M:
        """The JSON body as `kind`. Raises BAD_REQUEST naming the fields, never repeating their values."""
        body = self.request.body
        if body and not is_json(self.request.headers.get("Content-Type", "")):
            raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [_problem("Content-Type", "not JSON")]})
        try:
            return kind.model_validate_json(body or b"{}")
        except ValidationError as error:
            raise _bad_request(error) from None

    def read_query(self, kind: type[M]) -> M:
        """The query string as `kind`; a repeated parameter is refused."""
        given = self.request.query_arguments
        repeated = [name for name, values in given.items() if len(values) > 1]
        if repeated:
            raise AppError(
                ErrorCode.BAD_REQUEST, data={"fields": [_problem(name, "repeated") for name in repeated]}
            )
        try:
            return kind.model_validate_strings({name: v[0].decode("utf-8") for name, v in given.items()})
        except ValidationError as error:
            raise _bad_request(error) from None
        except UnicodeDecodeError:
            raise AppError(ErrorCode.BAD_REQUEST, "query is not UTF-8") from None

    def answer(self, status: int, value: BaseModel | bytes | None) -> None:
        """Write a model, ready JSON, or nothing. A handler that has finished by itself is left alone."""
        if self._finished:
            return
        if value is None:
            self.set_status(204 if status == 200 else status)
            self.finish()
            return
        self.set_status(status)
        self._headers["Content-Type"] = JSON_TYPE
        if "Cache-Control" not in self._headers:
            self._headers["Cache-Control"] = "no-store"
        self.finish(value if isinstance(value, bytes) else value.__pydantic_serializer__.to_json(value))


class NotFoundHandler(APIHandler):
    """Any path that is not ours."""

    def prepare(self) -> None:
        """Refuse whatever the method."""
        super().prepare()
        raise HTTPError(404)


def allowed_methods(handler: type) -> list[str]:
    """The HTTP methods that a handler class answers itself."""
    return [
        method
        for method in RequestHandler.SUPPORTED_METHODS
        if getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower())
    ]


def caller_address(direct: str, forwarded: Sequence[str], proxies: int) -> str:
    """Who called, behind so many proxies of ours, each of which adds whom it heard to X-Forwarded-For.

    Only the entries that our own proxies added are believed: whatever stands further left, and every other
    header of that kind, anybody can write.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")] + [direct]
    address = hops[max(0, len(hops) - 1 - proxies)]
    try:
        return str(ip_address(address))
    except ValueError:
        return direct


def is_json(content_type: str) -> bool:
    """Whether a body says that it is JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def as_app_error(error: BaseException | None, status: int) -> AppError:
    """Any exception as one of ours: the driver away is 503, a Tornado refusal keeps its status."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, ConnectionFailure):
        return AppError(ErrorCode.UNAVAILABLE, "database away")
    if isinstance(error, PyMongoError) and error.timeout:
        return AppError(ErrorCode.UNAVAILABLE, "database slow")
    if isinstance(error, WriteConcernError):
        # Written, but a primary that steps down may lose it: whoever asks again with the same key learns.
        return AppError(ErrorCode.UNAVAILABLE, "not durable")
    return AppError(_STATUS_CODES.get(status, ErrorCode.INTERNAL if status >= 500 else ErrorCode.BAD_REQUEST))


@functools.lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    """A second as HTTP writes it; thousands of answers share one."""
    return format_timestamp(second)


def _bad_request(error: ValidationError) -> AppError:
    fields = [
        _problem(".".join(str(part) for part in item["loc"]) or "body", item["type"])
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    return AppError(ErrorCode.BAD_REQUEST, data={"fields": fields})


def _problem(name: str, kind: str) -> dict[str, str]:
    return {"field": name, "problem": kind}
