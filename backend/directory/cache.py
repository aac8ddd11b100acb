"""A bounded memory of answers for a few seconds. It may be thrown away at any moment."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class ShortMemory(Generic[V]):
    """Keeps what was loaded for `seconds`; the callers that ask at the same moment share one load."""

    def __init__(self, seconds: float = 3.0, size: int = 4096) -> None:
        self._seconds = seconds
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._loading: dict[Hashable, asyncio.Task[V]] = {}

    def peek(self, key: Hashable) -> V | None:
        """What is remembered now, without waiting for anything."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] > time.monotonic() else None

    def last(self, key: Hashable) -> V | None:
        """What was remembered last, however long ago; for a load that only asks whether it still holds."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None else None

    async def get(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """Return the remembered value, or load and remember it."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        task = self._loading.get(key)
        if task is None:
            task = asyncio.ensure_future(self._load(key, load))
            task.add_done_callback(_seen)
            self._loading[key] = task
        # A caller that goes away must not take the answer from the others.
        return await asyncio.shield(task)

    def put(self, key: Hashable, value: V) -> None:
        """Remember what was loaded elsewhere."""
        self._keep(key, value)

    def drop(self, touched: Callable[[Hashable], bool]) -> None:
        """Forget what `touched` says has changed, loads under way included."""
        for keys in (self._kept, self._loading):
            for key in [key for key in keys if touched(key)]:
                del keys[key]

    def clear(self) -> None:
        """Forget everything, loads under way included: they may have read what has just changed."""
        self._kept.clear()
        self._loading.clear()

    async def _load(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        task = asyncio.current_task()
        try:
            value = await load()
        finally:
            current = self._loading.get(key) is task
            if current:
                del self._loading[key]
        if current:
            self._keep(key, value)
        return value

    def _keep(self, key: Hashable, value: V) -> None:
        self._kept[key] = (time.monotonic() + self._seconds, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


def _seen(task: asyncio.Task[V]) -> None:
    # A failure whose callers have all gone away is nobody's any more.
    if not task.cancelled():
        task.exception()
