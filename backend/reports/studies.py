"""ImagingStudies of what lies here: their ids, their bodies, the UIDs they name. Pure."""

from __future__ import annotations

from backend.records.ids import resource_id
from backend.records.models import Body, Resource
from backend.reports.image_models import Stored

UID_SYSTEM = "urn:dicom:uid"


def study_id(image: Stored) -> str:
    """The id of the ImagingStudy that we say an image belongs to."""
    return resource_id(image.chart, "ImagingStudy", image.study_uid)


def study_body(images: list[Stored]) -> Body:
    """An ImagingStudy of what lies here."""
    first = images[0]
    series: dict[str, list[Stored]] = {}
    for image in images:
        series.setdefault(image.series_uid, []).append(image)
    identifiers: list[Body] = [{"system": UID_SYSTEM, "value": f"urn:oid:{first.study_uid}"}]
    if accession := first.text("00080050"):
        identifiers.append({"type": {"coding": [{"code": "ACSN"}]}, "value": accession})
    description = first.text("00081030")
    return {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": {"reference": f"Patient/{first.chart}"},
        "started": first.at.isoformat(),
        "numberOfSeries": len(series),
        "numberOfInstances": len(images),
        **({"description": description} if description else {}),
        "series": [_series_body(uid, of_series) for uid, of_series in series.items()],
    }


def _series_body(uid: str, images: list[Stored]) -> Body:
    system = "http://dicom.nema.org/resources/ontology/DCM"
    return {
        "uid": uid,
        "number": max(images[0].series_number, 0),
        "modality": {"system": system, "code": images[0].modality or "OT"},
        "numberOfInstances": len(images),
    }


def uids_of(study: Resource) -> list[str]:
    """The UIDs of the studies that a resource is about."""
    values = [
        str(each.get("value", ""))
        for each in study.body.get("identifier") or ()
        if isinstance(each, dict) and each.get("system") == UID_SYSTEM
    ]
    return [value.removeprefix("urn:oid:") for value in values if value]
