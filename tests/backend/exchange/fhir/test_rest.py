"""/fhir/R4 as a hospital uses it: create, read, update, delete, history, conditions, negotiation."""

from __future__ import annotations

import asyncio
import base64
import random
from typing import Any

import orjson
import pytest

from backend.exact_json import dumps
from tests.backend.exchange.fhir.conftest import NUMBERS, Face, a_patient, an_observation


async def test_what_one_search_finds_may_be_deleted_by_it(face: Face):
    patient = await face.one.patient()
    named = {"identifier": [{"system": "urn:x:delete", "value": "D1"}]}
    id = await face.one.create(an_observation(f"Patient/{patient}", **named))
    search = "/Observation?identifier=urn:x:delete|D1"
    # Another hospital deletes nothing by it, and is told nothing.
    await face.two.ask("DELETE", search, expect=204)
    assert (await face.one.get(f"/Observation/{id}"))["id"] == id
    await face.one.refused("DELETE", search, None, 412, "version-conflict", headers={"If-Match": 'W/"9"'})
    await face.one.ask("DELETE", search, expect=204)
    await face.one.refused("GET", f"/Observation/{id}", None, 410, "gone")
    await face.one.ask("DELETE", search, expect=204)
    for _ in range(2):
        await face.one.create(an_observation(f"Patient/{patient}", **named))
    await face.one.refused("DELETE", search, None, 412, "condition-many")
    await face.one.refused("DELETE", "/Observation", None, 400, "parameter-value")
    number = "/Patient?identifier=urn:oid:1.2.3.4|P-NOT-DELETED"
    await face.one.patient(number="P-NOT-DELETED")
    await face.one.refused("DELETE", number, None, 409, "chart-fixed")
    told = await face.one.get("/metadata")
    single = {each["type"]: each["conditionalDelete"] for each in told["rest"][0]["resource"]}
    assert (single["Observation"], single["Patient"]) == ("single", "not-supported")


async def test_a_report_and_its_values_come_back_as_they_were_sent(face: Face):
    patient = await face.one.patient()
    value = await face.one.create(an_observation(f"Patient/{patient}"))
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "血糖"},
        "subject": {"reference": f"Patient/{patient}"},
        "result": [{"reference": f"Observation/{value}"}],
    }
    id = await face.one.create(report)
    answer = await face.one.ask("GET", f"/DiagnosticReport/{id}")
    body = answer.json()
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert body.pop("id") == id
    assert body.pop("meta")["versionId"] == "1"
    assert body == report
    not_modified = await face.one.ask(
        "GET", f"/DiagnosticReport/{id}", expect=304, headers={"If-None-Match": 'W/"1"'}
    )
    assert not not_modified.content


async def test_decimals_keep_their_precision(face: Face):
    patient = await face.one.patient()
    sent = dumps(an_observation(f"Patient/{patient}")).replace(b'"value":5.6', b'"value":5.600')
    answer = await face.one.ask("POST", "/Observation", sent, expect=201)
    path = answer.headers["Location"].removeprefix(face.base).partition("/_history")[0]
    assert b'"value":5.600' in (await face.one.ask("GET", path)).content
    assert b'"value":5.600' in (await face.one.ask("GET", f"/Observation?patient={patient}")).content
    same = await face.one.ask("PUT", path, sent[:-1] + b',"id":"' + path.rpartition("/")[2].encode() + b'"}')
    assert same.headers["ETag"] == 'W/"1"', "the same content makes no new version"


