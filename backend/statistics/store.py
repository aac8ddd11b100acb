"""Where the counters live. What is counted and the mark that it is counted go in together or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Ids
from datetime import date, timedelta
from typing import TypeVar

from pymongo import ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from backend import clock
from backend.db.client import DURABLE, Collection, Database, Document
from backend.db.gather import DUPLICATE_KEY, GatheredCalls
from backend.statistics.counted import Adds, difference, named
from backend.statistics.models import NOWHERE, Fact, Measure, Row, Total, adds_of

_ATTRIBUTES = ("on", "organization_id", "measure", "channel", "extra")
# The mark of a city whose months are in their counters.
MONTHS_READY = "months"
_BACKFILL = "backfill"
_SUMS = ("count", "fen", "amount")
# So often a batch is begun anew because another process counted the first of a day, or the same, at once.
_TRIES = 8
T = TypeVar("T")
Item = tuple[str, tuple[Fact, ...]]


class StatisticsStore:
    """The counters by day and by month, and what is in them: events, subjects, ends of followed streams."""

    def __init__(self, db: Database) -> None:
        self._client = db.client
        self._days = db.collection("statistics_days")
        self._months = db.collection("statistics_months")
        self._counted = db.collection("statistics_counted")
        self._subjects = db.collection("statistics_subjects")
        self._cursors = db.collection("statistics_cursors")
        self._levels = db.collection("statistics_levels")
        self._ready = False
        self._counts: GatheredCalls[Item, bool] = GatheredCalls(self._count_many)

    # -- counting --------------------------------------------------------------------------------------

    async def count(self, key: str, facts: Sequence[Fact]) -> bool:
        """Count facts once under a key; False when they were counted before.

        A transaction, because the mark and the counters are several documents and a crash between them would
        lose a count or make it twice. What comes at one moment shares one. Nobody waits for it: events come
        from the outbox.
        """
        return await self._counts.ask((key, tuple(facts)))

    async def settle(self, subject: str, read: Callable[[], Awaitable[Sequence[Fact] | None]]) -> bool:
        """Make the counters say of a subject what `read` says, whatever they said of it before.

        False when they say so already, or nothing is known of it. It is read once nobody else can settle the
        same: whoever comes later reads later, and so the last word is the newest.
        """

        async def work(session: AsyncClientSession) -> bool:
            doc = await self._subjects.find_one_and_update(
                {"_id": subject},
                {"$set": {"at": clock.now()}, "$setOnInsert": {"counted": {}}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            facts = await read()
            now = adds_of(facts or ())
            change = difference(now, doc["counted"] if doc else {}) if facts is not None else {}
            if not change:
                return False
            after = {"counted": named(now)}
            await self._subjects.update_one({"_id": subject}, {"$set": after}, session=session)
            await self._add(change, session)
            return True

        return await self._together(work)

    async def follow(self, stream: str, after: int, upto: int, facts: Sequence[Fact]) -> bool:
        """Count what a stream says up to a number; False when another process has gone on from `after`."""
        adds = adds_of(facts)

        async def work(session: AsyncClientSession) -> bool:
            changes = {"$set": {"number": upto, "at": clock.now()}}
            if after:
                rules: Document = {"_id": stream, "number": after}
                if not (await self._cursors.update_one(rules, changes, session=session)).matched_count:
                    return False
            elif await self._cursors.find_one({"_id": stream}, {"_id": 1}, session=session):
                return False
            else:
                await self._cursors.update_one({"_id": stream}, changes, upsert=True, session=session)
            await self._add(adds, session)
            return True

        return await self._together(work)

    async def reached(self, stream: str) -> int:
        """Up to which number a stream has been counted."""
        doc = await self._cursors.find_one({"_id": stream})
        return doc["number"] if doc else 0

    async def set_levels(self, on: date, facts: Sequence[Fact]) -> None:
        """Write a day's gauges in place of what the day had."""
        day = on.isoformat()
        documents = [
            {
                "_id": "|".join([day, fact.organization_id, fact.measure, fact.extra]),
                "on": day,
                "organization_id": fact.organization_id,
                "measure": str(fact.measure),
                "extra": fact.extra,
                "count": fact.count,
                "amount": fact.amount,
            }
            for fact in facts
        ]

        async def work(session: AsyncClientSession) -> None:
            await self._levels.delete_many({"on": day}, session=session)
            if documents:
                await self._levels.insert_many(documents, session=session)

        await self._together(work)

    async def _count_many(self, items: list[Item]) -> list[bool]:
        wanted = dict(items)

        async def work(session: AsyncClientSession) -> set[str]:
            known = self._counted.find({"_id": {"$in": list(wanted)}}, {"_id": 1}, session=session)
            fresh = set(wanted) - {doc["_id"] async for doc in known}
            if fresh:
                at = clock.now()
                marks = [{"_id": key, "at": at} for key in sorted(fresh)]
                await self._counted.insert_many(marks, session=session)
                await self._add(adds_of(fact for key in sorted(fresh) for fact in wanted[key]), session)
            return fresh

        fresh = await self._together(work)
        answers = []
        for key, _ in items:
            # The same twice in one batch was counted for the first.
            answers.append(key in fresh)
            fresh.discard(key)
        return answers

    async def _add(self, adds: Adds, session: AsyncClientSession) -> None:
        months: Adds = {}
        for place, added in adds.items():
            months.setdefault((place[0][:7], *place[1:]), Counter()).update(added)
        for collection, each in ((self._days, adds), (self._months, months)):
            writes = _writes(each)
            if writes:
                await collection.bulk_write(writes, ordered=False, session=session)

    async def _together(self, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self._client.start_session() as session:
                    return await session.with_transaction(work, write_concern=DURABLE)
            except (DuplicateKeyError, BulkWriteError) as error:
                # Two made the first counter of a day, or the same mark, at once: look again.
                if not tries_left or not _is_duplicate(error):
                    raise
        raise AssertionError("unreachable")

    # -- reading ---------------------------------------------------------------------------------------

    async def totals(
        self, from_on: date, to_on: date, by: tuple[str, ...], within: Ids[str] | None
    ) -> list[Row]:
        """Totals by measure and the fields `by`, for days from and to, inclusive.

        `by` may name `on`, `month`, `organization_id`, `channel` and `extra`. Whole months are read from the
        counters of months, which say the same, and what is left from those of days: two rows of one kind are
        to be added up.
        """
        group: Document = {"measure": "$measure"} | {name: f"${name}" for name in by if name != "month"}
        if "month" in by:
            group["on"] = {"$substrBytes": ["$on", 0, 7]}
        first, rows = from_on, list[Row]()
        if "on" not in by and are_months(from_on, to_on) and await self.months_are_ready():
            # A month that still runs knows of visits to come: of it the days are read, up to the last asked.
            first = to_on.replace(day=1) if _runs_on(to_on) else to_on + timedelta(days=1)
            if from_on < first:
                until = first - timedelta(days=1)
                months = _within(f"{from_on:%Y-%m}", f"{until:%Y-%m}", within)
                rows = await _grouped(self._months, months, group)
        if first <= to_on:
            days = _within(first.isoformat(), to_on.isoformat(), within)
            rows += await _grouped(self._days, days, group)
        return rows

    async def levels(
        self, from_on: date, to_on: date, by: tuple[str, ...], within: Ids[str] | None
    ) -> list[Row]:
        """The gauges as `by` wants them: each day's, or those of a month's or the period's newest day."""
        matching = _within(from_on.isoformat(), to_on.isoformat(), within)
        day = {"$substrBytes": ["$on", 0, 7]} if "month" in by else ("$on" if "on" in by else None)
        newest = await self._levels.aggregate(
            [
                {"$match": matching},
                {"$group": {"_id": {"of": day, "measure": "$measure"}, "on": {"$max": "$on"}}},
            ]
        )
        wanted = [{"on": doc["on"], "measure": doc["_id"]["measure"]} async for doc in newest]
        if not wanted:
            return []
        group: Document = {"measure": "$measure"} | {name: f"${name}" for name in by if name in ("extra",)}
        if "organization_id" in by:
            group["organization_id"] = "$organization_id"
        if day is not None:
            group["on"] = day
        return await _grouped(self._levels, matching | {"$or": wanted}, group)

    async def months_are_ready(self) -> bool:
        """Whether the months before there were counters of months are in them."""
        if not self._ready:
            self._ready = await self._cursors.find_one({"_id": MONTHS_READY}) is not None
        return self._ready

    # -- the past --------------------------------------------------------------------------------------

    async def mend_day(self, on: date, measures: Ids[Measure], found: Adds) -> bool:
        """Make a day's counters of these measures say what was found, its month's not; False when they do."""
        day = on.isoformat()
        rules = {"on": day, "measure": {"$in": sorted(measures)}}

        async def work(session: AsyncClientSession) -> bool:
            docs = await self._days.find(rules, session=session).to_list(None)
            change = difference(found, named(_adds(docs)))
            writes = _writes(change)
            if writes:
                await self._days.bulk_write(writes, ordered=False, session=session)
            return bool(writes)

        return await self._together(work)

    async def rebuild_month(self, month: str) -> None:
        """Make a month's counters the sums of its days'."""
        days = {"on": {"$gte": f"{month}-01", "$lte": f"{month}-31"}}

        async def work(session: AsyncClientSession) -> None:
            months: Adds = {}
            async for doc in self._days.find(days, session=session):
                place = (month, *(doc.get(name) or "" for name in _ATTRIBUTES[1:]))
                months.setdefault(place, Counter()).update({name: doc.get(name, 0) for name in _SUMS})
            await self._months.delete_many({"on": month}, session=session)
            writes = _writes(months)
            if writes:
                await self._months.bulk_write(writes, ordered=False, session=session)

        await self._together(work)

    async def months_ready(self) -> None:
        """From now on months are read from their counters."""
        if not await self.months_are_ready():
            mark = {"$setOnInsert": {"number": 1, "at": clock.now()}}
            await self._cursors.update_one({"_id": MONTHS_READY}, mark, upsert=True)

    async def span(self) -> tuple[date, date] | None:
        """The first and the last day of which anything has been counted."""
        days = [
            doc["on"] for order in (1, -1) async for doc in self._days.find({}).sort("on", order).limit(1)
        ]
        return (date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else None

    async def backfill(self) -> tuple[date, date, date] | None:
        """Where counting the past anew began, where it goes on and where it ends; None before it begins."""
        doc = await self._cursors.find_one({"_id": _BACKFILL})
        if doc is None:
            return None
        first_on, next_on, last_on = (date.fromordinal(doc[name]) for name in ("first", "number", "last"))
        return first_on, next_on, last_on

    async def begin_backfill(self, first_on: date, last_on: date) -> tuple[date, date, date]:
        """Begin, unless another process has; where it stands."""
        first, last = first_on.toordinal(), last_on.toordinal()
        place = {"number": first, "first": first, "last": last, "at": clock.now()}
        await self._cursors.update_one({"_id": _BACKFILL}, {"$setOnInsert": place}, upsert=True)
        return await self.backfill() or (first_on, first_on, last_on)

    async def advance_backfill(self, next_on: date) -> None:
        """Go on with a day; never back."""
        change = {"$max": {"number": next_on.toordinal()}, "$set": {"at": clock.now()}}
        await self._cursors.update_one({"_id": _BACKFILL}, change)

    async def places(self) -> set[str]:
        """The institutions of which anything has been counted or measured."""
        found = [await each.distinct("organization_id") for each in (self._days, self._levels)]
        return {*found[0], *found[1]} - {NOWHERE}

    async def counters(self, from_on: date, to_on: date) -> Adds:
        """The counters of days as they stand, for whoever counts anew."""
        found = self._days.find(_within(from_on.isoformat(), to_on.isoformat(), None))
        return _adds(await found.to_list(None))


def _within(first: str, last: str, within: Ids[str] | None) -> Document:
    matching: Document = {"on": {"$gte": first, "$lte": last}}
    if within is not None:
        matching["organization_id"] = {"$in": sorted(within)}
    return matching


async def _grouped(source: Collection, matching: Document, group: Document) -> list[Row]:
    sums = {name: {"$sum": f"${name}"} for name in _SUMS}
    rows = await source.aggregate([{"$match": matching}, {"$group": {"_id": group, **sums}}])
    return [_row(doc) async for doc in rows]


def _adds(docs: Iterable[Document]) -> Adds:
    return {
        tuple(doc.get(name) or "" for name in _ATTRIBUTES): Counter({n: doc.get(n, 0) for n in _SUMS})
        for doc in docs
    }


def _writes(adds: Mapping[tuple[str, ...], Mapping[str, int]]) -> list[UpdateOne]:
    return [
        UpdateOne(
            {"_id": "|".join(place if place[4] else place[:4])},
            {
                "$inc": {name: added.get(name, 0) for name in _SUMS},
                "$setOnInsert": dict(zip(_ATTRIBUTES, place, strict=True)),
            },
            upsert=True,
        )
        for place, added in adds.items()
        if any(added.values())
    ]


def are_months(from_on: date, to_on: date) -> bool:
    """Whether the period is whole months; the month that still runs is whole up to today."""
    return from_on.day == 1 and (not _runs_on(to_on) or to_on == clock.today())


def _runs_on(on: date) -> bool:
    """Whether its month has days after it."""
    return (on + timedelta(days=1)).day != 1


def _is_duplicate(error: DuplicateKeyError | BulkWriteError) -> bool:
    if isinstance(error, DuplicateKeyError):
        return True
    found: Iterable[Document] = (error.details or {}).get("writeErrors", [])
    return any(each.get("code") == DUPLICATE_KEY for each in found)


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
