"""The MLLP server: connections, TLS, idle times, one message at a time on each, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.exchange.v2.framing import LIMIT, BlockTooLargeError, framed, read_block
from backend.exchange.v2.models import Link
from backend.exchange.v2.receiving import Receiver

log = logging.getLogger(__name__)

_BUFFER = 1 << 20
_MOST_CONNECTIONS = 500
# Large messages are many times their size while they are taken apart: only so many at once.
_AT_ONCE = 16


@dataclass(frozen=True)
class TLS:
    """The server's certificate, and by whom those of its clients must be signed."""

    certificate: Path
    key: Path
    client_ca: Path | None

    def context(self) -> ssl.SSLContext:
        """What asyncio is given."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(eq=False)
class _Door:
    """One port: while it is open, its connections go on."""

    own: bool
    open: bool = True
    server: asyncio.Server | None = None

    def shut(self) -> None:
        """Let nobody in any more."""
        self.open = False
        if self.server is not None:
            self.server.close()


class MLLPServer:
    """Listens on one port for all hospitals, and on one more for each that has its own."""

    def __init__(self, receiver: Receiver, *, tls: TLS | None = None, idle_s: float = 300) -> None:
        self._receiver = receiver
        self._tls = tls
        self._idle_s = idle_s
        self._doors: dict[int, _Door] = {}
        self._connections: dict[asyncio.Task[None], _Door] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def listen(self, host: str, port: int, *, own: bool = False) -> int:
        """Listen on a port; returns it. On a port of a hospital's `own`, coming in by it says who one is."""
        door = _Door(own)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connected(reader, writer, door)

        context = self._tls.context() if self._tls else None
        server = await asyncio.start_server(connected, host, port, limit=_BUFFER, ssl=context, backlog=256)
        door.server, bound = server, int(server.sockets[0].getsockname()[1])
        self._doors[bound] = door
        return bound

    def shut(self, port: int) -> None:
        """Take no more on one port. What was begun there is answered before it is hung up on."""
        door = self._doors.pop(port)
        door.shut()
        for task in [task for task, by in self._connections.items() if by is door]:
            if task not in self._busy:
                task.cancel()

    async def stop(self, grace_s: float) -> None:
        """Take no more; let what was begun be answered; then hang up."""
        for port in list(self._doors):
            self.shut(port)
        if self._busy:
            await asyncio.wait(self._busy, timeout=grace_s)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: _Door
    ) -> None:
        task = asyncio.current_task()
        if task is None or not door.open or len(self._connections) >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._connections[task] = door
        try:
            await self._converse(task, reader, writer, door)
        except (ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError):
            pass  # The other side is gone, silent, or we are stopping; nothing accepted depends on it.
        finally:
            del self._connections[task]
            self._busy.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(writer.wait_closed(), 2)

    async def _converse(
        self,
        task: asyncio.Task[None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        door: _Door,
    ) -> None:
        link = _link(writer, own=door.own)
        while door.open:
            try:
                block = await asyncio.wait_for(read_block(reader, LIMIT), self._idle_s)
            except BlockTooLargeError as error:
                await self._send(writer, [await self._receiver.too_large(error.head, link)])
                continue
            if block is None:
                return
            if not block.strip():
                continue
            self._busy.add(task)
            try:
                async with self._slots:
                    answers = await self._receiver.take(block, link)
                await self._send(writer, answers)
            finally:
                self._busy.discard(task)

    async def _send(self, writer: asyncio.StreamWriter, answers: list[bytes]) -> None:
        for answer in answers:
            writer.write(framed(answer))
        # Waits for a slow reader: nothing more is read from him until he has taken his answers.
        await asyncio.wait_for(writer.drain(), self._idle_s)


def _link(writer: asyncio.StreamWriter, *, own: bool) -> Link:
    local, peer = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
    certificate = writer.get_extra_info("peercert")
    return Link(
        port=int(local[1]) if own and local else 0,
        certificate=_names(certificate) if certificate else (),
        peer=str(peer[0]) if peer else "",
    )


def _names(certificate: dict[str, Any]) -> tuple[str, ...]:
    """A certificate's common name, and its whole subject as `CN=…,O=…`."""
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}
    whole = ",".join(f"{short.get(key, key)}={value}" for key, value in reversed(pairs))
    common = [value for key, value in pairs if key == "commonName"]
    return tuple(dict.fromkeys([*common, whole]))
