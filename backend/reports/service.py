"""Reports as residents read them: lists, one with its results, and a value over time and hospitals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id
from backend.permissions import Actor
from backend.records.ids import is_resource_id, owner_of
from backend.records.models import Basis, RecordQuery, Resource
from backend.reports.analytes import LOINC, Analyte, analytes
from backend.reports.flags import NOTABLE, Flag, flag_by_range
from backend.reports.models import Item, Point, Report, ReportState, Trend
from backend.reports.ports import Gate, People, Places, Reader
from backend.reports.reading import contained_items, items_of, report_of

UNNAMED_PLACE = "医疗机构"
# The keeper of charts of which no hospital is the source: what residents write down themselves.
CITY = named_id("organization", "the city itself")
HIDDEN_TITLE = "一份需单独打开的报告"
# Enough for any panel; what is longer is no report that somebody reads on a phone.
MOST_ITEMS = 600
MOST_POINTS = 400
# As many as the record gives out in one page.
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A report in a list: with its place, and how many of its results are out of range."""

    report: Report
    place: str
    notable: int


@dataclass(frozen=True, slots=True)
class Opened:
    """One report, opened. `hidden`: sensitive, and not asked for by the tap that opens it."""

    report: Report
    place: str
    hidden: bool
    basis: Basis


class ReportService:
    """Reads the record on the basis that the reader has, and puts it into words."""

    def __init__(self, gate: Gate, reader: Reader, people: People, places: Places, *, city_name: str) -> None:
        self._gate = gate
        self._reader = reader
        self._people = people
        self._places = places
        self._city_name = city_name

    async def list_reports(
        self,
        actor: Actor,
        patient_id: str,
        *,
        kind: Literal["lab", "imaging"] | None = None,
        visit_id: str | None = None,
        cursor: str | None = None,
        limit: int = 20,
    ) -> tuple[list[Line], str | None]:
        """A person's reports, the latest first; another's look like none."""
        basis = await self._gate.own(actor, patient_id)
        found = await self._reader.search(
            basis,
            RecordQuery(
                types=("DiagnosticReport",),
                kinds=(kind,) if kind else (),
                encounter_id=visit_id,
                cursor=cursor,
                limit=limit,
            ),
        )
        reports = [one for one in map(report_of, found.items) if one.state is not ReportState.VOID]
        contained = {one.id: contained_items(one) for one in found.items}
        items = await self._items(basis, [id for one in reports if not one.sensitive for id in one.item_refs])
        names = await self.places(one.organization_id for one in reports)
        lines = []
        for one in reports:
            own = [*contained[one.id], *(item for id in one.item_refs for item in items.get(id, ()))]
            notable = sum(item.flag in NOTABLE for item in own)
            lines.append(Line(_closed(one) if one.sensitive else one, names[one.organization_id], notable))
        return lines, found.cursor

    async def open(self, actor: Actor, report_id: str, *, opened: bool = False) -> Opened:
        """One report with its results. A sensitive one says nothing until it is asked for by itself."""
        basis, resource = await self._access(actor, report_id)
        report = report_of(resource)
        names = await self.places([report.organization_id])
        place = names[report.organization_id]
        if report.sensitive and not opened:
            return Opened(_closed(report), place, True, basis)
        items = await self._items(basis, report.item_refs)
        listed = [
            *contained_items(resource),
            *(item for id in report.item_refs for item in items.get(id, ())),
        ]
        kept = tuple(item for item in listed if item.state is not ReportState.VOID)
        return Opened(replace(report, items=kept), place, False, basis)

    async def resource(self, actor: Actor, report_id: str) -> tuple[Basis, Resource]:
        """A report as its hospital sent it, for its documents."""
        return await self._access(actor, report_id)

    async def trend(self, actor: Actor, patient_id: str, key: str) -> Trend:
        """One analyte over time and hospitals, in one unit; what cannot be compared stands apart."""
        analyte = analytes().get(key)
        if analyte is None:
            raise not_found(f"analyte {key}")
        basis = await self._gate.own(actor, patient_id)
        codes = (*(f"{LOINC}|{code}" for code in analyte.loinc), *analyte.local)
        found: list[Resource] = []
        cursor: str | None = None
        while len(found) < MOST_POINTS:
            query = RecordQuery(types=("Observation",), codes=codes, limit=AT_ONCE, cursor=cursor)
            page = await self._reader.search(basis, query)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        names = await self.places(one.organization_id for one in found)
        points: list[Point] = []
        apart: list[Item] = []
        for resource in found:
            for item in items_of(resource):
                if item.analyte != key or item.state not in (ReportState.FINAL, ReportState.CORRECTED):
                    continue
                point = _point(item, analyte, resource, names[resource.organization_id])
                if point is None:
                    apart.append(item)
                else:
                    points.append(point)
        points.sort(key=lambda point: point.at)
        return Trend(key, analyte.name, analyte.unit, tuple(points), tuple(apart))

    async def places(self, organization_ids: Iterable[str]) -> dict[str, str]:
        """Names of institutions; one that is not in the directory is called what it is."""
        ids = set(organization_ids)
        known = await self._places.organizations_by_id(ids)
        own = {CITY: self._city_name}
        return {id: known[id].name if id in known else own.get(id, UNNAMED_PLACE) for id in ids}

    async def _access(self, actor: Actor, report_id: str) -> tuple[Basis, Resource]:
        """The report and the basis on which it may be read; another's, or one taken back, is 404."""
        if not is_resource_id(report_id):
            raise not_found(f"report {report_id}")
        person_id = await self._people.person_of(owner_of(report_id))
        basis = await self._gate.own(actor, person_id)
        resource = await self._reader.read(basis, report_id)
        if resource is None or resource.type != "DiagnosticReport" or resource.deleted:
            raise not_found(f"report {report_id}")
        if report_of(resource).state is ReportState.VOID:
            raise AppError(ErrorCode.NOT_FOUND, "a report that was taken back")
        return basis, resource

    async def _items(self, basis: Basis, ids: Sequence[str]) -> dict[str, list[Item]]:
        wanted = [id for id in dict.fromkeys(ids) if is_resource_id(id)][:MOST_ITEMS]
        read: dict[str, list[Item]] = {}
        for some in batched(wanted, AT_ONCE):
            found = await self._reader.search(basis, RecordQuery(ids=tuple(some), limit=AT_ONCE))
            read |= {one.id: items_of(one) for one in found.items if one.type == "Observation"}
        return read


def batched(ids: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """In pieces of at most so many."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _closed(report: Report) -> Report:
    """A sensitive report before it is opened: that there is one, and where it comes from."""
    return replace(
        report,
        title=HIDDEN_TITLE,
        conclusion="",
        doctors=(),
        items=(),
        documents=(),
        study_refs=(),
        accessions=(),
    )


def _point(item: Item, analyte: Analyte, resource: Resource, place: str) -> Point | None:
    """A result in the analyte's unit, its range converted likewise; None where its unit is not known."""
    value = analyte.convert(item.number, item.unit) if item.number is not None else None
    if value is None:
        return None
    low, high = (
        analyte.convert(end, item.unit) if end is not None else None
        for end in (item.range.low, item.range.high)
    )
    flag = item.flag if item.flag is not Flag.UNKNOWN else flag_by_range(value, low, high)
    return Point(
        at=item.at or resource.at,
        value=value,
        comparator=item.comparator,
        original=item.value,
        original_unit=item.unit,
        low=low,
        high=high,
        flag=flag,
        organization_id=resource.organization_id,
        organization_name=place,
        method=item.method,
        own=resource.source.kind == "own",
    )
