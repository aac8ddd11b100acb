"""DICOM files read and drawn, in processes of their own (worker/confined.py): nothing here knows the city."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import get_nr_frames, pixel_array

# What one picture may hold once it is unpacked: beyond, a small file would fill the machine.
MOST_PIXELS = 40_000_000
MOST_FRAMES = 5_000
LONGEST_SIDE = 2_048
_UID = re.compile(r"^[0-9.]{1,64}$")
_LEADING = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class DicomError(Exception):
    """A file that cannot be read or drawn; `reason` is a word for machines, `syntax` what it is packed in."""

    def __init__(self, reason: str, syntax: str = "") -> None:
        super().__init__(reason, syntax)
        self.reason = reason
        self.syntax = syntax


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. `tags` is DICOM JSON without the picture."""

    study_uid: str
    series_uid: str
    instance_uid: str
    class_uid: str
    modality: str
    syntax: str
    series_number: int
    number: int
    frames: int
    rows: int
    columns: int
    patient_number: str = field(repr=False)
    issuer: str = ""
    patient_name: str = field(default="", repr=False)
    patient_sex: str = ""
    patient_birth: str = field(default="", repr=False)
    accession: str = ""
    study_on: str = ""
    study_time: str = ""
    study_description: str = ""
    series_description: str = ""
    center: float | None = None
    width: float | None = None
    tags: dict[str, Any] = field(default_factory=dict, repr=False)


def read_header(data: bytes) -> Header:
    """The header of a DICOM file. Raises DicomError for what is none, or does not say whose it is."""
    dataset = _read(data)
    study, series, instance = (_text(dataset, name) for name in _LEADING)
    if not all(map(_UID.fullmatch, (study, series, instance))):
        raise DicomError("uids-missing")
    if not _text(dataset, "PatientID"):
        raise DicomError("patient-id-missing")
    center, width = _window(dataset)
    return Header(
        study_uid=study,
        series_uid=series,
        instance_uid=instance,
        class_uid=_text(dataset, "SOPClassUID"),
        modality=_text(dataset, "Modality")[:16],
        syntax=_syntax(dataset),
        series_number=_int(dataset, "SeriesNumber"),
        number=_int(dataset, "InstanceNumber"),
        frames=_frames(dataset) if _has_picture(dataset) else 0,
        rows=_int(dataset, "Rows"),
        columns=_int(dataset, "Columns"),
        patient_number=_text(dataset, "PatientID"),
        issuer=_text(dataset, "IssuerOfPatientID"),
        patient_name=_text(dataset, "PatientName"),
        patient_sex=_text(dataset, "PatientSex"),
        patient_birth=_text(dataset, "PatientBirthDate"),
        accession=_text(dataset, "AccessionNumber"),
        study_on=_text(dataset, "StudyDate"),
        study_time=_text(dataset, "StudyTime"),
        study_description=_text(dataset, "StudyDescription"),
        series_description=_text(dataset, "SeriesDescription"),
        center=center,
        width=width,
        tags=_tags(dataset),
    )


def frame(data: bytes, number: int) -> tuple[bytes, str]:
    """One frame as it is packed in the file, and its transfer syntax. Raises DicomError."""
    dataset = _with_picture(data, number)
    if "PixelData" not in dataset:
        raise DicomError("no-such-frame")
    packed, count, syntax = dataset.PixelData, _frames(dataset), _syntax(dataset)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        for position, one in enumerate(generate_frames(packed, number_of_frames=count), 1):
            if position == number:
                return one, syntax
        raise DicomError("no-such-frame")
    length = len(packed) // count
    return packed[(number - 1) * length : number * length], syntax


def rendered(data: bytes, number: int, center: float | None, width: float | None, side: int | None) -> bytes:
    """One frame as a JPEG, windowed as asked or as the file says. Raises DicomError."""
    dataset = _with_picture(data, number)
    with _quietly():
        try:
            # Colours come out as RGB, whatever they were packed as.
            picture = pixel_array(dataset, index=number - 1)
            shown = _as_shown(dataset, picture, center, width)
        except Exception as error:  # a decoder's own errors are of every kind
            raise DicomError("cannot-be-decoded", _syntax(dataset)) from error
    return _jpeg(shown, min(side or LONGEST_SIDE, LONGEST_SIDE))


