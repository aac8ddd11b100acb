"""What worker and beat write: nothing of routine, and a line without traceback for a part that is away."""

from __future__ import annotations

import orjson
import pytest

from backend.bootstrap import City
from backend.ids import new_id
from backend.worker.events import Event, EventKind
from tests.support.gate import open_gate
from tests.support.polling import poll
from tests.support.processes import Processes, open_processes

pytestmark = pytest.mark.xdist_group("processes")


def lines(processes: Processes, name: str) -> list[dict[str, str]]:
    """What a process has written; every line of it is JSON."""
    return [orjson.loads(line) for line in processes.log_of(name).splitlines() if line.startswith("{")]


def events(processes: Processes, name: str) -> list[str]:
    return [line["event"] for line in lines(processes, name)]


async def test_parts_that_are_away_are_named_without_tracebacks_and_work_goes_on_afterwards(
    mongo_uri: str, redis_url: str, city: City
):
    keys = city.settings.keys_file
    assert keys is not None
    async with open_gate(mongo_uri) as database, open_gate(redis_url) as broker:
        # A Redis database of its own: another test's tasks are nobody's business here.
        url = f"redis://127.0.0.1:{broker.port}/12"
        async with open_processes(database.mongo_uri, city.db.name, url, keys) as processes:
            processes.start("worker", "worker")
            processes.start("beat", "beat")
            await _until_a_job_is_done(city, processes)
            await database.shut()
            await poll(
                lambda: "database_away" in events(processes, "worker"), 60, "the database to be missed"
            )
            await database.open()
            await _until_a_job_is_done(city, processes)
            await broker.shut()
            await poll(lambda: "broker_away" in events(processes, "beat"), 60, "the broker to be missed")
            await broker.open()
            await _until_a_job_is_done(city, processes)
            assert events(processes, "beat").count("ticking") == 1
            for name in ("worker", "beat"):
                _look_through(processes, name)


def _look_through(processes: Processes, name: str) -> None:
    written = lines(processes, name)
    assert {line["process"] for line in written} == {name}
    # That a task under way could not be acknowledged is Celery's to say.
    ours = [line for line in written if line["logger"] != "celery.worker.request"]
    assert not [line for line in ours if "traceback" in line or line["level"] == "CRITICAL"]
    assert "Traceback" not in processes.log_of(name)
    # Neither a line for every second nor one for every task.
    routine = ("Sending due task", " received", " succeeded")
    assert not [line for line in written if any(words in line["event"] for words in routine)]
    assert processes.is_running(name)


async def _until_a_job_is_done(city: City, processes: Processes) -> None:
    """Under the request's own id, as the worker writes it."""
    event = Event(EventKind.RESIDENT_DELETED, {"resident_id": new_id()}, request_id=new_id())
    await city.services.outbox.add(event)
    wanted = ("outbox_job", event.request_id, "done")

    def done() -> bool:
        return any(
            (line["event"], line.get("request_id"), line.get("outcome")) == wanted
            for line in lines(processes, "worker")
        )

    await poll(done, deadline_s=60, what="the job")