async def test_a_resource_is_changed_over_the_version_that_was_read(face: Face):
    patient = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{patient}"))
    path, body = f"/Observation/{id}", an_observation(f"Patient/{patient}", id=id, status="amended")
    await face.one.refused("PUT", path, body, 412, "version-conflict", headers={"If-Match": 'W/"7"'})
    await face.one.refused("PUT", path, body, 400, "version-needed", headers={"If-Match": "7"})
    changed = await face.one.ask(
        "PUT", path, body, headers={"If-Match": 'W/"1"', "Prefer": "return=representation"}
    )
    assert changed.json()["status"] == "amended"
    assert changed.headers["ETag"] == 'W/"2"'
    both = await asyncio.gather(
        *(
            face.city.http.put(
                face.base + path,
                content=orjson.dumps(body | {"status": status}),
                headers=face.one.caller.headers
                | {"Content-Type": "application/fhir+json", "If-Match": 'W/"2"'},
            )
            for status in ("corrected", "entered-in-error")
        )
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]
    versions = await face.one.get(f"{path}/_history")
    assert [entry["resource"]["meta"]["versionId"] for entry in versions["entry"]] == ["3", "2", "1"]
    assert (await face.one.get(f"{path}/_history/1"))["status"] == "final"
    await face.one.refused("GET", f"{path}/_history/9", None, 404, "not-found")


async def test_what_was_deleted_is_gone_and_its_history_stays(face: Face):
    patient = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{patient}"))
    path = f"/Observation/{id}"
    await face.one.refused("DELETE", path, None, 412, "version-conflict", headers={"If-Match": 'W/"5"'})
    gone = await face.one.ask("DELETE", path, expect=204)
    assert not gone.content
    await face.one.ask("DELETE", path, expect=204)
    await face.one.refused("GET", path, None, 410, "gone")
    history = await face.one.get(f"{path}/_history")
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "POST"]
    assert (await face.one.get(f"/Observation?patient={patient}"))["total"] == 0
    back = await face.one.ask("PUT", path, an_observation(f"Patient/{patient}", id=id))
    assert back.headers["ETag"] == 'W/"3"'
    await face.one.refused("DELETE", f"/Patient/{patient}", None, 409, "chart-fixed")


async def test_a_patient_makes_a_chart_once_and_keeps_its_number(face: Face):
    sent = a_patient("P-ONCE", birthDate="1990-01-01")
    first = await face.one.create(sent)
    again = await face.one.ask("POST", "/Patient", sent | {"birthDate": "1990-01-02"})
    assert again.headers["Location"].endswith(f"/Patient/{first}/_history/2")
    chart = await face.city.city.services.patient_index.chart(first)
    assert chart is not None
    assert (chart.number.assigner, chart.number.value) == ("1.2.3.4", "P-ONCE")
    assert str(chart.who.birth_on) == "1990-01-02"
    other = a_patient("P-OTHER", id=first)
    await face.one.refused("PUT", f"/Patient/{first}", other, 409, "chart-fixed")
    nameless = {"resourceType": "Patient", "name": [{"text": "无号"}]}
    await face.one.refused("POST", "/Patient", nameless, 422, "identifier-missing")
    assert await face.two.create(sent) != first, "the other hospital's number is another chart"


