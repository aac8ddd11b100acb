"""Several web processes behind one port: counted together, started again, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import httpx
import psutil
import pytest

from tests.backend.http.front import INSERT_OF_A_CLAIM, Front
from tests.support.polling import poll

pytestmark = pytest.mark.xdist_group("processes")
HEALTH = {"route": "/healthz", "method": "GET", "status": "200"}


def children(front: Front) -> set[int]:
    """The web processes behind the parent."""
    parent = psutil.Process(front.processes.running["web"].pid)
    return {child.pid for child in parent.children()}


def metrics_folders() -> set[Path]:
    """What web processes have put aside for their metrics."""
    return set(Path(tempfile.gettempdir()).glob("healthycity-metrics-*"))


async def ask(front: Front, times: int) -> None:
    """New connections, so that both processes get some."""
    for _ in range(times):
        assert (await front.get("/healthz")).status_code == 200


async def counted(front: Front) -> float:
    return await front.metric("healthycity_http_request_seconds_count", **HEALTH)


async def test_one_page_of_metrics_counts_for_both_and_a_killed_child_is_started_again(front: Front):
    await front.start("--processes", "2")
    await poll(lambda: len(children(front)) == 2, what="two web processes")
    before = await counted(front)
    await ask(front, 40)
    assert await counted(front) == before + 40
    first = children(front)
    os.kill(min(first), signal.SIGKILL)
    await poll(lambda: len(children(front)) == 2 and children(front) != first, what="a new child")

    async def answers() -> bool:
        try:
            await ask(front, 10)
        except httpx.TransportError:
            return False
        return True

    await poll(answers, what="the new child to answer")
    # What the killed one had counted is not forgotten.
    assert await counted(front) >= before + 50
    assert "web_process_restarted" in front.processes.log_of("web")


async def test_all_finish_what_they_had_begun_and_the_parent_ends_well(front: Front):
    kept = metrics_folders()
    await front.start("--processes", "2")
    await poll(lambda: len(children(front)) == 2, what="two web processes")
    pids = children(front)
    front.gate.hold(INSERT_OF_A_CLAIM)
    slow = [asyncio.create_task(front.book(number)) for number in range(1, 9)]
    # Each process has an insert of its own on the way when both have got a booking.
    await poll(lambda: front.gate.held, what="bookings to be on their way")
    front.processes.signal("web", signal.SIGTERM)

    async def refused() -> bool:
        try:
            await front.get("/healthz")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            return False  # taken into the queue in the last moment, and hung up on
        return False

    await poll(refused, what="new connections to be refused")
    front.gate.release()
    assert [answer.status_code for answer in await asyncio.gather(*slow)] == [201] * 8
    assert await front.processes.wait("web") == 0
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert await front.booked() == list(range(1, 9))
    assert metrics_folders() <= kept


async def test_a_folder_of_metrics_that_was_given_is_used_and_left(front: Front, tmp_path: Path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    await front.start("--processes", "2", PROMETHEUS_MULTIPROC_DIR=str(folder))
    await ask(front, 5)
    assert await counted(front) >= 5
    front.processes.signal("web", signal.SIGTERM)
    assert await front.processes.wait("web") == 0
    assert list(folder.glob("*.db"))
