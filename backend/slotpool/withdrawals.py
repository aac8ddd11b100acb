"""Taking places off sale: a place that is to go or to move is first claimed by nobody, so that nobody has it.

Web processes sell from schedules that may be `CACHED_S` old. Whoever asks for a place that a new schedule no
longer has, meets its withdrawal at the unique index of the claims, as he would meet another's booking. A
withdrawal ends by the clock, like a hold, so nothing is lost for good with a process that dies over it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from backend import clock
from backend.db.client import Document
from backend.slotpool.claims_models import Claim
from backend.slotpool.claims_rules import withdrawal_of
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules_models import Schedule

# How old a schedule another process sells from may be.
CACHED_S = 2.0
# So long a place that goes stays withdrawn, and one under a change that never ended.
LEASE = timedelta(seconds=60)
# A place that is on sale again, at another time, say, comes back when no copy of its old schedule is left,
# nor any request that has read one and is slow to insert what it wants.
COMES_BACK_AFTER = timedelta(seconds=CACHED_S + 8)

Places = Mapping[str, Collection[int]]


class Withdrawals:
    """What publishing needs of the claims."""

    def __init__(self, store: ClaimStore) -> None:
        self._store = store

    async def sold_numbers(self, pool_keys: Sequence[str]) -> dict[str, set[int]]:
        """Numbers that people hold or have booked, by schedule."""
        return await self._store.sold_numbers(pool_keys)

    async def withdraw(
        self, schedules: Sequence[Schedule], numbers: Places, change: str
    ) -> dict[str, set[int]]:
        """Claim these numbers for nobody, until `settle`; returns those that somebody has, by schedule."""
        now = clock.now()
        sold = await self._sold_of(schedules, numbers)
        wanted = [
            withdrawal_of(schedule, schedule.by_number[number], now)
            for schedule in schedules
            for number in (() if schedule.id in sold else numbers[schedule.id])
        ]
        for place in await self._claim_for_nobody(wanted, change, now):
            sold.setdefault(place["schedule_id"], set()).add(place["number"])
        return sold

    async def settle(self, stored: Iterable[Schedule], pool_keys: Collection[str], change: str) -> None:
        """The change is over, done or refused: what the schedules sell, as they are now, comes back soon."""
        until = clock.now() + COMES_BACK_AFTER
        await self._store.settle_withdrawn(stored, pool_keys, change, until)

    async def _sold_of(self, schedules: Sequence[Schedule], numbers: Places) -> dict[str, set[int]]:
        """What is known to be sold: asked first, so that a change that cannot be keeps nothing off sale."""
        sold = await self._store.sold_numbers(sorted({schedule.pool_key for schedule in schedules}))
        found = {each.id: sold.get(each.id, set()).intersection(numbers[each.id]) for each in schedules}
        return {schedule_id: numbers for schedule_id, numbers in found.items() if numbers}

    async def _claim_for_nobody(
        self, wanted: Sequence[Document], change: str, now: datetime
    ) -> list[Document]:
        """What could not be claimed: somebody was quicker."""
        until = now + LEASE
        over: list[Document] = []
        had: list[Document] = []
        for place in await self._store.withdraw(wanted, change, until):
            # A hold whose time is over but that nobody has swept yet is in nobody's way.
            (over if await self._is_over(place, now) else had).append(place)
        return had + await self._store.withdraw(over, change, until)

    async def _is_over(self, place: Document, now: datetime) -> bool:
        other = await self._store.find_live_on_slot(place["pool_key"], place["schedule_id"], place["number"])
        return not isinstance(other, Claim) or await self._store.expire(other, now) is not None
