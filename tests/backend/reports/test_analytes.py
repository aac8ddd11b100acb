"""Units and codes: what is compared is the same thing in the same unit, and what is not stands apart."""

import json
from decimal import Decimal
from importlib import resources

import pytest

from backend.reports.analytes import LOINC, analytes, plain_unit

SAME = [
    # One and the same result, as two hospitals print it.
    ("glucose", "100", "mg/dL", "5.55"),
    ("glucose", "5.5", "mmol/L", "5.5"),
    ("cholesterol", "200", "mg/dL", "5.172"),
    ("triglycerides", "150", "mg/dL", "1.694"),
    ("creatinine", "1.0", "mg/dL", "88.4"),
    ("creatinine", "0.088", "mmol/L", "88"),
    ("urea", "14", "mg/dL", "4.998"),
    ("uric_acid", "7", "mg/dL", "416.4"),
    ("calcium", "10", "mg/dL", "2.495"),
    ("bilirubin", "1", "mg/dL", "17.1"),
    ("hemoglobin", "13.5", "g/dL", "135"),
    ("albumin", "4.2", "g/dL", "42"),
    ("hba1c", "53", "mmol/mol", "7"),
    ("temperature", "100.4", "[degF]", "38"),
    ("systolic", "16", "kPa", "120"),
    ("wbc", "6500", "/uL", "6.5"),
    ("wbc", "6.5", "×10^9/L", "6.5"),
    ("wbc", "6.5", "10⁹/L", "6.5"),
    ("wbc", "6.5", "10*3/mm3", "6.5"),
    ("rbc", "4.06", "tera.l-1", "4.06"),
    ("alt", "1", "ukat/L", "60"),
    ("potassium", "4.1", "mEq/L", "4.1"),
]


@pytest.mark.parametrize(("key", "value", "unit", "expected"), SAME)
def test_a_value_in_another_unit_becomes_the_same_value(key, value, unit, expected):
    analyte = analytes().get(key)
    assert analyte is not None
    assert analyte.convert(Decimal(value), unit) == Decimal(expected)


@pytest.mark.parametrize(
    ("key", "unit"), [("glucose", "g/L"), ("glucose", ""), ("alt", "mg/dL"), ("sodium", "foo")]
)
def test_a_unit_that_is_not_listed_is_never_guessed(key, unit):
    analyte = analytes().get(key)
    assert analyte is not None
    assert analyte.convert(Decimal(1), unit) is None


def test_micro_signs_and_powers_have_one_spelling():
    assert plain_unit("μmol/L") == plain_unit("µmol/L") == plain_unit(" umol/l")
    spellings = ["10*9/L", "10^9/L", "x10^9/L", "×10⁹/L", "10E9/L", "giga.l-1"]
    assert {plain_unit(each) for each in spellings} == {"10*9/l"}


def test_loinc_decides_and_a_hospitals_own_code_comes_after_it():
    table = analytes()
    found = [table.of([(LOINC, "14749-6")]), table.of([("urn:hospital", "glu")]), table.of([], "空腹血糖")]
    assert [each and each.key for each in found] == ["glucose", "glucose", "fasting_glucose"]
    # Glucose in urine: another thing, whatever the hospital calls it.
    assert table.of([(LOINC, "5792-7"), ("urn:hospital", "GLU")], "葡萄糖") is None


def test_the_table_is_whole():
    text = resources.files("backend.reports").joinpath("data/analytes.json").read_text(encoding="utf-8")
    rows = json.loads(text)["analytes"]
    codes = [code for row in rows for code in row["loinc"]]
    names = [name.casefold() for row in rows for name in row["local"]]
    assert len(set(codes)) == len(codes)
    assert len(set(names)) == len(names)
    for analyte in analytes():
        assert analyte.convert(Decimal("1.5"), analyte.unit) == Decimal("1.5"), analyte.key
        assert analyte.meaning is None or analyte.meaning.source, analyte.key
