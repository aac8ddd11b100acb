"""Stopping a web process: what was begun is finished, nothing new is begun."""

from __future__ import annotations

import asyncio
import signal

import httpx
import pytest

from tests.backend.http.front import INSERT_OF_A_CLAIM, Front
from tests.support.polling import poll

pytestmark = pytest.mark.xdist_group("processes")


async def refused(front: Front) -> bool:
    try:
        await front.get("/healthz")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False  # taken into the queue in the last moment, and hung up on
    return False


async def test_a_booking_under_way_is_answered_and_nothing_new_is_begun(front: Front):
    await front.start()
    front.gate.hold(INSERT_OF_A_CLAIM)
    # The first insert is held on its way; the others gather behind it in the process.
    slow = [asyncio.create_task(front.book(number)) for number in range(1, 6)]
    await poll(lambda: front.gate.held, what="the booking to be on its way to the database")
    front.processes.signal("web", signal.SIGTERM)
    await poll(lambda: refused(front), what="new connections to be refused")
    assert not any(task.done() for task in slow)
    front.gate.release()
    answers = await asyncio.gather(*slow)
    assert [answer.status_code for answer in answers] == [201] * 5
    assert await front.processes.wait("web") == 0
    assert await front.booked() == [1, 2, 3, 4, 5]


async def test_a_connection_that_is_still_open_hears_that_the_process_is_closing(front: Front):
    await front.start()
    async with httpx.AsyncClient(timeout=10) as connected:
        assert (await connected.get(f"{front.url}/readyz")).status_code == 200
        front.gate.hold(INSERT_OF_A_CLAIM)
        slow = asyncio.create_task(front.book(1))
        await poll(lambda: front.gate.held, what="the booking to be on its way")
        front.processes.signal("web", signal.SIGTERM)
        await poll(lambda: refused(front), what="new connections to be refused")
        front.gate.release()
        # Answered on the connection from before, or hung up on: never by a process that says it is ready.
        try:
            answer = await connected.get(f"{front.url}/readyz")
        except httpx.TransportError:
            answer = None
        assert answer is None or (answer.status_code, answer.json()["missing"]) == (503, ["closing"])
    assert (await slow).status_code == 201
    assert await front.processes.wait("web") == 0


async def test_what_outlasts_the_grace_is_still_written_before_the_process_ends(front: Front):
    await front.start(SHUTDOWN_GRACE_S="1")
    front.gate.hold(INSERT_OF_A_CLAIM)
    slow = [asyncio.create_task(front.book(number)) for number in (1, 2, 3)]
    await poll(lambda: front.gate.held, what="the booking to be on its way")
    front.processes.signal("web", signal.SIGTERM)
    await poll(lambda: "grace_over" in front.processes.log_of("web"), what="the grace to be over")
    assert front.processes.is_running("web")
    front.gate.release()
    assert await front.processes.wait("web") == 0
    assert await front.booked() == [1, 2, 3]
    # Some may still have been answered; whoever was hung up on repeats with the same idempotency key.
    ended = await asyncio.gather(*slow, return_exceptions=True)
    answered = [each for each in ended if not isinstance(each, httpx.TransportError)]
    assert all(isinstance(each, httpx.Response) and each.status_code == 201 for each in answered)


async def test_asked_to_stop_twice_it_stops_once(front: Front):
    await front.start()
    front.gate.hold(INSERT_OF_A_CLAIM)
    slow = asyncio.create_task(front.book(7))
    await poll(lambda: front.gate.held, what="the booking to be on its way")
    front.processes.signal("web", signal.SIGTERM)
    front.processes.signal("web", signal.SIGINT)
    await poll(lambda: refused(front), what="new connections to be refused")
    front.gate.release()
    assert (await slow).status_code == 201
    assert await front.processes.wait("web") == 0
