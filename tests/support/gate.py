"""A gate before a server: passes bytes on, holds some back, cuts the line, or shuts, as a test wants it."""

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
    _to_cut: dict[bytes, int] = field(default_factory=dict)

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

    @property
    def still_to_cut(self) -> list[bytes]:
        """What has not been cut as often as was asked for."""
        return [each for each, times in self._to_cut.items() if times]

    def cut(self, containing: bytes, *, times: int) -> None:
        """Hang up, so many times, right after such a question has gone on: it is done, but nobody hears."""
        self._to_cut[containing] = times

    def _cuts_after(self, piece: bytes) -> bool:
        found = next((each for each in self.still_to_cut if each in piece), None)
        if found is not None:
            self._to_cut[found] -= 1
        return found is not None

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
            await asyncio.gather(self._pass(reader, before, caller=writer), self._pass(behind, writer))
        finally:
            self._writers -= {writer, before}

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        caller: asyncio.StreamWriter | None = None,
    ) -> None:
        """Pass on what is read. `caller` is who asks, where this is the way of the questions."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                if caller is not None and self._wanted is not None and self._wanted in piece:
                    self.held += 1
                    await self._open.wait()
                    self.held -= 1
                writer.write(piece)
                await writer.drain()
                if caller is not None and self._cuts_after(piece):
                    caller.close()
                    break
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
