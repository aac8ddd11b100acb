"""One WeChat application (mini-program or official account), through wechatpy with its faults taken out.

wechatpy retries without end on a bad token, fetches tokens without a timeout and by the old interface that
invalidates other processes' tokens, and knows one address only. Here: `stable_token`,
one retry, timeouts, a given address, our errors, and a thread pool because the SDK blocks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from notify.base import Observer, doubt, observed_call, unobserved
from notify.ports import NotifyError, RejectedError, RejectReason, RetryableError, ThrottledError
from notify.wechat.tokens import MemoryTokenStorage, TokenStorage

_BAD_TOKEN = frozenset({40001, 40014, 42001})
# A token is renewed this long before WeChat lets it go.
_TOKEN_MARGIN_S = 120
_RETRYABLE = frozenset({-1, 43108})
_THROTTLED = frozenset({45009, 45011})
REJECT_REASONS: dict[int, RejectReason] = {
    40001: RejectReason.MISCONFIGURED,
    40002: RejectReason.MISCONFIGURED,
    40013: RejectReason.MISCONFIGURED,
    40125: RejectReason.MISCONFIGURED,
    40164: RejectReason.MISCONFIGURED,
    43107: RejectReason.MISCONFIGURED,
    48001: RejectReason.MISCONFIGURED,
    40029: RejectReason.CODE_INVALID,
    40163: RejectReason.CODE_INVALID,
    40003: RejectReason.BAD_RECIPIENT,
    50002: RejectReason.BAD_RECIPIENT,
    43101: RejectReason.NOT_SUBSCRIBED,
    43004: RejectReason.NOT_NOW,
    45015: RejectReason.NOT_NOW,
    45047: RejectReason.NOT_NOW,
    45002: RejectReason.BAD_CONTENT,
    44004: RejectReason.BAD_CONTENT,
    40037: RejectReason.BAD_CONTENT,
    41030: RejectReason.BAD_CONTENT,
    45168: RejectReason.BAD_CONTENT,
    47003: RejectReason.BAD_CONTENT,
}


@dataclass(frozen=True)
class WeChatAppConfig:
    """An application at the WeChat platform."""

    api_url: str
    app_id: str
    secret: str = field(repr=False)
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 8.0
    threads: int = 8


class _SDKClient(WeChatClient):  # type: ignore[misc]  # the SDK has no types
    """wechatpy's client with another address, another token source and no retries of its own."""

    def __init__(self, config: WeChatAppConfig, storage: TokenStorage) -> None:
        timeout = (config.connect_timeout_s, config.read_timeout_s)
        super().__init__(config.app_id, config.secret, session=storage, timeout=timeout, auto_retry=False)
        self._base = config.api_url.rstrip("/")

    @property
    def access_token(self) -> str:
        """The kept token; a process-wide expiry, as the SDK has it, would forget other processes."""
        return self.session.get(self.access_token_key) or self.fetch_access_token()

    def fetch_access_token(self, *, force: bool = False) -> str:
        """A token by the interface that hands every process the same one."""
        body = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": force,
        }
        answer = self.call("post", "cgi-bin/stable_token", data=body)
        token = str(answer["access_token"])
        self.session.set(self.access_token_key, token, int(answer["expires_in"]) - _TOKEN_MARGIN_S)
        return token

    def renew_access_token(self, refused: str) -> str:
        """Another token than the refused one: a neighbour's, a new one, or at last a forced one."""
        kept = self.session.get(self.access_token_key)
        if kept and kept != refused:
            return str(kept)
        token = self.fetch_access_token()
        return token if token != refused else self.fetch_access_token(force=True)

    def call(
        self, method: str, path: str, params: Mapping[str, str] | None = None, data: Any = None
    ) -> dict[str, Any]:
        """One request. The SDK adds a token to parameters given as a dict, never to a list of pairs."""
        arguments: dict[str, Any] = {"params": list((params or {}).items())}
        if data is not None:
            arguments["data"] = data
        answer = self._request(method, f"{self._base}/{path}", **arguments)
        if not isinstance(answer, dict):
            raise ValueError("not a JSON object")
        return answer

    def call_with_token(self, method: str, path: str, data: Any) -> dict[str, Any]:
        """One request with the application's token, repeated once with another token."""
        token = self.access_token
        try:
            return self.call(method, path, {"access_token": token}, data)
        except WeChatClientException as error:
            if error.errcode not in _BAD_TOKEN:
                raise
        return self.call(method, path, {"access_token": self.renew_access_token(token)}, data)


class WeChatApp:
    """The application's interfaces as coroutines."""

    def __init__(
        self,
        config: WeChatAppConfig,
        *,
        storage: TokenStorage | None = None,
        observe: Observer = unobserved,
    ) -> None:
        self.config = config
        self._storage = storage or MemoryTokenStorage()
        self._observe = observe
        self._pool = ThreadPoolExecutor(config.threads, thread_name_prefix="wechat")
        self._local = threading.local()
        # A token fetch, the call, a renewal and the call again, each within its own timeouts.
        self._deadline_s = 4 * (config.connect_timeout_s + config.read_timeout_s)

    async def get(self, operation: str, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """A reading request that carries no token."""
        return await self._run(operation, lambda client: client.call("get", path, params), read=True)

    async def post(
        self, operation: str, path: str, data: Mapping[str, Any], *, read: bool = False
    ) -> dict[str, Any]:
        """A request with the application's token."""
        body = dict(data)
        return await self._run(
            operation, lambda client: client.call_with_token("post", path, body), read=read
        )

    async def aclose(self) -> None:
        """Let the threads finish."""
        await asyncio.get_running_loop().run_in_executor(None, partial(self._pool.shutdown, wait=True))

    async def _run(
        self, operation: str, work: Callable[[_SDKClient], dict[str, Any]], *, read: bool
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        async with observed_call(
            "wechat", operation, deadline_s=self._deadline_s, read=read, observe=self._observe
        ):
            return await loop.run_in_executor(self._pool, partial(self._guarded, work, read=read))

    def _guarded(self, work: Callable[[_SDKClient], dict[str, Any]], *, read: bool) -> dict[str, Any]:
        """Run `work` in a pool thread. Causes are dropped: their text holds URLs with the secret in them."""
        try:
            return work(self._client())
        except WeChatClientException as error:
            raise _error_of(error, read=read) from None
        except requests.RequestException as error:
            raise _connection_error(error, read=read) from None
        except (ValueError, KeyError) as error:
            raise doubt(read=read)("UNREADABLE", type(error).__name__) from None

    def _client(self) -> _SDKClient:
        """One SDK client, and so one connection pool, per thread."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = _SDKClient(self.config, self._storage)
        return client


def _error_of(error: WeChatClientException, *, read: bool) -> NotifyError:
    if error.errcode is None:
        status = getattr(error.response, "status_code", 0)
        return doubt(read=read)(f"HTTP_{status}")
    errcode, detail = int(error.errcode), str(error.errmsg)[:200]
    if errcode in _RETRYABLE:
        return RetryableError(str(errcode), detail)
    if errcode in _THROTTLED:
        return ThrottledError(str(errcode), detail)
    return RejectedError(str(errcode), detail, REJECT_REASONS.get(errcode, RejectReason.OTHER))


def _connection_error(error: requests.RequestException, *, read: bool) -> NotifyError:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return RetryableError("UNREACHABLE", type(error).__name__)
    return doubt(read=read)("CONNECTION", type(error).__name__)
