"""FHIR bodies as reports and results. Pure, and forgiving: what a body does not say is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from backend import clock
from backend.records.apart import file_in
from backend.records.models import Kind, Resource, Sensitivity
from backend.reports.analytes import Analyte, Analytes, analytes
from backend.reports.flags import NOTABLE, Flag, flag_by_range, flag_of, plain_words
from backend.reports.models import Document, Item, Range, Report, ReportKind, ReportState

Body = Mapping[str, Any]

_STATES = {
    "final": ReportState.FINAL,
    "amended": ReportState.CORRECTED,
    "corrected": ReportState.CORRECTED,
    "appended": ReportState.CORRECTED,
    "cancelled": ReportState.VOID,
    "entered-in-error": ReportState.VOID,
}
_KINDS = {Kind.LAB: ReportKind.LAB, Kind.IMAGING: ReportKind.IMAGING}
_UNNAMED = "检查项目"


def report_of(resource: Resource) -> Report:
    """A DiagnosticReport, without its items."""
    body = resource.body
    return Report(
        id=resource.id,
        kind=_KINDS.get(resource.kind, ReportKind.OTHER),
        title=name_of(body.get("code"), "检查报告"),
        organization_id=resource.organization_id,
        state=state_of(body),
        at=resource.at,
        issued_at=instant_of(body.get("issued")),
        sensitive=resource.sensitivity >= Sensitivity.SPECIAL,
        conclusion=_conclusion(body),
        doctors=tuple(_displays(body, "resultsInterpreter") or _displays(body, "performer")),
        item_refs=tuple(_references(body.get("result"))),
        study_refs=tuple(_references(body.get("imagingStudy"))),
        accessions=tuple(
            each["value"] for each in _objects(body.get("identifier")) if _text(each.get("value"))
        ),
        documents=documents_of(resource),
        encounter_id=resource.encounter_id,
    )


def documents_of(resource: Resource) -> tuple[Document, ...]:
    """The papers of a report or of a document; none of what was taken back."""
    if state_of(resource.body) is ReportState.VOID:
        return ()
    if resource.type == "DiagnosticReport":
        forms = _objects(resource.body.get("presentedForm"))
    elif resource.type == "DocumentReference":
        forms = [_object(each.get("attachment")) for each in _objects(resource.body.get("content"))]
    else:
        forms = []
    return tuple(_documents(resource, forms))


def items_of(resource: Resource, table: Analytes | None = None) -> list[Item]:
    """An Observation as results: itself, or one for each of its components."""
    return observed(resource.body, resource.id, resource.at, table)


def contained_items(report: Resource) -> list[Item]:
    """Results that lie inside the report."""
    return [
        item
        for body in _objects(report.body.get("contained"))
        if body.get("resourceType") == "Observation"
        for item in observed(body, f"{report.id}#{_text(body.get('id'))}", report.at)
    ]


def observed(body: Body, id: str, at: datetime, table: Analytes | None = None) -> list[Item]:
    """An Observation's body as results."""
    table = table or analytes()
    parts = _objects(body.get("component"))
    found = [
        _item({**body, "interpretation": None, "referenceRange": None, **part}, f"{id}.{number}", at, table)
        for number, part in enumerate(parts, 1)
    ]
    if any(key.startswith("value") for key in body) or not parts:
        found.insert(0, _item(body, id, at, table))
    return found


def state_of(body: Body) -> ReportState:
    """What a status means to a resident; whatever is unknown is not final."""
    return _STATES.get(_text(body.get("status")), ReportState.PRELIMINARY)


def name_of(concept: Any, otherwise: str = _UNNAMED) -> str:
    """What a CodeableConcept calls itself: its own text, then the display of a code, then the code."""
    concept = concept if isinstance(concept, Mapping) else {}
    codings = _objects(concept.get("coding"))
    names = [concept.get("text"), *(c.get("display") for c in codings), *(c.get("code") for c in codings)]
    return next((name for name in map(_text, names) if name), otherwise)


def codings_of(concept: Any) -> list[tuple[str, str]]:
    """The (system, code) pairs of a CodeableConcept."""
    concept = concept if isinstance(concept, Mapping) else {}
    return [(_text(c.get("system")), _text(c.get("code"))) for c in _objects(concept.get("coding"))]


def instant_of(value: Any) -> datetime | None:
    """A FHIR instant or dateTime; a date alone is that day's beginning in the city."""
    text = _text(value)
    if not text:
        return None
    padded = f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01" if len(text) == 7 else text
    try:
        read = datetime.fromisoformat(padded)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=clock.CITY_ZONE)).astimezone(UTC)


def _item(body: Body, id: str, at: datetime, table: Analytes) -> Item:
    analyte = table.of(codings_of(body.get("code")), name_of(body.get("code"), ""))
    value, unit, number, comparator = _value(body)
    range_ = _range(body)
    flag, critical = flag_of(_interpretations(body))
    computed = False
    if flag is Flag.UNKNOWN and number is not None and not comparator:
        flag = flag_by_range(number, range_.low, range_.high)
        computed = flag is not Flag.UNKNOWN
    return Item(
        id=id,
        name=_name(body, analyte),
        value=value,
        unit=unit,
        number=number,
        comparator=comparator,
        range=range_,
        flag=flag,
        critical=critical,
        computed=computed,
        words=plain_words(flag, analyte, critical=critical),
        words_source=analyte.meaning.source if analyte and analyte.meaning and flag in NOTABLE else "",
        analyte=analyte.key if analyte and number is not None else None,
        method=name_of(body.get("method"), ""),
        note=" ".join(_text(note.get("text")) for note in _objects(body.get("note"))),
        state=state_of(body),
        at=instant_of(body.get("effectiveDateTime")) or at,
    )


def _name(body: Body, analyte: Analyte | None) -> str:
    """As the hospital calls it; the table's name where it does so in another script only."""
    own = name_of(body.get("code"), "")
    if analyte and not any("\u4e00" <= letter <= "\u9fff" for letter in own):
        return analyte.name
    return own or _UNNAMED


Value = tuple[str, str, Decimal | None, str]


def _value(body: Body) -> Value:
    """Text, unit, number and comparator of what was found."""
    if quantity := _object(body.get("valueQuantity")):
        number = _decimal(quantity.get("value"))
        comparator = _text(quantity.get("comparator"))
        unit = _text(quantity.get("unit")) or _text(quantity.get("code"))
        return f"{comparator}{_plain(number)}" if number is not None else "", unit, number, comparator
    if "valueInteger" in body:
        number = _decimal(body["valueInteger"])
        return _plain(number) if number is not None else "", "", number, ""
    if concept := _object(body.get("valueCodeableConcept")):
        return name_of(concept, ""), "", None, ""
    if "valueBoolean" in body:
        return ("是" if body["valueBoolean"] is True else "否"), "", None, ""
    return _other_value(body), "", None, ""


def _other_value(body: Body) -> str:
    if range_ := _object(body.get("valueRange")):
        low, high = (_decimal(_object(range_.get(end)).get("value")) for end in ("low", "high"))
        return f"{_plain(low)}–{_plain(high)}"
    if ratio := _object(body.get("valueRatio")):
        top, bottom = (_decimal(_object(ratio.get(end)).get("value")) for end in ("numerator", "denominator"))
        return f"{_plain(top)}:{_plain(bottom)}"
    for key in ("valueString", "valueDateTime", "valueTime"):
        if text := _text(body.get(key)):
            return text
    return name_of(body.get("dataAbsentReason"), "")


def _range(body: Body) -> Range:
    """The usual range; those for other purposes (of treatment, of a phase) are not compared with."""
    ranges = _objects(body.get("referenceRange"))
    usual = [each for each in ranges if {code for _, code in codings_of(each.get("type"))} <= {"", "normal"}]
    if not usual:
        return Range()
    low, high = (_decimal(_object(usual[0].get(end)).get("value")) for end in ("low", "high"))
    return Range(low, high, _text(usual[0].get("text")) or _range_text(low, high))


def _range_text(low: Decimal | None, high: Decimal | None) -> str:
    if low is not None and high is not None:
        return f"{_plain(low)}–{_plain(high)}"
    if high is not None:
        return f"≤{_plain(high)}"
    return f"≥{_plain(low)}" if low is not None else ""


def _interpretations(body: Body) -> list[str]:
    return [code for each in _objects(body.get("interpretation")) for _, code in codings_of(each)]


def _conclusion(body: Body) -> str:
    own = _text(body.get("conclusion"))
    return own or "；".join(name_of(code, "") for code in _objects(body.get("conclusionCode")))


def _documents(resource: Resource, forms: Iterable[Body]) -> Iterable[Document]:
    for form in forms:
        kind, data, url = (_text(form.get(key)) for key in ("contentType", "data", "url"))
        file = file_in(resource, form)
        if kind and (data or file or url.startswith("Binary/")):
            size = file.size if file else _size(data) if data else _stated(form.get("size"))
            title = _text(form.get("title"))
            yield Document(kind.partition(";")[0].strip().lower(), title, data, url, file, size)


def _size(base64: str) -> int:
    """Of what was encoded, without decoding it."""
    return (len(base64) - sum(map(base64.count, "\r\n ="))) * 3 // 4


def _stated(size: Any) -> int | None:
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def _displays(body: Body, key: str) -> list[str]:
    return [_text(each.get("display")) for each in _objects(body.get(key)) if _text(each.get("display"))]


def _references(value: Any) -> Iterable[str]:
    """Ids of our own resources that something points at; contained ones are read where they lie."""
    for each in _objects(value):
        _, slash, id = _text(each.get("reference")).rpartition("/")
        if slash and id:
            yield id


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _plain(number: Decimal | None) -> str:
    """Without an exponent, with the digits it came with."""
    return format(number, "f") if number is not None else ""
