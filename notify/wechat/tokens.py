"""Where access tokens are kept between calls: in this process, or in Redis for all processes.

The form is wechatpy's session (get, set, delete), so the SDK uses it as it is. Since tokens come from
`stable_token`, processes that each keep their own are handed the same one and do not fight.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol


class TokenStorage(Protocol):
    """Keeps texts until their time is over. Called from several threads."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """The kept text, or `default`."""

    def set(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keep `value`, for `ttl` seconds if given."""

    def delete(self, key: str) -> None:
        """Forget the text."""


class MemoryTokenStorage:
    """In this process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, default: str | None = None) -> str | None:
        """The kept text, or `default`."""
        with self._lock:
            value, until = self._kept.get(key, ("", 0.0))
        return value if until > time.monotonic() else default

    def set(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keep `value`, for `ttl` seconds if given."""
        with self._lock:
            self._kept[key] = (value, time.monotonic() + (ttl if ttl is not None else float("inf")))

    def delete(self, key: str) -> None:
        """Forget the text."""
        with self._lock:
            self._kept.pop(key, None)


class RedisTokenStorage:
    """In a Redis shared by all processes; `client` is a synchronous `redis.Redis`."""

    def __init__(self, client: Any, prefix: str = "wechat:") -> None:
        self._client = client
        self._prefix = prefix

    def get(self, key: str, default: str | None = None) -> str | None:
        """The kept text, or `default`."""
        value = self._client.get(self._prefix + key)
        return value.decode() if value is not None else default

    def set(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keep `value`, for `ttl` seconds if given."""
        self._client.set(self._prefix + key, value, ex=max(1, int(ttl)) if ttl is not None else None)

    def delete(self, key: str) -> None:
        """Forget the text."""
        self._client.delete(self._prefix + key)
