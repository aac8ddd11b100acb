"""Where others' files are read, and pictures drawn: a few processes beside ours, so nothing holds us up."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from backend.errors import AppError, ErrorCode

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
WITHIN_S = 20.0
# What one process may hold: a small file that unpacks to gigabytes ends there, and not the machine.
MOST_BYTES = 3 * 1024**3


class Confined:
    """Runs functions of plain values in other processes, which start with the first call.

    A file that takes too long, or takes its process with it, is refused: the processes are started anew.
    """

    def __init__(self, processes: int = 2, within_s: float | None = None) -> None:
        self._processes = processes
        self._within_s = within_s
        # Whoever waits for a process is not at work yet: his time begins with his turn.
        self._free = asyncio.Semaphore(processes)
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises. Raises UNAVAILABLE where it does neither."""
        async with self._free:
            return await self._run(self._started(), function, *args, **kwargs)

    async def _run(
        self, pool: ProcessPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        try:
            async with asyncio.timeout(self._within_s or WITHIN_S):
                work = pool.submit(function, *args, **kwargs)
                return await asyncio.wrap_future(work)
        except (BrokenProcessPool, TimeoutError) as error:
            log.warning("confined_failed", extra={"what": function.__name__, "error": type(error).__name__})
            self._end(pool)
            raise AppError(ErrorCode.UNAVAILABLE, "a file could not be read or drawn") from None

    async def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._end(self._pool)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: this process has threads and connections that a copy must not use.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, context, initializer=_confine)
        return self._pool

    def _end(self, pool: ProcessPoolExecutor) -> None:
        if self._pool is pool:
            self._pool = None
        # One that does not come back does not listen either.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _confine() -> None:
    """Runs first in each process: no more memory than a picture needs, and no dump of it on any disk."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
