"""`healthycity demo`: in which order a city comes up, what is said meanwhile, how it goes down again."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from backend.demo.embedded import start_mongod, start_redis
from backend.demo.environment import (
    RESIDENT_APP,
    DemoPlaces,
    callback_secrets,
    city_environment,
    inherited,
    settings_of,
)
from backend.demo.errors import DemoError
from backend.demo.preconditions import (
    check_given_broker,
    check_ports,
    check_resident_app,
    check_servers,
    only_one_demo,
)
from backend.demo.report import print_welcome, write_city_file
from backend.demo.supervisor import StopRequested, Supervisor, stop_signals
from backend.security.keys import Keyring

READY_WITHIN_S = 60.0
STEPS = ("database and queue", "the outside world (sandbox)", "city data", "web, worker, beat and mllp")

console = Console(highlight=False)


def run_demo(places: DemoPlaces, fresh: bool) -> None:
    """Bring the city up, keep it up until Ctrl-C, take it down."""
    check_resident_app(Path(os.environ.get("MINIPROGRAM_DIR") or RESIDENT_APP))
    check_servers(os.environ)
    with only_one_demo(places.folder), stop_signals():
        try:
            check_ports(places.web_port, places.sandbox_port, places.mllp_port, places.his_port)
            if fresh:
                _start_over(places.folder)
            _run(places)
        except StopRequested:
            console.print("Stopped; `make demo` goes on where this left off.")


def _start_over(folder: Path) -> None:
    """Throw away data, keys and the sandbox's memory; the lock is held and stays."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()


def _run(places: DemoPlaces) -> None:
    began = time.monotonic()
    with Supervisor(places.logs, console.print) as supervisor:
        try:
            with _progress() as progress:
                city_file = _bring_up(places, supervisor, progress)
            print_welcome(console, places, city_file, time.monotonic() - began)
            supervisor.watch()
        finally:
            console.print("[dim]Stopping …[/]")


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _bring_up(places: DemoPlaces, supervisor: Supervisor, progress: Progress) -> dict[str, object]:
    """Start everything in the order in which one part needs another. Returns what city.json holds."""
    task = progress.add_task(STEPS[0], total=len(STEPS))
    _start_sandbox(places, supervisor)
    servers = _start_servers(places, supervisor)
    _next(progress, task, 1)
    # The services take a second to import, and the sandbox comes up meanwhile.
    from backend.demo.filling import fill

    supervisor.await_ready("sandbox", lambda: _answers(f"{places.sandbox_url}/healthz"), READY_WITHIN_S)
    _next(progress, task, 2)
    if not places.keys_file.exists():
        Keyring.generate(places.keys_file)
    environment = city_environment(places, servers, os.environ)
    told = fill(
        settings_of(environment),
        places,
        say=lambda what: progress.update(task, description=what),
        on_migrated=lambda: _start_city(places, supervisor, environment),
    )
    _next(progress, task, 3)
    supervisor.await_ready("web", lambda: _answers(f"{places.web_url}/readyz"), READY_WITHIN_S)
    supervisor.await_ready("mllp", lambda: _listens(places.mllp_port), READY_WITHIN_S)
    check_given_broker(os.environ, places.web_url)
    progress.update(task, completed=len(STEPS))
    lines = {"mllp": places.mllp_address, "his": places.his_address}
    return write_city_file(places.city_file, places.web_url, places.sandbox_url, {**lines, **told})


def _next(progress: Progress, task: TaskID, step: int) -> None:
    progress.update(task, completed=step, description=STEPS[step])


def _start_sandbox(places: DemoPlaces, supervisor: Supervisor) -> None:
    argv = [
        *(sys.executable, "-m", "sandbox", "--port", str(places.sandbox_port), "--city-url", places.web_url),
        *("--state-dir", str(places.sandbox_state), "--city-file", str(places.city_file)),
        *("--his-port", str(places.his_port)),
    ]
    # Not on the command line, which anybody on this machine may read.
    secret = callback_secrets(places, {"mas": "MAS", "aliyun": "ALIYUN", "tencent": "TENCENT"})
    supervisor.start("sandbox", argv, inherited() | secret)


def _start_servers(places: DemoPlaces, supervisor: Supervisor) -> Mapping[str, str]:
    """Start the embedded servers that are not replaced; returns their addresses by setting."""
    urls: dict[str, str] = {}
    if not os.environ.get("MONGODB_URI"):
        server = start_mongod(places.folder / "mongodb", places.logs / "mongodb.jsonl")
        supervisor.adopt(server)
        urls["MONGODB_URI"] = server.url
    if not os.environ.get("BROKER_URL"):
        server = start_redis(places.folder / "redis", places.logs / "redis.log")
        supervisor.adopt(server)
        urls["BROKER_URL"] = server.url
        urls["REDIS_URL"] = server.url.removesuffix("/0") + "/1"
    return urls


def _start_city(places: DemoPlaces, supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "backend"]
    supervisor.start("web", [*command, "serve", "--port", str(places.web_port)], environment)
    supervisor.start("worker", [*command, "worker"], environment)
    supervisor.start("beat", [*command, "beat"], environment)
    supervisor.start("mllp", [*command, "mllp"], environment)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False
    except httpx.HTTPError as error:
        raise DemoError(f"{url} does not answer as it should: {error}.") from error
