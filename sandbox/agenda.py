"""What happens later (retries, refunds, reports): one persisted list, with compressible time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.state import AgendaItem, Keeper, new_token

log = logging.getLogger(__name__)
Action = Callable[[dict[str, Any]], Awaitable[None]]


class Agenda:
    """Runs each item once its instant has come; items of a kind nobody serves stay where they are."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._actions: dict[str, Action] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def _items(self) -> dict[str, AgendaItem]:
        return self._keeper.state.agenda

    def serve(self, kind: str, action: Action) -> None:
        """Say who does the items of a kind."""
        self._actions[kind] = action

    def after(self, delay_s: float, kind: str, data: dict[str, Any], *, compressed: bool = True) -> None:
        """Do something in `delay_s` seconds of the sandbox's time."""
        factor = self._keeper.state.time_factor if compressed else 1.0
        item = AgendaItem(new_token(), self._keeper.clock() + delay_s / factor, kind, data, compressed)
        self._items[item.id] = item
        self._keeper.changed()
        self._wake.set()

    def compress(self, factor: float) -> None:
        """Let the sandbox's time run `factor` times as fast; what is already waiting moves closer too."""
        if not 0 < factor <= 1_000_000:
            raise ValueError("factor must be over 0 and at most 1000000")
        now, ratio = self._keeper.clock(), self._keeper.state.time_factor / factor
        for item in self._items.values():
            if item.compressed and item.at > now:
                item.at = now + (item.at - now) * ratio
        self._keeper.state.time_factor = factor
        self._keeper.changed()
        self._wake.set()

    def start(self) -> None:
        """Begin to keep appointments, those from before a restart included."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what is not done stays on the list."""
        tasks = [*self._running, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            now = self._keeper.clock()
            for item in [
                item for item in self._items.values() if item.at <= now and item.kind in self._actions
            ]:
                del self._items[item.id]
                self._keeper.changed()
                task = asyncio.create_task(self._do(item))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await self._sleep_until_next(now)

    async def _sleep_until_next(self, now: float) -> None:
        waits = [item.at - now for item in self._items.values() if item.kind in self._actions]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min(waits), 0.001) if waits else None):
                await self._wake.wait()

    async def _do(self, item: AgendaItem) -> None:
        try:
            await self._actions[item.kind](item.data)
        except asyncio.CancelledError:
            self._items[item.id] = item
            raise
        except Exception:
            log.exception("agenda item failed", extra={"kind": item.kind})
