"""From resources of the record to results that the lists know: codes, day, values, pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.recognition.lists import Item, Lists
from backend.recognition.rules import Result
from backend.records.models import RecordQuery, Resource

SEARCHED = ("Observation", "DiagnosticReport", "ImagingStudy")
REFERRING = ("DiagnosticReport",)
FINAL = frozenset({"final", "amended", "corrected"})
_GONE = frozenset({"entered-in-error", "cancelled", "inactive"})
# Results a little past their time are shown too, with the reason why they do not count.
LOOK_BACK = timedelta(days=30)
MOST_RESULTS = 200


@dataclass(frozen=True, slots=True)
class FoundResult:
    """A result with what a doctor wants to see of it."""

    result: Result
    resource: Resource
    report: Resource | None
    image_ids: tuple[str, ...]


def query(lists: Lists, items: Sequence[Item], today: date) -> RecordQuery:
    """One question for the results of all items."""
    longest = max((item.valid_days for item in items), default=0)
    first = today - timedelta(days=longest) - LOOK_BACK
    codes = {code for item in items for code in lists.search_codes(item)}
    return RecordQuery(
        types=SEARCHED,
        codes=tuple(sorted(codes)),
        since=clock.city_instant(first, 0),
        limit=MOST_RESULTS,
    )


def results(
    lists: Lists, items: Sequence[Item], found: Sequence[Resource], reports: Sequence[Resource]
) -> dict[str, list[FoundResult]]:
    """The results of each item, by the item's code, the newest first."""
    of_resource = _reports_of([*found, *reports])
    grouped: dict[str, list[FoundResult]] = {item.code: [] for item in items}
    for resource in sorted(found, key=lambda each: (each.at, each.id), reverse=True):
        if resource.deleted or resource.status in _GONE:
            continue
        codings = set(codings_of(resource.body))
        for item in items:
            if lists.is_result_of(item, resource.organization_id, codings):
                grouped[item.code].append(_result(item, resource, of_resource.get(resource.id)))
    return {code: _without_twins(each) for code, each in grouped.items()}


def codings_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every code of a resource: of what was measured, and of what was done to see it."""
    concepts = [body.get("code"), *_list(body.get("procedureCode"))]
    for concept in concepts:
        for coding in _list(concept.get("coding")) if isinstance(concept, dict) else []:
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                yield str(coding.get("system", "")), coding["code"]


def value_of(body: Mapping[str, Any]) -> str:
    """The value as a doctor reads it; empty when there is none."""
    quantity = body.get("valueQuantity")
    if isinstance(quantity, dict) and "value" in quantity:
        sign, unit = quantity.get("comparator", ""), quantity.get("unit") or quantity.get("code") or ""
        return f"{sign}{quantity['value']} {unit}".strip()
    concept = body.get("valueCodeableConcept")
    if isinstance(concept, dict):
        return _concept(concept)
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if name in body:
            return str(body[name])
    parts = [(_concept(part.get("code", {})), value_of(part)) for part in _list(body.get("component"))]
    return "；".join(f"{name} {value}".strip() for name, value in parts if value)


def reference_of(body: Mapping[str, Any]) -> str:
    """The reference range as printed."""
    for each in _list(body.get("referenceRange")):
        if isinstance(each.get("text"), str):
            return str(each["text"])
        low, high = (each.get(end, {}).get("value") for end in ("low", "high"))
        if low is not None or high is not None:
            return f"{'' if low is None else low}-{'' if high is None else high}"
    return ""


def flag_of(body: Mapping[str, Any]) -> str:
    """H, L, A … as the laboratory said."""
    for concept in _list(body.get("interpretation")):
        for coding in _list(concept.get("coding")):
            if isinstance(coding.get("code"), str):
                return str(coding["code"])
    return ""


def name_of(body: Mapping[str, Any]) -> str:
    """What the hospital calls it."""
    return _concept(body.get("code", {}))


def _concept(concept: Any) -> str:
    if not isinstance(concept, dict):
        return ""
    if isinstance(concept.get("text"), str):
        return str(concept["text"])
    codings = [each for each in _list(concept.get("coding")) if isinstance(each, dict)]
    return next((str(each["display"]) for each in codings if each.get("display")), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _reports_of(found: Sequence[Resource]) -> dict[str, Resource]:
    """The report that each result stands in: of several, the one issued last."""
    reports = [each for each in found if each.type == "DiagnosticReport" and not each.deleted]
    by_result: dict[str, Resource] = {}
    for report in sorted(reports, key=lambda each: (each.updated_at, each.id)):
        for ref in report.refs:
            by_result[ref] = report
        by_result[report.id] = report
    return by_result


def _result(item: Item, resource: Resource, report: Resource | None) -> FoundResult:
    images = _images(resource) or (_images(report) if report else ())
    judged = Result(
        item=item,
        organization_id=resource.organization_id,
        on=clock.civil_date(resource.at),
        final=_is_final(resource, report),
        has_values=bool(value_of(resource.body)) or bool(_list(resource.body.get("result"))),
        has_images=bool(images),
    )
    return FoundResult(judged, resource, report, images)


def _is_final(resource: Resource, report: Resource | None) -> bool:
    """A picture is read when its report is: a study by itself has no status that says so."""
    if resource.type == "ImagingStudy":
        return report is not None and report.status in FINAL
    return resource.status in FINAL


def _images(resource: Resource) -> tuple[str, ...]:
    if resource.type == "ImagingStudy":
        has = resource.body.get("numberOfInstances") or any(
            _list(series.get("instance")) or series.get("numberOfInstances")
            for series in _list(resource.body.get("series"))
        )
        return (resource.id,) if has else ()
    if resource.type != "DiagnosticReport":
        return ()
    named = [each.get("reference", "") for each in _list(resource.body.get("imagingStudy"))]
    named += [each.get("link", {}).get("reference", "") for each in _list(resource.body.get("media"))]
    ids = [reference.partition("/_history/")[0].rpartition("/")[2] for reference in named]
    return tuple(dict.fromkeys(id for id in ids if id in resource.refs))


def _without_twins(found: list[FoundResult]) -> list[FoundResult]:
    """A report or a study beside the very thing it stands for is not a second result."""
    inside = {id for each in found if each.resource.type == "DiagnosticReport" for id in each.image_ids}
    parents = {each.report.id for each in found if each.report and each.resource.type == "Observation"}
    return [each for each in found if each.resource.id not in inside | parents]
