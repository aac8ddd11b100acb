"""A gate before a server: lets bytes through, holds some back, or shuts, as a test wants it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PIECE = 65_536


@dataclass
class Gate:
    """A listening port that passes everything on to a server behind it."""

    host: str
    server_port: int
    port: int = 0
    # How many pieces are being held back.
    held: int = 0
    _wanted: bytes | None = None
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def mongo_uri(self) -> str:
        """The address of a MongoDB behind this gate: asked directly, or the driver would go around it."""
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def hold(self, containing: bytes) -> None:
        """Keep back what is on its way to the server and contains these bytes, until `release`."""
        self._wanted = containing
        self._open.clear()

    def release(self) -> None:
        """Let everything through that was held back."""
        self._wanted = None
        self._open.set()

    async def shut(self) -> None:
        """Refuse and hang up, as when the server has stopped."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    async def open(self) -> None:
        """Listen: the first time on a free port, then on the same again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, before = await asyncio.open_connection(self.host, self.server_port)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, before}
        try:
            await asyncio.gather(self._pass(reader, before, inwards=True), self._pass(behind, writer))
        finally:
            self._writers -= {writer, before}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inwards: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                if inwards and self._wanted is not None and self._wanted in piece:
                    self.held += 1
                    await self._open.wait()
                    self.held -= 1
                writer.write(piece)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def open_gate(url: str) -> AsyncIterator[Gate]:
    """A gate before the server of this address."""
    behind = urlsplit(url)
    gate = Gate(behind.hostname or "127.0.0.1", behind.port or 0)
    await gate.open()
    try:
        yield gate
    finally:
        gate.release()
        await gate.shut()
