"""The real SMART Scheduling Links feed is imported and booked on over HTTP by hundreds of residents."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.directory.models import Outcome
from backend.ids import new_id
from tests.support.city import Caller, Surroundings, TestCity, open_test_city
from tests.support.polling import poll

FEED = Path(__file__).parents[2] / "fixtures" / "smart-scheduling"
ZONE = "America/New_York"
RESIDENTS = 220
AT_ONCE = 16


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


class Clinics:
    """The feed's clinics as a resident finds them: by the public API alone."""

    def __init__(self, city: TestCity) -> None:
        self.city = city
        self.first_on = clock.today() + timedelta(days=1)
        self.departments: list[str] = []

    async def open(self) -> None:
        report = await self.city.city.services.imports.import_bulk_publish(
            FEED, start_on=self.first_on, time_zone=ZONE
        )
        assert report.outcomes["Slot"] == {Outcome.CREATED: 140}
        query = {"q": "smart vaccine", "limit": 50}
        page = await self.city.call("GET", "/api/v1/organizations", params=query)
        for organization in page["items"]:
            path = f"/api/v1/organizations/{organization['id']}/departments"
            found = await self.city.call("GET", path)
            self.departments += [department["id"] for department in found["items"]]

    async def days(self, department: str) -> list[dict[str, Any]]:
        path = f"/api/v1/departments/{department}/availability"
        query = {"from": self.first_on.isoformat(), "days": 14}
        found = await self.city.call("GET", path, params=query)
        return list(found["days"])

    async def sessions(self) -> list[dict[str, Any]]:
        days = await asyncio.gather(*(self.days(department) for department in self.departments))
        return [session for of_one in days for day in of_one for session in day["sessions"]]


async def side_by_side(work: list[Any]) -> list[Any]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(coroutine: Any) -> Any:
        async with gate:
            return await coroutine

    return await asyncio.gather(*(one(coroutine) for coroutine in work))


async def book(
    city: TestCity, session: dict[str, Any], who: Caller, number: int | None = None, **how: Any
) -> Any:
    wanted = {"schedule_id": session["schedule_id"], "patient_id": who.id}
    if number is not None:
        wanted["number"] = number
    return await city.call("POST", "/api/v1/appointments", as_=who, json=wanted, key=new_id(), **how)


async def test_hundreds_of_residents_book_on_the_real_feed(city: TestCity):
    clinics = Clinics(city)
    await clinics.open()
    assert len(clinics.departments) == 10
    sessions = await clinics.sessions()
    assert len(sessions) == 140
    assert {(each["free"], each["total"], each["state"]) for each in sessions} == {(100, 100, "open")}
    assert {session["kind"] for session in sessions} == {"vaccination"}

    residents = [city.stranger() for _ in range(RESIDENTS)]
    # Some choose a number, most take the earliest; a few days are crowded.
    wishes = [
        (sessions[n % 140 if n % 3 else n % 5], who, 40 + n // 4 if n % 4 == 0 else None)
        for n, who in enumerate(residents)
    ]
    booked = await side_by_side([book(city, *wish) for wish in wishes])

    assert {appointment["state"] for appointment in booked} == {"booked"}
    places = Counter((a["department"]["id"], a["on"], a["start_at"], a["number"]) for a in booked)
    assert max(places.values()) == 1
    assert len(booked) == RESIDENTS >= 200

    claims = city.city.db.collection("claims")
    assert await claims.count_documents({"live": True, "state": "booked"}) == RESIDENTS
    taken = Counter(session["schedule_id"] for session, _, _ in wishes)
    left = {session["schedule_id"]: 100 - taken[session["schedule_id"]] for session in sessions}

    async def shown() -> bool:
        """What is shown may be a second old."""
        return {each["schedule_id"]: each["free"] for each in await clinics.sessions()} == left

    await poll(shown)

    # Every resident finds the appointment again, and what the publisher said of the place.
    mine = await side_by_side(
        [
            city.call("GET", f"/api/v1/appointments/{appointment['id']}", as_=who)
            for appointment, who in zip(booked, residents, strict=True)
        ]
    )
    assert [appointment["number"] for appointment in mine] == [each["number"] for each in booked]
    detail = await city.call("GET", f"/api/v1/schedules/{wishes[0][0]['schedule_id']}")
    assert detail["booking_url"].startswith("https://ehr-portal.example.org/bookings?slot=")
    assert detail["booking_phone"] == "000-000-0000"


async def test_a_booked_number_cannot_be_booked_again_and_a_day_only_once(city: TestCity):
    clinics = Clinics(city)
    await clinics.open()
    session = (await clinics.sessions())[0]
    first, second = city.stranger(), city.stranger()
    await book(city, session, first, 7)
    refused = await book(city, session, second, 7, expect=409)
    assert refused["error"]["code"] == "SLOT_TAKEN"
    again = await book(city, session, first, 8, expect=409)
    assert again["error"]["code"] == "ALREADY_BOOKED"


async def test_a_new_reading_of_the_feed_leaves_bookings_alone(city: TestCity, tmp_path: Path):
    clinics = Clinics(city)
    await clinics.open()
    session = (await clinics.sessions())[0]
    held = await book(city, session, city.stranger(), 90)

    imports = city.city.services.imports
    same = await imports.import_bulk_publish(FEED, start_on=clinics.first_on, time_zone=ZONE)
    assert (same.created, same.updated) == (0, 0)

    # The publisher halves every capacity: number 90 is sold, so its session stays as it is.
    halved = tmp_path / "feed"
    shutil.copytree(FEED, halved)
    for file in halved.glob("slots-*.ndjson"):
        text = file.read_text().replace('"valueInteger":100', '"valueInteger":50')
        file.chmod(0o644)
        file.write_text(text)
    changed = await imports.import_bulk_publish(halved, start_on=clinics.first_on, time_zone=ZONE)
    assert changed.outcomes["Slot"] == {Outcome.UPDATED: 139}
    [kept] = [problem for problem in changed.problems if problem.line]
    assert "SCHEDULE_HAS_BOOKINGS" in kept.reason
    assert json.dumps({"numbers": [90]}, separators=(",", ":")) in kept.reason
    detail = await city.city.services.schedules.get(session["schedule_id"])
    assert len(detail.slots) == 100
    assert held["number"] == 90
