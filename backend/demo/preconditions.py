"""What must be true before the demo starts anything; each failure is one sentence that says what to do."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from backend.demo.embedded import mongod_binary, redis_binary
from backend.demo.errors import DemoError
from backend.demo.leash import is_port_free


def check_ports(city: int, sandbox: int, mllp: int = 2575, his: int = 2576) -> None:
    """Raise when the city or its outside world cannot listen where it should."""
    if mllp in (city, sandbox):
        way = _way_to("MLLP_PORT", "--mllp-port", _other(mllp))
        raise DemoError(f"HL7 messages cannot come in on port {mllp}, which is taken: choose another {way}.")
    if his in (city, sandbox, mllp):
        way = _way_to("HIS_PORT", "--his-port", _other(his))
        raise DemoError(f"The hospital cannot listen on port {his}, which is taken: choose another {way}.")
    if city == sandbox:
        way = _way_to("SANDBOX_PORT", "--sandbox-port", _other(city))
        raise DemoError(f"The city and the sandbox cannot both listen on port {city}: choose another {way}.")
    check_port(city, "WEB_PORT", "--port")
    check_port(sandbox, "SANDBOX_PORT", "--sandbox-port")
    check_port(mllp, "MLLP_PORT", "--mllp-port")
    check_port(his, "HIS_PORT", "--his-port")


def check_port(port: int, make_option: str, command_option: str) -> None:
    """Raise when something listens on `port` already, naming the option that changes it."""
    try:
        if is_port_free(port):
            return
        why = f"is taken{_by_whom(port)}: stop that program, or choose another port"
    except PermissionError:
        why = "may be opened by an administrator only: choose another port"
    raise DemoError(f"Port {port} {why} {_way_to(make_option, command_option, _other(port))}.")


def _way_to(make_option: str, command_option: str, port: int) -> str:
    """How a person says another port."""
    return f"with `make demo {make_option}={port}` (`healthycity demo {command_option} {port}`)"


def _other(port: int) -> int:
    """A port to propose instead."""
    return port + 1 if 1024 <= port < 65535 else 8000 + port % 1000


def _by_whom(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        local = connection.laddr
        if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
            return f" by {_name_of(connection.pid)} (process {connection.pid})"
    return ""


def _name_of(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return "another program"


def check_servers(given: Mapping[str, str]) -> None:
    """Raise when an embedded server is needed and cannot be had on this platform."""
    if not given.get("MONGODB_URI"):
        mongod_binary()
    if not given.get("BROKER_URL"):
        redis_binary()


def check_given_broker(given: Mapping[str, str], web: str) -> None:
    """Raise when somebody named a broker that does not answer.

    The city is ready without one, but nothing that follows a click is done: no payment noticed, nobody told.
    """
    if given.get("BROKER_URL") and "broker" in httpx.get(f"{web}/readyz", trust_env=False).json()["degraded"]:
        raise DemoError("The broker cannot be reached at BROKER_URL: start it, or leave BROKER_URL out.")


def check_resident_app(folder: Path) -> None:
    """Raise when the resident app has not been built for the web."""
    if not (folder / "index.html").is_file():
        raise DemoError(
            f"The resident app is not built in {folder}: run `make demo`, which builds it, "
            "or `npm ci && npm run build:h5` in miniprogram (Node 20 or newer)."
        )


@contextmanager
def only_one_demo(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go of it however the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            running = lock.read().strip() or "unknown"
            raise DemoError(
                f"A demo already runs from {folder} (process {running}): use it, or stop it with Ctrl-C."
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield
