"""For every rule a resource that keeps it and one that does not, made from what the rule itself says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from backend import clock
from backend.exchange.quality.models import Condition, Kind, Rule
from backend.exchange.quality.paths import Body
from tests.factories.city import an_id_number

_STEP = re.compile(r"(->)|\.?([A-Za-z][A-Za-z0-9]*)|\[([A-Za-z.]+)=([^\]]*)\]")
_NI = {"type": {"coding": [{"code": "NNCHN"}]}}
_BOY = {"birthDate": "1985-03-12", "gender": "male"}


class Case:
    """A resource in the making, and what its references lead to."""

    def __init__(self, type: str) -> None:
        self.body: dict[str, Any] = {"resourceType": type}
        self.beside: dict[str, dict[str, Any]] = {}

    def lookup(self, reference: str) -> Body | None:
        return self.beside.get(reference)

    def put(self, path: str, value: Any) -> None:
        """Have the first of a path's ways say this."""
        node: Any = self.body
        steps = list(_STEP.finditer(path.partition("|")[0].strip()))
        for number, step in enumerate(steps):
            last = number == len(steps) - 1
            if step[1]:
                reference = f"{step.string[: step.start()]}/1"
                node["reference"] = reference
                node = self.beside.setdefault(reference, {})
            elif step[2]:
                node = self._child(node, step[2], value, last=last)
            else:
                inner = Case("")
                inner.body = node
                inner.put(step[3], step[4])

    def _child(self, node: dict[str, Any], name: str, value: Any, *, last: bool) -> Any:
        if not last:
            return node.setdefault(name, {})
        there = node.get(name)
        node[name] = value if there is None else [*(there if isinstance(there, list) else [there]), value]
        return None

    def meet(self, condition: Condition) -> None:
        """Make a condition true."""
        if condition.among:
            self.put(condition.path, condition.among[0])
        elif condition.exists and condition.path.split(".")[-1][0].islower():
            self.put(condition.path, {"said": "so"})


def example(rule: Rule, *, kept: bool) -> Case:
    """A resource that keeps the rule, or does not."""
    case = Case(rule.type)
    if rule.check or rule.expression:
        for path, value in CROSS[rule.check or rule.expression][0 if kept else 1].items():
            case.put(path, value)
        return case
    for condition in rule.when:
        case.meet(condition)
    _fill(case, rule, kept=kept)
    return case


def _fill(case: Case, rule: Rule, *, kept: bool) -> None:
    if rule.kind is Kind.PRESENCE:
        if kept:
            case.put(rule.path, "something")
    elif rule.kind is Kind.CODE:
        good = rule.good or rule.among[0]
        case.put(rule.path, good if kept else rule.bad or "anything else")
    elif rule.kind is Kind.RANGE:
        assert rule.low is not None
        assert rule.high is not None
        case.put(rule.path, (rule.low + rule.high) / 2 if kept else rule.high * 2 + 1)
    else:
        _times(case, rule, kept=kept)


def _times(case: Case, rule: Rule, *, kept: bool) -> None:
    now = clock.now().replace(microsecond=0)
    end = now if rule.until == "now" else now - timedelta(days=2)
    if rule.until != "now":
        case.put(rule.until, end.isoformat())
    if kept:
        start = end - timedelta(hours=1)
    elif rule.within_days is not None:
        start = end - timedelta(days=rule.within_days + 2)
    else:
        start = end + timedelta(days=1)
    case.put(rule.path, start.isoformat())


def _obs(value: float, flag: str) -> dict[str, Any]:
    return {
        "valueQuantity": {"value": value, "unit": "g/L"},
        "referenceRange": [{"low": {"value": 110, "unit": "g/L"}, "high": {"value": 150, "unit": "g/L"}}],
        "interpretation": [{"coding": [{"code": flag}]}],
    }


def _pressure(code: str, value: float) -> dict[str, Any]:
    return {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}}


