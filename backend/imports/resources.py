"""One line of a feed as one of our values, or the reason why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from backend.directory.models import Coding, Offer
from backend.imports import fhir_values as fhir
from backend.imports.models import BadLineError, FeedLocation, FeedSchedule, FeedSlot
from backend.slotpool.schedules_rules import LONGEST_SESSION, MAX_SLOTS

# A slot entered in error may have been published before: closing it is what the publisher wants.
_FREE = {
    "free": True,
    "busy": False,
    "busy-unavailable": False,
    "busy-tentative": False,
    "entered-in-error": False,
}
_IMMUNIZATION_CODE = "57"  # of HL7's service-type
_VACCINATION_WORDS = ("immuniz", "immunis", "vaccin", "接种", "疫苗")
_MAX_DOSE = 20


def resource_of(line: bytes, kind: str) -> dict[str, Any]:
    """The JSON object of a line, if it is a resource of that kind."""
    try:
        resource = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLineError(f"broken JSON: {error}"[:160]) from None
    if not isinstance(resource, dict):
        raise BadLineError("not a JSON object")
    found = resource.get("resourceType")
    if found != kind:
        raise BadLineError(f"its resourceType is {found!r}, not {kind!r}"[:120])
    if resource.get("modifierExtension"):
        # FHIR: whoever does not understand a modifier extension must not use the resource.
        raise BadLineError("it carries a modifierExtension, which nobody here understands")
    return resource


def location_of(resource: dict[str, Any]) -> FeedLocation:
    """A Location."""
    name = fhir.text(resource.get("name"), 80)
    location_id = fhir.resource_id(resource)
    if not name:
        raise BadLineError("it has no name")
    address = next((a for a in fhir.as_list(resource.get("address")) if isinstance(a, dict)), {})
    position = resource.get("position")
    position = position if isinstance(position, dict) else {}
    return FeedLocation(
        id=location_id,
        name=name,
        phone=_phone(resource.get("telecom")),
        address=_address(address),
        district=fhir.text(address.get("district") or address.get("city"), 60),
        lat=fhir.number_within(position.get("latitude"), -90, 90),
        lng=fhir.number_within(position.get("longitude"), -180, 180),
        active=resource.get("status", "active") != "inactive",
        identifiers=tuple(
            identifier["value"]
            for identifier in fhir.as_list(resource.get("identifier"))
            if isinstance(identifier, dict) and isinstance(identifier.get("value"), str)
        ),
    )


def schedule_of(resource: dict[str, Any]) -> FeedSchedule:
    """A Schedule."""
    services = fhir.codings(resource.get("serviceType"))
    products = tuple(
        fhir.coding_of(value)
        for value in fhir.extension_values(resource, "vaccine-product")
        if isinstance(value, dict)
    )
    stated = fhir.extension_values(resource, "vaccine-dose")
    doses = [fhir.whole_number(value, "its vaccine dose") for value in stated]
    if any(not 1 <= dose <= _MAX_DOSE for dose in doses):
        raise BadLineError(f"its vaccine dose is not within 1 to {_MAX_DOSE}")
    named = [coding.display for coding in services if coding.display]
    return FeedSchedule(
        id=fhir.resource_id(resource),
        location_id=fhir.find_reference_id(resource.get("actor"), "Location", "its actor"),
        service_name=named[-1] if named else "",
        vaccination=bool(products or doses) or _is_vaccination(services),
        offer=Offer(services, tuple(dict.fromkeys(products)), tuple(sorted(set(doses)))),
        active=resource.get("active") is not False,
    )


def slot_of(resource: dict[str, Any]) -> FeedSlot:
    """A Slot."""
    slot_id = fhir.resource_id(resource)
    schedule_id = fhir.reference_id(resource.get("schedule"), "Schedule", "its schedule")
    status = resource.get("status")
    if not isinstance(status, str) or status not in _FREE:
        raise BadLineError(f"its status is {status!r}"[:80])
    start_at = fhir.instant(resource.get("start"), "its start")
    end_at = fhir.instant(resource.get("end"), "its end")
    if end_at < start_at:
        raise BadLineError("its end is before its start")
    if end_at == start_at:
        raise BadLineError("its end is its start")
    if end_at - start_at > LONGEST_SESSION:
        raise BadLineError(f"it is longer than a day ({_hours(end_at - start_at)} h)")
    return FeedSlot(
        id=slot_id,
        schedule_id=schedule_id,
        free=_FREE[status],
        start_at=start_at,
        end_at=end_at,
        capacity=_capacity(resource, free=_FREE[status]),
        booking_url=_first_address(fhir.extension_values(resource, "booking-deep-link")),
        booking_phone=_first_phone(fhir.extension_values(resource, "booking-phone")),
    )


def _capacity(resource: dict[str, Any], *, free: bool) -> int:
    stated = {
        fhir.whole_number(value, "its capacity") for value in fhir.extension_values(resource, "slot-capacity")
    }
    if len(stated) > 1:
        raise BadLineError(f"it states two capacities, {min(stated)} and {max(stated)}")
    capacity = stated.pop() if stated else 1
    if capacity == 0 and not free:
        return 1  # A busy slot may well count what is left.
    if not 1 <= capacity <= MAX_SLOTS:
        raise BadLineError(f"its capacity {capacity} is not within 1 to {MAX_SLOTS}")
    return capacity


def _is_vaccination(services: tuple[Coding, ...]) -> bool:
    for coding in services:
        if coding.code == _IMMUNIZATION_CODE and coding.system.endswith("/service-type"):
            return True
        words = f"{coding.code} {coding.display}".lower()
        if any(word in words for word in _VACCINATION_WORDS):
            return True
    return False


def _phone(telecom: Any) -> str:
    contacts = [contact for contact in fhir.as_list(telecom) if isinstance(contact, dict)]
    return next((fhir.text(c.get("value"), 40) for c in contacts if c.get("system") == "phone"), "")


def _address(address: dict[str, Any]) -> str:
    if isinstance(address.get("text"), str):
        return fhir.text(address["text"], 200)
    lines = [fhir.text(line, 100) for line in fhir.as_list(address.get("line"))]
    rest = [fhir.text(address.get(part), 60) for part in ("city", "state", "postalCode")]
    return ", ".join(part for part in (*lines, *rest) if part)[:200]


def _first_address(values: list[Any]) -> str | None:
    return next((address for value in values if (address := fhir.web_address(value))), None)


def _first_phone(values: list[Any]) -> str | None:
    return next((phone for value in values if (phone := fhir.text(value, 40))), None)


def _hours(length: timedelta) -> int:
    return int(length.total_seconds() // 3600)
