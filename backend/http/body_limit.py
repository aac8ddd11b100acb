"""How much body we read, and how long we wait for it.

What is larger is thrown away as it comes and answered with BODY_TOO_LARGE. Tornado itself would hang up with
a bare 400, and a client would not know why. The answer has the form of whoever would have answered: JSON, a
console page, or the words of another protocol. Who does not send what was announced is hung up on.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.web import HTTPError

from backend.http.base import BaseHandler

# So many times the limit are read and thrown away, so that the client hears the answer; then we hang up.
DISCARDED = 8
# From the headers to the last byte. Tornado's own `body_timeout` makes a task of every body, which costs each
# POST more than all of its routing; this timer costs next to nothing.
WITHIN_S = 30.0


@functools.cache
def too_large(handler: type[BaseHandler]) -> type[BaseHandler]:
    """A handler that refuses whatever the method, in the form of `handler`."""

    def prepare(_self: BaseHandler) -> None:
        raise HTTPError(413)

    return type(f"TooLargeFor{handler.__name__}", (handler,), {"prepare": prepare})


class LimitedBody(HTTPMessageDelegate):
    """Passes a request on, until more of a body has come than may or the time is over."""

    def __init__(
        self,
        request: HTTPMessageDelegate,
        refusal: Callable[[], HTTPMessageDelegate],
        hang_up: Callable[[], None],
        *,
        most: int,
        within_s: float,
    ) -> None:
        self._request = request
        self._refusal = refusal
        self._hang_up = hang_up
        self._most = most
        self._within_s = within_s
        self._seen = 0
        self._over: asyncio.TimerHandle | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """The length may be told in advance."""
        told = headers.get("Content-Length", "")
        if told or "Transfer-Encoding" in headers:
            self._over = asyncio.get_running_loop().call_later(self._within_s, self._hang_up)
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
        self._stop_waiting()
        (self._refusal() if self._seen > self._most else self._request).finish()

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any more."""
        self._stop_waiting()
        self._request.on_connection_close()

    def _stop_waiting(self) -> None:
        if self._over is not None:
            self._over.cancel()
            self._over = None
