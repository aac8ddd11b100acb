"""Outages: the database or the broker goes away and comes back while people book, pay and cancel.

Nothing is restarted but what went away. Whoever asks meanwhile waits, or reads that the service is away for
the moment; afterwards everything must add up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from backend.db.client import Database
from backend.ids import new_id
from backend.worker.events import Event, EventKind
from tests.support.gate import Gate, open_gate
from tests.support.lives import Lives, open_lives
from tests.support.mongod import Mongod
from tests.support.polling import poll

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.timeout(400)]
PEOPLE = 12
COMMANDS = ("insert", "update", "findAndModify")
COLLECTIONS = ("claims", "orders", "outbox", "payment_notices", "messages")


@dataclass
class Town:
    """A city, and the ways to its database and its broker."""

    lives: Lives
    mongod: Mongod
    to_database: Gate
    to_broker: Gate


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def town(
    mongod: Mongod, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    db = Database(mongod.url, "outages", app_name="tests")
    keys = tmp_path_factory.mktemp("outages") / "keys.json"
    async with open_gate(mongod.url) as to_database, open_gate(redis_url) as to_broker:
        broker = f"redis://127.0.0.1:{to_broker.port}/6"
        async with open_lives(db, to_database.mongo_uri, broker, keys, direct_uri=mongod.url) as lives:
            yield Town(lives, mongod, to_database, to_broker)
    await db.close()


async def test_a_database_that_stands_still_for_seconds_only_delays(town: Town) -> None:
    lives = await town.lives.begin(PEOPLE)
    await asyncio.sleep(0.5)
    town.mongod.freeze()
    await asyncio.sleep(4)
    town.mongod.thaw()
    await _all_is_well(town, lives)


async def test_a_database_that_is_killed_and_started_again_loses_nothing(town: Town) -> None:
    lives = await town.lives.begin(PEOPLE)
    for pause_s in (0.4, 1.5):
        await asyncio.sleep(pause_s)
        town.mongod.kill()
        await town.mongod.restart()
    await _all_is_well(town, lives)


async def test_writes_whose_answer_never_arrives_are_made_once(town: Town) -> None:
    # The driver asks once more, and is not heard either; a message's sender could not tell whether to go on.
    for name, collection in set(product(COMMANDS, COLLECTIONS)) - {("findAndModify", "payment_notices")}:
        town.to_database.cut(command(name, collection), times=1 if collection == "messages" else 2)
    await _all_is_well(town, await town.lives.begin(PEOPLE))
    # A job alone is leased by another command than several are, and those who live fast see none alone.
    await town.lives.city.services.outbox.add(
        Event(EventKind.BIRTH_STEP_DUE, {"filing_id": new_id(), "step": "household"})
    )
    await poll(lambda: not town.to_database.still_to_cut, 60, "every kind of write to be cut")


async def test_without_the_broker_people_book_and_nothing_that_follows_is_lost(town: Town) -> None:
    await town.to_broker.shut()
    lives = await town.lives.begin(PEOPLE)
    notices = town.lives.city.db.collection("payment_notices")

    async def everybody_has_paid() -> bool:
        return await notices.count_documents({"state": "due"}) == PEOPLE

    await poll(everybody_has_paid, 120, "everybody to hold a place and to pay without the broker")
    await town.to_broker.open()
    await _all_is_well(town, lives)


def command(name: str, collection: str) -> bytes:
    """How a command begins on the wire."""
    text = collection.encode() + b"\0"
    return b"\x02" + name.encode() + b"\0" + len(text).to_bytes(4, "little") + text


async def _all_is_well(town: Town, lives: asyncio.Future[list[None]]) -> None:
    await asyncio.wait_for(lives, 150)
    # Seconds as a rule; minutes when it is in doubt whether a message went out.
    await town.lives.settle()
    await town.lives.assert_all_adds_up()
    told = {refusal for refusal in town.lives.refusals if refusal != (503, "UNAVAILABLE")}
    assert not told, town.lives.refusals
    for name in ("web", "worker", "beat"):
        assert town.lives.processes.is_running(name)
