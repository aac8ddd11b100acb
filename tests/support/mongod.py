"""A MongoDB server of a test's own: to be stopped in the middle of a word, killed, and started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from backend.demo.embedded import start_mongod
from backend.demo.leash import start_leashed, stop_leashed
from tests.support.polling import poll


class Mongod:
    """A replica set of one on a data folder that outlives its process."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "mongodb.log"
        server = start_mongod(folder / "data", self._log, cache_gb=0.25)
        self.url, self._process = server.url, server.process
        self._argv = psutil.Process(self._process.pid).cmdline()

    def freeze(self) -> None:
        """It stands still: connections stay open and nobody answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`: nothing is written down any more."""
        self._process.kill()
        self._process.wait()

    async def restart(self) -> None:
        """Start it on the same data and port, and wait until it takes writes."""
        self._process = start_leashed(self._argv, log=self._log)
        port = urlsplit(self.url).port
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=200
        )

        async def writable() -> bool:
            try:
                return bool((await client.admin.command("hello")).get("isWritablePrimary"))
            except PyMongoError:
                return False

        async with client:
            await poll(writable, 30, "MongoDB to be the primary again")

    def stop(self) -> None:
        """The end, whatever state it is in."""
        if self._process.poll() is None:
            self.thaw()
        stop_leashed(self._process)
