"""One HTTP exchange with an SMS provider: what a broken connection or a bare status means for the message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import httpx

from notify.base import Observer, doubt, observed_call
from notify.ports import (
    InvalidNoticeError,
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
)
from notify.sms.reading import read_json

T = TypeVar("T")
# So many calls are under way at once; the client looks over all its connections before each of them.
AT_ONCE = 16


class SMSWire:
    """A provider's address. Belongs to the event loop of its first call."""

    def __init__(
        self, provider: str, url: str, *, connect_timeout_s: float, read_timeout_s: float, observe: Observer
    ) -> None:
        self._provider = provider
        self._observe = observe
        self._deadline_s = connect_timeout_s + read_timeout_s + 1
        timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=timeout)
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def post(
        self,
        path: str,
        content: bytes,
        operation: str,
        judge: Callable[[httpx.Response], T],
        *,
        read: bool,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Post, and let `judge` make a value or a NotifyError of what came back."""
        async with (
            self._at_once,
            observed_call(
                self._provider, operation, deadline_s=self._deadline_s, read=read, observe=self._observe
            ),
        ):
            try:
                response = await self._http.post(path, content=content, headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise RetryableError("UNREACHABLE", type(error).__name__) from error
            except httpx.HTTPError as error:
                raise doubt(read=read)("CONNECTION", type(error).__name__) from error
            return judge(response)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class WireConfig(Protocol):
    """What every provider's configuration says of the way there."""

    @property
    def url(self) -> str:
        """The provider's address."""

    @property
    def connect_timeout_s(self) -> float:
        """How long a connection may take."""

    @property
    def read_timeout_s(self) -> float:
        """How long an answer may take."""


class SMSProvider:
    """What the adapters have in common: a wire of their own, and letting go of it."""

    name: str

    def _open(self, config: WireConfig, observe: Observer) -> SMSWire:
        self._wire = SMSWire(
            self.name,
            config.url,
            connect_timeout_s=config.connect_timeout_s,
            read_timeout_s=config.read_timeout_s,
            observe=observe,
        )
        return self._wire

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


def status_error(status: int, *, read: bool) -> NotifyError:
    """What a status means when nothing readable stands beside it."""
    code = f"HTTP_{status}"
    if status == 429:
        return ThrottledError(code)
    if status == 503:
        return RetryableError(code)
    if status >= 500:
        return doubt(read=read)(code)
    return RejectedError(code, reason=RejectReason.MISCONFIGURED)


def answered_json(response: httpx.Response, *, read: bool) -> Any:
    """The answer's JSON; one that cannot be read leaves a message in doubt."""
    try:
        return read_json(response.content)
    except InvalidNoticeError as error:
        raise doubt(read=read)(error.code, error.detail) from error
