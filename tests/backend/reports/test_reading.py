"""What is read out of FHIR bodies, and the words that results get."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.records.models import Kind
from backend.reports.analytes import analytes
from backend.reports.flags import AT_ONCE, Flag, plain_words
from backend.reports.models import ReportKind, ReportState
from backend.reports.reading import contained_items, instant_of, items_of, observed, report_of
from tests.backend.reports.reading_samples import AT, a_resource, a_result


def one(body: dict[str, Any]) -> Any:
    (item,) = items_of(a_resource(body, id="01CHART-01RESULT"))
    return item


def test_a_result_says_what_it_is_and_how_it_lies():
    item = one(a_result("14749-6", 9.8, "mmol/L", low=3.9, high=6.1, flag="H", name="葡萄糖"))
    assert (item.name, item.value, item.unit, item.range.text) == ("葡萄糖", "9.8", "mmol/L", "3.9–6.1")
    assert (item.flag, item.computed, item.analyte) == (Flag.HIGH, False, "glucose")
    assert item.words.startswith("偏高。常见原因有")
    assert item.words.endswith("请把报告给医生看。")
    assert "MedlinePlus" in item.words_source


def test_a_result_without_flag_is_compared_with_the_hospitals_range():
    low = one(a_result("718-7", 100, "g/L", low=115, high=150))
    assert (low.flag, low.computed, low.name) == (Flag.LOW, True, "血红蛋白")
    normal = one(a_result("718-7", 120, "g/L", low=115, high=150))
    assert (normal.flag, normal.words) == (Flag.NORMAL, "")
    # Without a range, and below what the instrument sees, nothing is said.
    assert one(a_result("718-7", 100, "g/L")).flag is Flag.UNKNOWN
    below = a_result("1988-5", 5, "mg/L", low=1, high=3)
    below["valueQuantity"]["comparator"] = "<"
    assert (one(below).value, one(below).flag) == ("<5", Flag.UNKNOWN)


def test_a_critical_result_says_to_call_and_gives_no_reasons():
    item = one(a_result("2823-3", 7.1, "mmol/L", low=3.5, high=5.3, flag="HH"))
    assert item.critical
    assert item.words == f"明显偏高。{AT_ONCE}"


def test_blood_pressure_is_two_results_and_a_range_for_treatment_is_none():
    pressure = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "component": [
            {**a_result("8480-6", 150, "mmHg", high=140), "status": None},
            {**a_result("8462-4", 85, "mmHg", high=90), "status": None},
        ],
    }
    items = items_of(a_resource(pressure, id="01CHART-01RESULT"))
    assert [(i.name, i.value, i.flag) for i in items] == [
        ("收缩压", "150", Flag.HIGH),
        ("舒张压", "85", Flag.NORMAL),
    ]
    for_therapy = a_result("14749-6", 9, "mmol/L", low=4, high=7)
    for_therapy["referenceRange"][0]["type"] = {"coding": [{"code": "therapeutic"}]}
    assert one(for_therapy).range.text == ""


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("final", ReportState.FINAL),
        ("corrected", ReportState.CORRECTED),
        ("amended", ReportState.CORRECTED),
        ("preliminary", ReportState.PRELIMINARY),
        ("partial", ReportState.PRELIMINARY),
        ("entered-in-error", ReportState.VOID),
        ("something-new", ReportState.PRELIMINARY),
    ],
)
def test_a_report_is_final_only_when_its_hospital_says_so(status, state):
    body = {"resourceType": "DiagnosticReport", "status": status, "code": {"text": "血常规"}}
    assert report_of(a_resource(body)).state is state


def test_a_report_is_read_with_what_belongs_to_it():
    body = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "胸部CT平扫"},
        "issued": "2026-09-14T10:00:00+08:00",
        "conclusion": "两肺未见明显异常。",
        "resultsInterpreter": [{"display": "王建国"}],
        "imagingStudy": [{"reference": "ImagingStudy/01CHART-01STUDY"}],
        "result": [{"reference": "Observation/01CHART-01RESULT"}, {"reference": "#r1"}],
        "contained": [{**a_result("718-7", 100, "g/L", low=115), "id": "r1"}],
        "presentedForm": [{"contentType": "application/pdf", "data": "JVBERi0="}],
    }
    resource = a_resource(body, kind=Kind.IMAGING, sensitivity=5)
    report = report_of(resource)
    assert (report.kind, report.title, report.sensitive) == (ReportKind.IMAGING, "胸部CT平扫", True)
    assert report.item_refs == ("01CHART-01RESULT",)
    assert report.study_refs == ("01CHART-01STUDY",)
    assert report.doctors == ("王建国",)
    assert [form.content_type for form in report.documents] == ["application/pdf"]
    assert [item.name for item in contained_items(resource)] == ["血红蛋白"]


def test_dates_come_in_every_length():
    assert str(instant_of("2026-09-14")) == "2026-09-13 16:00:00+00:00"
    assert instant_of("2026-09") is not None
    assert instant_of("2026") is not None
    assert instant_of("2026-09-14T01:30:00Z") == AT
    assert instant_of("yesterday") is None


def test_no_words_name_an_illness_as_certain():
    for analyte in analytes():
        for flag in Flag:
            words = plain_words(flag, analyte)
            assert not words or words.endswith("请把报告给医生看。")
            assert not any(certain in words for certain in ("您患有", "您得了", "确诊", "诊断为"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *("code", "valueQuantity", "valueRange", "valueRatio", "valueString", "component", "interpretation"),
        *("referenceRange", "method", "note", "status", "effectiveDateTime", "result", "presentedForm"),
    ]
)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_whatever_a_body_holds_it_is_read_without_a_crash(body):
    report_of(a_resource({"resourceType": "DiagnosticReport", **body}))
    for item in observed({"resourceType": "Observation", **body}, "x", AT):
        assert item.number is None or isinstance(item.number, Decimal)
