"""Consents and readings over HTTP: asked for, answered in the app or at the window, seen by the person."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.directory.models import TerminalKind
from backend.errors import AppError, ErrorCode
from backend.patient_index.models import Demographics
from backend.permissions import Actor
from backend.records.care_rules import AFTER, STAY
from backend.records.sharing_models import Asked, CareKind
from backend.residents.models import Relation
from backend.worker.events import Event, EventKind
from tests.factories.directory import a_practitioner
from tests.factories.records import a_source, make_chart, make_resources
from tests.factories.residents import SignedIn, make_child
from tests.factories.sharing import DAY, DOCTOR, a_condition, an_encounter, make_place
from tests.support.city import Caller, Surroundings, TestCity, id_number, open_test_city

NOBODY = "01J0000000000000000000000Z"


@dataclass
class Ward:
    """The city's hospital wants to read what another one knows of a resident."""

    city: TestCity
    system: Caller
    actor: Actor
    person: Caller

    @property
    def me(self) -> dict[str, str]:
        return {"patient_id": self.person.id}

    async def ask(self, **more: Any) -> Any:
        asked = {
            "patient": {"id_number": self.person.id_number},
            "practitioner": DOCTOR,
            "reason": "门诊复诊，需了解既往检查",
            "expires_at": (clock.now() + 30 * DAY).isoformat(),
        }
        return await self.city.call(
            "POST", "/hospital/v1/consents", as_=self.system, json=asked | more, expect=201
        )

    async def answer(self, consent: Any, how: str, **more: Any) -> Any:
        return await self.city.call(
            "POST", f"/api/v1/consents/{consent['id']}/{how}", as_=more.pop("as_", self.person), **more
        )

    async def may_read(self) -> bool:
        asked = Asked(practitioner=DOCTOR, presented=True)
        try:
            basis = await self.city.city.services.record_gate.care(self.actor, self.person.id, asked)
        except AppError as error:
            return error.code is not ErrorCode.RECORD_ACCESS_DENIED
        await self.city.city.services.record_reader.timeline(basis)
        return True

    async def relations(self, kind: CareKind) -> int:
        found = self.city.city.db.collection("care_relations")
        return await found.count_documents({"kind": str(kind), "ended_at": None})


@pytest.fixture
async def ward(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Ward]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        services = city.city.services
        person = await city.resident()
        doctor = a_practitioner(city.hospital, city.department, value=DOCTOR)
        await services.directory.save_practitioners([doctor])
        system = await city.hospital_client()
        actor = services.tokens.verify(system.token)
        elsewhere = await make_place(services, "elsewhere")
        chart = await make_chart(services, elsewhere.id, name=person.name, id_number=person.id_number)
        await make_resources(services, chart, a_condition())
        yield Ward(city, system, actor, person)


async def test_a_hospital_asks_the_resident_narrows_and_revokes(ward: Ward):
    asked = await ward.ask(kinds=["diagnosis", "lab"])
    assert asked["state"] == "requested"
    assert (await ward.ask(kinds=["diagnosis", "lab"], expires_at=asked["expires_at"]))["id"] == asked["id"]
    await ward.city.work()
    texts = await ward.city.outside.get("sms", phone=ward.person.phone)
    assert "健康城市人民医院申请调阅" in texts["items"][0]["content"]
    (seen,) = (await ward.city.call("GET", "/api/v1/consents", as_=ward.person, params=ward.me))["items"]
    assert seen["asked"]["reason"] == "门诊复诊，需了解既往检查"
    wider = {"limits": {"expires_at": asked["expires_at"]}}
    await ward.answer(asked, "grant", json=wider, expect=400)
    assert not await ward.may_read()
    narrower = {"limits": {"kinds": ["diagnosis"], "expires_at": asked["expires_at"]}}
    granted = await ward.answer(asked, "grant", json=narrower)
    assert granted["kinds"] == ["diagnosis"]
    mine = await ward.city.call("GET", f"/hospital/v1/consents/{asked['id']}", as_=ward.system)
    assert (mine["state"], mine["kinds"]) == ("granted", ["diagnosis"])
    assert await ward.may_read()
    assert (await ward.answer(asked, "revoke"))["state"] == "revoked"
    assert (await ward.answer(asked, "revoke"))["state"] == "revoked"
    assert not await ward.may_read()
    await ward.answer(asked, "grant", json={}, expect=409)


