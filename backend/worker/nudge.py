"""Wake the worker soon after a write, at most once in a short while; the beat sweep is the safety net."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

QUIET_S = 0.25


class Nudger:
    """Publishes one "sweep now" for all the writes of a moment, off the event loop."""

    def __init__(self, publish: Callable[[], object] | None) -> None:
        self._publish = publish
        self._running: asyncio.Task[None] | None = None
        self._wanted = False

    def kick(self) -> None:
        """Ask for a sweep; costs nothing when one is already asked for."""
        if self._publish is None:
            return
        self._wanted = True
        if self._running is None:
            self._running = asyncio.create_task(self._nudge())

    async def close(self) -> None:
        """Let a nudge under way finish."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=2)

    async def _nudge(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await asyncio.to_thread(self._publish_quietly)
                await asyncio.sleep(QUIET_S)
        finally:
            self._running = None

    def _publish_quietly(self) -> None:
        try:
            if self._publish is not None:
                self._publish()
        except OperationalError as error:
            # The sweep will find the work; a broker that is away must not fail a booking.
            log.warning("nudge_failed", extra={"error": type(error.__cause__ or error).__name__})
        except Exception as error:
            log.warning("nudge_failed", exc_info=error)
