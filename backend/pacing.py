"""How often a process sends what it gathers: seldom enough that a batch is worth its round trip."""

from __future__ import annotations

import asyncio
import time

# Under load a request waits this much longer at most; a lone one goes out at once. A batch costs as much
# processor time as several requests, so sending for every one of them would halve what a process can do.
EVERY_S = 0.008


class Pace:
    """Keeps sends at least `every_s` apart."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._last = float("-inf")

    async def wait(self) -> None:
        """Return when the next batch may go out: at once, unless one has just gone."""
        early = self._last + self._every_s - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._last = time.monotonic()