async def test_a_condition_is_looked_for_beyond_the_first_page(face: Face, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backend.exchange.fhir.finding._AT_ONCE", 1)
    patient = f"Patient/{await face.one.patient()}"
    said = an_observation(patient, category=[{"coding": [{"system": "urn:test", "code": "rare"}]}])
    first = await face.one.create(said)
    for _ in range(2):
        await face.one.create(an_observation(patient))
    # Nothing but the bodies says the category: the index finds all three.
    condition = {"If-None-Exist": f"patient={patient}&category=urn:test|rare"}
    met = await face.one.ask("POST", "/Observation", said, headers=condition)
    assert met.headers["Location"].endswith(f"/Observation/{first}")
    monkeypatch.setattr("backend.exchange.fhir.finding._MOST_PAGES", 2)
    await face.one.refused("POST", "/Observation", said, 400, "parameter-value", headers=condition)
    ids = f"_id={first}&_id={'0' * 26}-{'0' * 26}"
    assert "entry" not in await face.one.get(f"/Observation?{ids}")


async def test_conditional_creates_and_updates_find_what_is_there(face: Face):
    patient = await face.one.patient()
    number = {"system": "urn:test:lab", "value": "L-77"}
    body = an_observation(f"Patient/{patient}", identifier=[number])
    condition = {"If-None-Exist": "identifier=urn:test:lab|L-77"}
    id = await face.one.create(body, headers=condition)
    met = await face.one.ask("POST", "/Observation", body, headers=condition)
    assert met.headers["Location"].endswith(f"/Observation/{id}")
    path = "/Observation?identifier=urn:test:lab|L-77"
    updated = await face.one.ask("PUT", path, body | {"status": "amended"})
    assert updated.headers["ETag"] == 'W/"2"'
    made = await face.one.ask(
        "PUT",
        "/Observation?identifier=urn:test:lab|L-78",
        body | {"identifier": [number | {"value": "L-78"}]},
        expect=201,
    )
    assert id not in made.headers["Location"]
    await face.one.create(body)
    await face.one.refused("PUT", path, body, 412, "condition-many")
    await face.one.refused("POST", "/Observation", body, 412, "condition-many", headers=condition)
    await face.one.refused("PUT", "/Observation", body, 400, "parameter-value")


async def test_a_create_that_is_sent_again_under_its_key_is_the_same(face: Face):
    patient = await face.one.patient()
    key = {"Idempotency-Key": f"key-{patient}"}
    first = await face.one.create(an_observation(f"Patient/{patient}"), headers=key)
    assert await face.one.create(an_observation(f"Patient/{patient}"), expect=200, headers=key) == first


async def test_a_patient_may_be_named_by_the_hospitals_number(face: Face):
    patient = await face.one.patient(number="P-NAMED")
    by_number = f"Patient?identifier={NUMBERS}|P-NAMED"
    id = await face.one.create(an_observation(by_number))
    assert id.startswith(patient)
    assert (await face.one.get(f"/Observation/{id}"))["subject"] == {"reference": f"Patient/{patient}"}
    unknown = an_observation(f"Patient?identifier={NUMBERS}|P-NOBODY")
    issue = await face.one.refused("POST", "/Observation", unknown, 412, "condition-none")
    assert issue["expression"] == ["Observation.subject"]
    await face.two.refused("POST", "/Observation", an_observation(by_number), 412, "condition-none")


NOT_TAKEN: list[tuple[dict[str, Any], int, str]] = [
    ({"subject": None}, 422, "subject-missing"),
    ({"subject": {"reference": "Patient/01J0000000000000000000000Z"}}, 422, "subject-unknown"),
    ({"subject": {"reference": "Group/01J0000000000000000000000Z"}}, 422, "subject-unknown"),
    ({"subject": {"reference": "Observation/1"}}, 422, "reference-type"),
    ({"subject": {"display": "王小明"}}, 422, "subject-missing"),
    ({"encounter": {"reference": "Encounter/unknown"}}, 422, "reference-unknown"),
    ({"performer": [{"reference": "Practitioner/none"}]}, 422, "reference-unknown"),
    ({"status": "wrong"}, 422, "code"),
    ({"status": None}, 422, "required"),
    ({"code": None}, 422, "required"),
    ({"gender": "male"}, 422, "unknown-element"),
    ({"issued": "2026-01-01"}, 422, "value"),
    ({"effectiveDateTime": "2026-02-30"}, 422, "value"),
    ({"valueString": "甲"}, 422, "invariant"),
    ({"component": []}, 422, "value"),
    ({"note": [{}]}, 422, "value"),
    ({"code": "2345-7"}, 422, "structure"),
    ({"referenceRange": [{"text": "\u00a05.0-6.0"}]}, 422, "value"),
    ({"resourceType": "Patient"}, 400, "type-mismatch"),
    ({"text": {"status": "generated", "div": "<div><script>x</script></div>"}}, 422, "invariant"),
    ({"extension": [{"url": "urn:x"}]}, 422, "invariant"),
    ({"contained": [{"resourceType": "Practitioner", "id": "p"}]}, 422, "invariant"),
    ({"dataAbsentReason": {"text": "x"}}, 422, "invariant"),
    ({"referenceRange": [{"appliesTo": [{"text": "x"}]}]}, 422, "invariant"),
    (
        {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-02-02", "end": "2026-02-01"}},
        422,
        "invariant",
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NOT_TAKEN)))
async def test_what_is_no_good_resource_is_refused_with_its_place(face: Face, number: int):
    change, status, code = NOT_TAKEN[number]
    body = an_observation(f"Patient/{await face.one.patient()}") | change
    body = {name: value for name, value in body.items() if value is not None}
    if code == "invariant" and "valueString" in change:
        body["valueQuantity"]["code"] = "mmol/L"
        body["valueQuantity"].pop("system")
        body.pop("valueString")
    issue = await face.one.refused("POST", "/Observation", body, status, code)
    assert issue["diagnostics"]
    if status == 422:
        assert issue["expression"][0].startswith("Observation"), issue


async def test_the_other_hospitals_resources_are_not_there_to_be_written(face: Face):
    patient = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{patient}"))
    body = an_observation(f"Patient/{patient}", id=id)
    await face.two.refused("PUT", f"/Observation/{id}", body, 404, "not-found")
    await face.two.refused("DELETE", f"/Observation/{id}", None, 404, "not-found")
    await face.two.refused(
        "POST", "/Observation", an_observation(f"Patient/{patient}"), 422, "subject-unknown"
    )
    theirs = await face.two.patient()
    crossed = an_observation(f"Patient/{theirs}", hasMember=[{"reference": f"Observation/{id}"}])
    await face.two.refused("POST", "/Observation", crossed, 422, "reference-unknown")
    moved = an_observation(f"Patient/{await face.one.patient()}", id=id)
    await face.one.refused("PUT", f"/Observation/{id}", moved, 409, "chart-fixed")
    await face.one.refused("PUT", f"/Condition/{id}", body, 400, "type-mismatch")
    await face.one.refused("GET", f"/Condition/{id}", None, 404, "not-found")


async def test_forms_are_agreed_upon_or_refused(face: Face):
    patient = await face.one.patient()
    path = f"/Patient/{patient}"
    for accept in (
        "application/fhir+json",
        "application/json",
        "*/*",
        "text/html, application/fhir+json;fhirVersion=4.0",
    ):
        await face.one.ask("GET", path, headers={"Accept": accept})
    for accept in ("application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=3.0"):
        await face.one.refused("GET", path, None, 406, "format", headers={"Accept": accept})
    await face.one.ask("GET", f"{path}?_format=application/fhir%2Bjson", headers={"Accept": "text/html"})
    await face.one.refused("GET", f"{path}?_format=xml", None, 406, "format")
    body = an_observation(f"Patient/{patient}")
    for kind in ("text/plain", "application/fhir+xml", "application/fhir+json; charset=gb18030", ""):
        await face.one.refused(
            "POST", "/Observation", body, 415, "media-type", headers={"Content-Type": kind}
        )
    told = await face.one.ask(
        "POST", "/Observation", body, expect=201, headers={"Prefer": "return=OperationOutcome"}
    )
    assert told.json()["issue"][0]["severity"] == "information"
    assert not (await face.one.ask("POST", "/Observation", body, expect=201)).content


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"{", 400, "not-json"),
        (b"\xff\xfe", 400, "not-utf-8"),
        (b'{"resourceType":"Observation","status":"final","status":"amended"}', 400, "name-twice"),
        (b'{"resourceType":"Observation","contained":' + b"[" * 200 + b"]" * 200 + b"}", 400, "too-deep"),
        (b'{"resourceType":"Observation","valueQuantity":{"value":1e999}}', 400, "number-too-large"),
        (b'{"resourceType":"Observation","valueInteger":3000000000}', 422, "required"),
        (b"[]", 422, "structure"),
        (b'"Observation"', 422, "structure"),
        (b"{}", 404, "type-unknown"),
        (b'{"resourceType":"observation"}', 400, "type-mismatch"),
    ],
)
async def test_hostile_bodies_are_refused_in_plain_words(face: Face, sent: bytes, status: int, code: str):
    await face.one.refused("POST", "/Observation", sent, status, code)


