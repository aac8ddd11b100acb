"""The fixtures keep their promises."""

import asyncio
import os
import socket
import subprocess
import sys
import threading

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from backend.db.client import Database
from backend.db.migrate import pending
from backend.demo.leash import free_port
from tests.support.databases import Shelf
from tests.support.network import OutsideWorldError
from tests.support.polling import poll, poll_sync

# A run that says which sandbox it has started, and is then killed.
RUN = """
import asyncio
import psutil
from tests.support.outside import open_outside

async def main():
    async with open_outside("http://127.0.0.1:1"):
        print(*(child.pid for child in psutil.Process().children()), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_test_gets_a_migrated_database(db: Database):
    assert await pending(db) == []
    await db.collection("left_behind").insert_one({"_id": "by this test"})


async def test_what_another_test_left_is_gone(db: Database):
    assert await db.collection("left_behind").count_documents({}) == 0


async def test_a_bare_database_has_nothing(bare_db: Database):
    assert await bare_db.native.list_collection_names() == []


async def test_what_one_borrows_another_does_not_see(databases: Shelf, db: Database):
    async with databases.lend() as second:
        assert second.name != db.name
        assert await pending(second) == []
        residents = second.native.get_collection("residents")
        await residents.insert_one({"_id": "of a borrower"}, bypass_document_validation=True)
        assert await db.collection("residents").count_documents({}) == 0
    async with databases.lend() as again:
        assert again.name == second.name
        assert await again.collection("residents").count_documents({}) == 0


@pytest.mark.xdist_group("together")
def test_tests_of_a_group_stay_together(request: pytest.FixtureRequest):
    # Two that share a server's queue would take each other's work, were they run side by side.
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@together")


async def test_redis_answers(redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        assert await redis.ping()


async def test_the_outside_world_cannot_be_reached():
    with pytest.raises(OutsideWorldError, match=r"example\.org"):
        await asyncio.open_connection("example.org", 443)
    with socket.socket() as plain, pytest.raises(OutsideWorldError):
        plain.connect(("192.0.2.1", 80))


async def test_polling_says_what_did_not_hold():
    with pytest.raises(AssertionError, match="the moon did not hold"):
        await poll(lambda: False, deadline_s=0.05, what="the moon")


@given(st.just(0.25))
def test_a_property_may_take_its_time_on_a_busy_machine(pause_s: float):
    threading.Event().wait(pause_s)


def test_a_free_port_is_none_that_a_connection_could_be_given():
    assert all(20_000 <= free_port() < 32_000 for _ in range(20))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_a_run_that_is_killed_leaves_no_sandbox():
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    with run.stdout:
        [sandbox] = [psutil.Process(int(pid)) for pid in run.stdout.readline().split()]
        run.kill()
        run.wait()

    def gone() -> bool:
        return not sandbox.is_running() or sandbox.status() == psutil.STATUS_ZOMBIE

    poll_sync(gone, what="the end of the sandbox")
