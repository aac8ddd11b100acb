"""Web processes as they run in production, and a city in this process that looks at the same database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.demo.leash import free_port
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules_models import Schedule
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.city import make_directory, make_schedule
from tests.support.gate import Gate, open_gate
from tests.support.processes import Processes, await_ready, open_processes

INSERT_OF_A_CLAIM = b"\x02insert\x00\x07\x00\x00\x00claims\x00"


@dataclass
class Front:
    """Web processes behind one address, with a gate between them and their database."""

    city: City
    url: str
    processes: Processes
    gate: Gate
    schedule: Schedule

    async def start(self, *options: str, **environment: str) -> None:
        """Start the web server and wait until it answers."""
        self.processes.start("web", "serve", *options, **environment)
        await await_ready(self.url)

    async def book(self, number: int, *, request_id: str = "", timeout: float = 30) -> httpx.Response:
        """Somebody new books this number."""
        actor = Actor("resident", new_id(), Role.RESIDENT, frozenset(), new_id(), "h5", real_name=True)
        headers = {"Authorization": f"Bearer {self.city.services.tokens.issue(actor)}"}
        if request_id:
            headers["X-Request-Id"] = request_id
        wish = {"schedule_id": self.schedule.id, "number": number, "patient_id": actor.id}
        async with httpx.AsyncClient(timeout=timeout) as http:
            return await http.post(f"{self.url}/api/v1/appointments", json=wish, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        """Ask on a connection of its own."""
        async with httpx.AsyncClient(timeout=10) as http:
            return await http.get(self.url + path)

    async def metric(self, name: str, **labels: str) -> float:
        """One figure of /metrics, over all its other labels."""
        return sum(value for _, found, value in await self.metrics(name) if labels.items() <= found.items())

    async def metrics(self, name: str) -> list[tuple[str, dict[str, str], float]]:
        """Every sample of a name."""
        return [sample for sample in samples((await self.get("/metrics")).text) if sample[0] == name]

    async def booked(self) -> list[int]:
        """The numbers that are booked, as the database has it."""
        claims = self.city.db.collection("claims").find({"state": "booked"}, {"number": 1})
        return sorted([claim["number"] async for claim in claims])


def samples(text: str) -> list[tuple[str, dict[str, str], float]]:
    """A Prometheus page taken apart: name, labels, value."""
    from prometheus_client.parser import text_string_to_metric_families

    families: Any = text_string_to_metric_families(text)
    return [(s.name, dict(s.labels), s.value) for family in families for s in family.samples]


@contextlib.asynccontextmanager
async def open_front(mongo_uri: str, redis_url: str, db: Database, folder: Path) -> AsyncIterator[Front]:
    """No web process runs yet; the database is migrated by whoever calls."""
    keys = folder / "keys.json"
    Keyring.generate(keys)
    settings = Settings(
        environment="test", mongodb_uri=SecretStr(mongo_uri), mongodb_database=db.name, keys_file=keys
    )
    city = await open_city(settings, process="test")
    hospital, department = await make_directory(city)
    schedule = make_schedule(hospital, department, slots=20)
    await ScheduleStore(city.db).insert([schedule])
    port = free_port()
    more = {"WEB_PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    async with (
        open_gate(mongo_uri) as gate,
        open_processes(gate.mongo_uri, db.name, redis_url, keys, more=more) as processes,
    ):
        yield Front(city, f"http://127.0.0.1:{port}", processes, gate, schedule)
    await city.close()
