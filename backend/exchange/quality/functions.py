"""The checks across fields that a table cannot say: each takes a resource and answers, or does not apply."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from backend import clock
from backend.exchange.fhir.patients import ID_NUMBER_SYSTEM
from backend.exchange.quality.moments import is_surely_after, read_stretch
from backend.exchange.quality.paths import Body, Lookup, nothing, read_path
from backend.residents.id_numbers import IDNumber, IDNumberError, age_on, parse_id_number

Check = Callable[[Body, Lookup], bool | None]

_ID_TYPES = frozenset({"NI", "NNCHN"})
_identifiers = read_path("identifier")
_type_codes = read_path("type.coding.code")


def id_number_of(patient: Body) -> str | None:
    """The ID number that a Patient carries, as it was sent."""
    for each in _identifiers(patient, nothing):
        typed = _ID_TYPES & set(_type_codes(each, nothing))
        if typed or each.get("system") == ID_NUMBER_SYSTEM:
            return str(each.get("value", "")) or None
    return None


def _number(patient: Body) -> IDNumber | None:
    text = id_number_of(patient)
    try:
        return parse_id_number(text, today=clock.today()) if text else None
    except IDNumberError:
        return None


def id_number_valid(body: Body, lookup: Lookup) -> bool | None:
    """The ID number passes GB 11643."""
    return None if id_number_of(body) is None else _number(body) is not None


def id_number_birth(body: Body, lookup: Lookup) -> bool | None:
    """The birth date is the one in the ID number."""
    number, born = _number(body), body.get("birthDate")
    if number is None or not isinstance(born, str):
        return None
    return number.birth_on.isoformat().startswith(born[:10])


def id_number_sex(body: Body, lookup: Lookup) -> bool | None:
    """The sex is the one in the ID number."""
    number, sex = _number(body), body.get("gender")
    return None if number is None or sex not in ("male", "female") else str(number.sex) == sex


def adult_has_id_number(body: Body, lookup: Lookup) -> bool | None:
    """Grown-ups have an ID number."""
    born = read_stretch(str(body.get("birthDate", "")))
    if born is None or age_on(born.first.date(), clock.today()) < 18:
        return None
    return id_number_of(body) is not None


def name_characters(body: Body, lookup: Lookup) -> bool | None:
    """A name consists of letters and the joints between them."""
    names = read_path("name.text")(body, lookup)
    if not names:
        return None
    return all(
        unicodedata.category(letter)[0] in "LM" or letter in "·•・ .'-〇"
        for name in names
        for letter in str(name)
    )


def parts_have_values(body: Body, lookup: Lookup) -> bool | None:
    """Every component says something, or why not."""
    parts = read_path("component")(body, lookup)
    if not parts:
        return None
    return all(any(key.startswith("value") or key == "dataAbsentReason" for key in part) for part in parts)


def systolic_above_diastolic(body: Body, lookup: Lookup) -> bool | None:
    """The upper pressure is above the lower."""
    upper, lower = _component(body, "8480-6"), _component(body, "8462-4")
    return None if upper is None or lower is None else upper > lower


def flag_fits_range(body: Body, lookup: Lookup) -> bool | None:
    """The flag says what value and reference range say."""
    flags = set(read_path("interpretation.coding.code")(body, lookup)) & set(_SIDES)
    value = _first_number(body, "valueQuantity.value")
    low, high = (_first_number(body, f"referenceRange.{side}.value") for side in ("low", "high"))
    if not flags or value is None or (low is None and high is None):
        return None
    side = "L" if low is not None and value < low else "H" if high is not None and value > high else "N"
    return side in {_SIDES[flag] for flag in flags}


def range_in_order(body: Body, lookup: Lookup) -> bool | None:
    """The lower bound of the reference range is below the upper."""
    bounds = [
        (each["low"].get("value"), each["high"].get("value"))
        for each in read_path("referenceRange")(body, lookup)
        if isinstance(each.get("low"), dict) and isinstance(each.get("high"), dict)
    ]
    numbers = [(low, high) for low, high in bounds if _is_number(low) and _is_number(high)]
    return all(low <= high for low, high in numbers) if numbers else None


def range_unit(body: Body, lookup: Lookup) -> bool | None:
    """The reference range is in the unit of the value."""
    unit = read_path("valueQuantity.unit|valueQuantity.code")(body, lookup)
    others = read_path("referenceRange.low.unit|referenceRange.high.unit")(body, lookup)
    return None if not unit or not others else all(each in unit for each in others)


def series_count(body: Body, lookup: Lookup) -> bool | None:
    """An image study has as many series as it says."""
    said, series = body.get("numberOfSeries"), body.get("series")
    return None if said is None or not series else said == len(series)


def instance_count(body: Body, lookup: Lookup) -> bool | None:
    """An image study has as many images as it says."""
    said = body.get("numberOfInstances")
    counts = [each.get("numberOfInstances") for each in body.get("series") or ()]
    return None if said is None or not counts or None in counts else said == sum(counts)


def stay_at_most_a_year(body: Body, lookup: Lookup) -> bool | None:
    """Nobody stays longer than a year in one visit."""
    period = body.get("period")
    ends = [read_stretch(str(period.get(end, ""))) for end in ("start", "end")] if period else []
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        return None
    return (ends[1].first - ends[0].first).days <= 366


def dates_within_life(body: Body, lookup: Lookup) -> bool | None:
    """Nothing happened before the patient was born, where the patient came along."""
    born = [
        read_stretch(str(each.get("birthDate", "")))
        for each in read_path("subject->|patient->")(body, lookup)
    ]
    moments = [read_stretch(str(each)) for each in _happened(body, lookup)]
    pairs = [(birth, moment) for birth in born if birth for moment in moments if moment]
    return not any(is_surely_after(birth, moment) for birth, moment in pairs) if pairs else None


def sex_fits_diagnosis(body: Body, lookup: Lookup) -> bool | None:
    """Pregnancy is no man's diagnosis, and the prostate no woman's; where the patient came along."""
    sexes = set(read_path("subject->gender")(body, lookup)) & {"male", "female"}
    codes = [str(each)[:3].upper() for each in read_path("code.coding.code")(body, lookup)]
    if not sexes or not codes:
        return None
    wrong = _NO_MANS if "male" in sexes else _NO_WOMANS
    return not any(first <= code <= last for code in codes for first, last in wrong)


# Chapters of ICD-10 that belong to one sex.
_NO_MANS = (("C51", "C58"), ("N70", "N98"), ("O00", "O99"), ("Z34", "Z36"))
_NO_WOMANS = (("C60", "C63"), ("N40", "N51"))
_happened = read_path(
    "period.start|effectiveDateTime|effectivePeriod.start|onsetDateTime|performedDateTime|"
    "performedPeriod.start|occurrenceDateTime|started|authoredOn|recordedDate|date"
)
_SIDES = {"L": "L", "LL": "L", "H": "H", "HH": "H", "N": "N"}


def _component(body: Body, code: str) -> float | None:
    for part in read_path("component")(body, nothing):
        if code in read_path("code.coding.code")(part, nothing):
            return _first_number(part, "valueQuantity.value")
    return None


def _first_number(body: Body, path: str) -> float | None:
    found = [value for value in read_path(path)(body, nothing) if _is_number(value)]
    return float(found[0]) if found else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        id_number_valid,
        id_number_birth,
        id_number_sex,
        adult_has_id_number,
        name_characters,
        parts_have_values,
        systolic_above_diastolic,
        flag_fits_range,
        range_in_order,
        range_unit,
        series_count,
        instance_count,
        stay_at_most_a_year,
        dates_within_life,
        sex_fits_diagnosis,
    )
}

# The element without which a check does not apply.
NEEDED: dict[str, str] = {
    "id_number_valid": "identifier",
    "id_number_birth": "identifier",
    "id_number_sex": "identifier",
    "adult_has_id_number": "birthDate",
    "name_characters": "name",
    "parts_have_values": "component",
    "systolic_above_diastolic": "component",
    "flag_fits_range": "interpretation",
    "range_in_order": "referenceRange",
    "range_unit": "referenceRange",
    "series_count": "series",
    "instance_count": "series",
    "stay_at_most_a_year": "period",
    "sex_fits_diagnosis": "code",
}
