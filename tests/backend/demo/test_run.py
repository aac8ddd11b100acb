"""The whole demo as a person runs it: it comes up, keeps its data, and leaves no process behind."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.demo import Demo, start_demo
from tests.support.polling import poll_sync

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]

PARTS = {"mongod", "redis-server", "valkey-server"}
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
        demo = start_demo(tmp_path, *options, resident_app=resident_app)
        started.append(demo)
        if ready:
            demo.await_ready()
        return demo

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def all_gone(family: list[psutil.Process]) -> bool:
    return not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


def test_the_demo_comes_up_keeps_its_data_starts_over_and_leaves_no_process(start: Start):
    first = start()
    family = first.family()
    assert len(family) >= 7, [member.name() for member in family]
    assert httpx.get(f"{first.city['web']}/readyz").json() == {"status": "ok", "missing": [], "degraded": []}
    assert httpx.get(f"{first.city['sandbox']}/healthz").is_success
    told = f"{first.city['sandbox']}/control/his"
    poll_sync(lambda: httpx.get(told).json()["items"], deadline_s=40, what="a message at the hospital")
    keys = (first.folder / "keys.json").read_text()
    hospitals = first.city["hospitals"]
    secret = (first.folder / "mas-callback-secret").read_text()
    assert not any(secret in " ".join(member.cmdline()) for member in family), "anybody may read `ps`"
    assert first.stop() == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")

    second = start()
    family = second.family()
    assert (second.folder / "keys.json").read_text() == keys
    assert second.city["hospitals"] == hospitals
    assert second.stop(signal.SIGTERM) == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")

    anew = start("--fresh")
    family = anew.family()
    assert (anew.folder / "keys.json").read_text() != keys
    anew.process.kill()
    anew.process.wait()
    # A worker in the middle of something asks the database for half a minute, and more than once.
    poll_sync(lambda: all_gone(family), deadline_s=100, what="the end of every process after a kill")


def test_ctrl_c_while_starting_leaves_no_process(start: Start):
    demo = start(ready=False)
    poll_sync(lambda: PARTS & {member.name() for member in demo.family()}, what="the first server")
    family = demo.family()
    assert demo.stop() == 0
    poll_sync(lambda: all_gone(family), what="the end of every process")
