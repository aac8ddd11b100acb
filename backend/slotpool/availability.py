"""What is free: live numbers per pool, kept for a moment in memory and corrected by every claim made here.

The cache is only a hint about where to try; the insert decides. Before anybody is told "sold out" the pool is
read afresh, so a free slot can always be sold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from backend.slotpool.claims_store import ClaimStore

FRESH_S = 1.0
MAX_POOLS = 20_000


@dataclass
class _Pool:
    taken: dict[str, set[int]] = field(default_factory=dict)
    read_at: float = float("-inf")
    reading: asyncio.Task[None] | None = None


class Availability:
    """Taken numbers by pool. One per process."""

    def __init__(self, store: ClaimStore) -> None:
        self._store = store
        self._pools: dict[str, _Pool] = {}
        self._trying: dict[str, list[int]] = {}

    async def taken(self, pool_key: str) -> dict[str, set[int]]:
        """Taken numbers of every schedule in the pool, at most a second old."""
        pool = self._pool(pool_key)
        if time.monotonic() - pool.read_at > FRESH_S:
            await self._read(pool_key, pool)
        return pool.taken

    async def taken_now(self, pool_key: str) -> dict[str, set[int]]:
        """Taken numbers by a read that began after this call; callers of one moment share it."""
        pool = self._pool(pool_key)
        running = pool.reading
        if running is not None:
            await asyncio.wait([running])  # It began before us, so it may be too old: wait for the next.
        if pool.reading is None or pool.reading is running:
            await self._read(pool_key, pool)
        else:
            await asyncio.wait([pool.reading])
        return pool.taken

    def mark(self, pool_key: str, schedule_id: str, number: int, *, taken: bool) -> None:
        """Remember what this process has just seen happen."""
        numbers = self._pool(pool_key).taken.setdefault(schedule_id, set())
        if taken:
            numbers.add(number)
        else:
            numbers.discard(number)

    def being_tried(self, schedule_id: str) -> frozenset[int]:
        """Numbers whose insert is under way in this process; how it ends is not known yet."""
        return frozenset(self._trying.get(schedule_id, ()))

    @contextmanager
    def trying(self, schedule_id: str, number: int) -> Iterator[None]:
        """Say that an insert is under way."""
        numbers = self._trying.setdefault(schedule_id, [])
        numbers.append(number)
        try:
            yield
        finally:
            numbers.remove(number)
            if not numbers:
                self._trying.pop(schedule_id, None)

    def _pool(self, pool_key: str) -> _Pool:
        pool = self._pools.get(pool_key)
        if pool is None:
            if len(self._pools) >= MAX_POOLS:
                self._pools.clear()  # Only a cache: simplest is to begin again.
            pool = self._pools[pool_key] = _Pool()
        return pool

    async def _read(self, pool_key: str, pool: _Pool) -> None:
        if pool.reading is None:
            pool.reading = asyncio.create_task(self._fill(pool_key, pool))
        reading = pool.reading
        await asyncio.wait([reading])
        reading.result()

    async def _fill(self, pool_key: str, pool: _Pool) -> None:
        try:
            began = time.monotonic()
            pool.taken = await self._store.taken_numbers([pool_key])
            pool.read_at = began
        finally:
            pool.reading = None