async def test_a_body_of_more_than_a_messages_size_is_refused_as_too_large(face: Face):
    await face.one.refused(
        "POST", "/Observation", b'{"a":"' + b"x" * (33 << 20) + b'"}', 413, "BODY_TOO_LARGE"
    )


async def test_whoever_is_nobody_is_told_in_fhirs_words(face: Face):
    for method, path in (("GET", "/Patient"), ("POST", "/Observation"), ("GET", "/Nothing/1")):
        answer = await face.city.http.request(method, face.base + path, content=b"{}")
        face.keep(answer)
        assert answer.status_code == 401
        assert answer.json()["issue"][0]["code"] == "login"
        assert "WWW-Authenticate" in answer.headers
    await face.one.refused("GET", "/Nothing", None, 404, "type-unknown")
    await face.one.refused("GET", "/Consent", None, 404, "type-unknown")
    await face.one.refused("GET", "/a/b/c/d/e", None, 404, "NOT_FOUND")
    await face.one.refused("PATCH", "/Patient", {}, 405, "METHOD_NOT_ALLOWED")


async def test_the_capability_statement_tells_what_is_there(face: Face):
    answer = await face.city.http.get(f"{face.base}/metadata")
    face.keep(answer)
    statement = answer.json()
    assert statement["fhirVersion"] == "4.0.1"
    resources = {each["type"]: each for each in statement["rest"][0]["resource"]}
    assert {"Patient", "Observation", "DiagnosticReport", "Encounter", "Binary"} <= resources.keys()
    patient = await face.one.patient()
    for kind in (
        "Observation",
        "DiagnosticReport",
        "Encounter",
        "Condition",
        "MedicationRequest",
        "PractitionerRole",
    ):
        for parameter in resources[kind]["searchParam"]:
            value = {"date": "2026", "token": "a|b", "reference": f"Patient/{patient}"}[parameter["type"]]
            value = "01J0000000000000000000000Z" if parameter["name"] == "_id" else value
            found = await face.one.get(f"/{kind}?{parameter['name']}={value}")
            assert found["type"] == "searchset"


