"""The decorators of a handler method: who may call it, and what goes in and out.

    @requires(Permission.RESIDENT_APPOINTMENTS_BOOK)
    @operation("Book a held slot", status=201, errors=(ErrorCode.SLOT_TAKEN,))
    async def post(self, body: BookAppointment) -> AppointmentOut: ...

`body` and `query` are read into the annotated types, path arguments are strings, and what the method returns
is written as JSON. OpenAPI is generated from the same annotations, so the two cannot disagree.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from backend.errors import ErrorCode
from backend.permissions import Permission

if TYPE_CHECKING:
    from backend.http.base import APIHandler

Method = Callable[..., Awaitable[Any]]


@dataclass
class Access:
    """Who may call a method: holders of a permission, or everybody for a stated reason."""

    permission: Permission | None = None
    public_reason: str | None = None


@dataclass
class Operation:
    """What OpenAPI and the guards know about a handler method."""

    summary: str
    description: str
    status: int
    errors: tuple[ErrorCode, ...]
    tag: str
    rate_limit: str | None
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: Any
    # Of endpoints that speak another protocol's forms and read their own input.
    form: type[BaseModel] | None = None
    refusal: type[BaseModel] | None = None
    # What it answers in, where that is not plain JSON.
    media: str = "application/json"
    access: Access = field(default_factory=Access)


def operation(
    summary: str,
    *,
    status: int = 200,
    errors: tuple[ErrorCode, ...] = (),
    tag: str = "",
    rate_limit: str | None = None,
    form: type[BaseModel] | None = None,
    refusal: type[BaseModel] | None = None,
    media: str = "application/json",
) -> Callable[[Method], Method]:
    """Read the inputs, check access, call, write the answer. The innermost decorator.

    `form`, `refusal` and `media` only describe: an endpoint of another protocol reads and refuses by itself.
    """

    def decorate(method: Method) -> Method:
        hints = typing.get_type_hints(method)
        described = Operation(
            summary=summary,
            description=inspect.getdoc(method) or "",
            status=status,
            errors=errors,
            tag=tag or method.__module__.split(".")[-2],
            rate_limit=rate_limit,
            body=hints.get("body"),
            query=hints.get("query"),
            answer=hints.get("return"),
            form=form,
            refusal=refusal,
            media=media,
        )
        body_type, query_type, access = described.body, described.query, described.access

        @functools.wraps(method)
        async def run(self: APIHandler, **path: str) -> None:
            await self.enter(access, rate_limit)
            arguments: dict[str, Any] = dict(path)
            if body_type is not None:
                arguments["body"] = self.read_body(body_type)
            if query_type is not None:
                arguments["query"] = self.read_query(query_type)
            self.answer(status, await method(self, **arguments))

        run.__operation__ = described  # type: ignore[attr-defined]
        return run

    return decorate


def requires(permission: Permission) -> Callable[[Method], Method]:
    """Only actors whose role grants `permission` get in."""

    def decorate(method: Method) -> Method:
        operation_of(method).access.permission = permission
        return method

    return decorate


def public(reason: str) -> Callable[[Method], Method]:
    """Everybody may call this, and `reason` says why that is right."""

    def decorate(method: Method) -> Method:
        operation_of(method).access.public_reason = reason
        return method

    return decorate


def operation_of(method: object) -> Operation:
    """The description behind a handler method; raises for a method without one."""
    found = getattr(method, "__operation__", None)
    if found is None:
        raise TypeError(f"{method!r} has no @operation")
    return typing.cast(Operation, found)


HTTP_METHODS = ("get", "post", "put", "patch", "delete")


def operations_of(handler: type) -> dict[str, Operation]:
    """Every HTTP method a handler class itself answers, by name, with its description."""
    found = {}
    for name in HTTP_METHODS:
        method = getattr(handler, name)
        if getattr(method, "__qualname__", "").startswith("RequestHandler."):
            continue  # Tornado's own: answers 405
        found[name] = operation_of(method)
    return found


def check_access_is_declared(handler: type) -> None:
    """Raise unless every method of `handler` names a permission or says why it is public."""
    for name, described in operations_of(handler).items():
        if described.access.permission is None and not described.access.public_reason:
            raise TypeError(f"{handler.__name__}.{name} declares neither @requires nor @public")
