"""The outbox while the database comes and goes: what was written unheard is neither lost nor made twice."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from backend import clock
from backend.db.client import Collection, Database
from backend.worker.events import Bus, Event, EventKind, RetryLater
from backend.worker.outbox import Outbox

KIND = EventKind.APPOINTMENT_BOOKED


class Unheard:
    """A collection whose answers to one kind of write are lost so many times; the writes are made."""

    def __init__(self, collection: Collection, method: str, times: int = 2) -> None:
        self._collection, self._method, self._left = collection, method, times

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._collection, name)
        if name != self._method:
            return call

        async def lost(*arguments: Any, **more: Any) -> Any:
            answer = await call(*arguments, **more)
            if self._left:
                self._left -= 1
                raise AutoReconnect("connection closed")
            return answer

        return lost


class Handler:
    """A subscriber that counts, and may want to be asked again."""

    def __init__(self) -> None:
        self.calls = 0
        self.later = False

    async def __call__(self, event: Event) -> None:
        self.calls += 1
        if self.later:
            raise RetryLater(60)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
async def outbox(db: Database, handler: Handler) -> Outbox:
    bus = Bus()
    bus.subscribe(KIND, "test.handler", handler)
    box = Outbox(db, bus)
    await box.add(Event(KIND))
    return box


async def the_job(db: Database) -> dict[str, Any]:
    job = await db.collection("outbox").find_one({})
    assert job is not None
    return job


@pytest.mark.parametrize("method", ["find_one_and_update", "update_one", "update_many"])
async def test_a_job_runs_once_and_at_once_though_an_answer_was_lost(
    db: Database, outbox: Outbox, handler: Handler, monkeypatch: pytest.MonkeyPatch, method: str
):
    monkeypatch.setattr(outbox, "_jobs", Unheard(outbox._jobs, method))
    await outbox.drain()
    assert handler.calls == 1
    assert (await the_job(db))["state"] == "done"


async def test_what_is_to_be_asked_again_later_is_written_down_once(
    db: Database, outbox: Outbox, handler: Handler, monkeypatch: pytest.MonkeyPatch
):
    handler.later = True
    monkeypatch.setattr(outbox, "_jobs", Unheard(outbox._jobs, "update_one"))
    await outbox.drain()
    job = await the_job(db)
    assert (job["state"], job["attempts"], handler.calls) == ("due", 0, 1)
    assert job["due_at"] > clock.now()


async def test_a_run_that_outlived_its_lease_does_not_speak_for_the_next(
    db: Database, outbox: Outbox, handler: Handler
):
    (job_id,) = await outbox.take_due()
    handler.later = True

    async def overtaken(event: Event) -> None:
        # The lease has ended and another run has the job by now.
        await db.collection("outbox").update_one({"_id": job_id}, {"$set": {"due_at": event.at}})
        await handler(event)

    outbox._bus._subscribers[KIND]["test.handler"] = overtaken
    await outbox.run(job_id)
    job = await the_job(db)
    assert (job["attempts"], job["last_error"]) == (1, None)
