"""Crashes: web and worker are killed at random while people book and pay; then everything must add up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.db.client import Database
from tests.support.lives import Lives, open_lives

pytestmark = [pytest.mark.serial, pytest.mark.timeout(280)]
PEOPLE, KILLS = 24, 10


@pytest.fixture
async def town(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Lives]:
    # A Redis database of its own: another test's tasks are nobody's business here.
    broker = redis_url.rsplit("/", 1)[0] + "/7"
    async with open_lives(bare_db, mongo_uri, broker, tmp_path / "keys.json") as opened:
        yield opened


async def test_nothing_is_lost_when_processes_are_killed(town: Lives) -> None:
    dice = random.Random(20261121)
    lives = await town.begin(PEOPLE)
    await _havoc(town, dice)
    await lives
    assert (len(town.booked), len(town.cancelled)) == (16, 8)
    await town.settle()
    await town.assert_all_adds_up()


async def _havoc(town: Lives, dice: random.Random) -> None:
    """Kill web or worker at random moments, and start it again."""
    commands = {"web": ("serve",), "worker": ("worker",)}
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.3, 2.5))
        name = dice.choice(list(commands))
        town.processes.kill(name)
        town.processes.start(name, *commands[name])
