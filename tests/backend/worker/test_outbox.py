"""The outbox: nothing is lost, and nothing is done by two who do not know of each other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock, context
from backend.db.client import Database
from backend.worker.events import BULK, URGENT, Bus, Event, EventKind, RetryLater, embedded
from backend.worker.outbox import BULK_AT_HAND, MAX_ATTEMPTS, Outbox
from tests.support.counting import counting


class Seen:
    """A subscriber that remembers, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Event] = []
        self.request_ids: list[str] = []
        self.failures = failures

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.request_ids.append(context.request_id())
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not today")


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def outbox(db: Database, seen: Seen) -> Outbox:
    bus = Bus()
    bus.subscribe(EventKind.APPOINTMENT_BOOKED, "test.seen", seen)
    box = Outbox(db, bus)
    box.watch("things")
    return box


def booked(**data: str) -> Event:
    return Event(EventKind.APPOINTMENT_BOOKED, data, request_id="req-1")


async def make_due(db: Database) -> None:
    """Let time pass for every job."""
    await db.collection("outbox").update_many({}, {"$set": {"due_at": clock.now() - timedelta(seconds=1)}})


async def test_an_embedded_event_reaches_its_subscriber_once(db, outbox, seen):
    await db.collection("things").insert_one({"_id": "a", **embedded(booked(thing="a"))})
    await outbox.drain()
    await outbox.drain()
    assert [event.data for event in seen.events] == [{"thing": "a"}]
    assert seen.request_ids == ["req-1"]
    left = await db.collection("things").find_one({"_id": "a"})
    assert left == {"_id": "a", "events": [], "events_due": False}


async def test_relaying_the_same_event_twice_makes_one_job(db, outbox):
    event = booked()
    await db.collection("things").insert_one({"_id": "a", **embedded(event)})
    await outbox.relay()
    await db.collection("things").update_one({"_id": "a"}, {"$set": embedded(event)})
    await outbox.relay()
    assert await db.collection("outbox").count_documents({}) == 1


async def test_an_event_added_during_the_relay_is_not_lost(db, outbox, seen):
    things = db.collection("things")
    await things.insert_one({"_id": "a", **embedded(booked(n="1"))})
    relay_insert = outbox._insert_jobs

    async def insert_while_another_is_added(jobs):
        await relay_insert(jobs)
        await things.update_one({"_id": "a"}, {"$push": {"events": booked(n="2").to_doc()}})

    outbox._insert_jobs = insert_while_another_is_added
    await outbox.relay()
    outbox._insert_jobs = relay_insert
    await outbox.drain()
    assert sorted(event.data["n"] for event in seen.events) == ["1", "2"]


async def test_a_failing_job_is_tried_again_later_and_says_why(db, outbox, seen):
    seen.failures = 1
    await outbox.add(booked())
    await outbox.drain()
    job = await db.collection("outbox").find_one({})
    assert (job["state"], job["attempts"]) == ("due", 1)
    assert "not today" in job["last_error"]
    assert job["due_at"] > clock.now()
    await make_due(db)
    await outbox.drain()
    assert (await db.collection("outbox").find_one({}))["state"] == "done"


async def test_a_hopeless_job_is_given_up_and_kept(db, outbox, seen):
    seen.failures = 10**6
    await outbox.add(booked())
    await db.collection("outbox").update_one({}, {"$set": {"attempts": MAX_ATTEMPTS - 1}})
    await outbox.drain()
    assert (await db.collection("outbox").find_one({}))["state"] == "failed"
    assert await outbox.counts() == {"due": 0, "failed": 1}


async def test_a_planned_delay_is_no_failure(db):
    bus = Bus()

    async def later(event: Event) -> None:
        raise RetryLater(60)

    bus.subscribe(EventKind.APPOINTMENT_BOOKED, "test.later", later)
    outbox = Outbox(db, bus)
    await outbox.add(booked())
    await outbox.drain()
    job = await db.collection("outbox").find_one({})
    assert (job["state"], job["attempts"]) == ("due", 0)


