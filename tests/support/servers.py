"""One MongoDB and one Redis server per test run, shared by all workers of the run, gone when it ends."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from backend.demo.embedded import EmbeddedServer, start_mongod, start_redis


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
            self._folder = Path(tempfile.mkdtemp(prefix="healthycity-test-"))
        if name not in self._started:
            self._started[name] = start(self._folder)
        return self._started[name].url

    def stop(self) -> None:
        """Stop what was started and remove its data."""
        for server in self._started.values():
            server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
