"""The queue of the day: a hospital calls numbers, residents see how many are before them and are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.ids import derived_id
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.city import Caller, Surroundings, TestCity, make_schedule, open_test_city


@pytest.fixture
async def town(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def session_of_today(town: TestCity, numbers: int = 12) -> Schedule:
    at = clock.now() + timedelta(minutes=30)
    made = make_schedule(town.hospital, town.department, days=0)
    made = replace(
        made, slots=tuple(SlotTime(n, at, at + timedelta(minutes=5)) for n in range(1, numbers + 1))
    )
    await ScheduleStore(town.city.db).insert([made])
    return made


async def book(town: TestCity, who: Caller, session: Schedule, number: int) -> str:
    body = {"schedule_id": session.id, "number": number, "patient_id": who.id}
    return str((await town.call("POST", "/api/v1/appointments", as_=who, json=body))["id"])


async def told(town: TestCity, who: Caller) -> list[str]:
    """The bodies of what somebody was told about the queue."""
    await town.work()
    items = (await town.call("GET", "/api/v1/messages", as_=who))["items"]
    return [item["body"] for item in items if item["kind"] == "queue_near"]


async def test_a_resident_sees_the_queue_move_and_is_told_once_when_three_are_left(town: TestCity):
    session, client, who = await session_of_today(town), await town.hospital_client(), await town.resident()
    others = [town.stranger() for _ in range(7)]
    for number, other in enumerate(others, 1):
        await book(town, other, session, number)
    # Nobody has 8 and 9.
    mine = await book(town, who, session, 10)
    path = f"/hospital/v1/schedules/{session.external_id}/calling"

    async def call(number: int, **more: Any) -> int:
        answer = await town.call("POST", path, as_=client, json={"number": number, **more})
        await town.work()
        return int(answer["number"])

    async def seen() -> tuple[Any, Any, bool]:
        place = await town.call("GET", f"/api/v1/appointments/{mine}/queue", as_=who)
        assert place["number"] == 10
        return place["called"], place["ahead"], place["is_over"]

    assert await seen() == (None, 7, False)
    assert await call(3) == 3
    assert await seen() == (3, 4, False)
    assert await told(town, who) == []
    assert await call(4) == 4
    [body] = await told(town, who)
    assert "前面还有：3人" in body
    # Late, and twice: nothing changes; nearer, nobody is told again.
    assert [await call(number) for number in (2, 4, 6)] == [4, 4, 6]
    assert await seen() == (6, 1, False)
    assert len(await told(town, who)) == 1
    texts = [one["content"] for one in (await town.outside.get("sms", phone=who.phone))["items"]]
    assert sum("您前面还有3人" in text for text in texts) == 1
    # A mistake is taken back, on purpose only.
    assert await call(11) == 11
    assert await seen() == (11, 0, True)
    assert await call(7, back=True) == 7
    assert await seen() == (7, 0, False)


async def test_only_a_number_of_todays_own_session_can_be_called(town: TestCity):
    session, client = await session_of_today(town), await town.hospital_client()
    tomorrow = await town.schedule()
    for external, body, status in (
        (session.external_id, {"number": 13}, 404),
        (session.external_id, {"number": 0}, 400),
        (tomorrow.external_id, {"number": 1}, 409),
        ("nobodys", {"number": 1}, 404),
    ):
        path = f"/hospital/v1/schedules/{external}/calling"
        await town.call("POST", path, as_=client, json=body, expect=status)


async def test_of_another_day_there_is_no_queue_and_another_persons_is_not_shown(town: TestCity):
    who, stranger = await town.resident(), town.stranger()
    tomorrow = await book(town, who, await town.schedule(), 1)
    place = await town.call("GET", f"/api/v1/appointments/{tomorrow}/queue", as_=who)
    assert place == {"number": 1, "called": None, "ahead": None, "is_over": False, "called_at": None}
    await town.call("GET", f"/api/v1/appointments/{tomorrow}/queue", as_=stranger, expect=404)


async def test_the_word_of_three_before_you_is_filed_under_the_day_of_the_visit(town: TestCity):
    session, client, who = await session_of_today(town), await town.hospital_client(), await town.resident()
    mine = await book(town, who, session, 2)
    # Booked long ago, as most are.
    change = {"$set": {"created_at": clock.now() - timedelta(days=9)}}
    await town.city.db.collection("claims").update_one({"_id": mine}, change)
    path = f"/hospital/v1/schedules/{session.external_id}/calling"
    await town.call("POST", path, as_=client, json={"number": 1})
    assert len(await told(town, who)) == 1
    near = await town.city.db.collection("messages").find_one({"kind": "queue_near"})
    assert near is not None
    assert near["_id"][:10] == derived_id(clock.city_instant(clock.today(), 0))[:10]
