"""The storm: 2 000 people want 50 slots at once, over four channels and two web processes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.demo.leash import free_port
from backend.ids import new_id
from backend.permissions import Actor, ActorKind, Role
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules_models import Schedule
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.city import id_number, make_directory, make_schedule
from tests.support.processes import await_ready, open_processes

pytestmark = pytest.mark.serial
PEOPLE, SLOTS, CONNECTIONS = 2_000, 50, 64


@dataclass
class Storm:
    """Two web processes in front of one database, and one schedule everybody wants."""

    city: City
    urls: list[str]
    schedule: Schedule

    def token(self, role: Role, channel: str) -> tuple[str, str]:
        """Somebody's id and token."""
        where = frozenset({self.schedule.organization_id})
        kind: ActorKind = "client" if role is Role.HOSPITAL_CLIENT else "resident"
        actor = Actor(kind, new_id(), role, where, new_id(), channel, real_name=True)
        return actor.id, self.city.services.tokens.issue(actor)


@pytest.fixture
async def storm(mongo_uri: str, redis_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Storm]:
    keys = tmp_path / "keys.json"
    Keyring.generate(keys)
    settings = Settings(
        environment="test",
        mongodb_uri=SecretStr(mongo_uri),
        mongodb_database=db.name,
        keys_file=keys,
    )
    city = await open_city(settings, process="storm")
    schedule = await _schedule(city)
    async with open_processes(mongo_uri, db.name, redis_url, keys) as processes:
        ports = [free_port(), free_port()]
        for number, port in enumerate(ports):
            processes.start(f"web-{number}", "serve", "--port", str(port))
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        await asyncio.gather(*(await_ready(url) for url in urls))
        yield Storm(city, urls, schedule)
    await city.close()


async def _schedule(city: City) -> Schedule:
    hospital, department = await make_directory(city)
    schedule = make_schedule(hospital, department, slots=SLOTS, external_id="storm")
    await ScheduleStore(city.db).insert([schedule])
    return schedule


async def test_exactly_fifty_of_two_thousand_get_a_slot(storm: Storm) -> None:
    random.seed(20261121)
    answers: list[tuple[int, dict[str, Any]]] = []
    _, hospital_token = storm.token(Role.HOSPITAL_CLIENT, "hospital")
    wishes = [_wish(storm, number, hospital_token) for number in range(PEOPLE)]
    random.shuffle(wishes)
    queue = iter(wishes)

    async def one_connection(number: int) -> None:
        async with httpx.AsyncClient(base_url=storm.urls[number % 2], timeout=60) as http:
            for path, token, body in queue:
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id()}
                answer = await http.post(path, json=body, headers=headers)
                answers.append((answer.status_code, answer.json()))

    await asyncio.gather(*(one_connection(number) for number in range(CONNECTIONS)))
    sold = [answer for status, answer in answers if status == 201]
    refused = Counter(answer["error"]["code"] for status, answer in answers if status != 201)
    assert len(answers) == PEOPLE
    assert len(sold) == SLOTS, refused
    assert sorted(answer["number"] for answer in sold) == list(range(1, SLOTS + 1))
    assert set(refused) == {"SOLD_OUT"}
    claims = storm.city.db.collection("claims")
    live = await claims.find({"schedule_id": storm.schedule.id, "live": True}).to_list(None)
    assert {claim["_id"] for claim in live} == {answer["id"] for answer in sold}
    assert len({claim["channel"] for claim in live}) > 1


def _wish(storm: Storm, number: int, hospital_token: str) -> tuple[str, str, dict[str, object]]:
    channel = ("wechat", "h5", "window", "kiosk")[number % 4]
    if channel in ("wechat", "h5"):
        person, token = storm.token(Role.RESIDENT, channel)
        return "/api/v1/appointments", token, {"schedule_id": storm.schedule.id, "patient_id": person}
    patient = {"name": "王小明", "id_number": id_number(number)}
    body: dict[str, object] = {"schedule": "storm", "channel": channel, "patient": patient}
    return "/hospital/v1/appointments", hospital_token, body
