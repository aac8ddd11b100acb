"""What a person has lived through, in words: one line for each resource of the timeline. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.records.models import Kind, Resource, Sensitivity
from backend.reports.models import Document
from backend.reports.reading import documents_of, items_of, name_of, report_of
from backend.reports.service import CITY

Body = Mapping[str, Any]
HIDDEN = "内容较私密"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. `report_id`: there is a report to open, with papers of its own.

    `documents`: the papers of a document. `own`: the resident wrote it down.
    """

    id: str
    kind: Kind
    at: datetime
    title: str
    note: str
    organization_id: str
    own: bool
    sensitive: bool
    report_id: str | None
    documents: tuple[Document, ...] = ()


def moment_of(resource: Resource, *, opened: bool = False) -> Moment:
    """A resource as a line; a sensitive one without its words, until it is opened."""
    sensitive = resource.sensitivity >= Sensitivity.SPECIAL
    hidden = sensitive and not opened
    title, note = (HIDDEN, "") if hidden else words_of(resource)
    return Moment(
        id=resource.id,
        kind=resource.kind,
        at=resource.at,
        title=title,
        note=note,
        organization_id=resource.organization_id,
        # What the city writes down for a hospital is that hospital's.
        own=resource.organization_id == CITY,
        sensitive=sensitive,
        report_id=resource.id if resource.type == "DiagnosticReport" else None,
        documents=() if hidden else papers_of(resource),
    )


def papers_of(resource: Resource) -> tuple[Document, ...]:
    """The files of a document; a report's are opened with the report."""
    return documents_of(resource) if resource.type == "DocumentReference" else ()


def words_of(resource: Resource) -> tuple[str, str]:
    """Title and a note under it."""
    return _WORDS.get(resource.type, _other)(resource)


def _visit(resource: Resource) -> tuple[str, str]:
    body = resource.body
    kind = body.get("class")
    code = kind.get("code", "") if isinstance(kind, Mapping) else ""
    reasons = "；".join(filter(None, (name_of(each, "") for each in _list(body, "reasonCode"))))
    return _VISITS.get(str(code), "就诊"), reasons


def _coded(key: str) -> Callable[[Resource], tuple[str, str]]:
    return lambda resource: (name_of(resource.body.get(key), "未写明"), "")


def _medicine(resource: Resource) -> tuple[str, str]:
    body = resource.body
    reference = body.get("medicationReference")
    named = reference.get("display", "") if isinstance(reference, Mapping) else ""
    title = name_of(body.get("medicationCodeableConcept"), "") or str(named) or "药品"
    doses = [str(each["text"]) for each in _list(body, "dosageInstruction") if each.get("text")]
    return title, "；".join(doses)


def _allergy(resource: Resource) -> tuple[str, str]:
    reactions = [
        name_of(sign, "")
        for each in _list(resource.body, "reaction")
        for sign in each.get("manifestation") or ()
    ]
    return f"对{name_of(resource.body.get('code'), '某物')}过敏", "、".join(filter(None, reactions))


def _vaccination(resource: Resource) -> tuple[str, str]:
    protocol = next(iter(_list(resource.body, "protocolApplied")), {})
    dose = protocol.get("doseNumberPositiveInt") or protocol.get("doseNumberString")
    return name_of(resource.body.get("vaccineCode"), "疫苗"), f"第{dose}剂" if dose else ""


def _measured(resource: Resource) -> tuple[str, str]:
    items = items_of(resource)
    title = name_of(resource.body.get("code"), "测量")
    values = [
        f"{item.name + ' ' if len(items) > 1 else ''}{item.value} {item.unit}".strip()
        for item in items
        if item.value
    ]
    return title, "，".join(values)


def _report(resource: Resource) -> tuple[str, str]:
    report = report_of(resource)
    return report.title, report.conclusion[:120]


def _study(resource: Resource) -> tuple[str, str]:
    return str(resource.body.get("description") or "影像检查"), ""


def _document(resource: Resource) -> tuple[str, str]:
    body = resource.body
    return name_of(body.get("type"), str(body.get("title") or "病历文书")), str(body.get("description") or "")


def _other(resource: Resource) -> tuple[str, str]:
    return name_of(resource.body.get("code"), "记录"), ""


def _list(body: Body, key: str) -> list[Body]:
    value = body.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


# HL7 v3 ActEncounterCode.
_VISITS = {
    "AMB": "门诊",
    "EMER": "急诊",
    "IMP": "住院",
    "ACUTE": "住院",
    "NONAC": "住院",
    "OBSENC": "留观",
    "HH": "上门",
    "VR": "线上就诊",
    "SS": "日间",
}
_WORDS: dict[str, Callable[[Resource], tuple[str, str]]] = {
    "Encounter": _visit,
    "Condition": _coded("code"),
    "Procedure": _coded("code"),
    "MedicationRequest": _medicine,
    "MedicationStatement": _medicine,
    "MedicationDispense": _medicine,
    "MedicationAdministration": _medicine,
    "AllergyIntolerance": _allergy,
    "Immunization": _vaccination,
    "Observation": _measured,
    "DiagnosticReport": _report,
    "ImagingStudy": _study,
    "DocumentReference": _document,
    "Composition": _document,
}