async def test_two_deliveries_of_one_task_run_it_once(db, outbox, seen):
    await outbox.add(booked())
    (job_id,) = await outbox.take_due()
    ran = await asyncio.gather(*(outbox.run(job_id) for _ in range(10)))
    assert ran.count(True) == 1
    assert len(seen.events) == 1


async def test_a_job_whose_worker_died_is_run_again_after_its_lease(db, outbox, seen):
    await outbox.add(booked())
    (job_id,) = await outbox.take_due()
    jobs = db.collection("outbox")
    await jobs.update_one({"_id": job_id}, {"$set": {"queued": False}, "$inc": {"attempts": 1}})
    assert await outbox.take_due() == []
    await make_due(db)
    await outbox.drain()
    assert len(seen.events) == 1


async def test_a_task_the_broker_lost_is_queued_again(db, outbox):
    await outbox.add(booked())
    assert len(await outbox.take_due()) == 1
    assert await outbox.take_due() == []
    await make_due(db)
    assert len(await outbox.take_due()) == 1


async def test_every_subscriber_has_a_job_of_its_own(db):
    bus, good, bad = Bus(), Seen(), Seen(failures=1)
    bus.subscribe(EventKind.APPOINTMENT_BOOKED, "test.good", good)
    bus.subscribe(EventKind.APPOINTMENT_BOOKED, "test.bad", bad)
    outbox = Outbox(db, bus)
    await outbox.add(booked())
    await outbox.drain()
    await make_due(db)
    await outbox.drain()
    assert (len(good.events), len(bad.events)) == (1, 2)


async def test_what_is_urgent_goes_first_and_of_the_many_only_some_are_handed_out(db, outbox, seen):
    many = [replace(booked(n=str(n)), priority=BULK) for n in range(BULK_AT_HAND + 50)]
    await outbox.add(*many)
    await outbox.add(booked(n="normal"), replace(booked(n="urgent"), priority=URGENT))
    first = await outbox.take_due()
    jobs = {job["_id"]: job async for job in db.collection("outbox").find()}
    assert [jobs[job_id]["data"]["n"] for job_id in first[:2]] == ["urgent", "normal"]
    assert len(first) == BULK_AT_HAND + 2
    # As long as those wait for a worker, no more of them go to the broker; what is urgent does.
    await outbox.add(replace(booked(n="late"), priority=URGENT))
    assert len(await outbox.take_due()) == 1
    await outbox.run_many(first[:20])
    assert len(await outbox.take_due()) == 18


async def test_a_job_of_an_older_version_is_run_like_any_other(db, outbox, seen):
    await outbox.add(booked())
    await db.collection("outbox").update_many({}, {"$unset": {"priority": ""}})
    await outbox.drain()
    assert len(seen.events) == 1


async def test_many_jobs_that_run_side_by_side_share_their_round_trips(db, mongo_uri, outbox, seen):
    many = [{"_id": str(n), **embedded(booked(thing=str(n)))} for n in range(60)]
    await db.collection("things").insert_many(many)
    await outbox.relay()
    async with counting(mongo_uri, db.name) as (counted, commands):
        bus = Bus()
        bus.subscribe(EventKind.APPOINTMENT_BOOKED, "test.seen", seen)
        box = Outbox(counted, bus)
        ids = await box.take_due()
        await box.run_many([*ids, *ids])
    assert sorted(int(event.data["thing"]) for event in seen.events) == list(range(60))
    assert await db.collection("outbox").count_documents({"state": "done", "attempts": 1}) == 60
    assert len(commands.names) <= 12, commands.names


async def test_events_of_one_document_that_has_several_are_all_relayed(db, outbox, seen):
    both = embedded(booked(thing="a"), booked(thing="b"))
    await db.collection("things").insert_many([{"_id": "two", **both}, {"_id": "none", **embedded()}])
    assert await outbox.relay() == 2
    assert await outbox.relay() == 0
    await outbox.drain()
    assert sorted(event.data["thing"] for event in seen.events) == ["a", "b"]
