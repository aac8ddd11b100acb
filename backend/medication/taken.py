"""From resources of the record to medicines in use, how long they last, and allergies. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.medication.judging import Allergy, InUse
from backend.medication.rules import Rules
from backend.medication.understanding import understand
from backend.records.models import RecordQuery, Resource

MEDICINES = ("MedicationRequest", "MedicationDispense", "MedicationStatement")
# A long prescription lasts twelve weeks at most; what is older has been used up.
LOOK_BACK = timedelta(days=120)
# Of what nobody says how long it lasts, this much later nobody takes it any more.
UNKNOWN_LASTS = timedelta(days=30)
MOST = 200
_GONE = frozenset(
    {"entered-in-error", "cancelled", "stopped", "draft", "declined", "not-taken", "unknown", "inactive"}
)
_DAYS = {"d": 1, "day": 1, "days": 1, "天": 1, "日": 1, "wk": 7, "week": 7, "周": 7, "mo": 30, "月": 30}
_NO_MORE = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
# How many of a period make a day.
_A_DAY = {"h": 24.0, "d": 1.0, "wk": 1 / 7, "mo": 1 / 30}


def medicines_query(today: date) -> RecordQuery:
    """What somebody may still be taking."""
    since = clock.city_instant(today - LOOK_BACK, 0)
    return RecordQuery(types=MEDICINES, since=since, limit=MOST)


def allergies_query() -> RecordQuery:
    """What somebody is allergic to, whenever it was noted."""
    return RecordQuery(types=("AllergyIntolerance",), limit=MOST)


def in_use(rules: Rules, found: Sequence[Resource], today: date) -> list[InUse]:
    """Each medicine with the days that are left; a prescription gives way to what was handed out for it."""
    dispensed = {ref for each in found if each.type == "MedicationDispense" for ref in each.refs}
    taken = []
    for resource in found:
        if resource.deleted or resource.status in _GONE or resource.id in dispensed:
            continue
        name, codings = name_of(resource.body), list(codings_of(resource.body))
        medicine = understand(rules, resource.organization_id, name, codings, _route(resource.body))
        lasts = days_of(resource.body)
        began = clock.civil_date(resource.at)
        left = None if lasts is None else (began + timedelta(days=lasts) - today).days
        if left is None and began + UNKNOWN_LASTS < today:
            continue
        if medicine.understood and (left is None or left > 0):
            taken.append(InUse(medicine, left, resource.organization_id, resource.id))
    return taken


def allergies(found: Sequence[Resource]) -> list[Allergy]:
    """Allergies that were not taken back."""
    noted = []
    for resource in found:
        if resource.deleted or _status(resource.body) in _NO_MORE:
            continue
        text = _concept(resource.body.get("code"))
        if text:
            noted.append(Allergy(text, resource.organization_id, resource.id))
    return noted


def name_of(body: Mapping[str, Any]) -> str:
    """What the hospital calls the medicine."""
    said = _concept(body.get("medicationCodeableConcept"))
    reference = body.get("medicationReference")
    return said or (str(reference.get("display", "")) if isinstance(reference, dict) else "")


def codings_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The codes of the medicine."""
    concept = body.get("medicationCodeableConcept")
    for coding in _list(concept.get("coding")) if isinstance(concept, dict) else []:
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield str(coding.get("system", "")), coding["code"]


def days_of(body: Mapping[str, Any]) -> int | None:
    """How many days what was ordered or handed out lasts; None where nobody says."""
    supply = _dict(body.get("dispenseRequest"))
    for duration in (supply.get("expectedSupplyDuration"), body.get("daysSupply")):
        found = _duration(duration)
        if found is not None:
            return found
    dosage = next(iter(_list(body.get("dosageInstruction")) or _list(body.get("dosage"))), None)
    repeat = _dict(_dict(_dict(dosage).get("timing")).get("repeat"))
    bound = _duration(repeat.get("boundsDuration"))
    if bound is not None:
        return bound
    quantity = _quantity(supply.get("quantity")) or _quantity(body.get("quantity"))
    daily = _daily(_dict(dosage), repeat)
    if quantity and daily and quantity[1] == daily[1]:
        return int(quantity[0] / daily[0])
    return None


def _daily(dosage: Mapping[str, Any], repeat: Mapping[str, Any]) -> tuple[float, str] | None:
    """The dose of a day with its unit."""
    rate = next(iter(_list(dosage.get("doseAndRate"))), None)
    dose = _quantity(_dict(rate).get("doseQuantity"))
    period, unit = _number(repeat.get("period")), repeat.get("periodUnit")
    times = _number(repeat.get("frequency")) or 1.0
    if dose is None or not period or unit not in _A_DAY:
        return None
    return dose[0] * times * _A_DAY[str(unit)] / period, dose[1]


def _duration(value: Any) -> int | None:
    found = _quantity(value)
    if found is None or found[1] not in _DAYS:
        return None
    return round(found[0] * _DAYS[found[1]])


def _quantity(value: Any) -> tuple[float, str] | None:
    said = _dict(value)
    amount = _number(said.get("value"))
    if amount is None or not 0 < amount < 100_000:
        return None
    return amount, str(said.get("unit") or said.get("code") or "")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _route(body: Mapping[str, Any]) -> str:
    dosages = _list(body.get("dosageInstruction")) or _list(body.get("dosage"))
    return " ".join(_concept(_dict(each).get("route")) for each in dosages)


def _status(body: Mapping[str, Any]) -> str:
    for name in ("verificationStatus", "clinicalStatus"):
        for coding in _list(_dict(body.get(name)).get("coding")):
            code = str(_dict(coding).get("code", ""))
            if code not in ("confirmed", "unconfirmed", "active"):
                return code
    return ""


def _concept(concept: Any) -> str:
    said = _dict(concept)
    if isinstance(said.get("text"), str):
        return str(said["text"])
    codings = [_dict(each) for each in _list(said.get("coding"))]
    return next((str(each["display"]) for each in codings if each.get("display")), "")


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
