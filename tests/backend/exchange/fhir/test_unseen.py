"""What clients that nobody here knows send and ask: parts of resources, conditions, forms of reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from backend.exact_json import dumps, strict_loads
from tests.backend.exchange.fhir.conftest import Face, a_patient, an_observation, bundle, post
from tests.backend.exchange.fhir.test_examples import entry, expected_back, of_patient, without_ours

FOLDER = Path(__file__).parents[3] / "fixtures" / "fhir-r4-unseen"
EXAMPLES = sorted(FOLDER.glob("*.json"))
NPI = "http://hl7.org/fhir/sid/us-npi"
CLINICS = "https://github.com/synthetichealth/synthea"
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


async def test_resources_that_were_not_given_are_taken_and_come_back_without_loss(face: Face):
    patient = await face.one.patient()
    sent = [of_patient(strict_loads(file.read_bytes()), patient) for file in EXAMPLES]
    assert len(sent) == 27
    answers = (await face.one.ask("POST", "", dumps(bundle("batch", *map(entry, sent))))).json()["entry"]
    for body, answer in zip(sent, answers, strict=True):
        name = f"{body['resourceType']}/{body['id']}"
        assert "outcome" not in answer["response"], f"{name}: {answer['response'].get('outcome')}"
        path = answer["response"]["location"].removeprefix(face.base).partition("/_history")[0]
        back = strict_loads((await face.one.ask("GET", path)).content)
        assert expected_back(body, back["id"]) == dumps(without_ours(back), orjson.OPT_SORT_KEYS), name


async def test_a_client_that_has_a_version_in_whatever_form_it_says_so_is_not_sent_it_again(face: Face):
    patient = await face.one.patient()
    path = f"/Observation/{await face.one.create(an_observation(f'Patient/{patient}'))}"
    for known in ('W/"1"', '"1"', 'W/"7", W/"1"', "*"):
        await face.one.ask("GET", path, expect=304, headers={"If-None-Match": known})
    await face.one.ask("GET", path, headers={"If-None-Match": 'W/"7"'})

    body = await face.one.get(path)
    await face.one.ask("PUT", path, body | {"status": "amended"}, headers={"If-Match": "*"})
    # Meant for what is not there yet, it would have changed what is.
    again = {"If-None-Match": "*"}
    await face.one.refused("PUT", path, body, 412, "version-conflict", headers=again)
    by_number = "/Observation?identifier=urn:x|n1"
    await face.one.refused("PUT", by_number, body, 412, "version-conflict", headers=again)
    assert (await face.one.get(path))["status"] == "amended"


async def test_only_what_was_asked_for_of_a_resource_comes_and_says_that_it_is_not_all(face: Face):
    patient = await face.one.patient()
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">5.6</div>'}
    inside = {"resourceType": "Practitioner", "id": "p1", "name": [{"family": "李"}]}
    sent = an_observation(
        f"Patient/{patient}",
        text=text,
        contained=[inside],
        performer=[{"reference": "#p1"}],
        modifierExtension=[{"url": "http://x.example/doubtful", "valueBoolean": True}],
    )
    id = await face.one.create(sent)
    always = {"resourceType", "id", "meta", "modifierExtension", "status", "code"}
    for query, more in {
        "_elements=value": {"valueQuantity"},
        "_elements=valueQuantity,Observation.effective": {"valueQuantity", "effectiveDateTime"},
        "_elements=performer": {"performer", "contained"},
        "_elements=text": {"text"},
        "_elements=contained": set(),
        "_summary=data": set(sent) - {"text"},
    }.items():
        found = await face.one.get(f"/Observation?patient={patient}&{query}&_include=Observation:patient")
        [part, along] = [each["resource"] for each in found["entry"]]
        assert set(part) == always | more, query
        assert along["name"], "what comes along is whole"
        assert query.partition("=")[0] in found["link"][0]["url"]
        for one in (part, await face.one.get(f"/Observation/{id}?{query}")):
            assert set(one) == always | more, query
            assert [each["code"] for each in one["meta"]["tag"]] == ["SUBSETTED"]
    assert "text" in await face.one.get(f"/Observation/{id}?_summary=text")
    assert "tag" not in (await face.one.get(f"/Observation/{id}"))["meta"], "what is kept stays as it is"
    for total in ("none", "estimate", "accurate"):
        assert (await face.one.get(f"/Observation?patient={patient}&_total={total}"))["total"] == 1
    for wrong in ("_elements=valu", "_summary=true", "_total=all"):
        issue = await face.one.refused(
            "GET", f"/Observation?patient={patient}&{wrong}", None, 400, "parameter-value"
        )
        assert issue["diagnostics"]


async def test_a_condition_is_read_with_its_question_mark_and_needs_something_that_tells_apart(face: Face):
    patient = await face.one.patient()
    body = an_observation(f"Patient/{patient}", identifier=[{"system": "urn:x", "value": "once"}])
    for said, status in (("?identifier=urn:x|once", 201), ("Observation?identifier=urn:x|once", 200)):
        await face.one.ask("POST", "/Observation", body, expect=status, headers={"If-None-Exist": said})
    for said in ("_elements=status", "_count=1", "_lastUpdated=gt2020"):
        headers = {"If-None-Exist": said}
        await face.one.refused("POST", "/Observation", body, 400, "parameter-value", headers=headers)


def synthetic(number: str, *more: dict[str, Any]) -> dict[str, Any]:
    """A transaction as Synthea writes it: urn:uuid within, conditions for who is known elsewhere."""
    patient, visit = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    race = {"url": RACE, "extension": [{"url": "text", "valueString": "White"}]}
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": patient, "display": "Mr. X"},
        "participant": [{"individual": {"reference": f"Practitioner?identifier={NPI}|{number}"}}],
        "period": {"start": "2011-01-01T00:00:00-05:00", "end": "2011-01-01T00:15:00-05:00"},
        "serviceProvider": {"reference": f"Organization?identifier={CLINICS}|{number}", "display": "PCP1"},
    }
    return bundle(
        "transaction",
        post(a_patient(f"SYN{number}", extension=[race], multipleBirthBoolean=False), patient),
        post(encounter, visit),
        post(an_observation(patient, encounter={"reference": visit}), f"urn:uuid:{uuid4()}"),
        *more,
    )


def doctor(number: str, **request: Any) -> dict[str, Any]:
    body = {"resourceType": "Practitioner", "identifier": [{"system": NPI, "value": number}]}
    return post(body, f"urn:uuid:{uuid4()}", **request)


def clinic(number: str, **request: Any) -> dict[str, Any]:
    said = [{"system": CLINICS, "value": number}]
    body = {"resourceType": "Organization", "identifier": said, "name": "PCP1"}
    return post(body, f"urn:uuid:{uuid4()}", **request)


async def test_a_transaction_refers_by_condition_to_what_it_brings_itself_or_what_is_there(face: Face):
    issue = await face.one.refused("POST", "", synthetic("901"), 412, "condition-none")
    assert "in the same transaction" in issue["diagnostics"]
    assert issue["expression"] == ["Bundle.entry[1].resource.participant[0].individual"]

    brought = (
        doctor("901", ifNoneExist=f"identifier={NPI}|901"),
        clinic("901", ifNoneExist=f"identifier={CLINICS}|901"),
    )
    told: list[list[str]] = []
    for sent in (synthetic("901", *brought), synthetic("901", *brought), synthetic("901")):
        answer = (await face.one.ask("POST", "", sent)).json()
        told.append([each["response"]["location"].partition("/_history")[0] for each in answer["entry"]])
        visit = await face.one.get(told[-1][1].removeprefix(face.base))
        led = [visit["participant"][0]["individual"]["reference"], visit["serviceProvider"]["reference"]]
        assert [f"{face.base}/{one}" for one in led] == told[0][3:]
        assert visit["subject"]["display"] == "Mr. X"
    assert told[1][3:] == told[0][3:], "nobody is made twice"

    twice = synthetic("902", doctor("902"), doctor("902"), clinic("902"))
    await face.one.refused("POST", "", twice, 412, "condition-many")


async def test_what_is_asked_to_be_updated_and_is_not_there_is_refused_with_a_way_on(face: Face):
    patient = await face.one.patient()
    body = an_observation(f"Patient/{patient}") | {"id": "my-own"}
    issue = await face.one.refused("PUT", "/Observation/my-own", body, 404, "not-found")
    assert "PUT Observation?identifier=system|value" in issue["diagnostics"]


@pytest.mark.parametrize(
    "asked",
    [
        {"request": {"method": "PATCH", "url": "Observation/1"}, "resource": {"resourceType": "Binary"}},
        {"request": {"method": "HEAD", "url": "Observation/1"}},
        {"request": {"method": "DELETE", "url": "Observation?identifier=urn:x|1"}},
        {"request": {"method": "POST", "url": "Observation/$validate"}, "resource": {}},
    ],
)
async def test_an_entry_that_is_not_carried_out_says_which_are(face: Face, asked: dict[str, Any]):
    [answer] = (await face.one.ask("POST", "", bundle("batch", asked))).json()["entry"]
    assert answer["response"]["status"] == "400"
    [issue] = answer["response"]["outcome"]["issue"]
    assert "POST Type, PUT Type/id" in issue["diagnostics"]
    assert issue["expression"] == ["Bundle.entry[0].request"]