async def test_at_the_window_the_code_on_the_persons_phone_grants(ward: Ward):
    asked = await ward.ask()
    path = f"/hospital/v1/consents/{asked['id']}"
    sent = await ward.city.call("POST", f"{path}/sms-codes", as_=ward.system, expect=202)
    assert sent["resend_after_s"] > 0
    await ward.city.call("POST", f"{path}/sms-codes", as_=ward.system, expect=429)
    texts = (await ward.city.outside.get("sms", phone=ward.person.phone))["items"]
    told = next(
        text["content"] for text in texts if "验证码" in text["content"] and "病历" in text["content"]
    )
    code = re.findall(r"[0-9]{6}", told)[0]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused = await ward.city.call(
        "POST", f"{path}/confirm", as_=ward.system, json={"code": wrong}, expect=400
    )
    assert refused["error"]["code"] == "CODE_WRONG"
    assert not await ward.may_read()
    granted = await ward.city.call("POST", f"{path}/confirm", as_=ward.system, json={"code": code})
    assert granted["state"] == "granted"
    assert await ward.may_read()
    await ward.city.call("POST", f"{path}/confirm", as_=ward.system, json={"code": code}, expect=409)
    (seen,) = (await ward.city.call("GET", "/api/v1/consents", as_=ward.person, params=ward.me))["items"]
    assert seen["via"] == "sms_code"


async def test_the_person_sees_every_reading_and_asks_about_it_once(ward: Ward):
    given = {"organization_ids": [ward.city.hospital.id], "expires_at": (clock.now() + DAY).isoformat()}
    path = "/api/v1/consents"
    first = await ward.city.call("POST", path, as_=ward.person, json=given | ward.me, key="consent-key-1")
    again = await ward.city.call("POST", path, as_=ward.person, json=given | ward.me, key="consent-key-1")
    assert first["id"] == again["id"]
    for _ in range(3):
        assert await ward.may_read()
    seen = "/api/v1/records/accesses"
    page = await ward.city.call("GET", seen, as_=ward.person, params=ward.me | {"limit": "2"})
    rest = await ward.city.call(
        "GET", seen, as_=ward.person, params=ward.me | {"limit": "2", "cursor": page["next_cursor"]}
    )
    readings = page["items"] + rest["items"]
    assert len(readings) == 3
    assert rest["next_cursor"] is None
    assert {each["practitioner"] for each in readings} == {"单丽华 主任医师"}
    assert all(each["why"].endswith("授权") and each["kinds"] == ["diagnosis"] for each in readings)
    asking = f"{seen}/{readings[0]['id']}/questions"
    question = ward.me | {"text": "为什么看我的病历？"}
    await ward.city.call("POST", asking, as_=ward.person, json=question, expect=201)
    await ward.city.call("POST", asking, as_=ward.person, json=question, expect=409)
    await ward.city.call("POST", f"{seen}/{NOBODY}/questions", as_=ward.person, json=question, expect=404)
    page = await ward.city.call("GET", seen, as_=ward.person, params=ward.me)
    assert [bool(each["question"]) for each in page["items"]] == [True, False, False]


async def test_a_guardian_decides_for_a_child_and_for_nobody_else(ward: Ward):
    services = ward.city.city.services
    guardian = services.tokens.verify(ward.person.token)
    child = await make_child(services, SignedIn(guardian, "", "", "", ""))
    given = {"organization_ids": None, "expires_at": (clock.now() + DAY).isoformat(), "patient_id": child}
    await ward.city.call("POST", "/api/v1/consents", as_=ward.person, json=given, expect=201)
    stranger = ward.city.stranger()
    await ward.city.call("POST", "/api/v1/consents", as_=stranger, json=given, expect=404)
    asked = await ward.ask()
    await ward.answer(asked, "deny", as_=stranger, expect=404)
    assert (await ward.answer(asked, "deny"))["state"] == "denied"
    unknown = given | {"patient_id": ward.person.id, "organization_ids": ["nowhere"]}
    await ward.city.call("POST", "/api/v1/consents", as_=ward.person, json=unknown, expect=400)


