"""The Tornado application: whose request it is, and a guard before every body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application

from backend.http.base import BaseHandler, NotFoundHandler
from backend.http.body_limit import WITHIN_S, LimitedBody, too_large

Rule = tuple[str, type, dict[str, Any]]
_FIXED = re.compile(r"[\w/-]+", re.ASCII)


class CityApplication(Application):
    """Finds a fixed path by its name and the others by their patterns, in order; bodies are limited.

    Settings: `max_body_bytes`, and `body_within_s`, the time a body may take to come.
    """

    def __init__(self, rules: Sequence[Rule], *, body_within_s: float = WITHIN_S, **settings: Any) -> None:
        super().__init__(list(rules), body_within_s=body_within_s, **settings)
        # Tornado tries a hundred patterns one by one; half of our paths need none.
        self._fixed = {path: (kind, more) for path, kind, more in rules if _FIXED.fullmatch(path)}

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:  # type: ignore[override]
        """The handler, behind the limits."""
        fixed = self._fixed.get(request.path)
        found = (
            self.get_handler_delegate(request, *fixed) if fixed else super().find_handler(request, **kwargs)
        )
        connection = cast(HTTP1Connection, request.connection)
        return LimitedBody(
            found,
            lambda: self._refusal(request, found),
            # Not `connection.close`, which lets a request under way finish.
            lambda: connection.stream.close(),
            most=self._most(request, found),
            within_s=getattr(found.handler_class, "body_within_s", 0.0) or self.settings["body_within_s"],
        )

    def _most(self, request: HTTPServerRequest, found: Any) -> int:
        """How large a body may be: some handlers take in more from whom they know."""
        usual: int = self.settings["max_body_bytes"]
        kind = found.handler_class
        ours = issubclass(kind, BaseHandler)
        return max(usual, kind.larger_body(request, self.settings["city"])) if ours else usual

    def _refusal(self, request: HTTPServerRequest, found: Any) -> HTTPMessageDelegate:
        """Whoever would have answered, made to refuse; the app's files are no handler of ours."""
        ours = issubclass(found.handler_class, BaseHandler)
        kind, more = (found.handler_class, found.handler_kwargs) if ours else (NotFoundHandler, {})
        return self.get_handler_delegate(
            request, too_large(kind), more, path_args=found.path_args, path_kwargs=found.path_kwargs
        )
