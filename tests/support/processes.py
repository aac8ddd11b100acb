"""The city as real processes: several web servers, a worker and a beat that a test may kill at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from backend.demo.environment import vendor_environment
from backend.demo.leash import die_with_parent
from tests.support.city import MAS_SECRET
from tests.support.outside import Outside
from tests.support.polling import poll

INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


@dataclass
class Processes:
    """Starts, kills and restarts processes of one city."""

    environment: dict[str, str]
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str, **environment: str) -> None:
        """Start `healthycity <command>` under a name; its log is kept for a failing test to show."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "backend", *command],
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
            )

    def kill(self, name: str) -> None:
        """`kill -9`: no time to finish anything."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal and go on."""
        self.running[name].send_signal(number)

    def is_running(self, name: str) -> bool:
        """Whether it has not ended."""
        return self.running[name].poll() is None

    async def wait(self, name: str, deadline_s: float = 30) -> int:
        """Wait until it has ended; its exit code."""
        process = self.running[name]
        await poll(lambda: process.poll() is not None, deadline_s, f"{name} to end")
        del self.running[name]
        return process.returncode

    async def stop_all(self) -> None:
        """Ask all to stop, then make them. Not blocking: a gate in this loop is their way to the database."""
        for process in self.running.values():
            process.terminate()
        for name, process in list(self.running.items()):
            with contextlib.suppress(AssertionError):
                await self.wait(name, deadline_s=10)
            process.kill()
            process.wait()

    def log_of(self, name: str) -> str:
        """What a process has written."""
        return (self.logs / f"{name}.log").read_text()


async def await_ready(url: str, deadline_s: float = 90) -> None:
    """Wait until a web process answers that it is alive."""

    async def alive() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return (await http.get(f"{url}/healthz")).is_success
        return False

    async with httpx.AsyncClient(timeout=5) as http:
        await poll(alive, deadline_s, f"{url} to answer")


@contextlib.asynccontextmanager
async def open_processes(
    mongo_uri: str,
    database: str,
    redis_url: str,
    keys_file: Path,
    outside: Outside | None = None,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Processes]:
    """An environment for processes; whatever is still running at the end is stopped."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "ENVIRONMENT": "test",
        "MONGODB_URI": mongo_uri,
        "MONGODB_DATABASE": database,
        "BROKER_URL": redis_url,
        "REDIS_URL": redis_url,
        "KEYS_FILE": str(keys_file),
        "MAS_CALLBACK_SECRET": MAS_SECRET,
    }
    if outside is not None:
        environment |= vendor_environment(outside.url, outside.credentials)
    with tempfile.TemporaryDirectory(prefix="logs-") as folder:
        processes = Processes(environment | dict(more or {}), Path(folder))
        try:
            yield processes
        finally:
            await processes.stop_all()
