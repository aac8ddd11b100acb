"""Stored images as frozen values: what a study, a series and an instance say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """One DICOM instance as it lies here. `tags` is its header in DICOM JSON, `key` opens its pieces."""

    id: str
    chart: str
    organization_id: str
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
    size: int
    at: datetime
    created_at: datetime
    digest: str
    tags: dict[str, Any] = field(repr=False)
    key: bytes = field(repr=False)
    center: float | None = None
    width: float | None = None

    def text(self, tag: str) -> str:
        """The first value of a header's element as text; names by their alphabetic form."""
        values = self.tags.get(tag, {}).get("Value") or [""]
        value = values[0]
        return str(value.get("Alphabetic", "")) if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """What is looked for among images; None asks for nothing in particular."""

    charts: tuple[str, ...] | None = None
    organization_id: str | None = None
    study_uids: tuple[str, ...] | None = None
    series_uid: str | None = None
    instance_uid: str | None = None
    modality: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 1_000
