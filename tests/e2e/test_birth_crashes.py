"""Web and workers are killed at random while agencies are slow and lose answers: each is asked once.

Families file, some are asked to correct something, one thinks better of it. In the end every filing is over,
each agency has one application of each step before it, and the children are their parents'.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.births.models import BirthFacts, Parent
from backend.db.client import Database
from backend.permissions import SYSTEM
from tests.factories.city import an_id_number
from tests.support.city import id_number, make_directory
from tests.support.lives import Lives, Person, open_lives
from tests.support.polling import poll

pytestmark = [pytest.mark.serial, pytest.mark.timeout(280)]
FAMILIES, KILLS = 5, 6
ANSWERS = {"child_name": "李小宝", "household_with": "mother"}
HASTY = {"AGENCY_QUERY_AFTER_SECONDS": "2", "AGENCY_QUERY_EVERY_MINUTES": "1"}
STEPS = {"birth_certificate", "vaccination", "household", "insurance", "social_card"}
TROUBLE = {
    "slow_agencies_ms": 400,
    "duplicate_agency_calls": True,
    "forge_agency_calls": True,
    "agencies_correct": "household",
    "agencies_delay_s": 30,
}


@pytest.fixture
async def town(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Lives]:
    # A Redis database of its own: another test's tasks are nobody's business here.
    broker = redis_url.rsplit("/", 1)[0] + "/9"
    async with open_lives(bare_db, mongo_uri, broker, tmp_path / "keys.json", more=HASTY) as opened:
        yield opened


async def test_no_agency_is_asked_twice_when_processes_are_killed(town: Lives) -> None:
    dice = random.Random(20261122)
    town.places = await make_directory(town.city)
    await town.outside.post("switches", TROUBLE)
    families = [await _family(town, number) for number in range(FAMILIES)]
    lives = asyncio.gather(*(_live(town, *family, number) for number, family in enumerate(families)))
    havoc = asyncio.create_task(_havoc(town, dice))
    filings = await lives
    await havoc
    await _assert_all_adds_up(town, filings)


async def _family(town: Lives, number: int) -> tuple[Person, str]:
    """A mother whom the register knows, her husband, and a birth that the hospital noted."""
    mother = await town._person()
    assert town.places is not None
    identity = {"name": "李小红", "id_number": id_number(number)}
    father = {"name": "张大山", "id_number": an_id_number(number * 2 + 1)}
    family = [{"relation": "spouse", "id_number": identity["id_number"]}]
    await town.outside.post("persons", {**identity, "phone": mother.phone})
    await town.outside.post("persons", {**father, "family": family})
    born = BirthFacts(clock.now() - timedelta(days=1), "male", 3300)
    birth = await town.city.services.births.noting.note(
        SYSTEM, town.places[0].id, f"birth-{number}", born, Parent(**identity), Parent(**father)
    )
    return mother, birth.id


async def _live(town: Lives, mother: Person, birth_id: str, number: int) -> str:
    """File, correct what is to be corrected, and wait; every fifth takes it back on the way."""
    filing = await town.ask("POST", "/api/v1/birth-filings", mother, "file-birth", {"birth_id": birth_id})
    path = f"/api/v1/birth-filings/{filing['id']}"
    await town.ask("PUT", path, mother, "the-answers", ANSWERS)
    filing = await town.ask("POST", f"{path}/submit", mother, "no-matter")
    while filing["ended_at"] is None:
        await asyncio.sleep(0.5)
        filing = await town.ask("GET", path, mother, "no-matter")
        if number % 5 == 4 and filing["state"] == "needs_correction":
            await town.ask("POST", f"{path}/withdraw", mother, "withdrawn", {"reason": "想改名字"})
            continue
        for step in filing["steps"]:
            if step["state"] == "needs_correction":
                await town.ask("POST", f"{path}/steps/{step['code']}/correct", mother, "the-answers", ANSWERS)
    return str(filing["id"])


async def _havoc(town: Lives, dice: random.Random) -> None:
    """Kill web or worker at random moments; agencies lose answers meanwhile, and one is down for a while."""
    commands = {"web": ("serve",), "worker": ("worker",)}
    for number in range(KILLS):
        losing = number % 3 == 1
        down = "civil" if number in (3, 4) else ""
        await town.outside.post("switches", {"lose_answers_agencies": losing, "agencies_down": down})
        await asyncio.sleep(dice.uniform(0.5, 2.5))
        name = dice.choice(list(commands))
        town.processes.kill(name)
        town.processes.start(name, *commands[name])
    await town.outside.post("switches", {"lose_answers_agencies": False, "agencies_down": ""})


async def _assert_all_adds_up(town: Lives, filings: list[str]) -> None:
    births = town.city.services.births
    items = [one for one in (await town.outside.get("agencies"))["items"] if one["step"]]
    # Each question arrived once, whatever happened to its answer.
    assert {one["asks"] for one in items} == {1}
    done = Counter((one["body"]["filing"], one["step"]) for one in items if one["standing"] == "done")
    assert set(done.values()) == {1}
    for number, filing_id in enumerate(filings):
        view = await births.desk.look(SYSTEM, filing_id)
        ours = {step.code for step in view.filing.steps if step.state == "done"}
        assert ours == {step for owner, step in done if owner == filing_id}
        assert (view.filing.state, ours) == (
            ("partly_done", {"birth_certificate", "vaccination"}) if number % 5 == 4 else ("completed", STEPS)
        )

    async def linked() -> Any:
        found = [await births.desk.look(SYSTEM, filing_id) for filing_id in filings]
        return all(view.filing.child_id for view in found if view.filing.state == "completed")

    await poll(linked, 60)
    baits = await town.outside.get("deliveries")
    assert {each["state"] for each in baits["items"] if each["expect_refusal"]} <= {"refused", "unanswered"}
