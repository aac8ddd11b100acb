"""Which time limits count now, and the city's change of them."""

from __future__ import annotations

import time

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor
from backend.referrals.limits import TimeLimits
from backend.referrals.limits_store import Edition, LimitsStore
from backend.referrals.parts import may_act, may_read
from backend.referrals.ports import Audit

# So long a process goes on with what it has read: a step that is due is not due to the second.
REMEMBERED_S = 5.0
_BASIS = "supervision"


class LimitsBook:
    """The table as the city has last stated it; until then the one that it came with."""

    def __init__(self, store: LimitsStore, delivered: TimeLimits, audit: Audit) -> None:
        self._store = store
        self._delivered = Edition(0, delivered)
        self._audit = audit
        self._remembered: tuple[float, TimeLimits] | None = None

    async def now(self) -> TimeLimits:
        """What counts for the next step of any referral; a clock that runs already runs out as it was set."""
        if self._remembered is None or self._remembered[0] <= time.monotonic():
            self._remember(await self._last())
        return self._remembered[1] if self._remembered else self._delivered.limits

    async def read(self, actor: Actor) -> Edition:
        """The edition that counts. Raises FORBIDDEN."""
        if actor.kind != "staff" or not may_read(actor):
            raise AppError(ErrorCode.FORBIDDEN, "no limits of theirs")
        return await self._last()

    async def state(self, actor: Actor, number: int, limits: TimeLimits) -> Edition:
        """Change the edition `number`. Raises FORBIDDEN, and VERSION_CONFLICT where it is not the last."""
        if actor.kind != "staff" or actor.organization_ids is not None or not may_act(actor):
            raise AppError(ErrorCode.FORBIDDEN, "the city's limits")
        last = await self._last()
        following = limits.model_copy(update={"edition": str(number + 1)})
        edition = Edition(number + 1, following, actor.id, clock.now())
        if last.number != number or not await self._store.add(edition):
            raise AppError(ErrorCode.VERSION_CONFLICT, "somebody has changed them meanwhile")
        self._remember(edition)
        await self._audit.record(
            actor, "referrals.limits", f"referral_limits/{edition.number}", _BASIS, data={"before": number}
        )
        return edition

    async def _last(self) -> Edition:
        return await self._store.last() or self._delivered

    def _remember(self, edition: Edition) -> None:
        self._remembered = (time.monotonic() + REMEMBERED_S, edition.limits)
