"""What another hospital may read at /fhir/R4: nothing without a basis; and each reading leaves its entry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.exchange.fhir.patients import ID_NUMBER_SYSTEM
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.records.care_rules import relation
from backend.records.care_store import CareStore
from backend.records.sharing_models import NOBODY, CareKind
from tests.backend.exchange.fhir.conftest import Face, a_patient, an_observation
from tests.factories.directory import a_practitioner
from tests.support.city import id_number

NUMBER = id_number(77)
BY_NUMBER = f"/Patient?identifier={ID_NUMBER_SYSTEM}|{NUMBER}"
DOCTOR = {"X-Practitioner": "D-1"}


@pytest.fixture(scope="module")
async def person(face: Face) -> dict[str, str]:
    """One person with a chart at each hospital, and a doctor at the second."""
    await face.city.outside.post("persons", {"name": "赵小兰", "id_number": NUMBER, "phone": "13800000077"})
    said = a_patient(name=[{"text": "赵小兰"}], gender="unknown")
    said["identifier"].append({"system": ID_NUMBER_SYSTEM, "value": NUMBER})
    first = await face.one.create(said)
    result = await face.one.create(an_observation(f"Patient/{first}"))
    chart = await face.city.city.services.patient_index.chart(first)
    assert chart is not None
    doctor = a_practitioner(face.two.organization, value="D-1")
    await face.city.city.services.directory.save_practitioners([doctor])
    return {"chart": first, "result": result, "id": chart.person_id}


async def treat(face: Face, person_id: str) -> None:
    """The second hospital treats the person from now on."""
    now = clock.now()
    made = relation(
        CareKind.REFERRAL,
        person_id,
        face.two.organization.id,
        new_id(),
        begins_at=now - timedelta(minutes=1),
        until=now + timedelta(days=1),
    )
    await CareStore(face.city.city.db).begin(made)


async def readings(face: Face) -> list[Any]:
    """What has been read, the newest first."""
    wanted = AuditFilter(action="records.read")
    return (await face.city.city.services.audit.list_entries(SYSTEM, wanted, limit=200))[0]


async def test_without_a_basis_nothing_is_told_not_even_whether_there_is_somebody(
    face: Face, person: dict[str, str]
):
    nobody = BY_NUMBER.replace(NUMBER, id_number(78))
    for path in (BY_NUMBER, nobody, f"/Patient/{person['id']}", f"/Observation/{person['result']}"):
        await face.two.refused("GET", path, None, 404, "not-found")
    known = await face.two.ask("GET", BY_NUMBER, expect=403, headers=DOCTOR)
    unknown = await face.two.ask("GET", nobody, expect=403, headers=DOCTOR)
    assert known.json() == unknown.json()
    issue = known.json()["issue"][0]
    assert issue["code"] == "forbidden"
    assert issue["diagnostics"], "it says what ways there are"
    for path in (
        f"/Patient/{person['id']}",
        f"/Observation/{person['result']}",
        f"/Observation?patient={person['id']}",
    ):
        await face.two.ask("GET", path, expect=404, headers=DOCTOR)


async def test_whoever_treats_reads_the_person_over_all_hospitals(face: Face, person: dict[str, str]):
    await treat(face, person["id"])
    before = len(await readings(face))
    found = await face.two.get(BY_NUMBER, headers=DOCTOR)
    (golden,) = [each["resource"] for each in found["entry"]]
    assert golden["id"] == person["id"]
    assert golden["link"] == [{"other": {"reference": f"Patient/{person['chart']}"}, "type": "seealso"}]
    assert golden["name"] == [{"text": "赵小兰"}]
    paths = {
        f"/Patient/{person['id']}": 1,
        f"/Patient/{person['chart']}": 1,
        f"/Observation/{person['result']}": 1,
        f"/Observation/{person['result']}/_history": 1,
        f"/Observation/{person['result']}/_history/1": 1,
        f"/Observation?patient={person['id']}": 1,
        f"/Observation?patient={person['chart']}": 1,
        f"/Observation?patient.identifier={ID_NUMBER_SYSTEM}|{NUMBER}": 1,
        f"/Patient?link=Patient/{person['chart']}": 1,
        f"/Patient/{person['id']}/$everything": 1,
        f"/Observation?patient={person['id']}&_include=Observation:subject": 2,
        f"{BY_NUMBER}&_revinclude=Observation:patient": 2,
        f"/Patient?_id={person['chart']}&patient={person['chart']}&_revinclude=Observation:subject": 2,
    }
    for path in paths:
        await face.two.ask("GET", path, headers=DOCTOR)
    entries = await readings(face)
    assert len(entries) - before == 1 + sum(paths.values()), "one entry for each reading"
    assert all(each.data["practitioner"] == "D-1" for each in entries[: len(entries) - before])
    assert (await face.two.get(f"/Observation?patient={person['id']}", headers=DOCTOR))["total"] == 1


async def test_what_comes_along_is_no_more_than_the_basis_covers(face: Face, person: dict[str, str]):
    """By care nothing especially sensitive, through a broken glass everything; each reading has its entry."""
    special = await face.one.create({
        "resourceType": "Condition", "subject": {"reference": f"Patient/{person['chart']}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B20"}]},
    })  # fmt: skip
    ordinary = await face.one.create({
        "resourceType": "Condition", "subject": {"reference": f"Patient/{person['chart']}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}]},
    })  # fmt: skip
    every = f"{BY_NUMBER}&_revinclude=Condition:patient&_revinclude=Observation:patient"
    await face.two.refused("GET", every, None, 404, "not-found")

    async def along(headers: dict[str, str]) -> set[str]:
        before = await readings(face)
        found = await face.two.get(every, headers=headers)
        came = {each["resource"]["id"] for each in found["entry"] if each["search"]["mode"] == "include"}
        entries = (await readings(face))[: -len(before) or None]
        assert set(entries[0].data["resources"]) == came
        assert len(entries) == 2
        return came

    await treat(face, person["id"])
    assert await along(DOCTOR) == {ordinary, person["result"]}
    stated = DOCTOR | {"X-Purpose": "BTG", "X-Reason": quote("01 病人昏迷不醒")}
    assert await along(stated) == {ordinary, special, person["result"]}


async def test_what_one_may_read_one_may_still_not_write(face: Face, person: dict[str, str]):
    body = an_observation(f"Patient/{person['chart']}", id=person["result"])
    await face.two.refused("PUT", f"/Observation/{person['result']}", body, 404, "not-found", headers=DOCTOR)
    await face.two.refused(
        "DELETE", f"/Observation/{person['result']}", None, 404, "not-found", headers=DOCTOR
    )


async def test_a_purpose_that_is_none_is_refused(face: Face, person: dict[str, str]):
    headers = DOCTOR | {"X-Purpose": "CURIOSITY"}
    await face.two.refused("GET", BY_NUMBER, None, 400, "parameter-value", headers=headers)


async def test_before_a_reason_is_accepted_an_emergency_tells_nothing_of_whether_there_is_somebody(
    face: Face, person: dict[str, str]
):
    numbers = (id_number(79), id_number(80))
    await face.city.outside.post(
        "persons", {"name": "孙不知", "id_number": numbers[0], "phone": "13800000079"}
    )
    said = a_patient(name=[{"text": "孙不知"}], gender="unknown")
    said["identifier"].append({"system": ID_NUMBER_SYSTEM, "value": numbers[0]})
    chart = await face.one.create(said)
    await face.one.create(an_observation(f"Patient/{chart}"))
    glasses = face.city.city.db.collection("record_glasses")
    before = await glasses.count_documents({})
    nurse = {"X-Purpose": "BTG", "X-Practitioner": "D-UNKNOWN", "X-Reason": quote("01 病人昏迷不醒")}
    doctor = DOCTOR | {"X-Purpose": "BTG"}
    short = doctor | {"X-Reason": quote("01 急")}
    for path in (
        f"/Patient?identifier={ID_NUMBER_SYSTEM}|%s",
        f"/Observation?patient.identifier={ID_NUMBER_SYSTEM}|%s",
    ):
        for headers in (nurse, doctor, short, {"X-Purpose": "BTG"}):
            known, unknown = [
                await face.two.face.city.http.get(
                    f"{face.base}{path % number}", headers=face.two.caller.headers | headers
                )
                for number in numbers
            ]
            assert known.status_code == unknown.status_code >= 400
            assert known.json() == unknown.json()
    assert await glasses.count_documents({}) == before
    # With a reason the one is read, and the other is nobody: no glass is broken, and it is written down.
    stated = doctor | {"X-Reason": quote("01 病人昏迷不醒")}
    for number, total in zip(numbers, (1, 0), strict=True):
        found = await face.two.get(
            f"/Observation?patient.identifier={ID_NUMBER_SYSTEM}|{number}", headers=stated
        )
        assert found["total"] == total
    assert await glasses.count_documents({}) == before + 1
    denied = AuditFilter(action="records.denied")
    newest = (await face.city.city.services.audit.list_entries(SYSTEM, denied, limit=1))[0][0]
    assert newest.object == f"person/{NOBODY}"
