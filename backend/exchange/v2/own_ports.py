"""Ports that hospitals have for themselves: opened and shut as they are entered and taken back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from backend.db.failures import DatabaseError
from backend.exchange.v2.sender_store import SenderStore
from backend.exchange.v2.server import MLLPServer

log = logging.getLogger(__name__)


@dataclass
class OwnPorts:
    """Keeps a server listening on just the ports that the list of senders has, besides the `common` one."""

    server: MLLPServer
    senders: SenderStore
    host: str
    common: int
    _open: set[int] = field(default_factory=set)
    # Told once, and tried again in silence.
    _refused: set[int] = field(default_factory=set)

    async def run(self, stop: asyncio.Event, every_s: float = 3.0) -> None:
        """Go on until told to stop. Away from the database, what is open stays open."""
        while not stop.is_set():
            try:
                await self.settle()
            except DatabaseError as error:
                log.warning("own_ports_unread", extra={"error": type(error).__name__})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)

    async def settle(self) -> None:
        """Open what is missing and shut what is no longer anybody's; the other ports notice nothing."""
        wanted = set(await self.senders.ports()) - {self.common}
        for port in sorted(self._open - wanted):
            self.server.shut(port)
            self._open.discard(port)
            log.info("own_port_shut", extra={"port": port})
        self._refused &= wanted
        for port in sorted(wanted - self._open):
            await self._open_one(port)

    async def _open_one(self, port: int) -> None:
        try:
            await self.server.listen(self.host, port, own=True)
        except OSError as error:
            # One hospital's port that something else holds must not keep the others waiting.
            if port not in self._refused:
                log.error("own_port_not_opened", extra={"port": port, "reason": error.strerror})
            self._refused.add(port)
            return
        self._open.add(port)
        self._refused.discard(port)
        log.info("own_port_opened", extra={"port": port})
