"""What goes in and out of the report endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from pydantic import Field

from backend.http.schema import Answer, Instant, PageQuery, Query
from backend.reports.flags import Flag
from backend.reports.models import Document, Item, Point, ReportState, Trend
from backend.reports.service import Line, Opened


class ReportsQuery(PageQuery):
    """Whose reports, and which."""

    patient_id: str = Field(max_length=64)
    kind: Literal["lab", "imaging"] | None = None
    visit_id: str | None = Field(None, max_length=64)


class OpenQuery(Query):
    """`open=true` is the second tap: it opens what is sensitive."""

    open: bool = False


class TrendQuery(Query):
    """Whose values of what."""

    patient_id: str = Field(max_length=64)
    analyte: str = Field(max_length=40)


class ReportLineOut(Answer):
    """A report in a list."""

    id: str
    kind: Literal["lab", "imaging", "other"]
    title: str
    organization_name: str
    state: ReportState
    at: Instant
    sensitive: bool
    notable: int


class ItemOut(Answer):
    """One result."""

    id: str
    name: str
    value: str
    unit: str
    range: str
    flag: Flag
    critical: bool
    # The flag is ours, by the hospital's range, and not the hospital's own.
    computed: bool
    words: str
    words_source: str
    analyte: str | None
    method: str
    note: str
    state: ReportState


class DocumentOut(Answer):
    """A paper as its hospital issued it; `size` in bytes, where it is known before it is opened."""

    number: int
    title: str
    content_type: str
    size: int | None


class ReportOut(Answer):
    """A report, opened."""

    id: str
    kind: Literal["lab", "imaging", "other"]
    title: str
    organization_name: str
    state: ReportState
    at: Instant
    issued_at: Instant | None
    sensitive: bool
    hidden: bool
    conclusion: str
    doctors: list[str]
    items: list[ItemOut]
    documents: list[DocumentOut]
    patient_id: str
    visit_id: str | None


class PointOut(Answer):
    """One value of a trend, in the trend's unit and as it was reported."""

    at: Instant
    value: float
    text: str
    original: str
    low: float | None
    high: float | None
    flag: Flag
    organization_name: str
    method: str
    own: bool


class ApartOut(Answer):
    """A value in a unit that cannot be compared."""

    at: Instant | None
    value: str
    unit: str


class TrendOut(Answer):
    """A value over time and hospitals."""

    analyte: str
    name: str
    unit: str
    points: list[PointOut]
    apart: list[ApartOut]


def line_out(line: Line) -> ReportLineOut:
    """A report of a list."""
    report = line.report
    return ReportLineOut(
        id=report.id,
        kind=report.kind.value,
        title=report.title,
        organization_name=line.place,
        state=report.state,
        at=report.at,
        sensitive=report.sensitive,
        notable=line.notable,
    )


def report_out(opened: Opened) -> ReportOut:
    """A report with all its results."""
    report = opened.report
    return ReportOut(
        id=report.id,
        kind=report.kind.value,
        title=report.title,
        organization_name=opened.place,
        state=report.state,
        at=report.at,
        issued_at=report.issued_at,
        sensitive=report.sensitive,
        hidden=opened.hidden,
        conclusion=report.conclusion,
        doctors=list(report.doctors),
        items=[item_out(item) for item in report.items],
        documents=documents_out(report.documents),
        patient_id=opened.basis.person_id,
        visit_id=report.encounter_id,
    )


def documents_out(documents: Iterable[Document]) -> list[DocumentOut]:
    """Papers, numbered as they are asked for."""
    return [
        DocumentOut(number=number, title=one.title, content_type=one.content_type, size=one.size)
        for number, one in enumerate(documents, 1)
    ]


def item_out(item: Item) -> ItemOut:
    """One result."""
    return ItemOut(
        id=item.id,
        name=item.name,
        value=item.value,
        unit=item.unit,
        range=item.range.text,
        flag=item.flag,
        critical=item.critical,
        computed=item.computed,
        words=item.words,
        words_source=item.words_source,
        analyte=item.analyte,
        method=item.method,
        note=item.note,
        state=item.state,
    )


def trend_out(trend: Trend) -> TrendOut:
    """A trend."""
    return TrendOut(
        analyte=trend.key,
        name=trend.name,
        unit=trend.unit,
        points=[_point_out(point) for point in trend.points],
        apart=[ApartOut(at=item.at, value=item.value, unit=item.unit) for item in trend.apart],
    )


def _point_out(point: Point) -> PointOut:
    return PointOut(
        at=point.at,
        value=float(point.value),
        text=f"{point.comparator}{point.value}",
        original=f"{point.original} {point.original_unit}".strip(),
        low=_float(point.low),
        high=_float(point.high),
        flag=point.flag,
        organization_name=point.organization_name,
        method=point.method,
        own=point.own,
    )


def _float(number: Decimal | None) -> float | None:
    return float(number) if number is not None else None
