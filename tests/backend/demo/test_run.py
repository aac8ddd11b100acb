"""The whole demo as a person runs it: it comes up, keeps its data, and leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from backend.demo.leash import free_port
from tests.support.polling import poll_sync

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(180)]

PARTS = {"mongod", "redis-server", "valkey-server"}


@dataclass
class Demo:
    """A running `healthycity demo`."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: Path

    @property
    def city(self) -> dict[str, Any]:
        """What it has written for scripts."""
        return dict(json.loads((self.folder / "city.json").read_text()))

    def family(self) -> list[psutil.Process]:
        """Itself and everything it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop and wait."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


Start = Callable[..., Demo]


@pytest.fixture
def resident_app(tmp_path: Path) -> Path:
    folder = tmp_path / "h5"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>健康城市</title>")
    return folder


@pytest.fixture
def start(tmp_path: Path, resident_app: Path) -> Iterator[Start]:
    started: list[Demo] = []

    def begin(*options: str, ready: bool = True) -> Demo:
        ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
        folder = tmp_path / "demo"
        said = tmp_path / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "backend", "demo", "--folder", str(folder), *ports, *options],
                env=_no_servers() | {"MINIPROGRAM_DIR": str(resident_app)},
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        demo = Demo(process, folder, said)
        started.append(demo)
        if ready:
            (folder / "city.json").unlink(missing_ok=True)
            poll_sync(lambda: has_started(demo), deadline_s=60, what="the demo's start")
        return demo

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def _no_servers() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("MONGODB_URI", "BROKER_URL")}


def has_started(demo: Demo) -> bool:
    if demo.process.poll() is not None:
        raise AssertionError(f"the demo ended: {demo.said.read_text()}")
    return (demo.folder / "city.json").exists()


def all_gone(family: list[psutil.Process]) -> bool:
    return not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


def test_the_demo_comes_up_keeps_its_data_and_leaves_no_process(start: Start):
    first = start()
    family = first.family()
    assert len(family) >= 7, [member.name() for member in family]
    assert httpx.get(f"{first.city['web']}/readyz").json() == {"status": "ok", "missing": []}
    assert httpx.get(f"{first.city['sandbox']}/healthz").is_success
    keys = (first.folder / "keys.json").read_text()
    hospitals = first.city["hospitals"]
    assert first.stop() == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")

    second = start()
    family = second.family()
    assert (second.folder / "keys.json").read_text() == keys
    assert second.city["hospitals"] == hospitals
    assert second.stop(signal.SIGTERM) == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")


def test_the_demo_killed_outright_leaves_no_process(start: Start):
    demo = start()
    family = demo.family()
    demo.process.kill()
    demo.process.wait()
    poll_sync(lambda: all_gone(family), deadline_s=40, what="the end of every process")


def test_ctrl_c_while_starting_leaves_no_process(start: Start):
    demo = start(ready=False)
    poll_sync(lambda: PARTS & {member.name() for member in demo.family()}, what="the first server")
    family = demo.family()
    assert demo.stop() == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")


def test_starting_over_throws_the_data_away(start: Start):
    first = start()
    keys = (first.folder / "keys.json").read_text()
    first.stop()
    again = start("--fresh")
    assert (again.folder / "keys.json").read_text() != keys
    again.stop()
