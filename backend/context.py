"""What every log line and background job knows without being told: the id of the request it serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request being served, or an empty string."""
    return _request_id.get()


def bind_request_id(value: str) -> None:
    """Set the id for the rest of this task."""
    _request_id.set(value)


@contextmanager
def serving(value: str) -> Iterator[None]:
    """Carry a request's id through a piece of background work."""
    token = _request_id.set(value)
    try:
        yield
    finally:
        _request_id.reset(token)
