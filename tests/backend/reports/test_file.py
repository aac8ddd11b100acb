"""The life-long file: its timeline, what residents measure, and what they say is wrong."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend import clock
from backend.db.client import Database
from backend.records.models import Kind
from backend.reports.timeline import HIDDEN, moment_of, words_of
from backend.residents.models import Relation
from tests.backend.reports.reading_samples import a_resource, a_result
from tests.factories.papers import a_pdf, in_base64
from tests.factories.records import make_chart, make_report, make_resources
from tests.factories.residents import SignedIn, make_child
from tests.factories.sharing import a_special_condition
from tests.support.city import Caller, Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield city


LINES = [
    (
        {"resourceType": "Encounter", "class": {"code": "IMP"}, "reasonCode": [{"text": "肺炎"}]},
        ("住院", "肺炎"),
    ),
    ({"resourceType": "Condition", "code": {"text": "高血压"}}, ("高血压", "")),
    (
        {
            "resourceType": "MedicationRequest",
            "medicationCodeableConcept": {"text": "阿司匹林肠溶片"},
            "dosageInstruction": [{"text": "每日一次，每次100mg"}],
        },
        ("阿司匹林肠溶片", "每日一次，每次100mg"),
    ),
    (
        {
            "resourceType": "AllergyIntolerance",
            "code": {"text": "青霉素"},
            "reaction": [{"manifestation": [{"text": "皮疹"}]}],
        },
        ("对青霉素过敏", "皮疹"),
    ),
    (
        {
            "resourceType": "Immunization",
            "vaccineCode": {"text": "乙肝疫苗"},
            "protocolApplied": [{"doseNumberPositiveInt": 2}],
        },
        ("乙肝疫苗", "第2剂"),
    ),
    ({"resourceType": "Procedure", "code": {"text": "阑尾切除术"}}, ("阑尾切除术", "")),
    (a_result("29463-7", 61.5, "kg", name="体重"), ("体重", "61.5 kg")),
    ({"resourceType": "ServiceRequest", "code": {"text": "胸部CT"}}, ("胸部CT", "")),
    ({"resourceType": "Encounter", "class": "?", "reasonCode": "?"}, ("就诊", "")),
    ({"resourceType": "AllergyIntolerance", "reaction": [{"manifestation": None}]}, ("对某物过敏", "")),
]


@pytest.mark.parametrize(("body", "words"), LINES)
def test_every_kind_of_entry_has_words(body, words):
    assert words_of(a_resource(body)) == words


def test_a_sensitive_entry_keeps_its_words_until_it_is_opened():
    resource = a_resource(
        {"resourceType": "Condition", "code": {"text": "HIV感染"}}, sensitivity=5, kind=Kind.DIAGNOSIS
    )
    assert (moment_of(resource).title, moment_of(resource, opened=True).title) == (HIDDEN, "HIV感染")


async def test_the_timeline_goes_over_hospitals_and_kinds(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    there = await make_chart(
        services, "01J8ZK3Q5V9X2M4N6P8R0T1S2V", name=owner.name, id_number=owner.id_number
    )
    condition = {"resourceType": "Condition", "code": {"text": "高血压"}, "recordedDate": "2026-05-01"}
    await make_resources(services, chart, condition)
    vaccine = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"text": "流感疫苗"},
        "occurrenceDateTime": "2026-06-01",
    }
    await make_resources(services, there, vaccine)
    report_id = await make_report(services, chart, [a_result("718-7", 100, "g/L")])
    path = f"/api/v1/records/timeline?patient_id={owner.id}"
    first = await town.call("GET", f"{path}&limit=2", as_=owner)
    second = await town.call("GET", f"{path}&limit=2&cursor={first['next_cursor']}", as_=owner)
    lines = first["items"] + second["items"]
    assert [(one["kind"], one["title"]) for one in lines] == [
        ("lab", "生化检验"),
        ("vaccination", "流感疫苗"),
        ("diagnosis", "高血压"),
    ]
    assert lines[0]["report_id"] == report_id
    assert second["next_cursor"] is None
    some = await town.call("GET", f"{path}&kinds=vaccination,diagnosis", as_=owner)
    assert [one["kind"] for one in some["items"]] == ["vaccination", "diagnosis"]
    await town.call("GET", f"{path}&kinds=secrets", as_=owner, expect=400)
    await town.call("GET", path, as_=other, expect=404)


async def test_a_resident_writes_down_what_he_measures(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    at = (clock.now() - timedelta(minutes=5)).isoformat()
    said = {"patient_id": owner.id, "kind": "blood_pressure", "values": [152, 95], "at": at}
    first = await town.call("POST", "/api/v1/records/measurements", as_=owner, json=said, key="k-measure-1")
    again = await town.call("POST", "/api/v1/records/measurements", as_=owner, json=said, key="k-measure-1")
    assert first == again
    (line,) = (await town.call("GET", f"/api/v1/records/timeline?patient_id={owner.id}", as_=owner))["items"]
    assert (line["title"], line["note"], line["own"]) == ("血压", "收缩压 152 mmHg，舒张压 95 mmHg", True)
    trend = await town.call("GET", f"/api/v1/reports/trend?patient_id={owner.id}&analyte=systolic", as_=owner)
    assert [(point["value"], point["own"]) for point in trend["points"]] == [(152.0, True)]
    wrong: list[dict[str, Any]] = [
        {"values": [95, 152]},
        {"values": [520, 95]},
        {"values": [152]},
        {"kind": "weight", "values": [0.1]},
        {"kind": "temperature", "values": [98.6]},
        {"at": (clock.now() + timedelta(hours=1)).isoformat()},
    ]
    for change in wrong:
        await town.call("POST", "/api/v1/records/measurements", as_=owner, json=said | change, expect=422)
    await town.call("POST", "/api/v1/records/measurements", as_=other, json=said, expect=404)


async def test_a_sensitive_entry_shows_its_words_when_it_is_opened_by_itself(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    (kept,) = await make_resources(services, chart, a_special_condition())
    path = f"/api/v1/records/timeline?patient_id={owner.id}"
    (line,) = (await town.call("GET", path, as_=owner))["items"]
    assert (line["title"], line["sensitive"]) == (HIDDEN, True)
    one = f"/api/v1/records/timeline/{kept.id}?patient_id={owner.id}"
    shown = await town.call("GET", one, as_=owner)
    assert shown == line | {"title": "人类免疫缺陷病毒病"}
    await town.call("GET", one, as_=other, expect=404)
    await town.call("GET", one.replace(owner.id, other.id), as_=other, expect=404)


def a_document(*attachments: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "出院小结"},
        "date": "2026-06-01T10:00:00+08:00",
        "content": [{"attachment": each} for each in attachments],
    } | more


async def test_the_files_of_a_document_are_named_and_opened_like_originals(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    words, large = "病情平稳，出院。", b"\xff\xd8" + bytes(2 << 20)
    (binary,) = await make_resources(
        services, chart, {"resourceType": "Binary", "contentType": "text/html", "data": "PGI+"}
    )
    text = {"contentType": "text/plain; charset=utf-8", "data": in_base64(words.encode())}
    picture = {"contentType": "image/jpeg", "title": "照片", "data": in_base64(large)}
    page = {"contentType": "text/html", "url": f"Binary/{binary.id}", "size": 3}
    announced = {"title": "在院内"}
    kept, wrong = await make_resources(
        services,
        chart,
        a_document(text, picture, page, announced),
        a_document(text, status="entered-in-error"),
        kind="own",
    )
    report = await make_report(services, chart, [], presentedForm=[text])
    mine = f"patient_id={owner.id}"
    listed = (await town.call("GET", f"/api/v1/records/timeline?{mine}&kinds=document", as_=owner))["items"]
    entry = await town.call("GET", f"/api/v1/records/timeline/{kept.id}?{mine}", as_=owner)
    assert entry in listed
    assert (entry["own"], entry["organization_name"]) == (False, town.hospital.name)
    assert entry["documents"] == [
        {"number": 1, "title": "", "content_type": "text/plain", "size": len(words.encode())},
        {"number": 2, "title": "照片", "content_type": "image/jpeg", "size": len(large)},
        {"number": 3, "title": "", "content_type": "text/html", "size": 3},
    ]

    async def get(id: str, number: int, caller: Caller = owner, of: str = owner.id) -> httpx.Response:
        path = f"{town.url}/api/v1/records/timeline/{id}/documents/{number}?patient_id={of}"
        return await town.http.get(path, headers=caller.headers)

    readings = town.city.db.collection("audit")
    before = await readings.count_documents({"action": "records.read"})
    opened = [await get(kept.id, number) for number in (1, 2, 3)]
    # Each file one entry, and one more for what lies in a Binary.
    assert await readings.count_documents({"action": "records.read"}) == before + 4
    assert [one.content for one in opened] == [words.encode(), large, b"<b>"]
    types = ["text/plain; charset=utf-8", "image/jpeg", "application/octet-stream"]
    assert [one.headers["Content-Type"] for one in opened] == types
    assert {one.headers["Cache-Control"] for one in opened} == {"no-store"}
    assert {one.headers["Content-Disposition"] for one in opened} == {"attachment"}
    # What is not there, was taken back, is a report's, or another's: nothing.
    for id, number in ((kept.id, 4), (kept.id, 0), (wrong.id, 1), (report, 1), (binary.id, 1)):
        assert (await get(id, number)).status_code == 404, id
    assert (await get(kept.id, 1, other)).status_code == 404
    assert (await get(kept.id, 1, other, other.id)).status_code == 404


async def test_a_private_document_names_its_files_once_it_is_opened(town: TestCity):
    owner = await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    paper = {"contentType": "application/pdf", "data": in_base64(a_pdf("出院小结"))}
    (kept,) = await make_resources(services, chart, a_document(paper))
    path = f"/api/v1/records/timeline?patient_id={owner.id}"
    # Until its PDF has been read it may be about anything.
    (line,) = (await town.call("GET", path, as_=owner))["items"]
    assert (line["title"], line["documents"]) == (HIDDEN, [])
    one = f"/api/v1/records/timeline/{kept.id}?patient_id={owner.id}"
    assert len((await town.call("GET", one, as_=owner))["documents"]) == 1
    await town.work()
    (line,) = (await town.call("GET", path, as_=owner))["items"]
    assert (line["title"], len(line["documents"])) == ("出院小结", 1)


async def test_who_speaks_for_a_child_opens_its_files_and_for_a_grown_up_nobody_else(town: TestCity):
    guardian = await town.resident()
    services = town.city.services
    who = SignedIn(services.tokens.verify(guardian.token), "", "", "", "")
    text = {"contentType": "text/plain", "data": "T0s="}
    answers = []
    for born, relation in (("20200601", Relation.CHILD), ("19580607", Relation.PARENT)):
        person = await make_child(services, who, born, relation)
        known = await services.residents.get_identity(person)
        chart = await make_chart(services, town.hospital.id, name=known.name, id_number=known.id_number)
        (kept,) = await make_resources(services, chart, a_document(text))
        path = f"{town.url}/api/v1/records/timeline/{kept.id}/documents/1?patient_id={person}"
        answers.append((await town.http.get(path, headers=guardian.headers)).status_code)
    assert answers == [200, 403]


async def test_a_resident_takes_back_what_he_measured_and_nothing_of_a_hospitals(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    said = {"kind": "weight", "values": [61.5], "at": (clock.now() - timedelta(minutes=5)).isoformat()}
    kept = await town.call(
        "POST", "/api/v1/records/measurements", as_=owner, json=said | {"patient_id": owner.id}
    )
    path = f"/api/v1/records/measurements/{kept['id']}?patient_id={owner.id}"
    await town.call("DELETE", path, as_=other, expect=404)
    await town.call("DELETE", path.replace(owner.id, other.id), as_=other, expect=404)
    await town.call("DELETE", path, as_=owner, expect=204)
    await town.call("DELETE", path, as_=owner, expect=204)
    timeline = f"/api/v1/records/timeline?patient_id={owner.id}"
    assert (await town.call("GET", timeline, as_=owner))["items"] == []
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    (theirs,) = await make_resources(services, chart, a_result("29463-7", 61.5, "kg", name="体重"))
    await town.call("DELETE", path.replace(kept["id"], theirs.id), as_=owner, expect=404)


async def test_a_hospital_answers_what_a_resident_says_is_wrong(town: TestCity):
    owner, other, client = await town.resident(), await town.resident(), await town.hospital_client()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    mine = f"patient_id={owner.id}"
    (keeper,) = (await town.call("GET", f"/api/v1/records/keepers?{mine}", as_=owner))["items"]
    assert keeper == {"chart_id": chart.id, "organization_name": town.hospital.name}
    wish = {"patient_id": owner.id, "chart_id": chart.id, "field": "phone", "wish": "电话应为13900000000"}
    await town.call("POST", "/api/v1/records/corrections", as_=owner, json=wish)
    await town.call("POST", "/api/v1/records/corrections", as_=other, json=wish, expect=404)
    own = {**wish, "patient_id": other.id}
    await town.call("POST", "/api/v1/records/corrections", as_=other, json=own, expect=404)
    (waiting,) = (await town.call("GET", "/hospital/v1/corrections", as_=client))["items"]
    assert (waiting["patient_number"], waiting["wish"]) == (chart.number.value, wish["wish"])
    answer = {"done": True, "answer": "已改正"}
    await town.call("PUT", f"/hospital/v1/corrections/{waiting['id']}", as_=client, json=answer)
    await town.call("PUT", f"/hospital/v1/corrections/{waiting['id']}", as_=client, json={"done": False})
    assert (await town.call("GET", "/hospital/v1/corrections", as_=client))["items"] == []
    (asked,) = (await town.call("GET", f"/api/v1/records/corrections?{mine}", as_=owner))["items"]
    assert (asked["state"], asked["answer"]) == ("done", "已改正")
    await town.work()
    texts = (await town.outside.get("sms", phone=owner.phone))["items"]
    assert len([text for text in texts if "病历更正" in text["content"]]) == 1
    stored = await town.city.db.collection("record_corrections").find_one({})
    assert "13900000000" not in str(stored)


async def test_a_resident_takes_the_whole_file_away(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    results = [a_result("718-7", 100 + n, "g/L", low=115) for n in range(30)]
    await make_report(services, chart, results)
    await town.call(
        "POST", "/api/v1/records/exports", as_=other, json={"patient_id": owner.id, "form": "pdf"}, expect=404
    )
    for form, begins in (("fhir", b'{"'), ("pdf", b"%PDF-")):
        order = {"patient_id": owner.id, "form": form}
        export = await town.call("POST", "/api/v1/records/exports", as_=owner, json=order)
        path = f"/api/v1/records/exports/{export['id']}"
        await town.call("GET", f"{path}/file", as_=owner, expect=404)
        await town.work()
        ready = await town.call("GET", path, as_=owner)
        assert (ready["state"], ready["done"], ready["total"]) == ("done", 31, 31)
        answer = await town.http.get(f"{town.url}{path}/file", headers=owner.headers)
        assert answer.content.startswith(begins)
        if form == "fhir":
            entries = answer.json()["entry"]
            types = [entry["resource"]["resourceType"] for entry in entries]
            assert sorted(set(types)) == ["DiagnosticReport", "Observation"]
            assert all(entry["fullUrl"].endswith(entry["resource"]["id"]) for entry in entries)
        await town.call("GET", path, as_=other, expect=404)
    audit = town.city.db.collection("audit")
    assert await audit.count_documents({"action": "records.fetch_export", "actor_id": owner.id}) == 2
    await town.call("DELETE", "/api/v1/me", as_=owner)
    await town.work()
    assert await town.city.db.collection("record_exports").count_documents({}) == 0
    assert await town.city.db.collection("blob_pieces").count_documents({}) == 0
