"""The console over HTTP: the real application on a port of loopback, and browsers without scripts.

console     the running application: its city, its address, `console.sign_in(role)`
town        two hospitals with clinics tomorrow and two bookings each, inside `console`'s city
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from backend import clock
from backend.app import make_app
from backend.bootstrap import open_city
from backend.db.client import Database
from backend.settings import Settings
from backend.slotpool.claims_models import Claim
from tests.admin.browser import Console
from tests.factories.city import Hospital, make_booking, make_hospital, make_patient


@dataclass
class Town:
    """A small city's things, `first` being the hospital that most tests work in."""

    first: Hospital
    second: Hospital
    here: list[Claim]
    there: list[Claim]

    @property
    def scope(self) -> frozenset[str]:
        return frozenset({self.first.organization.id})


@pytest.fixture
async def console(db: Database, mongo_uri: str, keys_file: Path) -> AsyncIterator[Console]:
    settings = Settings(
        environment="test",
        mongodb_uri=SecretStr(mongo_uri),
        mongodb_database=db.name,
        keys_file=keys_file,
    )
    city = await open_city(settings, process="test")
    server = HTTPServer(make_app(city))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    console = Console(city, f"http://127.0.0.1:{port}")
    yield console
    await console.close()
    server.stop()
    await server.close_all_connections()
    await city.close()


@pytest.fixture
async def town(console: Console) -> Town:
    services = console.city.services
    tomorrow = clock.today() + timedelta(days=1)
    first = await make_hospital(services, "h1", tomorrow)
    second = await make_hospital(services, "h2", tomorrow, name="健康城市妇幼保健院", short_name="市妇幼")
    bookings = []
    for number, schedule in enumerate([*first.schedules[:2], *second.schedules[:2]]):
        patient = await make_patient(services, number, f"1380000000{number}")
        bookings.append(await make_booking(services, schedule, patient))
    return Town(first, second, bookings[:2], bookings[2:])
