"""One MongoDB and one Redis server per test run, shared by all workers of the run, gone when it ends."""

import os
import shutil
import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import psutil

from backend.demo.embedded import EmbeddedServer, start_mongod, start_redis

PREFIX = "healthycity-test-"
# Nobody reads the past here: the files of what a test dropped go at once, and not after minutes.
_FORGETFUL = "minSnapshotHistoryWindowInSeconds=0"
# A disk in memory saves the waits for a slow one: nothing here need survive a power cut.
_IN_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 << 30


def _home() -> Path:
    """Where the servers keep their data: in memory where there is room."""
    usable = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK)
    room = min(shutil.disk_usage(_IN_MEMORY).free, psutil.virtual_memory().available) if usable else 0
    if room > _ROOM_BYTES:
        return _IN_MEMORY
    return Path(tempfile.gettempdir())


def _remove_left_behind() -> None:
    """Remove the data of runs that were killed: a server's journal takes 300 MB."""
    for folder in chain(*(home.glob(f"{PREFIX}*-*") for home in (_IN_MEMORY, Path(tempfile.gettempdir())))):
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
            "mongodb",
            lambda folder: start_mongod(folder / "mongodb", folder / "mongodb.log", parameters=[_FORGETFUL]),
        )

    def redis_url(self) -> str:
        """The given Redis, else an embedded one."""
        return os.environ.get("REDIS_URL") or self._url(
            "redis", lambda folder: start_redis(folder / "redis", folder / "redis.log")
        )

    def _url(self, name: str, start: Callable[[Path], EmbeddedServer]) -> str:
        if self._folder is None:
            _remove_left_behind()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_home()))
        if name not in self._started:
            self._started[name] = start(self._folder)
        return self._started[name].url

    def stop(self) -> None:
        """Stop what was started and remove its data."""
        for server in self._started.values():
            server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
