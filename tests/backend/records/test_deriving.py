"""What is read out of a body: time, kind, status, codes, identifiers, references, sensitivity."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.ids import new_id
from backend.records.bodies import canonical, content
from backend.records.deriving import class_of, derive
from backend.records.models import Derived, Kind, Sensitivity
from backend.records.times import read_instant
from backend.records.types import TYPES

RECEIVED = datetime(2026, 11, 22, 8, tzinfo=UTC)
CHART = new_id()
ICD, LOINC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def document(kind: str, data: bytes) -> dict[str, Any]:
    return {"content": [{"attachment": {"contentType": kind, "data": b64(data)}}]}


def of(type: str, **body: Any) -> Derived:
    return derive(type, content(type, body), RECEIVED)


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-09-14T09:30:00+08:00", datetime(2026, 9, 14, 1, 30, tzinfo=UTC)),
        ("2026-09-14T01:30:00.123456Z", datetime(2026, 9, 14, 1, 30, 0, 123000, tzinfo=UTC)),
        # Without a zone, and for a whole day, month or year: the city's.
        ("2026-09-14T09:30:00", datetime(2026, 9, 14, 1, 30, tzinfo=UTC)),
        ("2026-09-14", datetime(2026, 9, 13, 16, tzinfo=UTC)),
        ("2026-09", datetime(2026, 8, 31, 16, tzinfo=UTC)),
        ("2026", datetime(2025, 12, 31, 16, tzinfo=UTC)),
        ({"start": "2026", "end": "2027"}, datetime(2025, 12, 31, 16, tzinfo=UTC)),
        ({"end": "2027"}, datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("0001-01-01", None), ("2026-13-01", None), ("soon", None), (7, None), ({}, None), (None, None),
    ],
)  # fmt: skip
def test_fhir_times_are_read_as_instants(text: Any, instant: datetime | None):
    assert read_instant(text) == instant


@pytest.mark.parametrize(
    ("type", "body", "kind", "day"),
    [
        ("Encounter", {"period": {"start": "2026-03-02"}}, Kind.VISIT, 2),
        ("Condition", {"onsetDateTime": "2005", "recordedDate": "2026-03-03"}, Kind.DIAGNOSIS, 3),
        ("AllergyIntolerance", {"onsetDateTime": "2026-03-04"}, Kind.ALLERGY, 4),
        ("Procedure", {"performedPeriod": {"start": "2026-03-05"}}, Kind.PROCEDURE, 5),
        ("Immunization", {"occurrenceDateTime": "2026-03-06"}, Kind.VACCINATION, 6),
        ("DiagnosticReport", {"effectiveDateTime": "2026-03-07", "issued": "2026-03-09"}, Kind.LAB, 7),
        ("Observation", {"effectivePeriod": {"start": "2026-03-08"}}, Kind.MEASUREMENT, 8),
        ("ImagingStudy", {"started": "2026-03-09"}, Kind.IMAGING, 9),
        ("MedicationRequest", {"authoredOn": "2026-03-10"}, Kind.MEDICINE, 10),
        ("MedicationStatement", {"effectiveDateTime": "2026-03-11"}, Kind.MEDICINE, 11),
        ("MedicationDispense", {"whenHandedOver": "2026-03-12"}, Kind.MEDICINE, 12),
        ("MedicationAdministration", {"effectiveDateTime": "2026-03-13"}, Kind.MEDICINE, 13),
        ("DocumentReference", {"date": "2026-03-14"}, Kind.DOCUMENT, 14),
        ("ServiceRequest", {"authoredOn": "2026-03-15"}, Kind.ORDER, 15),
        ("Specimen", {"collection": {"collectedDateTime": "2026-03-16"}}, Kind.LAB, 16),
        ("Appointment", {"start": "2026-03-17"}, Kind.VISIT, 17),
        ("Claim", {"created": "2026-03-18"}, Kind.OTHER, 18),
        ("Composition", {"date": "2026-03-19"}, Kind.DOCUMENT, 19),
        ("QuestionnaireResponse", {"authored": "2026-03-20"}, Kind.DOCUMENT, 20),
        ("Media", {"createdDateTime": "2026-03-21"}, Kind.IMAGING, 21),
    ],
)  # fmt: skip
def test_each_type_says_when_it_was_and_what_it_is_about(
    type: str, body: dict[str, Any], kind: Kind, day: int
):
    derived = of(type, **body)
    assert derived.kind is kind
    assert derived.at == read_instant(f"2026-03-{day:02d}")


def test_what_does_not_say_when_it_was_was_when_it_came():
    assert all(derive(type, {"resourceType": type}, RECEIVED).at == RECEIVED for type in TYPES)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"category": [concept("v2-0074", "LAB")]}, Kind.LAB),
        ({"category": [concept("v2-0074", "RAD")]}, Kind.IMAGING),
        ({"category": [concept(LOINC, "LP29684-5")]}, Kind.IMAGING),
        ({"category": [concept("v2-0074", "LAB"), concept("v2-0074", "CT")]}, Kind.LAB),
        ({"code": {"text": "胸部CT平扫"}}, Kind.IMAGING),
        ({"category": [{"text": "超声检查"}]}, Kind.IMAGING),
        ({"imagingStudy": [{"display": "x"}]}, Kind.IMAGING),
        ({"code": {"text": "血常规"}}, Kind.LAB),
        ({}, Kind.LAB),
    ],
)
def test_a_report_is_of_the_laboratory_or_of_something_looked_at(body: dict[str, Any], kind: Kind):
    derived = of("DiagnosticReport", **body)
    assert (derived.kind, derived.shown) == (kind, True)


def test_a_single_result_stands_in_its_report_and_a_measurement_by_itself():
    assert of("Observation", category=[concept("c", "laboratory")]).shown is False
    assert of("Observation", category=[concept("c", "imaging")]).kind is Kind.IMAGING
    vital = of("Observation", category=[concept("c", "vital-signs")])
    assert (vital.kind, vital.shown) == (Kind.MEASUREMENT, True)


def test_codes_identifiers_references_and_the_visit_are_found_wherever_they_stand():
    visit, result = f"{CHART}-{new_id()}", f"{CHART}-{new_id()}"
    derived = of(
        "DiagnosticReport",
        identifier=[{"system": "urn:lis", "value": "R1"}, {"value": "R2"}, {"system": "urn:nothing"}],
        code=concept(LOINC, "58410-2") | {"text": "血常规"},
        status="final",
        subject={"reference": f"Patient/{CHART}"},
        encounter={"reference": f"Encounter/{visit}"},
        result=[
            {"reference": f"https://city/fhir/R4/Observation/{result}/_history/3"},
            {"reference": "#inside"},
        ],
        performer=[{"reference": "Organization/7"}, {"reference": f"Spaceship/{result}"}, {"display": "x"}],
    )
    assert derived.status == "final"
    assert derived.codes == ((LOINC, "58410-2"),)
    assert derived.business == (("urn:lis", "R1"), ("", "R2"))
    assert set(derived.refs) == {CHART, visit, result}
    assert derived.encounter_id == visit
    document = of("DocumentReference", context={"encounter": [{"reference": f"Encounter/{visit}"}]})
    assert document.encounter_id == visit
    assert of("Condition", clinicalStatus=concept("x", "active")).status == "active"
    assert of("Organization", active=False).status == "inactive"
    assert of("Observation", component=[{"code": concept(LOINC, "8480-6")}]).codes == ((LOINC, "8480-6"),)


@pytest.mark.parametrize(
    ("type", "body", "level"),
    [
        ("Condition", {"code": concept(ICD, "I10")}, 4),
        ("Condition", {"code": concept(ICD, "B20.1")}, 5),
        ("Condition", {"code": concept("urn:oid:2.16.840.1.113883.6.90", "F329")}, 5),
        ("Condition", {"code": concept("http://hospital/match", "B20")}, 4),
        ("Observation", {"code": concept(LOINC, "7917-8")}, 5),
        ("Observation", {"code": concept("urn:lis", "4711", "抗HIV(1+2)")}, 5),
        ("DiagnosticReport", {"conclusion": "梅毒螺旋体抗体阳性"}, 5),
        ("Observation", {"valueString": "梅毒螺旋体抗体阳性"}, 5),
        ("Composition", {"title": "艾滋病随访记录"}, 5),
        ("DocumentReference", {"content": [{"attachment": {"title": "HIV抗体确证报告"}}]}, 5),
        ("ImagingStudy", {"description": "头颅CT（自杀未遂）"}, 5),
        ("MedicationRequest", {"medicationCodeableConcept": concept("urn:x/atc", "N05AH02")}, 5),
        ("Encounter", {"serviceType": {"text": "精神科门诊"}}, 5),
        ("Encounter", {"reasonCode": [concept(ICD, "O04.9")]}, 5),
        ("Procedure", {"code": {"text": "SHIVering"}}, 4),
        ("Condition", {"text": {"status": "generated", "div": "<div>复查。<b>艾</b>滋病门诊</div>"}}, 5),
        ("Condition", {"text": {"status": "generated", "div": "<div>&#x6885;毒，已治愈</div>"}}, 5),
        ("Condition", {"text": {"status": "generated", "div": "<div class='HIV'>感冒</div>"}}, 4),
        ("Composition", {"section": [{"text": {"div": f"<div>{'平稳。' * 3000}有自杀观念</div>"}}]}, 5),
        ("DocumentReference", document("text/plain; charset=utf-8", "出院小结：双相障碍".encode()), 5),
        ("DocumentReference", document("text/plain; charset=gb18030", "戒毒治疗".encode("gb18030")), 5),
        ("DocumentReference", document("text/plain", "戒毒治疗".encode("gb18030")), 5),
        ("DocumentReference", document("text/plain; charset=x-none", "高血压".encode()), 4),
        ("DocumentReference", document("application/pdf", b"HIV"), 4),
        ("Binary", {"contentType": "text/html", "data": b64(b"<p>psychi<i>atric</i> ward</p>")}, 5),
        ("Binary", {"contentType": "text/plain", "data": "no base64"}, 4),
        ("DiagnosticReport", {"conclusion": "未见异常。" * 2000 + "梅毒阳性"}, 5),
        ("Appointment", {"comment": "HIV-1 复查"}, 5),
        ("Patient", {}, 3),
        ("Coverage", {}, 3),
        ("Practitioner", {}, 1),
        ("Observation", {"meta": {"security": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}}, 5),
        ("Observation", {"meta": {"security": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]}}, 4),
    ],
)  # fmt: skip
def test_sensitivity_comes_of_codes_names_and_labels(type: str, body: dict[str, Any], level: int):
    assert of(type, **body).sensitivity == level


def test_an_encounters_class_is_told_however_it_is_written():
    assert class_of({"resourceType": "Encounter", "class": {"code": "IMP"}}) == "IMP"
    assert class_of({"resourceType": "Encounter", "class": [concept("x", "AMB")]}) == "AMB"
    assert class_of({"resourceType": "Encounter"}) == class_of({"resourceType": "Patient"}) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["code", "coding", "system", "reference", "category", "identifier", "value", "period",
                         "start", "status", "encounter", "context", "display", "x"]),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


MEMBERS = (
    "status", "code", "category", "class", "encounter", "context", "identifier", "effectiveDateTime",
    "period", "clinicalStatus", "medicationCodeableConcept", "component", "meta",
)  # fmt: skip


@given(
    type=st.sampled_from(sorted(TYPES)),
    body=st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=6),
)
def test_any_body_is_read_and_written(type: str, body: dict[str, Any]):
    said = content(type, body)
    derived = derive(type, said, RECEIVED)
    assert derived.at.tzinfo is not None
    assert Sensitivity.PUBLIC <= derived.sensitivity <= Sensitivity.SPECIAL
    assert canonical(said) == canonical(json.loads(canonical(said)))


@pytest.mark.parametrize(
    ("text", "kind", "special"),
    [
        (rb"{\rtf1\ansi\ansicpg936 \'b0\'ac\'d7\'cc\'b2\'a1}", "text/rtf", True),
        (rb"{\rtf1 \u33406?\u28363?}", "application/rtf", True),
        (rb"{\rtf1 {\b HI}V \par positive}", "application/octet-stream", True),
        (rb"{\rtf1 \'d1\'aa\'b3\'a3\'b9\'e6 arc\b hi\b0 ved}", "text/rtf", False),
    ],
)
def test_what_rtf_shows_is_looked_into(text: bytes, kind: str, special: bool):
    assert of("DocumentReference", **document(kind, text)).sensitivity == (5 if special else 4)
