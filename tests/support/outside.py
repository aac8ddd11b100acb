"""The outside world for tests: the sandbox as a process, and a listener for what it tells the city."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from backend.demo.leash import die_with_parent
from tests.support.polling import poll


@dataclass
class Heard:
    """One request that reached the city's address."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """Stands where the city would, and keeps what it is told."""

    url: str = ""
    status: int = 204
    answer: bytes = b""
    heard: list[Heard] = field(default_factory=list)

    async def next(self, path: str, after: int = 0, *, containing: bytes = b"", header: str = "") -> Heard:
        """The first request to `path` since the `after`-th that holds these texts; waits for it."""

        def found() -> Heard | None:
            return next((h for h in self.heard[after:] if fits(h)), None)

        def fits(h: Heard) -> bool:
            return h.path == path and containing in h.body and header in "\n".join(h.headers.values())

        heard = await poll(found, deadline_s=15)
        assert heard is not None
        return heard


@contextlib.asynccontextmanager
async def open_listener() -> AsyncIterator[Listener]:
    """A listener on a free port."""
    listener = Listener()

    class Hear(RequestHandler):
        def get(self) -> None:
            self.finish("city")

        async def post(self) -> None:
            heard = Heard(self.request.path, dict(self.request.headers), self.request.body)
            listener.heard.append(heard)
            self.set_status(listener.status)
            if listener.answer:
                self.finish(listener.answer)

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r".*", Hear)], log_function=lambda _handler: None))
    server.add_sockets(sockets)
    listener.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        server.stop()
        await server.close_all_connections()


@dataclass
class Outside:
    """A running sandbox: its address, the city's credentials in it, its control API."""

    url: str
    credentials: dict[str, Any]
    city_url: str
    _client: httpx.AsyncClient

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A control call; a refusal is an error."""
        response = await self._client.post(f"{self.url}/control/{path}", json=body or {})
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def get(self, path: str, **query: str) -> Any:
        """Look at something."""
        response = await self._client.get(f"{self.url}/control/{path}", params=query)
        assert response.is_success, response.text
        return response.json()

    @contextlib.asynccontextmanager
    async def misbehaving(self, **switches: Any) -> AsyncIterator[None]:
        """Switches for the length of a `with`."""
        before = await self.get("switches")
        await self.post("switches", switches)
        try:
            yield
        finally:
            await self.post("switches", {name: before[name] for name in switches})


@contextlib.asynccontextmanager
async def open_outside(city_url: str, *, mas_callback_secret: str = "") -> AsyncIterator[Outside]:
    """Start the sandbox on a free port and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--port", "0", "--city-url", city_url,
            "--state-dir", folder, "--city-file", f"{folder}/city.json",
            env={**os.environ, "MAS_CALLBACK_SECRET": mas_callback_secret},
            stdout=asyncio.subprocess.PIPE, preexec_fn=die_with_parent(),
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                line = (await process.stdout.readline()).decode()
            assert "sandbox ready on" in line, line
            url = line.split()[-1]
            credentials = json.loads((Path(folder) / "credentials.json").read_text())
            async with httpx.AsyncClient(timeout=15) as client:
                yield Outside(url, credentials, city_url, client)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
