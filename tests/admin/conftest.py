"""The console over HTTP: the real application on a port of loopback, and a browser without scripts.

console     the running application: its city, its address, `console.sign_in(role)`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from backend.app import make_app
from backend.bootstrap import open_city
from backend.db.client import Database
from backend.security.keys import Keyring
from backend.settings import Settings
from tests.admin.browser import Console


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    Keyring.generate(path)
    return path


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
    yield Console(city, f"http://127.0.0.1:{port}")
    server.stop()
    await server.close_all_connections()
    await city.close()
