"""What health codes leave behind is kept for a stated time and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backend import clock
from backend.healthcodes.store import HealthCodeStore

# One run of the job: so much at once that nobody waits for it, so often that it keeps up.
_BATCH, _MOST_BATCHES = 1000, 50


@dataclass(frozen=True, slots=True)
class Retention:
    """How long uses and revoked printed codes are kept; None is for ever."""

    uses: timedelta | None = None
    revoked_codes: timedelta | None = None


class Forgetting:
    """Deletes what is over."""

    def __init__(self, store: HealthCodeStore, retention: Retention) -> None:
        self._store = store
        self._retention = retention

    async def run(self) -> int:
        """Periodic: returns how much went."""
        return await self._forget_uses() + await self._forget_codes()

    async def _forget_uses(self) -> int:
        if self._retention.uses is None:
            return 0
        gone = 0
        for _ in range(_MOST_BATCHES):
            deleted, more = await self._store.delete_uses(clock.now() - self._retention.uses, _BATCH)
            gone += deleted
            if not more:
                break
        return gone

    async def _forget_codes(self) -> int:
        if self._retention.revoked_codes is None:
            return 0
        return await self._store.delete_revoked(clock.now() - self._retention.revoked_codes)
