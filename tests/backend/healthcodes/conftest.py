"""A hospital with a window, a kiosk and a pharmacy, and residents who come to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from backend import clock
from backend.app import make_app
from backend.bootstrap import City, Services
from backend.directory.models import Organization, TerminalKind
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor, Role
from tests.factories.directory import an_organization, hospital_client
from tests.factories.residents import SignedIn, make_resident


@dataclass
class Hospital:
    """One hospital and who scans there."""

    organization: Organization
    client: Actor
    window: Actor
    other_window: Actor
    kiosk: Actor
    pharmacy: Actor


async def make_hospital(services: Services, value: str, name: str) -> Hospital:
    organization = an_organization(value, name=name)
    await services.directory.save_organizations([organization])
    client = hospital_client(organization)
    windows = [await terminal(services, client, f"{n}号窗口", TerminalKind.WINDOW) for n in (1, 2)]
    kiosk = await terminal(services, client, "自助机", TerminalKind.KIOSK)
    pharmacy = await terminal(services, client, "药房", TerminalKind.PHARMACY)
    return Hospital(organization, client, windows[0], windows[1], kiosk, pharmacy)


async def terminal(services: Services, client: Actor, name: str, kind: TerminalKind) -> Actor:
    issued = await services.clients.register_terminal(client, name, kind)
    return Actor("terminal", issued.client.id, Role.TERMINAL, client.organization_ids)


@pytest.fixture
async def hospital(city: City) -> Hospital:
    return await make_hospital(city.services, "h1", "健康城市第一人民医院")


@pytest.fixture
async def other_hospital(city: City) -> Hospital:
    return await make_hospital(city.services, "h2", "健康城市中医院")


@pytest.fixture
async def resident(city: City) -> SignedIn:
    return await make_resident(city.services)


async def refused(awaitable: Awaitable[Any]) -> ErrorCode:
    """The code of an error that must come."""
    with pytest.raises(AppError) as error:
        await awaitable
    return error.value.code


def turn_clock(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    """Move the city's clock."""
    at = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(clock, "today", lambda: clock.civil_date(at))


@dataclass
class API:
    """The city over HTTP."""

    url: str
    city: City
    browser: httpx.AsyncClient

    async def call(
        self, method: str, path: str, *, as_: SignedIn | Actor | None, expect: int = 200, **request: Any
    ) -> Any:
        """One request; fails unless the status is the expected one."""
        headers = dict(request.pop("headers", {}))
        if isinstance(as_, Actor):
            headers["Authorization"] = f"Bearer {self.city.services.tokens.issue(as_)}"
        elif as_ is not None:
            headers |= as_.headers
        answer = await self.browser.request(method, f"{self.url}{path}", headers=headers, **request)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
async def api(city: City) -> AsyncIterator[API]:
    server = HTTPServer(make_app(city))
    socket, port = bind_unused_port()
    server.add_socket(socket)
    async with httpx.AsyncClient(timeout=20) as browser:
        yield API(f"http://127.0.0.1:{port}", city, browser)
    server.stop()
    await server.close_all_connections()
