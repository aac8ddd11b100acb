"""What a resident measures himself: the ranges a value can lie in, and the resource it becomes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backend.errors import AppError, ErrorCode
from backend.records.models import Body
from backend.reports.analytes import LOINC, analytes

UCUM = "http://unitsofmeasure.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


class Measurement(StrEnum):
    """What can be written down."""

    BLOOD_PRESSURE = "blood_pressure"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True)
class Form:
    """One value of a measurement: what it is in the table, in which unit, and what a living body can have."""

    analyte: str
    loinc: str
    unit: str
    ucum: str
    least: Decimal
    most: Decimal


# Wide on purpose: these catch a slip of the finger, they judge nobody's health.
FORMS: dict[Measurement, tuple[Form, ...]] = {
    Measurement.BLOOD_PRESSURE: (
        Form("systolic", "8480-6", "mmHg", "mm[Hg]", Decimal(50), Decimal(300)),
        Form("diastolic", "8462-4", "mmHg", "mm[Hg]", Decimal(20), Decimal(200)),
    ),
    Measurement.GLUCOSE: (Form("glucose", "15074-8", "mmol/L", "mmol/L", Decimal(1), Decimal(50)),),
    Measurement.WEIGHT: (Form("weight", "29463-7", "kg", "kg", Decimal("0.5"), Decimal(400)),),
    Measurement.TEMPERATURE: (Form("temperature", "8310-5", "℃", "Cel", Decimal(30), Decimal(45)),),
}
NAMES = {
    Measurement.BLOOD_PRESSURE: "血压",
    Measurement.GLUCOSE: "血糖",
    Measurement.WEIGHT: "体重",
    Measurement.TEMPERATURE: "体温",
}
_PANEL = "85354-9"


def check(kind: Measurement, values: tuple[Decimal, ...], at: datetime, now: datetime) -> None:
    """Raise MEASUREMENT_INVALID for what cannot be, or has not been yet."""
    forms = FORMS[kind]
    if len(values) != len(forms):
        raise AppError(ErrorCode.MEASUREMENT_INVALID, "number of values")
    for form, value in zip(forms, values, strict=True):
        if not form.least <= value <= form.most:
            data = {"least": float(form.least), "most": float(form.most)}
            raise AppError(ErrorCode.MEASUREMENT_INVALID, form.analyte, data=data)
    if kind is Measurement.BLOOD_PRESSURE and values[0] <= values[1]:
        raise AppError(ErrorCode.MEASUREMENT_INVALID, "systolic not above diastolic")
    if at > now or at.year < 1900:
        raise AppError(ErrorCode.MEASUREMENT_INVALID, "measured at another time")


def observation(kind: Measurement, values: tuple[Decimal, ...], at: datetime, chart_id: str) -> Body:
    """The Observation that a measurement becomes."""
    forms = FORMS[kind]
    body: Body = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "vital-signs"}]}],
        "subject": {"reference": f"Patient/{chart_id}"},
        "performer": [{"reference": f"Patient/{chart_id}"}],
        "effectiveDateTime": at.isoformat(),
    }
    if len(forms) == 1:
        return body | {
            "code": _code(forms[0].loinc, NAMES[kind]),
            "valueQuantity": _quantity(forms[0], values[0]),
        }
    return body | {
        "code": _code(_PANEL, NAMES[kind]),
        "component": [
            {"code": _code(form.loinc, _name(form)), "valueQuantity": _quantity(form, value)}
            for form, value in zip(forms, values, strict=True)
        ],
    }


def _code(loinc: str, text: str) -> Body:
    return {"coding": [{"system": LOINC, "code": loinc}], "text": text}


def _quantity(form: Form, value: Decimal) -> Body:
    number = int(value) if value == int(value) else float(value)
    return {"value": number, "unit": form.unit, "system": UCUM, "code": form.ucum}


def _name(form: Form) -> str:
    analyte = analytes().get(form.analyte)
    return analyte.name if analyte else form.analyte
