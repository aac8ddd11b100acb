"""Feeds made for a test, written as their publishers would."""

import json
from pathlib import Path
from typing import Any

OLD = "http://fhir-registry.smarthealthit.org/StructureDefinition/"
NEW = "http://hl7.org/fhir/uv/smart-scheduling-links/StructureDefinition/"


def a_location(location_id: str = "L1", **overrides: Any) -> dict[str, Any]:
    """A place."""
    return {
        "resourceType": "Location",
        "id": location_id,
        "name": f"Clinic {location_id}",
        "telecom": [{"system": "phone", "value": "000-000-0000"}],
        "address": {"line": ["1 Main St"], "city": "Boston", "state": "MA", "postalCode": "02114"},
    } | overrides


def a_schedule(schedule_id: str = "S1", location_id: str = "L1", **overrides: Any) -> dict[str, Any]:
    """An immunization service there."""
    system = "http://terminology.hl7.org/CodeSystem/service-type"
    coding = {"system": system, "code": "57", "display": "Immunization"}
    return {
        "resourceType": "Schedule",
        "id": schedule_id,
        "serviceType": [{"coding": [coding]}],
        "actor": [{"reference": f"Location/{location_id}"}],
    } | overrides


def a_slot(slot_id: str = "1", schedule_id: str = "S1", **overrides: Any) -> dict[str, Any]:
    """An hour on a morning in the city."""
    return {
        "resourceType": "Slot",
        "id": slot_id,
        "schedule": {"reference": f"Schedule/{schedule_id}"},
        "status": "free",
        "start": "2030-05-06T01:00:00Z",
        "end": "2030-05-06T02:00:00Z",
    } | overrides


def capacity(value: Any, base: str = OLD) -> list[dict[str, Any]]:
    """The extension that says how many."""
    return [{"url": f"{base}slot-capacity", "valueInteger": value}]


def line(resource: Any) -> str:
    """One line of NDJSON."""
    return resource if isinstance(resource, str) else json.dumps(resource, ensure_ascii=False)


def write_feed(
    folder: Path,
    slots: list[Any],
    *,
    locations: list[Any] | None = None,
    schedules: list[Any] | None = None,
    base: str = "https://feed.example.org/data",
) -> Path:
    """A manifest with one file of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "Location": locations if locations is not None else [a_location()],
        "Schedule": schedules if schedules is not None else [a_schedule()],
        "Slot": slots,
    }
    # Publishers list them in any order.
    kinds = ("Slot", "Schedule", "Location")
    output = [{"type": kind, "url": f"{base}/{kind.lower()}s.ndjson"} for kind in kinds]
    request = f"{base}/$bulk-publish"
    manifest = {"transactionTime": "2030-01-01T00:00:00Z", "request": request, "output": output}
    (folder / "$bulk-publish").write_text(json.dumps(manifest))
    for kind, resources in contents.items():
        (folder / f"{kind.lower()}s.ndjson").write_text("\n".join(line(resource) for resource in resources))
    return folder
