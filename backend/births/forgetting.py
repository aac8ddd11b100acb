"""How long filings, their files and the births they are about are kept, and what is deleted after that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.births.asking import Kept

AT_ONCE = 200


@dataclass(frozen=True)
class Retention:
    """For how long after the end of a filing; None is for ever."""

    files: timedelta | None
    filings: timedelta | None


class Forgetting:
    """Deletes what the city has no more reason to keep. Safe to repeat and to be cut short."""

    def __init__(self, kept: Kept, retention: Retention) -> None:
        self._kept = kept
        self._retention = retention

    async def run(self) -> int:
        """Periodic: one batch of each; how many things are gone."""
        return await self._files() + await self._filings() + await self._births()

    async def _files(self) -> int:
        if self._retention.files is None:
            return 0
        before = clock.now() - self._retention.files
        over = await self._kept.filings.ended_before(before, with_files=True, limit=AT_ONCE)
        for filing in over:
            await self._kept.files.delete_of(filing.id)
            await self._kept.filings.write(replace(filing, files=()))
        return len(over)

    async def _filings(self) -> int:
        if self._retention.filings is None:
            return 0
        before = clock.now() - self._retention.filings
        over = await self._kept.filings.ended_before(before, with_files=False, limit=AT_ONCE)
        gone = [filing for filing in over if not filing.concerns]
        for filing in gone:
            await self._kept.files.delete_of(filing.id)
            await self._kept.filings.delete(filing.id)
        return len(gone)

    async def _births(self) -> int:
        if self._retention.filings is None:
            return 0
        gone = 0
        for birth_id in await self._kept.births.noted_before(clock.now() - self._retention.filings, AT_ONCE):
            if not await self._kept.filings.of_birth(birth_id):
                await self._kept.births.delete(birth_id)
                gone += 1
        return gone