async def test_who_books_for_another_adult_sees_and_decides_nothing_of_the_record(ward: Ward):
    services = ward.city.city.services
    actor = services.tokens.verify(ward.person.token)
    mother = await make_child(services, SignedIn(actor, "", "", "", ""), "19580607", Relation.PARENT)
    of_her = {"patient_id": mother}
    for path in (
        "/api/v1/reports",
        "/api/v1/records/timeline",
        "/api/v1/records/keepers",
        "/api/v1/records/corrections",
        "/api/v1/records/accesses",
        "/api/v1/consents",
    ):
        await ward.city.call("GET", path, as_=ward.person, params=of_her, expect=403)
    order = of_her | {"form": "fhir"}
    await ward.city.call("POST", "/api/v1/records/exports", as_=ward.person, json=order, expect=403)
    # The very same person does book for her.
    assert (await services.residents.access_patient(actor, mother)).relation is Relation.PARENT
    assert await services.residents.patients.guardians_of_child(mother) == []


async def test_a_child_who_has_come_of_age_and_agreed_is_an_adult_like_others(ward: Ward):
    services = ward.city.city.services
    actor = services.tokens.verify(ward.person.token)
    child = await make_child(services, SignedIn(actor, "", "", "", ""))
    of_him = {"patient_id": child}
    await ward.city.call("GET", "/api/v1/records/timeline", as_=ward.person, params=of_him)
    assert await services.residents.patients.guardians_of_child(child) == [actor.id]
    links = services.residents.patients._links
    (link,) = await links.list_of_patient(child)
    await links.accept(link, Event(EventKind.PATIENT_LINKED, {"link_id": link.id}))
    await ward.city.call("GET", "/api/v1/records/timeline", as_=ward.person, params=of_him, expect=403)
    assert await services.residents.patients.guardians_of_child(child) == []


async def test_who_books_or_shows_a_code_or_is_treated_is_cared_for(ward: Ward):
    city, services = ward.city, ward.city.city.services
    schedule = await city.schedule()
    booked = await city.call(
        "POST", "/api/v1/appointments", as_=ward.person, json={"schedule_id": schedule.id} | ward.me
    )
    assert not await ward.may_read()
    await city.work()
    assert await ward.may_read()
    await city.call("POST", f"/api/v1/appointments/{booked['id']}/cancel", as_=ward.person, json={})
    await city.work()
    assert not await ward.may_read()
    issued = await services.clients.register_terminal(ward.actor, "1号窗口", TerminalKind.WINDOW)
    scan = Caller(issued.client.id, (await token_of(ward, issued.client.id, issued.secret)))
    for step, cared_for in (("10105", 0), ("10102", 1), ("10102", 1)):
        code = await city.call("POST", "/api/v1/health-codes/dynamic", as_=ward.person, json=ward.me)
        shown = {"code": code["text"], "step": step}
        await city.call("POST", "/hospital/v1/health-codes/verify", as_=scan, json=shown)
        await city.work()
        assert await ward.relations(CareKind.CHECK_IN) == cared_for
    assert await ward.may_read()
    await city.city.db.collection("care_relations").delete_many({})
    chart = await make_chart(
        services, city.hospital.id, name=ward.person.name, id_number=ward.person.id_number
    )
    long_ago = clock.now() - timedelta(days=400)
    await make_resources(services, chart, an_encounter(long_ago, long_ago))
    await city.work()
    assert not await ward.may_read()
    await make_resources(services, chart, an_encounter(clock.now() - DAY, None, "in-progress"))
    await city.work()
    assert await ward.may_read()


async def test_a_stay_said_to_end_in_years_opens_nothing_for_years(ward: Ward):
    services, hospital = ward.city.city.services, ward.city.hospital.id
    chart = await make_chart(services, hospital, name=ward.person.name, id_number=ward.person.id_number)
    stay = an_encounter(clock.now() - DAY, clock.now() + timedelta(days=20_000))
    await make_resources(services, chart, stay)
    await ward.city.work()
    held = await services.sharing.care.holding(ward.person.id, hospital)
    assert held is not None
    assert held.ends_at < clock.now() + STAY + AFTER[CareKind.ENCOUNTER] + 2 * DAY


