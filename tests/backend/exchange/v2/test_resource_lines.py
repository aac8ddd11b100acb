"""What a message has become is told without whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backend.exchange.v2.resource_lines import lines_of
from backend.ids import new_id
from backend.records.models import Kind, Resource, Source

AT = datetime(2026, 3, 1, tzinfo=UTC)
RATE = {"code": {"coding": [{"code": "8867-4", "display": "心率"}], "text": "王秀英的心率"}}
A10 = {"coding": [{"code": "A10", "display": "A10"}]}


def resource(kind: str, body: dict[str, Any], *, deleted: bool = False) -> Resource:
    chart, own = new_id(), new_id()
    source = Source("v2", new_id(), chart, AT)
    return Resource(
        id=f"{chart}-{own}", type=kind, owner=chart, organization_id=chart, version=1, kind=Kind.LAB, at=AT,
        sensitivity=4, status="final", body=body, source=source, deleted=deleted, refs=(), encounter_id=None,
        created_at=AT, updated_at=AT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "what", "value"),
    [
        ("Observation", {**RATE, "valueQuantity": {"value": 72, "unit": "/min"}},
         "心率（8867-4）", "72 /min"),
        ("Observation", {"code": {"coding": [{"code": "1", "display": "叮嘱13800001111"}]}},
         "叮嘱[phone]（1）", ""),
        ("Observation", {**RATE, "valueQuantity": {"comparator": "<", "value": 0.1, "code": "g/L"}},
         "心率（8867-4）", "< 0.1 g/L"),
        ("Observation", {**RATE, "valueString": "患者王秀英自述"}, "心率（8867-4）", "（文字）"),
        ("Observation", {**RATE, "valueCodeableConcept": A10}, "心率（8867-4）", "A10"),
        ("Observation", {**RATE, "valueBoolean": True}, "心率（8867-4）", "True"),
        ("Condition", {"code": {"text": "王秀英，电话13800001111"}}, "（文字）", ""),
        ("Patient", {"name": [{"text": "王秀英"}], "gender": "female", "birthDate": "1956-03-04"}, "", ""),
        ("RelatedPerson", {"name": [{"text": "王强"}], "relationship": [A10]}, "A10", ""),
        ("Encounter", {"class": {"code": "IMP", "display": "住院"}}, "住院（IMP）", ""),
        ("Encounter", {"class": "odd", "type": ["odd"], "code": 5}, "", ""),
        ("MedicationRequest", {"medicationCodeableConcept": A10}, "A10", ""),
    ],
)  # fmt: skip
def test_a_line_says_what_it_is_and_not_whose(kind: str, body: dict[str, Any], what: str, value: str) -> None:
    made = resource(kind, body)
    [line] = lines_of([f"{kind}/{made.id}"], [made])
    assert (line.type, line.value, line.at, line.hidden) == (kind, value, AT, False)
    assert line.what == what
    assert made.id not in str(line)
    for personal in ("王", "13800001111", "1956"):
        assert personal not in line.what + line.value


def test_what_was_taken_back_or_is_not_covered_is_a_line_that_says_nothing() -> None:
    gone = resource("Observation", RATE, deleted=True)
    elsewhere = f"Condition/{new_id()}-{new_id()}"
    lines = lines_of([f"Observation/{gone.id}", elsewhere], [gone])
    assert [(line.type, line.hidden, line.what, line.at) for line in lines] == [
        ("Observation", True, "", None),
        ("Condition", True, "", None),
    ]
