"""Reports as residents read them, and trends, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backend.records.apart import File
from backend.reports.flags import Flag


class ReportKind(StrEnum):
    """What sort of report."""

    LAB = "lab"
    IMAGING = "imaging"
    OTHER = "other"


class ReportState(StrEnum):
    """Where a report stands. PRELIMINARY may still change; VOID was taken back by the hospital."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Range:
    """The hospital's own reference range; `text` is as it wrote it."""

    low: Decimal | None = None
    high: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One result. `value` is what is shown, `number` what can be compared and drawn."""

    id: str
    name: str
    value: str
    unit: str = ""
    number: Decimal | None = None
    # "<" or ">" before the number: an end of what the instrument can see.
    comparator: str = ""
    range: Range = field(default_factory=Range)
    flag: Flag = Flag.UNKNOWN
    critical: bool = False
    # The hospital gave no flag: ours, by its range.
    computed: bool = False
    words: str = ""
    words_source: str = ""
    analyte: str | None = None
    method: str = ""
    note: str = ""
    state: ReportState = ReportState.FINAL
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A paper as the hospital issued it, lying in its resource itself, apart from it, or in a Binary."""

    content_type: str
    title: str
    data: str = field(default="", repr=False)
    reference: str = ""
    file: File | None = None
    # In bytes, where it is known without opening it.
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `sensitive` ones are opened by another tap."""

    id: str
    kind: ReportKind
    title: str
    organization_id: str
    state: ReportState
    at: datetime
    issued_at: datetime | None
    sensitive: bool
    conclusion: str = ""
    doctors: tuple[str, ...] = ()
    item_refs: tuple[str, ...] = ()
    study_refs: tuple[str, ...] = ()
    accessions: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    encounter_id: str | None = None
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a trend, in the analyte's unit, and as it was reported."""

    at: datetime
    value: Decimal
    comparator: str
    original: str
    original_unit: str
    low: Decimal | None
    high: Decimal | None
    flag: Flag
    organization_id: str
    organization_name: str
    method: str
    own: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """One analyte over time and hospitals; `apart` are values in units that cannot be compared."""

    key: str
    name: str
    unit: str
    points: tuple[Point, ...]
    apart: tuple[Item, ...]
