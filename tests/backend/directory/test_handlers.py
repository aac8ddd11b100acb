"""The directory over HTTP: what anybody may look up, what a hospital publishes of itself."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from backend import clock
from backend.db.client import Database
from tests.factories.directory import a_practitioner, make_hospital
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

DEPARTMENT = {"name": "心血管内科", "code": "0304", "place": "3层"}


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


@pytest.fixture
async def client(city: TestCity) -> Caller:
    return await city.hospital_client()


def a_session(**overrides) -> dict:
    on = clock.today() + timedelta(days=1)
    start = clock.city_instant(on, 8)
    slots = [
        {
            "number": n + 1,
            "start_at": (start + timedelta(minutes=10 * n)).isoformat(),
            "end_at": (start + timedelta(minutes=10 * n + 10)).isoformat(),
        }
        for n in range(6)
    ]
    return {
        "department": "XNK", "on": on.isoformat(), "period": "am", "kind": "expert", "fee_fen": 2000,
        "slots": slots, "reserved": {"window": 2},
    } | overrides  # fmt: skip


def one_slot(start_at: str, end_at: str) -> dict:
    return {"number": 1, "start_at": start_at, "end_at": end_at}


# -- what residents look up --------------------------------------------------------------------------


async def test_anybody_finds_the_way_from_a_hospital_to_its_doctors(city: TestCity):
    organization, department, practitioner = await make_hospital(city.city.services.directory)
    page = await city.call("GET", "/api/v1/organizations", params={"q": "syy"})
    assert [found["id"] for found in page["items"]] == [organization.id]
    assert page["items"][0] == {
        "id": organization.id, "name": "健康城市第一人民医院", "short_name": "市一院", "level": "32",
        "level_name": "三级甲等", "kind": "general", "kind_name": "综合医院", "address": "康宁路1号",
        "district": "康宁区", "phone": "0536-8000001", "lat": 36.7, "lng": 119.1,
    }  # fmt: skip
    assert await city.call("GET", f"/api/v1/organizations/{organization.id}") == page["items"][0]
    departments = await city.call("GET", f"/api/v1/organizations/{organization.id}/departments")
    assert [found["name"] for found in departments["items"]] == [department.name]
    assert (await city.call("GET", f"/api/v1/departments/{department.id}"))["code"] == "0304"
    doctors = await city.call("GET", f"/api/v1/departments/{department.id}/practitioners")
    assert doctors["items"] == [await city.call("GET", f"/api/v1/practitioners/{practitioner.id}")]
    assert doctors["items"][0]["name"] == practitioner.name


async def test_one_box_searches_everything(city: TestCity):
    await make_hospital(city.city.services.directory)
    found = await city.call("GET", "/api/v1/search", params={"q": "xinxueguan"})
    assert [department["name"] for department in found["departments"]] == ["心血管内科"]
    assert found["organizations"] == []
    assert found["practitioners"] == []


async def test_what_is_found_says_whose_it_is(city: TestCity):
    directory = city.city.services.directory
    for number, name in enumerate(("市第一医院", "市妇幼保健院")):
        await make_hospital(directory, f"h{number}", name=name)
    found = await city.call("GET", "/api/v1/search", params={"q": "心血管内科"})
    assert {hit["organization_name"] for hit in found["departments"]} == {"市第一医院", "市妇幼保健院"}
    doctor = (await directory.list_practitioners(found["departments"][0]["id"]))[0].name
    found = await city.call("GET", "/api/v1/search", params={"q": doctor})
    assert {"市第一医院", "市妇幼保健院"} <= {hit["organization_name"] for hit in found["practitioners"]}


async def test_pages_follow_each_other(city: TestCity):
    for number in range(5):
        await make_hospital(city.city.services.directory, f"h{number}", name=f"医院{number}")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await city.call("GET", "/api/v1/organizations", params=query)
        assert len(page["items"]) <= 2
        seen += [found["id"] for found in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6


async def test_public_answers_may_be_kept_a_moment(city: TestCity):
    answer = await city.http.get(f"{city.url}/api/v1/organizations")
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    missing = await city.http.get(f"{city.url}/api/v1/organizations/nobody")
    assert missing.status_code == 404
    assert missing.headers["Cache-Control"] == "no-store"


async def test_a_change_is_seen_at_once_in_the_process_that_made_it(city: TestCity, client: Caller):
    path = f"/api/v1/organizations/{city.hospital.id}/departments"
    before = await city.call("GET", path)
    await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    after = await city.call("GET", path)
    assert len(after["items"]) == len(before["items"]) + 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "!"}, {"kind": "zoo"}, {"q": "x" * 65},
        {"unknown": 1},
    ],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_refused(city: TestCity, query):
    await city.call("GET", "/api/v1/organizations", params=query, expect=400)


async def test_no_text_breaks_the_search(city: TestCity):
    for text in ("%00", "(((", "\\", "'", "${x}", "​", "😀", "ａ", "."):
        await city.call("GET", "/api/v1/search", params={"q": text})
    await city.call("GET", "/api/v1/search?q=%00", expect=200)
    await city.call("GET", "/api/v1/search?q=%ff", expect=400)


# -- what hospitals publish --------------------------------------------------------------------------


async def test_a_hospital_publishes_departments_doctors_and_sessions(city: TestCity, client: Caller):
    department = await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    doctor = {"name": "安平", "title": "主任医师", "department_external_ids": ["XNK"]}
    practitioner = await city.call("PUT", "/hospital/v1/practitioners/007", as_=client, json=doctor)
    assert practitioner["department_ids"] == [department["id"]]
    session = a_session(practitioner="007")
    published = await city.call("PUT", "/hospital/v1/schedules/S-1", as_=client, json=session)
    assert (published["department"], published["practitioner"], published["state"]) == ("XNK", "007", "open")
    assert [slot["reserved_for"] for slot in published["slots"]] == [None] * 4 + ["window"] * 2
    assert await city.call("PUT", "/hospital/v1/schedules/S-1", as_=client, json=session) == published
    assert await city.call("GET", "/hospital/v1/schedules/S-1", as_=client) == published
    path = f"/api/v1/departments/{department['id']}/availability"
    [day] = [d for d in (await city.call("GET", path))["days"] if d["sessions"]]
    assert (day["sessions"][0]["free"], day["sessions"][0]["total"]) == (4, 6)
    assert day["sessions"][0]["practitioner"]["name"] == "安平"


async def test_each_read_shows_what_was_published(city: TestCity, client: Caller):
    for kind, body in (("departments/XNK", DEPARTMENT),):
        put = await city.call("PUT", f"/hospital/v1/{kind}", as_=client, json=body)
        assert await city.call("GET", f"/hospital/v1/{kind}", as_=client) == put
    doctor = {"name": "安平", "department_external_ids": ["XNK"]}
    put = await city.call("PUT", "/hospital/v1/practitioners/P", as_=client, json=doctor)
    assert await city.call("GET", "/hospital/v1/practitioners/P", as_=client) == put


async def test_a_sold_number_cannot_be_published_away(city: TestCity, client: Caller):
    await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    session = a_session(fee_fen=0)
    published = await city.call("PUT", "/hospital/v1/schedules/S1", as_=client, json=session)
    resident = city.stranger()
    wanted = {"schedule_id": published["id"], "patient_id": resident.id, "number": 4}
    await city.call("POST", "/api/v1/appointments", as_=resident, json=wanted)
    shorter = session | {"slots": session["slots"][:3]}
    refused = await city.call("PUT", "/hospital/v1/schedules/S1", as_=client, json=shorter, expect=409)
    assert refused["error"]["code"] == "SCHEDULE_HAS_BOOKINGS"
    assert refused["error"]["data"] == {"numbers": [4]}
    kept = await city.call("GET", "/hospital/v1/schedules/S1", as_=client)
    assert [slot["number"] for slot in kept["slots"] if slot["sold"]] == [4]


async def test_a_stopped_clinic_stays_stopped_and_ends_its_bookings(city: TestCity, client: Caller):
    await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    session = a_session(fee_fen=0)
    published = await city.call("PUT", "/hospital/v1/schedules/S1", as_=client, json=session)
    resident = city.stranger()
    wanted = {"schedule_id": published["id"], "patient_id": resident.id}
    booked = await city.call("POST", "/api/v1/appointments", as_=resident, json=wanted)
    for _ in range(2):
        stopped = await city.call(
            "POST", "/hospital/v1/schedules/S1/stop", as_=client, json={"reason": "医生外出"}
        )
        assert (stopped["state"], stopped["stop_reason"]) == ("stopped", "医生外出")
    await city.work()
    ended = await city.call("GET", f"/api/v1/appointments/{booked['id']}", as_=resident)
    assert ended["state"] == "stopped"
    refused = await city.call(
        "PUT", "/hospital/v1/schedules/S1", as_=client, json=session | {"fee_fen": 1}, expect=409
    )
    assert refused["error"]["code"] == "SCHEDULE_STOPPED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"department": "nope"}, "SCHEDULE_INVALID"),
        ({"practitioner": "nope"}, "SCHEDULE_INVALID"),
        ({"on": "2020-01-01"}, "SCHEDULE_INVALID"),
        ({"period": "pm"}, "SCHEDULE_INVALID"),
        ({"reserved": {"window": 7}}, "SCHEDULE_INVALID"),
        ({"reserved": {"moon": 1}}, "BAD_REQUEST"),
        ({"slots": []}, "BAD_REQUEST"),
        ({"fee_fen": -1}, "BAD_REQUEST"),
        ({"fee_fen": 1.5}, "BAD_REQUEST"),
        ({"slots": [one_slot("2030-01-01T08:00:00", "2030-01-01T09:00:00")]}, "BAD_REQUEST"),
        ({"slots": [one_slot("0001-01-01T00:00:00+14:00", "2030-01-01T09:00:00Z")]}, "BAD_REQUEST"),
        ({"surprise": 1}, "BAD_REQUEST"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_session_is_said(city: TestCity, client: Caller, change, code):
    await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    body = a_session(**change)
    refused = await city.call("PUT", "/hospital/v1/schedules/S1", as_=client, json=body, expect=400)
    assert refused["error"]["code"] == code
    assert refused["error"]["data"]


@pytest.mark.parametrize("external_id", ["a%20b", "%0A", "x" * 65, "a%2Fb", "%E5%BF%83"])
async def test_an_id_must_fit_into_a_path(city: TestCity, client: Caller, external_id):
    path = f"/hospital/v1/departments/{external_id}"
    await city.call("PUT", path, as_=client, json=DEPARTMENT, expect=400)


UNSEEN = ("心\x00内科", "\u202e科内心", "心内科\u2066", "心\u2028内科", "心\n内科", "心\x1b[2J")


async def test_names_hold_nothing_that_cannot_be_seen(city: TestCity, client: Caller):
    for name in UNSEEN:
        refused = await city.call(
            "PUT", "/hospital/v1/departments/D", as_=client, json=DEPARTMENT | {"name": name}, expect=400
        )
        [field] = refused["error"]["data"]["fields"]
        assert (field["field"], field["problem"]) in [("name", "unseen_character"), ("name", "line_break")]
    doctor = {"name": "買买提·艾力💉", "intro": "擅长：\n一、高血压", "department_external_ids": []}
    told = await city.call("PUT", "/hospital/v1/practitioners/P", as_=client, json=doctor)
    assert (told["name"], told["intro"]) == (doctor["name"], doctor["intro"])


async def test_another_hospital_sees_nothing_of_it(city: TestCity, client: Caller):
    await city.call("PUT", "/hospital/v1/departments/XNK", as_=client, json=DEPARTMENT)
    await city.call("PUT", "/hospital/v1/schedules/S1", as_=client, json=a_session())
    other, department, doctor = await make_hospital(city.city.services.directory, "other")
    issued = await city.city.services.clients.register_hospital(other.id, "HIS")
    form = {
        "grant_type": "client_credentials", "client_id": issued.client.id, "client_secret": issued.secret,
    }  # fmt: skip
    answer = await city.http.post(f"{city.url}/oauth2/token", data=form)
    stranger = Caller(issued.client.id, answer.json()["access_token"])
    await city.call("GET", "/hospital/v1/departments/XNK", as_=stranger, expect=404)
    await city.call("GET", "/hospital/v1/schedules/S1", as_=stranger, expect=404)
    stop = {"reason": "不相干"}
    await city.call("POST", "/hospital/v1/schedules/S1/stop", as_=stranger, json=stop, expect=404)
    theirs = a_session(department="d1", practitioner="p1")
    made = await city.call("PUT", "/hospital/v1/schedules/S1", as_=stranger, json=theirs)
    assert made["id"] != (await city.call("GET", "/hospital/v1/schedules/S1", as_=client))["id"]
    assert a_practitioner(other, department).id == doctor.id


async def test_residents_and_nobody_publish_nothing(city: TestCity):
    path = "/hospital/v1/departments/XNK"
    await city.call("PUT", path, json=DEPARTMENT, expect=401)
    await city.call("PUT", path, as_=city.stranger(), json=DEPARTMENT, expect=403)
