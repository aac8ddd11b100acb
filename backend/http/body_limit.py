"""The largest body we read: what is larger is thrown away as it comes and answered with BODY_TOO_LARGE.

Tornado itself would hang up with a bare 400, and a client would not know why. The answer has the form of
whoever would have answered: JSON, a console page, or the words of another protocol.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application, HTTPError

from backend.http.base import BaseHandler, NotFoundHandler

# So many times the limit are read and thrown away, so that the client hears the answer; then we hang up.
DISCARDED = 8


@functools.cache
def too_large(handler: type[BaseHandler]) -> type[BaseHandler]:
    """A handler that refuses whatever the method, in the form of `handler`."""

    def prepare(_self: BaseHandler) -> None:
        raise HTTPError(413)

    return type(f"TooLargeFor{handler.__name__}", (handler,), {"prepare": prepare})


class LimitedBody(HTTPMessageDelegate):
    """Passes a request on, until more of a body has come than may."""

    def __init__(
        self, request: HTTPMessageDelegate, refusal: Callable[[], HTTPMessageDelegate], most: int
    ) -> None:
        self._request = request
        self._refusal = refusal
        self._most = most
        self._seen = 0

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """The length may be told in advance."""
        told = headers.get("Content-Length", "")
        self._seen = int(told) if told.isdecimal() and len(told) < 20 else 0
        if self._seen > self._most:
            if self._seen > self._most * DISCARDED:
                self._refusal().finish()
            return None
        self._seen = 0
        return self._request.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A piece of the body."""
        self._seen += len(chunk)
        return None if self._seen > self._most else self._request.data_received(chunk)

    def finish(self) -> None:
        """The body is whole."""
        (self._refusal() if self._seen > self._most else self._request).finish()

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any more."""
        self._request.on_connection_close()


class LimitedApplication(Application):
    """An application that reads bodies of at most `max_body_bytes`."""

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:  # type: ignore[override]
        """The handler, behind the limit."""
        found = super().find_handler(request, **kwargs)
        most = self.settings["city"].settings.max_body_bytes
        return LimitedBody(found, lambda: self._refusal(request, found), most)

    def _refusal(self, request: HTTPServerRequest, found: Any) -> HTTPMessageDelegate:
        """Whoever would have answered, made to refuse; the app's files are no handler of ours."""
        ours = issubclass(found.handler_class, BaseHandler)
        kind, more = (found.handler_class, found.handler_kwargs) if ours else (NotFoundHandler, {})
        return self.get_handler_delegate(
            request, too_large(kind), more, path_args=found.path_args, path_kwargs=found.path_kwargs
        )
