"""DICOMweb's words: stored images as DICOM JSON, queries as ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.reports.image_models import Stored

DICOM_JSON = "application/dicom+json"
DICOM = "application/dicom"
Tags = dict[str, Any]

# Which elements each level answers with, besides what is counted.
_STUDY = (
    "00080005", "00080020", "00080030", "00080050", "00080090", "00081030",
    "00100010", "00100020", "00100030", "00100040", "0020000D", "00200010",
)  # fmt: skip
_SERIES = ("00080060", "0008103E", "0020000E", "00200011", "00400244")
_INSTANCE = ("00080016", "00080018", "00200013", "00280008", "00280010", "00280011")


def by_study(images: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Images by the study they are of, in order."""
    found: dict[str, list[Stored]] = {}
    for image in images:
        found.setdefault(image.study_uid, []).append(image)
    return found


def by_series(images: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Images by their series, in order."""
    found: dict[str, list[Stored]] = {}
    for image in images:
        found.setdefault(image.series_uid, []).append(image)
    return found


def study_out(images: list[Stored], url: str) -> Tags:
    """One study of a QIDO answer."""
    modalities = sorted({image.modality for image in images if image.modality})
    return {
        **_some(images[0], _STUDY),
        "00080061": {"vr": "CS", "Value": modalities},
        "00081190": {"vr": "UR", "Value": [f"{url}/studies/{images[0].study_uid}"]},
        "00201206": {"vr": "IS", "Value": [len(by_series(images))]},
        "00201208": {"vr": "IS", "Value": [len(images)]},
    }


def series_out(images: list[Stored], url: str) -> Tags:
    """One series of a QIDO answer."""
    first = images[0]
    address = f"{url}/studies/{first.study_uid}/series/{first.series_uid}"
    return {
        **_some(first, (*_SERIES, "0020000D")),
        "00081190": {"vr": "UR", "Value": [address]},
        "00201209": {"vr": "IS", "Value": [len(images)]},
    }


def instance_out(image: Stored, url: str) -> Tags:
    """One instance of a QIDO answer."""
    return {
        **_some(image, (*_INSTANCE, "0020000D", "0020000E")),
        "00081190": {"vr": "UR", "Value": [address_of(image, url)]},
    }


def metadata_out(image: Stored, url: str) -> Tags:
    """An instance's whole header; the picture only by its address."""
    pixels = {"7FE00010": {"vr": "OW", "BulkDataURI": f"{address_of(image, url)}/frames/1"}}
    return image.tags | (pixels if image.frames else {})


def address_of(image: Stored, url: str) -> str:
    """Where an instance is handed out."""
    return f"{url}/studies/{image.study_uid}/series/{image.series_uid}/instances/{image.instance_uid}"


def day_range(text: str) -> tuple[datetime | None, datetime | None]:
    """A StudyDate query: one day, or from-to with either end open. Raises ValueError."""
    first, dash, last = text.partition("-")
    since = _day(first) if first else None
    end = last if dash else first
    until = _day(end) + timedelta(days=1) if end else None
    return since, until


def _day(text: str) -> datetime:
    if len(text) != 8:
        raise ValueError("a date has eight digits")
    on = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 a civil date
    return clock.city_instant(on, 0)


def stored_out(kept: list[Stored], refused: list[str], url: str) -> Tags:
    """STOW's answer: what lies here now, and how many did not get in, with the reason for each."""
    answer: Tags = {
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [image.class_uid]},
                    "00081155": {"vr": "UI", "Value": [image.instance_uid]},
                    "00081190": {"vr": "UR", "Value": [address_of(image, url)]},
                }
                for image in kept
            ],
        }
    }
    if refused:
        failures = [
            {
                "00081197": {"vr": "US", "Value": [_FAILURES.get(reason, 0xC000)]},
                "00081196": {"vr": "US", "Value": [_FAILURES.get(reason, 0xC000)]},
                "00204000": {"vr": "LT", "Value": [reason]},
            }
            for reason in refused
        ]
        answer["00081198"] = {"vr": "SQ", "Value": failures}
    return answer


# Failure reasons of PS3.18; 0xC000 is "cannot understand".
_FAILURES = {
    "another-content": 0x0111,
    "too-large": 0xA700,
    "uids-missing": 0xA900,
    "patient-id-missing": 0xA900,
}


def _some(image: Stored, names: Iterable[str]) -> Tags:
    return {name: image.tags[name] for name in names if name in image.tags}
