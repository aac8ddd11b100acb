"""All 171 official R4 examples over HTTP: each taken and given back without loss, or refused for a reason.

Patients that the examples refer to are charts of the sending hospital: these references are rewritten first.
A relative reference in a resource that came from another server leads to that server: it comes back absolute.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from backend.exact_json import dumps, strict_loads
from backend.exchange.fhir.references import rewritten
from tests.backend.exchange.fhir.conftest import Face, bundle
from tests.judges.judging import FHIR

FOLDER = Path(__file__).parents[3] / "fixtures" / "fhir-r4"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.json"))
HOME = "http://hospital.example/fhir"
RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}(/_history/[0-9]+)?")

NOT_KEPT = "type-unknown request.url"
# The patient lies within the resource, is a group, or is the patient of another: no chart of the sender.
NO_CHART = "subject-unknown"
# What each file that is not taken is refused for, and where. All others are taken.
REFUSED = {
    "AuditEvent/AuditEvent-example-logout.json": NOT_KEPT,
    "AuditEvent/AuditEvent-example-search.json": NOT_KEPT,
    "AuditEvent/AuditEvent-example.json": NOT_KEPT,
    "Claim/Claim-100152.json": f"{NO_CHART} resource.patient",
    "Claim/Claim-100154.json": "subject-missing resource",  # by an identifier only
    "Claim/Claim-100155.json": f"{NO_CHART} resource.patient",
    "Claim/Claim-MED-00050.json": f"{NO_CHART} resource.patient",
    "Consent/Consent-consent-example-notThem.json": NOT_KEPT,
    "Consent/Consent-consent-example-notThis.json": NOT_KEPT,
    "Consent/Consent-consent-example-pkb.json": NOT_KEPT,
    "Consent/Consent-consent-example-smartonfhir.json": NOT_KEPT,
    # R4 wants an Organization there, and the example names a Practitioner.
    "MedicationRequest/MedicationRequest-medrx0301.json":
        "reference-type resource.dispenseRequest.performer.reference",
    "Observation/Observation-10minute-apgar-score.json": f"{NO_CHART} resource.subject",
    "Observation/Observation-1minute-apgar-score.json": f"{NO_CHART} resource.subject",
    "Observation/Observation-20minute-apgar-score.json": f"{NO_CHART} resource.subject",
    # A Device is named where R4 allows none.
    "Observation/Observation-clinical-gender.json": "reference-type resource.performer[0].reference",
    # Their identifiers are none of a hospital's, or old.
    "Patient/Patient-genetics-example1.json": "identifier-missing resource.identifier",
    "Patient/Patient-newborn.json": "identifier-missing resource.identifier",
    "Questionnaire/Questionnaire-qs1.json": "required resource.item[0].item[0].linkId",
    "QuestionnaireResponse/QuestionnaireResponse-3141.json": f"{NO_CHART} resource.subject",
    "QuestionnaireResponse/QuestionnaireResponse-bb.json": f"{NO_CHART} resource.subject",
    "Schedule/Schedule-exampleloc2.json": NOT_KEPT,
    "ServiceRequest/ServiceRequest-education.json": "subject-missing resource",
    "Slot/Slot-1.json": NOT_KEPT,
    "Slot/Slot-2.json": NOT_KEPT,
    "Slot/Slot-3.json": NOT_KEPT,
    "Specimen/Specimen-pooled-serum.json": f"{NO_CHART} resource.subject",
    "Subscription/Subscription-example-error.json": NOT_KEPT,
}  # fmt: skip
NOT_CARRIED_OUT = "422 bundle-type"
BUNDLES = {
    "Bundle/Bundle-bundle-request-simplesummary.json": "200",
    # Their entries have no address of their own: relative references mean resources of ours, that are none.
    "Bundle/Bundle-hla-1.json": "422 reference-unknown",
    "Bundle/Bundle-xds.json": "422 reference-unknown",
}


def example(name: str) -> Any:
    return strict_loads((FOLDER / name).read_bytes())


def of_patient(body: Any, patient: str) -> Any:
    """The same about a chart of ours."""
    return rewritten(body, lambda text: f"Patient/{patient}" if text.startswith("Patient/") else None)


def entry(body: Any) -> dict[str, Any]:
    name = f"{body['resourceType']}/{body['id']}"
    return {"fullUrl": f"{HOME}/{name}", "resource": body, "request": {"method": "PUT", "url": name}}


def expected_back(body: Any, id: str) -> bytes:
    """What has to come back: all that was sent, with references to the sender's own server spelled out."""
    itself = f"{body['resourceType']}/{body['id']}"

    def absolute(text: str) -> str | None:
        if text == itself:
            return f"{body['resourceType']}/{id}"
        relative = RELATIVE.fullmatch(text) and not text.startswith("Patient/")
        return f"{HOME}/{text}" if relative else None

    said = rewritten({name: value for name, value in body.items() if name not in ("id", "meta")}, absolute)
    return dumps(said, orjson.OPT_SORT_KEYS)


async def test_every_official_example_is_taken_without_loss_or_refused_for_the_right_reason(face: Face):
    patient = await face.one.patient()
    single = {name: of_patient(example(name), patient) for name in FILES if not name.startswith("Bundle/")}
    sent = bundle("batch", *(entry(body) for body in single.values()))
    answers = (await face.one.ask("POST", "", dumps(sent))).json()["entry"]
    assert len(FILES) == 171
    assert len(answers) == len(single)
    refused, taken = {}, 0
    for number, (name, body) in enumerate(single.items()):
        response = answers[number]["response"]
        if "outcome" in response:
            issue = response["outcome"]["issue"][0]
            where = issue["expression"][0].removeprefix(f"Bundle.entry[{number}].")
            refused[name] = f"{issue['details']['coding'][0]['code']} {where}"
            continue
        path = response["location"].removeprefix(face.base).partition("/_history")[0]
        back = strict_loads((await face.one.ask("GET", path)).content)
        assert expected_back(body, back["id"]) == dumps(without_ours(back), orjson.OPT_SORT_KEYS), name
        taken += 1
    assert refused == REFUSED
    assert taken == 129


def without_ours(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("id", "meta")}


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("Bundle/")])
async def test_every_official_bundle_is_carried_out_or_refused(face: Face, name: str):
    patient = await face.one.patient()
    answer = await face.city.http.post(
        face.base,
        content=dumps(of_patient(example(name), patient)),
        headers=face.one.caller.headers | {"Content-Type": FHIR},
    )
    face.keep(answer)
    said = answer.json()
    code = f" {said['issue'][0]['details']['coding'][0]['code']}" if "issue" in said else ""
    assert f"{answer.status_code}{code}" == BUNDLES.get(name, NOT_CARRIED_OUT), answer.text


async def test_the_same_examples_again_change_nothing(face: Face):
    patient = await face.one.patient()
    names = [
        name for name in FILES if name.startswith(("Observation/", "Condition/")) and name not in REFUSED
    ]
    sent = dumps(bundle("transaction", *(entry(of_patient(example(name), patient)) for name in names)))
    first = (await face.one.ask("POST", "", sent)).json()
    again = (await face.one.ask("POST", "", sent)).json()
    assert {each["response"]["status"] for each in first["entry"]} == {"201 Created"}
    assert {each["response"]["etag"] for each in again["entry"]} == {'W/"1"'}
    assert [each["response"]["location"] for each in again["entry"]] == [
        each["response"]["location"] for each in first["entry"]
    ]
