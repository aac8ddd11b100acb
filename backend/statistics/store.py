"""Where the counters live. An event and its count go in together or not at all."""

from __future__ import annotations

from collections.abc import Collection as Ids
from datetime import date
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import DURABLE, Database, Document
from backend.statistics.models import NOWHERE, Fact, Measure, Row, Total


class StatisticsStore:
    """Collections `statistics_days` (the counters) and `statistics_counted` (which events are in them)."""

    def __init__(self, db: Database) -> None:
        self._client = db.client
        self._days = db.collection("statistics_days")
        self._counted = db.collection("statistics_counted")

    async def count(self, event_id: str, fact: Fact) -> bool:
        """Count a fact once per event; False when this event was counted before.

        A transaction, because the mark and the counter are two documents and a crash between them would lose
        a count or make it twice. Nobody waits for it: events come from the outbox.
        """

        async def both(session: AsyncClientSession) -> None:
            mark = {"_id": event_id, "at": clock.now()}
            await self._counted.insert_one(mark, session=session)
            await self._days.update_one(_key(fact), _added(fact), upsert=True, session=session)

        try:
            async with self._client.start_session() as session:
                await session.with_transaction(both, write_concern=DURABLE)
        except DuplicateKeyError:
            # Met on the mark it is a repeat; met on the counter, two first counts of a day raced.
            if await self._counted.find_one({"_id": event_id}, {"_id": 1}) is None:
                raise
            return False
        return True

    async def totals(
        self, from_on: date, to_on: date, by: tuple[str, ...], within: Ids[str] | None
    ) -> list[Row]:
        """Totals by measure and the fields `by`, for days from and to, inclusive.

        `by` may name `on`, `month`, `organization_id`, `channel` and `extra`.
        """
        matching: Document = {"on": {"$gte": from_on.isoformat(), "$lte": to_on.isoformat()}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        group: Document = {"measure": "$measure"} | {name: f"${name}" for name in by if name != "month"}
        if "month" in by:
            group["on"] = {"$substrBytes": ["$on", 0, 7]}
        sums = {name: {"$sum": f"${name}"} for name in ("count", "fen", "amount")}
        rows = await self._days.aggregate([{"$match": matching}, {"$group": {"_id": group, **sums}}])
        return [_row(doc) async for doc in rows]

    async def places(self) -> set[str]:
        """The institutions of which anything has been counted."""
        return set(await self._days.distinct("organization_id")) - {NOWHERE}


def _key(fact: Fact) -> Document:
    key: dict[str, Any] = {
        "on": fact.on.isoformat(),
        "organization_id": fact.organization_id,
        "measure": fact.measure.value,
        "channel": fact.channel,
    }
    return {"_id": "|".join(key.values()), **key}


def _added(fact: Fact) -> Document:
    return {"$inc": {"count": 1, "fen": fact.fen}}


def _row(doc: Document) -> Row:
    group = doc["_id"]
    return Row(
        total=Total(count=doc["count"], fen=doc["fen"], amount=doc["amount"]),
        measure=Measure(group["measure"]),
        on=group.get("on", ""),
        organization_id=group.get("organization_id", ""),
        channel=group.get("channel", ""),
        extra=group.get("extra") or "",
    )
