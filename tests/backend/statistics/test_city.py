"""The figures of a whole city: what happens in it, what other areas keep, what its days are like."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.db.client import Database
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Direction, Urgency
from backend.statistics.board_models import Board, BoardQuery, By
from backend.statistics.follower import READ
from tests.factories.city import make_booking
from tests.factories.referrals import make_road
from tests.support.city import Surroundings, TestCity, open_test_city

TODAY = clock.today()
MONTH = f"{TODAY:%Y-%m}"


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def own_board(city: TestCity, by: By = By.MONTH) -> Board:
    """As the hospital's own people see it: nothing is hidden."""
    staff = Actor("staff", "S", Role.HOSPITAL_OPERATOR, organization_ids=frozenset({city.hospital.id}))
    return await city.city.services.statistics.board(staff, BoardQuery(TODAY.replace(day=1), TODAY, by))


async def test_what_other_areas_keep_stands_on_the_board_by_month_and_by_day(city: TestCity) -> None:
    here, services, db = city.hospital.id, city.city.services, city.city.db
    for level, when in (("organization", MONTH), ("day", TODAY.isoformat())):
        figures = {"level": level, "month": when, "organization_id": here, "accepted": 4, "saved_fen": 12_050}
        await db.collection("recognition_figures").insert_one({"_id": level, **figures})
    for level, when in (("kind", MONTH), ("day", TODAY.isoformat())):
        for kind, alerts in (("duplicate", 6), ("allergy", 50)):
            document = {
                "level": level,
                "month": when,
                "organization_id": here,
                "name": kind,
                "alerts": alerts,
            }
            await db.collection("medication_figures").insert_one({"_id": f"{level}{kind}", **document})
    for questionnaire, points in (("one", 180), ("other", 60)):
        counted = {"sent": 7, "completed": 5, "scored": points // 60, "points": points, "satisfied": 1}
        for level, when in (("organization", MONTH), ("day", TODAY.isoformat())):
            place = {"questionnaire_id": questionnaire, "level": level, "month": when}
            await db.collection("survey_results").insert_one(
                {"_id": f"{level}{questionnaire}", **place, "organization_id": here, **counted}
            )
    for back, (checked, failed) in enumerate([(60.0, 3.0), (40.0, 7.0)]):
        on = (TODAY - timedelta(days=back)).isoformat()
        day = {"organization_id": here, "on": on, "resources": 5, "checked": checked, "failed": failed}
        await db.collection("quality_days").insert_one({"_id": f"{here}:{on}", **day})
    await services.statistics.gauges.run()

    months, days = await own_board(city), await own_board(city, By.DAY)
    told = {code: months.total.get(code).number for code in (
        "recognitions", "recognised_fen", "duplicate_medicines", "surveys_sent", "surveys_completed",
        "satisfaction", "connected", "quality_score", "open_work",
    )}  # fmt: skip
    assert told == {
        "recognitions": 4, "recognised_fen": 120.5, "duplicate_medicines": 6, "surveys_sent": 14,
        "surveys_completed": 10, "satisfaction": 60, "connected": 1, "quality_score": 90, "open_work": None,
    }  # fmt: skip
    today = days.lines[-1]
    assert [today.get(code).number for code in ("recognitions", "duplicate_medicines", "connected")] == [
        4,
        6,
        1,
    ]
    assert [today.get(code).number for code in ("surveys_sent", "surveys_completed", "satisfaction")] == [
        14,
        10,
        60,
    ]
    elsewhere = await services.statistics.board(
        replace(SYSTEM, organization_ids=frozenset({"ELSEWHERE"})), BoardQuery(TODAY.replace(day=1), TODAY)
    )
    assert not elsewhere.total.get("recognitions").number


async def test_bookings_and_referrals_are_counted_as_they_happen_and_recounted_the_same(
    city: TestCity,
) -> None:
    services, road = city.city.services, await make_road(city.city.services)
    schedule = await city.schedule()
    booked = [await make_booking(services, schedule, new_id(), channel="kiosk") for _ in range(3)]
    await services.claims.cancel(booked[0].id, reason="有事", by="resident")
    held = await make_booking(services, schedule, new_id(), hold=True)
    await services.claims.release(held)
    up = await road.accepted(await road.session())
    await road.act(road.lead.actor, up, ReferralEvent.ARRIVE)
    await road.send(direction=Direction.DOWN, urgency=Urgency.URGENT)
    await city.work()
    # What came twice, or is done again, is no second time.
    await city.city.db.collection("outbox").update_many({}, {"$set": {"state": "due", "queued": False}})
    await city.later()

    everywhere = replace(SYSTEM, organization_ids=frozenset({city.hospital.id, road.lead.id, road.clinic.id}))
    tomorrow = TODAY + timedelta(days=1)
    board = await services.statistics.board(everywhere, BoardQuery(TODAY, tomorrow, By.ORGANIZATION))
    lines = {line.key: line for line in board.lines}

    def told(place: str, *codes: str) -> list[float | None]:
        return [lines[place].get(code).number for code in codes]

    assert told(city.hospital.id, "bookings", "cancellations", "visits_due", "hours_saved") == [3, 1, 2, 1]
    assert told(road.clinic.id, "referrals_up", "referrals_down", "referrals_accepted") == [1, 1, 0]
    assert told(road.lead.id, "referrals_accepted", "referral_minutes", "referral_arrival_rate") == [
        1,
        0,
        100,
    ]
    assert [part.key for part in board.parts["bookings"]] == ["kiosk", "referral"]
    assert await services.statistics.recount.run(TODAY - timedelta(days=1), tomorrow) == []


async def test_readings_of_records_are_counted_from_the_audit_log(city: TestCity) -> None:
    services, here = city.city.services, city.hospital.id
    staff = Actor("staff", "S", Role.DOCTOR, organization_ids=frozenset({here}))
    read = {"way": "read", "basis": "care", "types": ["DiagnosticReport"]}
    searched = {"way": "search", "basis": "consent", "types": ["Observation"]}
    for data in (read, searched, searched):
        await services.audit.record(staff, READ, "person/P", "care", here, data)
    await services.audit.record(staff, "records.export", "person/P", "own", here, {})
    for _ in range(2):
        await services.statistics.follower.run()
    board = await own_board(city)
    assert board.total.get("record_accesses").number == 3
    assert [(part.key, part.value.number) for part in board.parts["record_accesses"]] == [
        ("consent", 2), ("care", 1),
    ]  # fmt: skip
    assert board.total.get("report_lookups").number == 1
    assert await services.statistics.recount.run(TODAY, TODAY) == []
