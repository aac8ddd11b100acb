"""The outbox: the truth about what must still happen. Any process may die between any two lines of it.

Stores write events into their own documents (`events`, `events_due: true`). The relay copies each to one job
per subscriber, whose `_id` is `<event>:<subscriber>` so that copying twice makes one job, and then takes the
event off the document. A job is queued, leased, run and marked done; whoever dies leaves a lease that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, ConnectionFailure

from backend import clock, context, metrics
from backend.db.client import Collection, Database, Document
from backend.db.failures import is_away
from backend.db.gather import GatheredCalls
from backend.ids import new_id
from backend.security.redaction import redact
from backend.worker.events import BULK, NORMAL, URGENT, Bus, Event, RetryLater

log = logging.getLogger(__name__)

RELAY_BATCH = 500
CHUNK = 30  # jobs per task: the broker's cost is shared, and they run side by side
BULK_AT_HAND = 300  # so many jobs of the lowest priority are with the broker at once
QUEUE_LEASE = timedelta(seconds=30)  # a task lost by the broker is queued again after this
RUN_LEASE = timedelta(seconds=60)  # a job whose worker died runs again after this
MAX_ATTEMPTS = 25
LONGEST_BACKOFF_S = 900
_DUPLICATE_KEY = 11000
_AGAIN_S = 0.5
T = TypeVar("T")


class Outbox:
    """Relay, queue and run. One per process."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._jobs = db.collection("outbox")
        self._db = db
        self._bus = bus
        self._sources: list[Collection] = []
        self._leases = GatheredCalls(self._lease_many)
        self._ends = GatheredCalls(self._end_many)
        self._delays = GatheredCalls(self._delay_many)

    def watch(self, *collections: str) -> None:
        """Name the collections whose documents embed events."""
        self._sources.extend(self._db.collection(name) for name in collections)

    async def add(self, *events: Event) -> None:
        """Make the jobs of events that no document carries, because the job itself is the state."""
        await self._insert_jobs(job for event in events for job in self._jobs_of(event))

    async def relay(self) -> int:
        """Turn embedded events into jobs; returns how many documents were relayed."""
        return sum([await self._relay_from(source) for source in self._sources])

    async def take_due(self, limit: int = RELAY_BATCH) -> list[str]:
        """Mark due jobs as queued and return their ids: the caller hands them to workers."""
        now = clock.now()
        ids: list[str] = []
        for priority in (URGENT, NORMAL, BULK):
            room = min(limit - len(ids), await self._bulk_room() if priority == BULK else limit)
            if room <= 0:
                break
            ids += await self._due_of(priority, now, room)
        if ids:
            await self._queue(ids, now)
        return ids

    async def _due_of(self, priority: int, now: datetime, room: int) -> list[str]:
        # Jobs of an older version of ours say nothing of it.
        which = {"$in": [NORMAL, None]} if priority == NORMAL else priority
        rules = {"state": "due", "priority": which, "due_at": {"$lte": now}}
        due = self._jobs.find(rules, {"_id": 1}).sort("due_at", ASCENDING).limit(room)
        return [job["_id"] for job in await due.to_list(None)]

    async def _bulk_room(self) -> int:
        """How many jobs of the many may be handed out: what is urgent must not wait behind a heap of them."""
        rules = {"state": "due", "queued": True, "priority": BULK, "due_at": {"$gt": clock.now()}}
        return BULK_AT_HAND - await self._jobs.count_documents(rules, limit=BULK_AT_HAND)

    async def _queue(self, ids: list[str], now: datetime) -> None:
        # Nobody repeats a write of many for us. Should only its answer be lost, the jobs are handed over all
        # the same, for `run` takes none that is not queued; else they would wait for their lease to end.
        with contextlib.suppress(AutoReconnect):
            await self._jobs.update_many(
                {"_id": {"$in": ids}, "state": "due", "due_at": {"$lte": now}},
                {"$set": {"queued": True, "due_at": now + QUEUE_LEASE}},
            )

    async def run(self, job_id: str) -> bool:
        """Run one queued job; a second delivery of the same task finds it taken and does nothing."""
        job = await self._leases.ask(job_id)
        if job is None:
            return False
        with context.serving(job.get("request_id") or job["event_id"]):
            started = time.monotonic()
            outcome = await self._run_leased(job)
            metrics.OUTBOX_RUNS.labels(job["subscriber"], outcome).inc()
            seen = {"job": job_id, "subscriber": job["subscriber"], "outcome": outcome}
            log.info("outbox_job", extra=seen | {"ms": round((time.monotonic() - started) * 1000, 2)})
        return True

    async def _lease_many(self, job_ids: list[str]) -> list[Document | None]:
        """Take queued jobs for this run; asked again by the same run, the same jobs. One id is taken once."""
        mine = new_id()
        taken = await _insist(lambda: self._lease(list(dict.fromkeys(job_ids)), mine))
        return [taken.pop(job_id, None) for job_id in job_ids]

    async def _lease(self, job_ids: list[str], run_id: str) -> dict[str, Document]:
        rules = {"state": "due", "$or": [{"queued": True}, {"run_id": run_id}]}
        changes = {
            "$set": {"queued": False, "run_id": run_id, "due_at": clock.now() + RUN_LEASE},
            "$inc": {"attempts": 1},
        }
        if len(job_ids) == 1:
            job = await self._jobs.find_one_and_update(
                {"_id": job_ids[0], **rules}, changes, return_document=ReturnDocument.AFTER
            )
            return {job["_id"]: job} if job else {}
        which: Document = {"_id": {"$in": job_ids}}
        await self._jobs.update_many(which | rules, changes)
        mine = self._jobs.find(which | {"state": "due", "run_id": run_id}, hint="_id_")
        return {job["_id"]: job async for job in mine}

    async def run_many(self, job_ids: list[str]) -> None:
        """Run jobs side by side."""
        await asyncio.gather(*(self.run(job_id) for job_id in job_ids))

    async def drain(self, rounds: int = 50) -> None:
        """Relay and run in this process until nothing is due; what tests and small tools use."""
        for _ in range(rounds):
            relayed = await self.relay()
            ids = await self.take_due()
            if not relayed and not ids:
                return
            await self.run_many(ids)

    async def counts(self) -> dict[str, int]:
        """How many jobs wait and how many were given up."""
        due = await self._jobs.count_documents({"state": "due"})
        failed = await self._jobs.count_documents({"state": "failed"})
        metrics.OUTBOX_DUE.set(due)
        metrics.OUTBOX_FAILED.set(failed)
        return {"due": due, "failed": failed}

    async def _relay_from(self, source: Collection) -> int:
        documents = await source.find({"events_due": True}, {"events": 1}).limit(RELAY_BATCH).to_list(None)
        if not documents:
            return 0
        events = [Event.from_doc(raw) for document in documents for raw in document.get("events", [])]
        await self._insert_jobs(job for event in events for job in self._jobs_of(event))
        await self._take_off(source, documents)
        return len(documents)

    async def _take_off(self, source: Collection, documents: list[Document]) -> None:
        """Take relayed events off their documents; of one that got another meanwhile, only what was read."""
        single = {one["_id"]: one["events"][0]["id"] for one in documents if len(one.get("events", ())) == 1}
        if single:
            # What is not as it was read stays due, and is looked at again in the next round.
            await source.update_many(
                {
                    "_id": {"$in": list(single)},
                    "events": {"$size": 1},
                    "events.0.id": {"$in": list(single.values())},
                },
                {"$set": {"events": [], "events_due": False}},
            )
        rest = [one for one in documents if one["_id"] not in single]
        if rest:
            writes = [UpdateOne({"_id": one["_id"]}, _without_events(one.get("events", []))) for one in rest]
            await source.bulk_write(writes, ordered=False)

    def _jobs_of(self, event: Event) -> list[Document]:
        return [
            {
                "_id": f"{event.id}:{subscriber}",
                "event_id": event.id,
                "kind": str(event.kind),
                "subscriber": subscriber,
                "data": event.data,
                "priority": event.priority,
                "event_at": event.at,
                "request_id": event.request_id,
                "state": "due",
                "queued": False,
                "due_at": event.at,
                "attempts": 0,
                "last_error": None,
                "created_at": clock.now(),
            }
            for subscriber in self._bus.names(event.kind)
        ]

    async def _insert_jobs(self, jobs: Iterable[Document]) -> None:
        documents = list(jobs)
        if not documents:
            return
        try:
            await self._jobs.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            others = [e for e in details.get("writeErrors", []) if e["code"] != _DUPLICATE_KEY]
            # Not yet durable: the event must stay where it is until its job is.
            if others or details.get("writeConcernErrors"):
                raise

    async def _run_leased(self, job: Document) -> str:
        """Call the subscriber and write down what became of it: `done`, `later` or `failed`."""
        subscriber = job["subscriber"]
        event = Event.from_doc(
            {
                "id": job["event_id"],
                "kind": job["kind"],
                "at": job["event_at"],
                "data": job["data"],
                "priority": job.get("priority", NORMAL),
                "request_id": job.get("request_id"),
            }
        )
        handler = self._bus.handler(event.kind, subscriber)
        try:
            if handler is None:
                raise LookupError(f"no subscriber {subscriber}")
            await handler(event)
        except RetryLater as later:
            await self._reschedule(job, later.after_s, str(later), counts=False)
            return "later"
        except Exception as error:
            # Whatever went wrong, the job stays: it is the only trace of a promise made.
            log.warning(
                "outbox_job_failed",
                exc_info=None if is_away(error) else error,
                extra={"job": job["_id"], "attempts": job["attempts"], "error": type(error).__name__},
            )
            await self._reschedule(job, _backoff_s(job["attempts"]), redact(repr(error))[:500], counts=True)
            return "failed"
        await self._ends.ask(job["_id"])
        return "done"

    async def _end_many(self, job_ids: list[str]) -> list[None]:
        done = {"state": "done", "done_at": clock.now(), "last_error": None}
        await _insist(lambda: self._jobs.update_many({"_id": {"$in": job_ids}}, {"$set": done}))
        return [None] * len(job_ids)

    async def _reschedule(self, job: Document, after_s: float, reason: str, *, counts: bool) -> None:
        changes: dict[str, Any] = {
            "$set": {"due_at": clock.now() + timedelta(seconds=after_s), "last_error": reason}
        }
        if not counts:
            changes["$inc"] = {"attempts": -1}
        elif job["attempts"] >= MAX_ATTEMPTS:
            changes["$set"]["state"] = "failed"
        # Only of the run that holds the lease: a later one knows better, and a repeat of this counts once.
        await self._delays.ask(
            UpdateOne({"_id": job["_id"], "state": "due", "due_at": job["due_at"]}, changes)
        )

    async def _delay_many(self, writes: list[UpdateOne]) -> list[None]:
        await _insist(lambda: self._jobs.bulk_write(writes, ordered=False))
        return [None] * len(writes)


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    """Make a write that may be made twice, again and again while the database is away.

    A job that was leased unheard, or whose end was not written down, would wait for its lease to end.
    """
    gives_up_at = time.monotonic() + RUN_LEASE.total_seconds() / 2
    while True:
        try:
            return await write()
        except ConnectionFailure:
            if time.monotonic() > gives_up_at:
                raise
            await asyncio.sleep(_AGAIN_S)


def _without_events(relayed: list[Document]) -> list[Document]:
    """Take off only the events that were read: another may have been added meanwhile."""
    ids = [event["id"] for event in relayed]
    rest = {"$filter": {"input": "$events", "as": "event", "cond": {"$not": [{"$in": ["$$event.id", ids]}]}}}
    return [
        {"$set": {"events": rest}},
        {"$set": {"events_due": {"$gt": [{"$size": "$events"}, 0]}}},
    ]


def _backoff_s(attempts: int) -> float:
    return min(2.0**attempts, LONGEST_BACKOFF_S)
