"""Which sessions and accounts no longer count: kept in memory, refreshed from the database every second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from backend import clock
from backend.security.store import Revocation, SessionStore

log = logging.getLogger(__name__)

_EVERY_S = 1.0
# How far back each look reaches: clocks of two machines, and writes that became visible late.
_OVERLAP = timedelta(seconds=30)
_LONG_AGO = datetime.min.replace(tzinfo=clock.now().tzinfo)


class RevocationList:
    """Sessions that were ended, and accounts whose tokens from before an instant are void.

    What this process revokes counts here at once; every other process learns of it within a second. While the
    database is away the list in memory goes on being used.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._sessions: dict[str, datetime] = {}
        self._accounts: dict[str, Revocation] = {}
        self._seen_at = _LONG_AGO
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def covers(self, session_id: str, account_id: str, issued_at: datetime) -> bool:
        """Whether a token of this session, issued to this account at that instant, is void."""
        if session_id in self._sessions:
            return True
        if not self._accounts:
            return False
        account = self._accounts.get(account_id)
        return account is not None and issued_at <= account.at

    async def revoke_session(self, session_id: str, keep: timedelta) -> None:
        """Void every token of a session; `keep` is how long a token of it may still be about."""
        await self._revoke(f"session:{session_id}", keep)

    async def revoke_account(self, account_id: str, keep: timedelta) -> None:
        """Void every token issued to an account until now."""
        await self._revoke(f"account:{account_id}", keep)

    async def refresh(self) -> None:
        """Read what has been revoked since the last look."""
        reach = self._seen_at if self._seen_at is _LONG_AGO else self._seen_at - _OVERLAP
        for revocation in await self._store.list_revocations(reach):
            self._take(revocation)
            self._seen_at = max(self._seen_at, revocation.at)
        self._prune()

    def start(self) -> None:
        """Keep refreshing in the background until `stop`."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_refreshing(), name="revocations")

    async def stop(self) -> None:
        """End the background refresh, after the look under way.

        Not by cancelling: the driver swallows a cancellation that meets it in the middle of an operation, and
        the loop would go on for ever.
        """
        task, self._task = self._task, None
        if task is not None:
            self._stopping.set()
            await task

    async def _revoke(self, what: str, keep: timedelta) -> None:
        at = clock.now()
        revocation = Revocation(what, at, at + keep)
        await self._store.add_revocation(revocation)
        self._take(revocation)

    def _take(self, revocation: Revocation) -> None:
        kind, _, name = revocation.what.partition(":")
        if kind == "session":
            self._sessions[name] = revocation.expires_at
        else:
            self._accounts[name] = revocation

    def _prune(self) -> None:
        at = clock.now()
        for session_id in [s for s, expires_at in self._sessions.items() if expires_at <= at]:
            del self._sessions[session_id]
        for account_id in [a for a, revocation in self._accounts.items() if revocation.expires_at <= at]:
            del self._accounts[account_id]

    async def _keep_refreshing(self) -> None:
        self._stopping.clear()
        while not self._stopping.is_set():
            try:
                await self.refresh()
            except PyMongoError as error:
                log.warning("revocations_not_refreshed", extra={"error": type(error).__name__})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _EVERY_S)
