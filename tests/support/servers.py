"""One MongoDB and one Redis server per test run, shared by all workers of the run, gone when it ends."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from backend.demo.embedded import EmbeddedServer, start_mongod, start_redis

PREFIX = "healthycity-test-"


def _remove_left_behind() -> None:
    """Remove the data of runs that were killed: a server's journal takes 300 MB."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


class TestServers:
    """Starts each server when it is first asked for. The process that owns the run holds one of these."""

    __test__ = False

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._started: dict[str, EmbeddedServer] = {}

    def mongo_uri(self) -> str:
        """The given MongoDB, else an embedded one."""
        return os.environ.get("MONGODB_URI") or self._url(
            "mongodb", lambda folder: start_mongod(folder / "mongodb", folder / "mongodb.log")
        )

    def redis_url(self) -> str:
        """The given Redis, else an embedded one."""
        return os.environ.get("REDIS_URL") or self._url(
            "redis", lambda folder: start_redis(folder / "redis", folder / "redis.log")
        )

    def _url(self, name: str, start: Callable[[Path], EmbeddedServer]) -> str:
        if self._folder is None:
            _remove_left_behind()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        if name not in self._started:
            self._started[name] = start(self._folder)
        return self._started[name].url

    def stop(self) -> None:
        """Stop what was started and remove its data."""
        for server in self._started.values():
            server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
