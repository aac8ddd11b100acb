"""Reports and results as hospitals send them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backend.records.models import Body, Kind, Resource, Source

AT = datetime(2026, 9, 14, 1, 30, tzinfo=UTC)
HOSPITAL = "01J8ZK3Q5V9X2M4N6P8R0T1S2V"


def a_resource(body: Body, *, id: str = "01CHART-01REPORT", kind: Kind = Kind.LAB, **more: Any) -> Resource:
    """A body as the record gives it back."""
    values: dict[str, Any] = {
        "id": id,
        "type": body["resourceType"],
        "owner": "01CHART",
        "organization_id": HOSPITAL,
        "version": 1,
        "kind": kind,
        "at": AT,
        "sensitivity": 4,
        "status": body.get("status", ""),
        "body": body,
        "source": Source("fhir", "m1", HOSPITAL, AT),
        "deleted": False,
        "refs": (),
        "encounter_id": None,
        "created_at": AT,
        "updated_at": AT,
    }
    return Resource(**(values | more))


def a_result(code: str, value: float | str, unit: str, **more: Any) -> Body:
    """An Observation; `low`, `high`, `flag`, `name`, `at` say more of it."""
    low, high, flag = more.pop("low", None), more.pop("high", None), more.pop("flag", None)
    body: Body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": more.pop("name", "")},
        "effectiveDateTime": more.pop("at", "2026-09-14T09:30:00+08:00"),
        "valueQuantity": {"value": value, "unit": unit},
    }
    ends = {end: {"value": given, "unit": unit} for end, given in (("low", low), ("high", high)) if given}
    if ends:
        body["referenceRange"] = [ends]
    if flag:
        system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
        body["interpretation"] = [{"coding": [{"system": system, "code": flag}]}]
    return body | more
