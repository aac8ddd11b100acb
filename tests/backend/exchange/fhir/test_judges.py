"""What we check by is what HL7 has published; the judges find what is wrong; and checking is quick."""

from __future__ import annotations

import timeit
from typing import Any

import orjson
import pytest

from backend.exact_json import strict_loads
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.definitions import served_types
from backend.records.types import TYPES
from tests.backend.exchange.fhir.conftest import a_patient, an_observation
from tests.backend.exchange.fhir.test_examples import FILES, FOLDER
from tests.judges.judging import judge, official_schema
from tests.judges.strip import TARGET, stripped


def test_our_definitions_are_the_official_ones():
    assert orjson.loads(TARGET.read_bytes()) == stripped(), "run python -m tests.judges.strip"


def test_all_that_the_record_keeps_is_served_but_what_has_its_own_way():
    assert set(TYPES) - set(served_types()) == {"Consent", "Schedule", "Slot"}


def test_the_judges_find_what_is_wrong():
    good = orjson.dumps(a_patient())
    bad = [
        orjson.dumps({"resourceType": "Patient", "gender": "男"}),
        orjson.dumps({"resourceType": "Observation", "code": {"text": "x"}}),
        orjson.dumps({"resourceType": "Bundle", "type": "searchset", "entry": [{}]}),
    ]
    said = judge([good, *bad])
    assert any("JSON Schema" in line and "男" in line for line in said)
    assert sum("@medplum/core" in line for line in said) >= 2
    assert not judge([good])


def test_we_take_nothing_that_the_official_schema_refuses():
    """Our checks are at least as strict, on examples and on examples with something wrong."""
    schema, refused = official_schema(), 0
    for name in FILES:
        body = strict_loads((FOLDER / name).read_bytes())
        for changed in (body, *broken(body)):
            if not schema.is_valid(orjson.loads(orjson.dumps(changed, default=float))):
                refused += 1
                assert problems(changed), f"{name}: {str(changed)[:300]}"
    assert refused > 500


def broken(body: dict[str, object]) -> list[dict[str, object]]:
    """The same with one thing after another put out of order."""
    wrong: tuple[object, ...] = ({}, [], "", 7, {"unknown": 1})
    return [body | {name: wrong[n % len(wrong)]} for n, name in enumerate(body) if name != "resourceType"]


@pytest.mark.serial
def test_a_resource_is_checked_within_two_milliseconds(record_property: Any):
    samples = [an_observation("Patient/1"), a_patient()] + [
        strict_loads((FOLDER / name).read_bytes())
        for name in ("Encounter/Encounter-f001.json", "MedicationRequest/MedicationRequest-medrx0302.json")
    ]
    for each in samples:
        problems(each)  # definitions and expressions are compiled at the first use
    # The quickest of many: what else the machine does is not ours.
    each_us = min(timeit.repeat(lambda: [problems(each) for each in samples], number=1, repeat=50)) * 1e6 / 4
    record_property("microseconds_per_resource", round(each_us))
    assert each_us < 2000
