"""The base of every handler: loopback only, slowness, lost answers, JSON in and out."""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import Any

import orjson
from tornado.web import HTTPError, RequestHandler

from sandbox.world import LOOPBACK, World


class SandboxHandler(RequestHandler):
    """One handler of one service; `service` names the switches it obeys."""

    service = ""
    world: World

    def initialize(self, world: World) -> None:
        """Called by Tornado with the routes' arguments."""
        self.world = world

    async def prepare(self) -> None:
        """Refuse strangers (a page elsewhere must not drive the sandbox) and be slow when told to."""
        host = urllib.parse.urlsplit(f"//{self.request.host}").hostname
        origin = self.request.headers.get("Origin")
        if host not in LOOPBACK or (origin and urllib.parse.urlsplit(origin).hostname not in LOOPBACK):
            raise HTTPError(403)
        await self._be_slow()

    async def _be_slow(self) -> None:
        if not self.service:
            return
        switches = self.world.switches
        milliseconds = switches.number("slow_ms") + switches.number(f"slow_{self.service}_ms")
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)

    def set_default_headers(self) -> None:
        """Say who answers."""
        self.set_header("Server", "healthycity-sandbox")

    def json_body(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return orjson.loads(self.request.body)

    def answer(self, status: int, body: Any, content_type: str = "application/json; charset=utf-8") -> None:
        """Write a JSON answer, or lose it on the way."""
        self.set_status(status)
        self.set_header("Content-Type", content_type)
        self.deliver(orjson.dumps(body))

    def deliver(self, content: bytes) -> None:
        """Finish with `content`, unless a switch says that answers get lost."""
        if self.service and self.world.switches.on(f"lose_answers_{self.service}"):
            connection = self.detach()
            connection.close()
            return
        self.finish(content) if content else self.finish()
