"""Referrals over HTTP, as hospitals' systems and residents' phones speak."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from backend import clock
from backend.db.client import Database
from backend.ids import new_id
from tests.factories.referrals import REASON, Road, make_road
from tests.factories.sharing import DOCTOR, Place
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

PATH = "/hospital/v1/referrals"


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity) -> Road:
    return await make_road(town.city.services)


def system_of(road: Road, place: Place) -> Caller:
    return Caller(place.id, road.services.tokens.issue(place.actor))


async def test_a_patient_whom_nobody_knows_is_identified_later(road: Road, town: TestCity):
    clinic, lead, person = system_of(road, road.clinic), system_of(road, road.lead), road.person
    looks = {"found_at": "火车站广场", "sex": "male", "age": 50}
    body = {"patient": {"unidentified": looks}, "reason": "昏迷", "urgency": "emergency", "nearest": True}
    both = body | {"patient": {"unidentified": looks, "name": person.name, "id_number": person.id_number}}
    await town.call("POST", PATH, as_=clinic, json=both, expect=400)
    sent = await town.call("POST", PATH, as_=clinic, json=body, expect=201)
    seen = await town.call("GET", f"{PATH}/{sent['id']}", as_=lead)
    assert (seen["patient"]["id"], seen["patient"]["unidentified"]) == ("", looks)
    assert "identify" in seen["can"]
    task = await town.call("GET", f"/fhir/R4/Task/{sent['id']}", as_=lead)
    assert task["for"] == {"type": "Patient", "display": "身份待查（男，约50岁）"}
    who = {"patient": {"name": person.name, "id_number": person.id_number}}
    known = await town.call("POST", f"{PATH}/{sent['id']}/identify", as_=lead, json=who)
    assert (known["patient"]["name"], known["state"]) == (person.name, "requested")
    assert "identify" not in known["can"]


async def test_a_hospitals_system_sends_and_another_answers(road: Road, town: TestCity):
    clinic, lead, person = system_of(road, road.clinic), system_of(road, road.lead), road.person
    schedule = await road.session()
    body = {
        "patient": {"name": person.name, "id_number": person.id_number},
        "reason": REASON,
        "to": road.lead.id,
        "department": road.lead.department.id,
        "practitioner": DOCTOR,
        "diagnoses": [{"text": "心绞痛", "code": "I20.9"}],
    }
    key = new_id()
    sent = await town.call("POST", PATH, as_=clinic, json=body, key=key, expect=201)
    again = await town.call("POST", PATH, as_=clinic, json=body, key=key, expect=201)
    assert again["id"] == sent["id"]
    assert sent["sender"]["practitioner"] == road.clinic.doctor.name
    assert (sent["state"], sent["can"]) == ("requested", ["withdraw"])
    seen = await town.call("GET", f"{PATH}/{sent['id']}", as_=lead)
    assert seen["patient"]["id_number"] == person.id_number
    assert seen["clinical"]["diagnoses"] == [{"text": "心绞痛", "code": "I20.9"}]
    assert seen["can"] == ["ask_more", "accept", "reject"]
    first = clock.today().isoformat()
    places = await town.call("GET", f"{PATH}/places", as_=lead, params={"from": first})
    (session,) = places["items"]
    assert session["schedule"] == schedule.external_id
    other = {"from": first, "organization": road.lead.id}
    (seen_by_sender,) = (await town.call("GET", f"{PATH}/places", as_=clinic, params=other))["items"]
    assert (seen_by_sender["schedule"], seen_by_sender["slots"]) == (None, session["slots"])
    accept = {"schedule": schedule.external_id, "number": session["slots"][0]["number"], "bring": "片子"}
    moved = await town.call("POST", f"{PATH}/{sent['id']}/accept", as_=lead, json=accept)
    assert (moved["state"], moved["place"]["where"]) == ("accepted", road.lead.department.place)
    waiting = await town.call("GET", PATH, as_=lead, params={"side": "in", "state": "accepted", "limit": "1"})
    assert [each["id"] for each in waiting["items"]] == [sent["id"]]
    none = await town.call("GET", PATH, as_=lead, params={"side": "out"})
    assert none == {"items": [], "next_cursor": None}
    wrong = await town.call("POST", f"{PATH}/{sent['id']}/complete", as_=lead, json={}, expect=409)
    assert (wrong["error"]["code"], wrong["error"]["data"]["state"]) == ("REFERRAL_STATE", "accepted")
    await town.call("POST", f"{PATH}/{sent['id']}/escalate", as_=lead, json={}, expect=404)


async def test_an_emergency_is_four_facts(road: Road, town: TestCity):
    clinic, person = system_of(road, road.clinic), road.person
    patient = {"name": person.name, "id_number": person.id_number}
    body = {"patient": patient, "reason": "突发胸痛", "urgency": "emergency", "nearest": True}
    sent = await town.call("POST", PATH, as_=clinic, json=body, expect=201)
    assert sent["receiver"]["organization_id"] == road.lead.id
    assert await road.reads()
    for place in (road.lead, road.other):
        await town.call("PUT", f"{PATH}/desk", as_=system_of(road, place), json={"takes_emergencies": False})
    refused = await town.call("POST", PATH, as_=clinic, json=body, expect=409)
    assert refused["error"]["code"] == "REFERRAL_NO_RECEIVER"


async def test_the_patient_sees_wishes_and_withdraws(road: Road, town: TestCity):
    mine = Caller(road.person.id, road.person.access_token)
    ids = []
    for number in range(3):
        sent = await road.accepted(to_organization_id=road.lead.id)
        ids.append(sent.id)
        if number < 2:
            await town.call("POST", f"/api/v1/referrals/{sent.id}/withdraw", as_=mine, json={})
    page = await town.call("GET", "/api/v1/referrals", as_=mine, params={"limit": "2"})
    rest = await town.call(
        "GET", "/api/v1/referrals", as_=mine, params={"limit": "2", "cursor": page["next_cursor"]}
    )
    assert [each["id"] for each in page["items"] + rest["items"]] == ids[::-1]
    wish = {"text": "希望改到下周三上午"}
    path = f"/api/v1/referrals/{ids[-1]}"
    wished = await town.call("POST", f"{path}/wish", as_=mine, json=wish)
    assert (wished["wish"], wished["can"]) == (wish["text"], ["wish", "withdraw"])
    assert (wished["patient"]["id_number"], "*" in wished["patient"]["name"]) == (None, True)
    later = (clock.now() + timedelta(days=3)).isoformat()
    lead = system_of(road, road.lead)
    await town.call("POST", f"{PATH}/{ids[-1]}/rebook", as_=lead, json={"expected_at": later, "bed": "3床"})
    seen = await town.call("GET", path, as_=mine)
    assert (seen["wish"], seen["place"]["bed"]) == ("", "3床")
    stranger = town.stranger()
    await town.call("GET", path, as_=stranger, expect=404)
