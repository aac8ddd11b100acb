"""The real application on a port of loopback, the residents area in it standing on twins of the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from backend.app import make_app
from backend.bootstrap import open_city
from backend.db.client import Database
from backend.residents.compose import EVENT_SOURCES, make_residents
from backend.settings import Settings
from backend.worker.events import Bus, EventKind
from backend.worker.outbox import Outbox
from tests.backend.residents.world import MemoryCodeSender, MemoryRegister, MemoryWeChat, World
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def world(db: Database, mongo_uri: str, keys_file: Path) -> AsyncIterator[World]:
    settings = Settings(
        environment="test",
        mongodb_uri=SecretStr(mongo_uri),
        mongodb_database=db.name,
        keys_file=keys_file,
        wechat_mini_app_id="wx-mini",
        wechat_oa_app_id="wx-oa",
    )
    city = await open_city(settings, process="test")
    services = city.services
    register, wechat, sender = MemoryRegister(), MemoryWeChat(), MemoryCodeSender()
    busy: set[str] = set()
    visits: dict[str, datetime] = {}

    async def has_appointments(resident_id: str) -> bool:
        return resident_id in busy

    async def last_visit(resident_id: str) -> datetime | None:
        return visits.get(resident_id)

    residents = services.residents = make_residents(
        settings,
        db,
        keyring=services.keyring,
        cipher=services.cipher,
        blind=services.blind,
        sessions=services.sessions,
        limiter=services.limiter,
        audit=services.audit,
        register=register,
        wechat=wechat,
        code_sender=sender,
        has_appointments=has_appointments,
        last_visit=last_visit,
    )
    bus = Bus()
    bus.subscribe(EventKind.RESIDENT_DELETED, "residents.deleted", residents.on_resident_deleted)
    outbox = Outbox(db, bus)
    outbox.watch(*EVENT_SOURCES)
    server = HTTPServer(make_app(city))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    made = World(
        f"http://127.0.0.1:{port}",
        db, residents, register, wechat, sender, services.audit, services.tokens, outbox, busy, visits,
    )  # fmt: skip
    yield made
    await made.browser.aclose()
    server.stop()
    await server.close_all_connections()
    await city.close()


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    """The whole city, its real adapters speaking to the sandbox."""
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made