def _as_shown(dataset: Dataset, picture: Any, center: float | None, width: float | None) -> Any:
    """Eight bits a sample, grey or RGB."""
    photometric = _text(dataset, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(picture, dataset))
    if picture.ndim == 3:
        return _eight_bits(picture)
    values = apply_modality_lut(picture, dataset).astype(np.float32)
    own = _window(dataset)
    if width is None or width < 1:
        center, width = own if own[1] else _whole_range(values)
    low = (center if center is not None else float(values.mean())) - (width or 1) / 2
    scaled = np.clip((values - low) / max(width or 1, 1) * 255, 0, 255).astype(np.uint8)
    return 255 - scaled if photometric == "MONOCHROME1" else scaled


def _eight_bits(values: Any) -> Any:
    if values.dtype == np.uint8:
        return values
    top = float(values.max()) or 1.0
    return (values.astype(np.float32) * (255 / top)).clip(0, 255).astype(np.uint8)


def _whole_range(values: Any) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low + high) / 2, max(high - low, 1.0)


def _jpeg(values: Any, side: int) -> bytes:
    image = Image.fromarray(values)
    if max(image.size) > side:
        image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def _read(data: bytes) -> FileDataset:
    with _quietly():
        try:
            dataset = pydicom.dcmread(io.BytesIO(data))
            # Elements are read when they are asked for: a broken one shall show now.
            dataset.decode()
        except Exception as error:  # whatever is wrong with a file, it is no DICOM that we can keep
            raise DicomError("not-dicom") from error
    if not getattr(dataset.file_meta, "TransferSyntaxUID", None):
        raise DicomError("syntax-missing")
    return dataset


def _with_picture(data: bytes, number: int) -> FileDataset:
    dataset = _read(data)
    if not _has_picture(dataset):
        raise DicomError("no-picture")
    if _int(dataset, "Rows") * _int(dataset, "Columns") > MOST_PIXELS or _frames(dataset) > MOST_FRAMES:
        raise DicomError("too-large")
    if not 1 <= number <= _frames(dataset):
        raise DicomError("no-such-frame")
    return dataset


def _has_picture(dataset: Dataset) -> bool:
    return any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))


def _frames(dataset: Dataset) -> int:
    with _quietly():
        try:
            return max(1, get_nr_frames(dataset))
        except (TypeError, ValueError):
            return 1


def _syntax(dataset: FileDataset) -> str:
    return str(dataset.file_meta.TransferSyntaxUID)


def _window(dataset: Dataset) -> tuple[float | None, float | None]:
    center, width = (_first_number(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    return (center, width) if center is not None and width is not None and width >= 1 else (None, None)


def _first_number(value: Any) -> float | None:
    try:
        number = float(value[0] if isinstance(value, list | pydicom.multival.MultiValue) else value)
    except (TypeError, ValueError, IndexError):
        return None
    return number if np.isfinite(number) else None


def _text(dataset: Dataset, name: str) -> str:
    value = dataset.get(name)
    return str(value).strip().strip("\0")[:256] if value is not None else ""


def _int(dataset: Dataset, name: str) -> int:
    try:
        return int(dataset.get(name) or 0)
    except (TypeError, ValueError):
        return 0


# What a header says besides the picture is told in full up to this size of a value.
_MOST_BULK = 1_024
# And all of it up to this: it lies in the database, beside the file that has everything.
_MOST_TOLD = 512 * 1_024


def _tags(dataset: Dataset) -> dict[str, Any]:
    """The header in DICOM JSON. What is large or private says nothing here; it lies in the file."""
    with _quietly():
        plain = Dataset()
        for element in dataset:
            if element.tag.group != 0x7FE0 and not element.tag.is_private:
                plain.add(element)
        try:
            told = plain.to_json_dict(
                bulk_data_threshold=_MOST_BULK,
                bulk_data_element_handler=lambda _: "",
                suppress_invalid_tags=True,
            )
        except Exception as error:  # as above
            raise DicomError("not-dicom") from error
    return _fitting(told)


def _fitting(told: dict[str, Any]) -> dict[str, Any]:
    """Without the largest elements, as many as it takes: the geometry of each of a thousand frames, say."""
    sizes = {tag: len(orjson.dumps(value)) for tag, value in told.items()}
    left = sum(sizes.values())
    for tag in sorted(sizes, key=lambda tag: sizes[tag], reverse=True):
        if left <= _MOST_TOLD:
            break
        left -= sizes[tag]
        del told[tag]
    return told


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """pydicom warns of whatever is odd; odd files are what hospitals have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
