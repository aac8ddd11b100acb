"""Workers are killed while they send: every message reaches the provider, and nobody is told twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.messages.models import Letter, MessageKind
from tests.support.lives import Lives, open_lives
from tests.support.polling import poll

pytestmark = [pytest.mark.xdist_group("message-crashes"), pytest.mark.timeout(280)]
PEOPLE, KILLS = 40, 3
FACTS = {
    "item": "预约挂号费",
    "amount": "15.00元",
    "when": "2026年1月5日（周一）09:30",
    "time": "2026年1月5日 09:30",
    "appointment_id": "",
}
UNDER_WAY = {"deliveries.sms.state": {"$in": ["due", "sending", "unknown"]}}


@pytest.fixture
async def town(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Lives]:
    broker = redis_url.rsplit("/", 1)[0] + "/8"
    async with open_lives(bare_db, mongo_uri, broker, tmp_path / "keys.json") as opened:
        yield opened


async def test_killed_workers_lose_no_message_and_tell_nobody_twice(town: Lives):
    dice = random.Random(20261122)
    await town.outside.post("switches", {"slow_mas_ms": 200, "sms_report_delay_s": 0})
    people = [await town._person() for _ in range(PEOPLE)]
    for who in people:
        letter = Letter(f"told-{who.id}", clock.now(), who.id, MessageKind.REFUND_SUCCEEDED, FACTS)
        await town.city.services.messages.tell(letter)
    last_kill = await _kill_workers(town, dice)
    await _let_doubts_come_of_age(town, last_kill)
    texts = Counter(sms["phone"] for sms in (await town.outside.get("sms"))["items"])
    assert texts == Counter(who.phone for who in people)
    states = Counter(doc["deliveries"]["sms"]["state"] for doc in await _messages(town, {}))
    assert set(states) <= {"sent", "delivered"}


async def _kill_workers(town: Lives, dice: random.Random) -> datetime:
    """Kill the worker at random moments of its sending; when the last one died."""
    died_at = clock.now()
    for number in range(KILLS):

        async def some_more(number: int = number) -> bool:
            return len((await town.outside.get("sms"))["items"]) > number * 4

        await poll(some_more, 60)
        await asyncio.sleep(dice.uniform(0.0, 0.3))
        town.processes.kill("worker")
        died_at = clock.now()
        await _end_leases(town)
        town.processes.start("worker", "worker")
    return died_at


async def _end_leases(town: Lives) -> None:
    """A minute passes for the jobs that were under way: a worker takes many at once."""
    await town.city.db.collection("outbox").update_many(
        {"state": "due", "queued": False, "due_at": {"$gt": clock.now()}}, {"$set": {"due_at": clock.now()}}
    )


async def _let_doubts_come_of_age(town: Lives, died_at: datetime) -> None:
    """Minutes pass for the tries that died with their worker, and for the leases of their jobs."""
    messages = town.city.db.collection("messages")

    async def reported() -> bool:
        taken = len((await town.outside.get("sms"))["items"])
        return await town.city.db.collection("message_reports").count_documents({}) >= taken

    async def quiet() -> bool:
        await poll(reported, 60)
        long_ago = died_at - timedelta(minutes=10)
        begun = {"deliveries.sms.started_at": {"$lte": died_at, "$gt": long_ago}, **UNDER_WAY}
        await messages.update_many(begun, {"$set": {"deliveries.sms.started_at": long_ago}})
        await _end_leases(town)
        return not await _messages(town, UNDER_WAY)

    await poll(quiet, 150)


async def _messages(town: Lives, rules: dict[str, Any]) -> list[dict[str, Any]]:
    return await town.city.db.collection("messages").find(rules).to_list(None)
