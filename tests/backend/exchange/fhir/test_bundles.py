"""Transactions and batches: references inside, all or nothing, each by itself, and what hostile ones get."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.audit.models import AuditFilter
from backend.ids import new_id
from backend.patient_index.models import ChartNumber
from backend.permissions import SYSTEM, Actor, Role
from backend.records.service import RecordService
from backend.security.limits import BUCKETS, Bucket
from tests.backend.exchange.fhir.conftest import (
    NUMBERS,
    Face,
    Hospital,
    a_patient,
    an_observation,
    bundle,
    post,
)
from tests.support.city import Caller


def ids_of(answer: Any) -> list[str]:
    return [
        "/".join(entry["response"]["location"].split("/")[-4:-2])
        if "/_history/" in entry["response"].get("location", "")
        else entry["response"].get("location", "")
        for entry in answer["entry"]
    ]


async def test_a_transaction_brings_a_patient_and_what_is_about_him_in_one_step(face: Face):
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "生化"},
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "result": [{"reference": "http://his.example/fhir/Observation/o1"}],
        "performer": [{"reference": "Practitioner/p1"}],
        "encounter": {"reference": "Encounter/e1"},
        "presentedForm": [
            {"contentType": "text/plain", "url": "urn:uuid:22222222-2222-4222-8222-222222222222"}
        ],
    }
    visit = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB", "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode"},
        "subject": {"reference": f"Patient?identifier={NUMBERS}|P-KNOWN"},
    }
    await face.one.patient(number="P-KNOWN")
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "5LiA"}
    sent = bundle(
        "transaction",
        post(report, "http://his.example/fhir/DiagnosticReport/r1"),
        post(
            an_observation("urn:uuid:11111111-1111-4111-8111-111111111111"),
            "http://his.example/fhir/Observation/o1",
        ),
        post(a_patient("P-KNOWN"), "urn:uuid:11111111-1111-4111-8111-111111111111"),
        {
            "fullUrl": "http://his.example/fhir/Encounter/e1",
            "resource": visit,
            "request": {"method": "PUT", "url": "Encounter/e1"},
        },
        post(binary, "urn:uuid:22222222-2222-4222-8222-222222222222"),
        {"request": {"method": "GET", "url": f"Patient?identifier={NUMBERS}|P-KNOWN"}},
    )
    answer = (await face.one.ask("POST", "", sent)).json()
    assert answer["type"] == "transaction-response"
    statuses = [entry["response"]["status"] for entry in answer["entry"]]
    assert statuses == ["201 Created", "201 Created", "200 OK", "201 Created", "201 Created", "200 OK"]
    report_id, value_id, patient_id, visit_id, binary_id, _ = ids_of(answer)
    back = await face.one.get(f"/{report_id}")
    assert back["subject"] == {"reference": patient_id}
    assert back["result"] == [{"reference": value_id}]
    assert back["encounter"] == {"reference": visit_id}
    assert back["presentedForm"][0]["url"] == binary_id
    assert back["performer"] == [{"reference": "http://his.example/fhir/Practitioner/p1"}]
    assert answer["entry"][5]["resource"]["total"] == 1
    again = (await face.one.ask("POST", "", sent)).json()
    assert ids_of(again)[3] == visit_id, "what the sender calls by name is the same again"


async def test_a_transaction_is_all_or_nothing(face: Face):
    patient = await face.one.patient()
    good, bad = an_observation(f"Patient/{patient}"), an_observation(f"Patient/{patient}", status="wrong")
    issue = await face.one.refused("POST", "", bundle("transaction", post(good), post(bad)), 422, "code")
    assert issue["expression"] == ["Bundle.entry[1].resource.status"]
    lost = an_observation("urn:uuid:33333333-3333-4333-8333-333333333333")
    await face.one.refused("POST", "", bundle("transaction", post(good), post(lost)), 422, "subject-unknown")
    other = an_observation(
        f"Patient/{patient}", hasMember=[{"reference": "urn:uuid:33333333-3333-4333-8333-333333333333"}]
    )
    issue = await face.one.refused(
        "POST", "", bundle("transaction", post(good), post(other)), 422, "reference-unknown"
    )
    assert issue["expression"] == ["Bundle.entry[1].resource.hasMember[0]"]
    id = await face.one.create(good)
    stale = {
        "resource": good | {"id": id, "status": "amended"},
        "request": {"method": "PUT", "url": f"Observation/{id}", "ifMatch": 'W/"9"'},
    }
    await face.one.refused("POST", "", bundle("transaction", post(good), stale), 412, "version-conflict")
    gone = {"request": {"method": "DELETE", "url": f"Observation/{patient}-{patient}"}}
    await face.one.refused("POST", "", bundle("transaction", post(good), gone), 404, "not-found")
    assert (await face.one.get(f"/Observation?patient={patient}"))["total"] == 1


async def test_a_refused_transaction_leaves_no_patient_in_the_index(face: Face):
    known = await face.one.patient(number="P-STAYS")
    id = await face.one.create(an_observation(f"Patient/{known}"))
    index = face.city.city.services.patient_index
    assert face.one.organization is not None
    hospital = face.one.organization.id
    here = "urn:uuid:44444444-4444-4444-8444-444444444444"
    stale = {
        "resource": an_observation(f"Patient/{known}", id=id, status="amended"),
        "request": {"method": "PUT", "url": f"Observation/{id}", "ifMatch": 'W/"9"'},
    }
    lost = post(an_observation(here, hasMember=[{"reference": f"Observation/{known}-{known}"}]))
    nobodys = post(an_observation("urn:uuid:55555555-5555-4555-8555-555555555555"))
    refusals = ((stale, 412), (lost, 422), (nobodys, 422))
    for number, (bad, status) in enumerate(refusals):
        new = a_patient(f"P-GOES-{number}", id=f"goes-{number}", name=[{"text": "赵新来"}])
        entry = {
            "fullUrl": here,
            "resource": new,
            "request": {"method": "PUT", "url": f"Patient/goes-{number}"},
        }
        renamed = post(a_patient("P-STAYS", name=[{"text": "改了名"}]))
        await face.one.ask("POST", "", bundle("transaction", entry, renamed, bad), expect=status)
        assert await index.find_chart(hospital, ChartNumber("1.2.3.4", f"P-GOES-{number}")) is None
        chart = await index.find_chart(hospital, ChartNumber("1.2.3.4", "P-STAYS"))
        assert chart is not None
        assert chart.who.name == "王小明"
        # Neither does the sender's own name lead to anybody.
        await face.one.refused(
            "POST", "/Observation", an_observation(f"Patient/goes-{number}"), 422, "subject-unknown"
        )
    sent = bundle("transaction", post(a_patient("P-GOES-2"), here), post(an_observation(here)))
    assert len(ids_of((await face.one.ask("POST", "", sent)).json())) == 2
    assert await index.find_chart(hospital, ChartNumber("1.2.3.4", "P-GOES-2")) is not None


async def test_a_transaction_that_loses_a_race_leaves_no_chart_behind(
    face: Face, monkeypatch: pytest.MonkeyPatch
):
    known = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{known}"))
    body = an_observation(f"Patient/{known}", id=id)
    checked, faster = RecordService.check, ["amended"]

    async def check(*args: Any, **more: Any) -> None:
        await checked(*args, **more)
        if faster:
            # Between looking and writing.
            await face.one.ask("PUT", f"/Observation/{id}", body | {"status": faster.pop()})

    monkeypatch.setattr(RecordService, "check", check)
    new = post(a_patient("P-RACE"), "urn:uuid:66666666-6666-4666-8666-666666666666")
    change = {
        "resource": body | {"status": "corrected"},
        "request": {"method": "PUT", "url": f"Observation/{id}", "ifMatch": 'W/"1"'},
    }
    await face.one.refused("POST", "", bundle("transaction", new, change), 412, "version-conflict")
    charts, hospital = face.city.city.services.patient_index, face.one.organization.id
    assert await charts.find_chart(hospital, ChartNumber("1.2.3.4", "P-RACE")) is None
    change["request"]["ifMatch"] = 'W/"2"'
    await face.one.ask("POST", "", bundle("transaction", new, change))
    made = await charts.find_chart(hospital, ChartNumber("1.2.3.4", "P-RACE"))
    assert made is not None
    assert (await face.one.get(f"/Patient/{made.id}"))["id"] == made.id


async def test_the_first_of_many_who_send_a_new_patient_makes_the_chart(face: Face):
    sent = [bundle("transaction", post(a_patient("P-AT-ONCE", birthDate=f"199{n}-01-01"))) for n in range(4)]
    answers = await asyncio.gather(*(face.one.ask("POST", "", each) for each in sent))
    assert len({ids_of(answer.json())[0] for answer in answers}) == 1


async def test_a_transaction_changes_and_takes_back_in_one_step(face: Face):
    patient = await face.one.patient()
    first, second = [await face.one.create(an_observation(f"Patient/{patient}")) for _ in range(2)]
    changed = an_observation(f"Patient/{patient}", id=first, status="corrected")
    sent = bundle(
        "transaction",
        {
            "resource": changed,
            "request": {"method": "PUT", "url": f"Observation/{first}", "ifMatch": 'W/"1"'},
        },
        {"request": {"method": "DELETE", "url": f"Observation/{second}"}},
    )
    answer = (await face.one.ask("POST", "", sent)).json()
    assert [each["response"]["status"] for each in answer["entry"]] == ["200 OK", "204 No Content"]
    await face.one.refused("GET", f"/Observation/{second}", None, 410, "gone")
    assert (await face.one.get(f"/Observation/{first}"))["status"] == "corrected"
    twice = bundle("transaction", *([sent["entry"][0]] * 2))
    await face.one.refused("POST", "", twice, 400, "bundle-entry")


async def test_each_entry_of_a_batch_and_each_reading_counts_as_a_request(face: Face, monkeypatch: Any):
    patient = await face.one.patient()
    await face.one.create(an_observation(f"Patient/{patient}"))
    services = face.city.city.services
    actor = Actor(
        "client", new_id(), Role.HOSPITAL_CLIENT, frozenset({face.one.organization.id}), new_id(), "hospital"
    )
    fresh = Hospital(face, face.one.organization, Caller(actor.id, services.tokens.issue(actor)))
    get = {"request": {"method": "GET", "url": f"Observation?patient={patient}"}}
    write = post(an_observation(f"Patient/{patient}"))

    async def ask(burst: int, kind: str, *entries: Any, expect: int = 200) -> Any:
        with monkeypatch.context() as narrow:
            narrow.setitem(BUCKETS, "hospital_write", Bucket(burst, 3600))
            return (await fresh.ask("POST", "", bundle(kind, *entries), expect=expect)).json()

    answer = await ask(6, "batch", *[get] * 4)
    assert [each["response"]["status"] for each in answer["entry"]] == ["200 OK"] * 4
    entries, _ = await services.audit.list_entries(SYSTEM, AuditFilter(actor_id=actor.id), limit=50)
    assert [each.action for each in entries] == ["records.read"] * 4
    # A transaction's writes are one; its readings count, and it is all or nothing here, too.
    await ask(6, "transaction", write, write, get, get, expect=429)
    assert (await face.one.get(f"/Observation?patient={patient}"))["total"] == 1
    answer = await ask(9, "batch", write, get, write, write, get)
    statuses = [each["response"]["status"] for each in answer["entry"]]
    assert statuses == ["201 Created", "200 OK", "201 Created", "429", "429"]
    assert answer["entry"][4]["response"]["outcome"]["issue"][0]["code"] == "throttled"
    assert (await face.one.get(f"/Observation?patient={patient}"))["total"] == 3


async def test_a_batch_answers_each_entry_by_itself(face: Face):
    patient = await face.one.patient()
    good = an_observation(f"Patient/{patient}", identifier=[{"system": "urn:x", "value": patient}])
    sent = bundle(
        "batch",
        post(good),
        post(an_observation(f"Patient/{patient}", status="wrong")),
        post(good, ifNoneExist=f"identifier=urn:x|{patient}"),
        {"request": {"method": "GET", "url": f"Observation?patient={patient}"}},
        {"request": {"method": "GET", "url": "Observation/none"}},
        {"request": {"method": "PATCH", "url": "Observation/none"}},
        {"request": {"method": "DELETE", "url": "Nothing/none"}},
        {"request": {"method": "GET", "url": f"Patient/{patient}/$everything"}},
    )
    answer = (await face.one.ask("POST", "", sent)).json()
    statuses = [each["response"]["status"] for each in answer["entry"]]
    assert statuses == ["201 Created", "422", "200 OK", "200 OK", "404", "400", "400", "200 OK"]
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == [
        "Bundle.entry[1].resource.status"
    ]
    assert answer["entry"][3]["resource"]["total"] == 1


async def test_what_is_no_bundle_to_carry_out_is_refused(face: Face):
    patient = await face.one.patient()
    one = post(an_observation(f"Patient/{patient}"))
    await face.one.refused("POST", "", bundle("collection", one), 422, "bundle-type")
    await face.one.refused("POST", "", an_observation("Patient/1"), 422, "bundle-type")
    await face.one.refused(
        "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": {}}, 422, "structure"
    )
    await face.one.refused("POST", "", bundle("batch", {"resource": one["resource"]}), 422, "invariant")
    await face.one.refused(
        "POST", "", bundle("batch", *([{"request": one["request"]}] * 1001)), 422, "bundle-too-large"
    )
    wrong = bundle("transaction", {"request": {"method": "POST", "url": "Observation"}})
    await face.one.refused("POST", "", wrong, 422, "structure")


async def test_a_transaction_of_a_thousand_entries_is_carried_out(face: Face):
    patient = await face.one.patient()
    entries = [
        post(an_observation(f"Patient/{patient}", valueQuantity={"value": n, "unit": "mmol/L"}))
        for n in range(1000)
    ]
    answer = (await face.one.ask("POST", "", bundle("transaction", *entries), timeout=60)).json()
    assert len(set(ids_of(answer))) == 1000
    found = await face.one.get(f"/Observation?patient={patient}&_count=0")
    assert (found["total"], "entry" in found) == (1000, False)
