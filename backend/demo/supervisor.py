"""Starts the demo's processes, restarts those that die, and stops all of them, whatever happens to us."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from backend.demo.embedded import EmbeddedServer
from backend.demo.errors import DemoError
from backend.demo.leash import start_leashed, stop_leashed

LOOK_EVERY_S = 0.2
# A process that dies more often than this within a minute is broken, not unlucky.
RESTARTS_PER_MINUTE = 3
STOP_WITHIN_S = 25.0


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or asked this process to end; no handler of ordinary errors may catch it."""


@dataclass
class Child:
    """One of our own processes and how to start it again."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    restarted_at: list[float] = field(default_factory=list)


class Supervisor:
    """Holds every process of the demo. Use it as a context manager: leaving it stops everything."""

    def __init__(self, logs: Path, report: Callable[[str], None]) -> None:
        self._logs = logs
        self._report = report
        self._children: dict[str, Child] = {}
        self._servers: list[EmbeddedServer] = []

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log_of(self, name: str) -> Path:
        """Where a process writes what it says."""
        return self._logs / f"{name}.jsonl"

    def adopt(self, server: EmbeddedServer) -> None:
        """Take care of an embedded server: the demo ends when it ends, and stops it last."""
        self._servers.append(server)

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start one of our own processes."""
        log = self.log_of(name)
        log.unlink(missing_ok=True)
        self._children[name] = Child(name, argv, env, log, start_leashed(argv, log=log, env=env))

    def await_ready(self, name: str, is_ready: Callable[[], bool], within_s: float) -> None:
        """Wait until a started process says that it is ready; it may not end before."""
        child, deadline = self._children[name], time.monotonic() + within_s
        while not is_ready():
            if child.process.poll() is not None:
                raise DemoError(f"{name} ended with code {child.process.returncode}: see {child.log}.")
            if time.monotonic() > deadline:
                raise DemoError(f"{name} was not ready within {within_s:.0f} s: see {child.log}.")
            time.sleep(0.05)

    def watch(self) -> None:
        """Keep everything running until a stop is asked for. Raises DemoError when that cannot be done."""
        while True:
            for server in self._servers:
                if server.process.poll() is not None:
                    raise DemoError(f"{server.name} ended by itself: see the logs in {self._logs}.")
            for child in self._children.values():
                if child.process.poll() is not None:
                    self._restart(child)
            time.sleep(LOOK_EVERY_S)

    def _restart(self, child: Child) -> None:
        now = time.monotonic()
        child.restarted_at = [at for at in child.restarted_at if now - at < 60]
        if len(child.restarted_at) >= RESTARTS_PER_MINUTE:
            raise DemoError(f"{child.name} keeps ending (code {child.process.returncode}): see {child.log}.")
        self._report(f"{child.name} ended with code {child.process.returncode}; starting it again")
        stop_leashed(child.process)
        child.restarted_at.append(now)
        child.process = start_leashed(child.argv, log=child.log, env=child.env)

    def stop(self) -> None:
        """Stop the city's processes together, then what they stand on. A second Ctrl-C stops at once."""
        children = [child.process for child in self._children.values()]
        try:
            self._stop_children(children)
            for server in reversed(self._servers):
                server.stop()
        except StopRequested:
            for process in [*children, *(server.process for server in self._servers)]:
                stop_leashed(process, within_s=0)
        self._children.clear()
        self._servers.clear()

    def _stop_children(self, children: Sequence[subprocess.Popen[bytes]]) -> None:
        for process in children:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for process in children:
            stop_leashed(process, within_s=max(0.1, deadline - time.monotonic()))


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn Ctrl-C, a polite kill and a closed terminal into StopRequested."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    caught = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Started with nohup, we were told to ignore the closing of the terminal.
        caught.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