async def test_a_document_larger_than_a_page_comes_back_by_itself(face: Face):
    patient = await face.one.patient()
    data = base64.b64encode(b"%PDF-1.7 " + random.Random(5).randbytes(9 << 20)).decode()
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": data}}],
    }
    id = await face.one.create(document)

    async def content(path: str) -> Any:
        # Not kept for the judges: they would read ten megabytes of letters.
        answer = await face.city.http.get(f"{face.base}{path}", headers=face.one.caller.headers)
        return answer.json()["content"]

    path = f"/DocumentReference/{id}"
    assert await content(path) == document["content"]
    assert await content(f"{path}/_history/1") == document["content"]
    # In a page it is named, not handed out; so it is in what is changed by parts, and stays.
    page = await face.one.get(f"/DocumentReference?patient={patient}")
    attachment = page["entry"][0]["resource"]["content"][0]["attachment"]
    assert attachment["contentType"] == "application/pdf"
    assert "data" not in attachment
    asked = [{"request": {"method": "GET", "url": each.lstrip("/")}} for each in (path, f"{path}/_history/1")]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": asked * 3}
    assert len((await face.one.ask("POST", "", batch)).content) < 20_000
    step = [{"op": "add", "path": "/description", "value": "第二版"}]
    patched = {"Content-Type": "application/json-patch+json"}
    await face.one.ask("PATCH", path, dumps(step), headers=patched)
    assert await content(path) == document["content"]
    # What was read in a page may be written back; what nobody has sent cannot be named.
    back = document | {"id": id, "content": page["entry"][0]["resource"]["content"], "description": "三"}
    assert (await face.one.ask("PUT", path, back)).headers["ETag"] == 'W/"3"'
    await face.one.refused("POST", "/DocumentReference", back | {"id": "x"}, 422, "RESOURCE_INVALID")
    await face.two.refused("GET", path, None, 404, "not-found")


async def test_who_may_not_write_sends_no_more_than_a_question_takes(face: Face):
    reader = await face.city.resident()
    answer = await face.city.http.post(
        f"{face.base}/Observation/_search", content=b"x" * (9 << 20), headers=reader.headers
    )
    assert answer.status_code == 413