# What a rule across fields takes: a resource's fields that keep it, and others that do not.
CROSS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Patient.identifier.all(value.exists())": (
        {"identifier": [{"value": "1"}]},
        {"identifier": [{"value": "1"}, {"system": "s"}]},
    ),
    "id_number_valid": (
        {"identifier": [{**_NI, "value": an_id_number(1)}]},
        {"identifier": [{**_NI, "value": "370702198503120012"}]},
    ),
    "id_number_birth": (
        {"identifier": [{**_NI, "value": an_id_number(1)}], **_BOY},
        {"identifier": [{**_NI, "value": an_id_number(1)}], "birthDate": "1985-03-13"},
    ),
    "id_number_sex": (
        {"identifier": [{**_NI, "value": an_id_number(1)}], **_BOY},
        {"identifier": [{**_NI, "value": an_id_number(2)}], **_BOY},
    ),
    "adult_has_id_number": (
        {"identifier": [{**_NI, "value": an_id_number(1)}], **_BOY},
        {"identifier": [{"value": "1"}], **_BOY},
    ),
    "name_characters": ({"name": {"text": "阿依古丽·买买提"}}, {"name": {"text": "王伟2"}}),
    "stay_at_most_a_year": (
        {"period": {"start": "2025-01-01", "end": "2025-02-01"}},
        {"period": {"start": "2023-01-01", "end": "2025-02-01"}},
    ),
    "sex_fits_diagnosis": (
        {"code.coding.code": "O80.900", "subject->gender": "female"},
        {"code.coding.code": "O80.900", "subject->gender": "male"},
    ),
    "range_in_order": (
        {"referenceRange": [{"low": {"value": 3}, "high": {"value": 5}}]},
        {"referenceRange": [{"low": {"value": 5}, "high": {"value": 3}}]},
    ),
    "range_unit": (
        _obs(120, "N"),
        {**_obs(120, "N"), "valueQuantity": {"value": 12, "unit": "g/dL"}},
    ),
    "flag_fits_range": (_obs(90, "L"), _obs(90, "H")),
    "parts_have_values": (
        {"component": [{"valueString": "a"}, {"dataAbsentReason": {"text": "b"}}]},
        {"component": [{"valueString": "a"}, {"code": {"text": "b"}}]},
    ),
    "systolic_above_diastolic": (
        {"component": [_pressure("8480-6", 120), _pressure("8462-4", 80)]},
        {"component": [_pressure("8480-6", 80), _pressure("8462-4", 120)]},
    ),
    "series_count": (
        {"numberOfSeries": 1, "series": [{"uid": "1"}]},
        {"numberOfSeries": 2, "series": [{"uid": "1"}]},
    ),
    "instance_count": (
        {"numberOfInstances": 3, "series": [{"numberOfInstances": 3}]},
        {"numberOfInstances": 3, "series": [{"numberOfInstances": 2}]},
    ),
}
# The moment goes wherever a type of resource has one.
_MOMENTS = {
    "Encounter": "period.start",
    "Condition": "onsetDateTime",
    "AllergyIntolerance": "onsetDateTime",
    "Procedure": "performedDateTime",
    "Immunization": "occurrenceDateTime",
    "DiagnosticReport": "effectiveDateTime",
    "Observation": "effectiveDateTime",
    "ImagingStudy": "started",
    "MedicationRequest": "authoredOn",
    "DocumentReference": "date",
    "ServiceRequest": "authoredOn",
}


def lifelong(rule: Rule, *, kept: bool) -> Case:
    """What happened to somebody born in 1985, after that or before."""
    case = Case(rule.type)
    subject = "patient" if rule.type in ("AllergyIntolerance", "Immunization") else "subject"
    case.put(f"{subject}->birthDate", "1985-03-12")
    case.put(_MOMENTS[rule.type], "2020-01-02" if kept else "1980-01-02")
    return case
