"""How providers do, counted by the minute: gathered in this process, written together a moment later."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from backend import clock
from backend.db.client import Database
from backend.messages.chooser import LATE, Tally

log = logging.getLogger(__name__)

KEPT = timedelta(days=2)
_FLUSH_S = 1.0
_Key = tuple[str, datetime]


class Tallies:
    """The collection `sms_tallies`: a document per provider and minute, and one per provider and day.

    Counts that a dying process had not written are lost: they steer, they are no books.
    """

    def __init__(self, db: Database) -> None:
        self._tallies = db.collection("sms_tallies")
        self._waiting: dict[_Key, Counter[str]] = {}
        self._flusher: asyncio.Task[None] | None = None

    def sent(self, provider: str, at: datetime) -> None:
        """A provider has taken a message."""
        self._count(provider, at, "sent")

    def reported(self, provider: str, sent_at: datetime, *, delivered: bool, at: datetime) -> None:
        """A receipt came for a message that was sent at `sent_at`."""
        if not delivered:
            self._count(provider, sent_at, "failed")
        elif at - sent_at <= LATE:
            self._count(provider, sent_at, "prompt")

    async def since(self, at: datetime) -> dict[str, list[Tally]]:
        """The minutes since an instant, by provider."""
        await self.flush()
        found: dict[str, list[Tally]] = {}
        async for doc in self._tallies.find({"at": {"$gte": at}, "span": "minute"}):
            counts = (doc.get(name, 0) for name in ("sent", "prompt", "failed"))
            found.setdefault(doc["provider"], []).append(Tally(doc["at"], *counts))
        return found

    async def sent_today(self) -> dict[str, int]:
        """How many messages each provider has taken since the city's midnight."""
        midnight = clock.city_instant(clock.today(), 0)
        cursor = self._tallies.find({"at": midnight, "span": "day"})
        return {doc["provider"]: doc.get("sent", 0) async for doc in cursor}

    async def flush(self) -> None:
        """Write what has been counted."""
        waiting, self._waiting = self._waiting, {}
        writes = [
            write for (provider, at), counts in waiting.items() for write in _writes(provider, at, counts)
        ]
        if writes:
            try:
                await self._tallies.bulk_write(writes, ordered=False)
            except PyMongoError as error:
                log.warning("tallies_lost", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """Write the rest."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self.flush()

    def _count(self, provider: str, at: datetime, what: str) -> None:
        minute = at.replace(second=0, microsecond=0)
        self._waiting.setdefault((provider, minute), Counter())[what] += 1
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_FLUSH_S)
        await self.flush()


def _writes(provider: str, minute: datetime, counts: Counter[str]) -> list[UpdateOne]:
    writes = [_write(provider, "minute", minute, dict(counts))]
    if counts["sent"]:
        midnight = clock.city_instant(clock.civil_date(minute), 0)
        writes.append(_write(provider, "day", midnight, {"sent": counts["sent"]}))
    return writes


def _write(provider: str, span: str, at: datetime, counts: dict[str, Any]) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{provider}:{span}:{at:%Y%m%d%H%M}"},
        {"$inc": counts, "$setOnInsert": {"provider": provider, "span": span, "at": at}},
        upsert=True,
    )
