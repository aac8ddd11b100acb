"""Workers and beat answer for themselves on machines without a web process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from backend.bootstrap import City
from backend.demo.leash import free_port
from backend.ids import new_id
from backend.worker.events import Event, EventKind
from tests.support.polling import poll
from tests.support.processes import Processes, open_processes

pytestmark = pytest.mark.xdist_group("processes")


@pytest.fixture
async def processes(mongo_uri: str, redis_url: str, city: City) -> AsyncIterator[Processes]:
    # A Redis database of its own: another test's tasks are nobody's business here.
    broker = redis_url.rsplit("/", 1)[0] + "/11"
    keys = city.settings.keys_file
    assert keys is not None
    async with open_processes(mongo_uri, city.db.name, broker, keys) as opened:
        yield opened


async def answered(port: int) -> str:
    async with httpx.AsyncClient(timeout=5) as http:
        try:
            return (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.TransportError:
            return ""


async def test_a_worker_and_a_beat_answer_on_ports_of_their_own(processes: Processes, city: City):
    workers, beats = free_port(), free_port()
    processes.start("worker", "worker", METRICS_PORT=str(workers))
    processes.start("beat", "beat", "--metrics-port", str(beats), METRICS_PORT=str(workers))

    await city.services.outbox.add(Event(EventKind.RESIDENT_DELETED, {"resident_id": new_id()}))
    done = 'outbox_runs_total{outcome="done",subscriber="residents.on_resident_deleted"} 1.0'

    async def measured() -> bool:
        return done in await answered(workers)

    await poll(measured, deadline_s=60, what="what the worker has done")
    assert "process_cpu_seconds_total" in await answered(beats)
    processes.start("second", "worker", METRICS_PORT=str(workers))
    assert await processes.wait("second") == 1
    said = processes.log_of("second")
    assert f"127.0.0.1:{workers} cannot be listened on" in said
    assert "--metrics-port" in said
    assert "Traceback" not in said