async def test_a_visit_counts_for_whom_its_chart_turns_out_to_be(ward: Ward):
    services, hospital = ward.city.city.services, ward.city.hospital.id
    said = Demographics(name=ward.person.name, id_number=ward.person.id_number)
    chart = await make_chart(services, hospital, name=ward.person.name)
    await make_resources(services, chart, an_encounter(clock.now() - DAY, clock.now()))
    await ward.city.work()
    assert not await ward.may_read()
    source = a_source(hospital)
    known = await services.patient_index.chart_for(hospital, chart.number, said, source)
    assert known.person_id == ward.person.id
    await ward.city.work()
    assert await ward.may_read()
    assert await services.sharing.care.holding(chart.person_id, hospital) is None


async def test_a_cancellation_that_is_heard_of_first_still_ends_the_relationship(ward: Ward):
    city, care = ward.city, ward.city.city.services.sharing.care
    schedule = await city.schedule()
    booked = await city.call(
        "POST", "/api/v1/appointments", as_=ward.person, json={"schedule_id": schedule.id} | ward.me
    )
    await city.work()
    events = city.city.db.collection("care_relations")
    kept = await events.find_one({})
    assert kept is not None
    await city.call("POST", f"/api/v1/appointments/{booked['id']}/cancel", as_=ward.person, json={})
    await events.delete_many({})
    await city.work()
    assert await care.holding(ward.person.id, city.hospital.id) is None
    assert await events.count_documents({"ended_at": {"$ne": None}}) == 1


async def test_a_contract_is_a_reason_to_read_until_it_ends(ward: Ward):
    city, today = ward.city, clock.today()
    path = "/hospital/v1/care-contracts/GP-2026-0017"
    days = {"from_on": str(today), "until_on": str(today + timedelta(days=365))}
    signed = {"patient": {"id_number": ward.person.id_number}} | days
    too_long = signed | {"until_on": str(today + timedelta(days=3 * 366 + 1))}
    await city.call("PUT", path, as_=ward.system, json=too_long, expect=400)
    nobody = signed | {"patient": {"id_number": id_number(91)}}
    await city.call("PUT", path, as_=ward.system, json=nobody, expect=404)
    await city.call("DELETE", path, as_=ward.system, expect=404)
    assert not await ward.may_read()
    stated = await city.call("PUT", path, as_=ward.system, json=signed)
    assert stated == {"external_id": "GP-2026-0017"} | days
    assert await city.call("PUT", path, as_=ward.system, json=signed) == stated
    assert await ward.may_read()
    (seen,) = (await city.call("GET", "/api/v1/records/accesses", as_=ward.person, params=ward.me))["items"]
    assert seen["why"] == "您与该院签约"
    # Another last day is another turn of the same contract: one relationship, and nobody is told twice.
    longer = signed | {"until_on": str(today + timedelta(days=700))}
    await city.call("PUT", path, as_=ward.system, json=longer)
    assert await ward.relations(CareKind.CONTRACT) == 1
    held = await city.city.services.sharing.care.holding(ward.person.id, city.hospital.id)
    assert held is not None
    assert held.ends_at > clock.now() + timedelta(days=699)
    await city.work()
    texts = (await city.outside.get("sms", phone=ward.person.phone))["items"]
    assert len([text for text in texts if "签约" in text["content"]]) == 1
    await city.call("DELETE", path, as_=ward.system, expect=204)
    await city.call("DELETE", path, as_=ward.system, expect=204)
    assert not await ward.may_read()
    await city.call("PUT", path, as_=ward.system, json=signed, expect=409)
    assert not await ward.may_read()


async def test_a_contract_that_many_state_at_once_leaves_one_reason_to_read(ward: Ward):
    contracts, place = ward.city.city.services.sharing.contracts, ward.city.hospital.id
    today, me = clock.today(), ward.person.id
    longest = [today + timedelta(days=n) for n in (10, 20, 10)]
    await asyncio.gather(*(contracts.state(ward.actor, place, "GP-1", me, today, until) for until in longest))
    assert await ward.relations(CareKind.CONTRACT) == 1
    await contracts.state(ward.actor, place, "GP-1", NOBODY, today, today)
    assert not await ward.may_read()
    assert await ward.relations(CareKind.CONTRACT) == 1


async def token_of(ward: Ward, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = await ward.city.http.post(f"{ward.city.url}/oauth2/token", data=form)
    return str(answer.json()["access_token"])
