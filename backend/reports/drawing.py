"""Where files are read and drawn: a few processes beside ours, so that no picture holds up a request."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from backend.errors import AppError, ErrorCode

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
WITHIN_S = 20.0


class Drawing:
    """Runs functions of plain values in other processes, which start with the first call.

    A file that takes too long, or takes its process with it, is refused: the processes are started anew.
    """

    def __init__(self, processes: int = 2) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises. Raises UNAVAILABLE where it does neither."""
        pool = self._started()
        try:
            async with asyncio.timeout(WITHIN_S):
                work = pool.submit(function, *args, **kwargs)
                return await asyncio.wrap_future(work)
        except (BrokenProcessPool, TimeoutError) as error:
            log.warning("drawing_failed", extra={"what": function.__name__, "error": type(error).__name__})
            self._end(pool)
            raise AppError(ErrorCode.UNAVAILABLE, "drawing failed") from None

    async def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._end(self._pool)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: this process has threads and connections that a copy must not use.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context)
        return self._pool

    def _end(self, pool: ProcessPoolExecutor) -> None:
        if self._pool is pool:
            self._pool = None
        # One that does not come back does not listen either.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
