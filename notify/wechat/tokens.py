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


class Sealing(Protocol):
    """Makes a text unreadable to whoever can look into the storage."""

    def seal(self, key: str, text: str) -> bytes:
        """What is stored under `key`."""

    def open(self, key: str, sealed: bytes) -> str | None:
        """The text again; None when it cannot be opened (any more)."""


class RedisTokenStorage:
    """In a Redis shared by all processes, sealed; `client` is a synchronous `redis.Redis`.

    Whoever has a token speaks to WeChat as the city: a copy of Redis must not be enough for that.
    """

    def __init__(self, client: Any, sealing: Sealing, prefix: str = "wechat:") -> None:
        self._client = client
        self._sealing = sealing
        self._prefix = prefix

    def get(self, key: str, default: str | None = None) -> str | None:
        """The kept text, or `default`."""
        sealed = self._client.get(self._prefix + key)
        text = self._sealing.open(key, sealed) if sealed is not None else None
        return default if text is None else text

    def set(self, key: str, value: str, ttl: float | None = None) -> None:
        """Keep `value`, for `ttl` seconds if given."""
        sealed = self._sealing.seal(key, value)
        self._client.set(self._prefix + key, sealed, ex=max(1, int(ttl)) if ttl is not None else None)

    def delete(self, key: str) -> None:
        """Forget the text."""
        self._client.delete(self._prefix + key)
