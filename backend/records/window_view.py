"""Resources in the words of the record window: titles, values, flags, and what stands beside them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.records.models import Overview, Resource
from backend.records.words import KIND_NAMES

_UP, _DOWN = frozenset({"H", "HH", "HU", ">"}), frozenset({"L", "LL", "LU", "<"})
_NOTED = frozenset({"A", "AA", "POS", "DET", "R"})
_GRAVE = frozenset({"HH", "LL", "AA"})
_CLASSES = {
    "AMB": "门诊", "EMER": "急诊", "IMP": "住院", "ACUTE": "住院", "NONAC": "住院", "OBSENC": "留观",
    "HH": "家庭访视", "VR": "线上就诊", "PRENC": "入院前",
}  # fmt: skip
_SEVERE = {"high": "严重", "low": "轻", "unable-to-assess": ""}
_MOST_FLAGS = 6
_MEDICINES = frozenset({"MedicationRequest", "MedicationStatement", "MedicationDispense"})
_OVER = frozenset({"stopped", "cancelled", "entered-in-error", "completed"})


@dataclass(frozen=True, slots=True)
class Flag:
    """A result out of the ordinary: what, how much, which way, and whether it is grave."""

    name: str
    value: str
    way: str
    grave: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline."""

    id: str
    at: datetime
    kind: str
    kind_name: str
    title: str
    detail: str
    organization_id: str
    flags: tuple[Flag, ...] = ()
    more_flags: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a report."""

    name: str
    value: str
    range: str
    way: str
    grave: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """An allergy."""

    name: str
    severity: str
    reaction: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The first page."""

    rows: list[Row]
    alerts: list[Alert]
    medicines: list[Row] = field(default_factory=list)


def seen_of(overview: Overview) -> Seen:
    """The overview in lines."""
    rows = [row_of(each, overview.results) for each in overview.timeline.items]
    medicines = [
        row_of(each, {})
        for each in overview.timeline.items
        if each.type in _MEDICINES and each.status not in _OVER
    ]
    alerts = [_alert(each.body) for each in overview.allergies if _holds(each.body)]
    return Seen(rows, list(dict.fromkeys(alerts)), _newest(medicines))


def row_of(resource: Resource, results: Mapping[str, Resource]) -> Row:
    """One resource as a line."""
    flags = [flag for id in resource.refs if id in results and (flag := _flag(results[id].body)) is not None]
    flags.sort(key=lambda flag: not flag.grave)
    return Row(
        id=resource.id,
        at=resource.at,
        kind=str(resource.kind),
        kind_name=KIND_NAMES[resource.kind],
        title=title_of(resource),
        detail=_detail(resource),
        organization_id=resource.organization_id,
        flags=tuple(flags[:_MOST_FLAGS]),
        more_flags=max(0, len(flags) - _MOST_FLAGS),
    )


def title_of(resource: Resource) -> str:
    """What it is called."""
    body = resource.body
    if resource.type == "Encounter":
        kind = _CLASSES.get(str((body.get("class") or {}).get("code")), "就诊")
        about = said(body.get("serviceType")) or said(_first(body.get("type")))
        return f"{kind} {about}".strip()
    for name in ("code", "medicationCodeableConcept", "vaccineCode", "type"):
        text = said(_first(body.get(name)))
        if text:
            return text
    return str(body.get("description") or body.get("title") or KIND_NAMES[resource.kind])


def results_of(resource: Resource, results: Mapping[str, Resource]) -> list[Result]:
    """What a report found, in its own order; the resource itself when it is a result."""
    found = [results[id] for id in resource.refs if id in results and results[id].type == "Observation"]
    if resource.type == "Observation":
        found = [resource, *found]
    return [line for each in found for line in _lines(each.body)]


def facts_of(resource: Resource) -> list[tuple[str, str]]:
    """What else is known of it, label and words."""
    body = resource.body
    facts = [
        ("结论", str(body.get("conclusion") or "")),
        ("用法", _dosage(body)),
        ("原因", "、".join(filter(None, (said(each) for each in _list(body.get("reasonCode")))))),
        ("部位", "、".join(filter(None, (said(each) for each in _list(body.get("bodySite")))))),
        ("反应", _reaction(body)),
        ("批号", str(body.get("lotNumber") or "")),
        ("诊断", "、".join(_display(each.get("condition")) for each in _list(body.get("diagnosis")))),
        ("科室", said(body.get("serviceType"))),
        ("备注", "；".join(str(each.get("text") or "") for each in _list(body.get("note")))),
    ]
    return [(label, text) for label, text in facts if text.strip("、；")]


def said(codeable: Any) -> str:
    """A concept in words: its text, else what its coding shows, else the code itself."""
    if not isinstance(codeable, dict):
        return ""
    if codeable.get("text"):
        return str(codeable["text"])
    codings = [each for each in _list(codeable.get("coding")) if isinstance(each, dict)]
    shown = [str(each.get("display") or "") for each in codings]
    return next(filter(None, [*shown, *(str(each.get("code") or "") for each in codings)]), "")


# -- parts ---------------------------------------------------------------------------------------------


def _detail(resource: Resource) -> str:
    body = resource.body
    if resource.type == "Observation":
        return _value(body)
    return str(body.get("conclusion") or "") or _dosage(body) or _reaction(body)


def _lines(body: Mapping[str, Any]) -> Iterable[Result]:
    if _value(body) or not body.get("component"):
        yield _result(body)
    for part in _list(body.get("component")):
        yield _result(part)


def _result(body: Mapping[str, Any]) -> Result:
    way, grave = _way(body)
    return Result(said(body.get("code")), _value(body), _range(body), way, grave)


def _flag(body: Mapping[str, Any]) -> Flag | None:
    for part in (body, *_list(body.get("component"))):
        way, grave = _way(part)
        if way:
            return Flag(said(part.get("code")), _value(part), way, grave)
    return None


def _way(body: Mapping[str, Any]) -> tuple[str, bool]:
    """Which way a result is out of the ordinary, as the laboratory says, else by its own range."""
    codes = {
        str(coding.get("code"))
        for each in _list(body.get("interpretation"))
        for coding in _list(each.get("coding"))
    }
    grave = bool(codes & _GRAVE)
    if codes & _UP:
        return "↑", grave
    if codes & _DOWN:
        return "↓", grave
    if codes:
        return ("异常", grave) if codes & _NOTED else ("", False)
    value = (body.get("valueQuantity") or {}).get("value")
    limits: Any = _first(body.get("referenceRange")) or {}
    low, high = (limits.get("low") or {}).get("value"), (limits.get("high") or {}).get("value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "", False
    if isinstance(high, int | float) and value > high:
        return "↑", False
    return ("↓", False) if isinstance(low, int | float) and value < low else ("", False)


def _value(body: Mapping[str, Any]) -> str:
    quantity = body.get("valueQuantity")
    if isinstance(quantity, dict):
        amount = f"{quantity.get('comparator') or ''}{quantity.get('value', '')}"
        return f"{amount} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    for name in ("valueString", "valueInteger", "valueDateTime"):
        if body.get(name) is not None:
            return str(body[name])
    return said(body.get("valueCodeableConcept"))


def _range(body: Mapping[str, Any]) -> str:
    limits: Any = _first(body.get("referenceRange")) or {}
    if limits.get("text"):
        return str(limits["text"])
    low, high = (limits.get("low") or {}).get("value"), (limits.get("high") or {}).get("value")
    if low is not None and high is not None:
        return f"{low} – {high}"
    if high is not None:
        return f"≤ {high}"
    return f"≥ {low}" if low is not None else ""


def _dosage(body: Mapping[str, Any]) -> str:
    given: Any = _first(body.get("dosageInstruction") or body.get("dosage")) or {}
    return str(given.get("text") or "") if isinstance(given, dict) else ""


def _reaction(body: Mapping[str, Any]) -> str:
    signs = [said(sign) for each in _list(body.get("reaction")) for sign in _list(each.get("manifestation"))]
    return "、".join(filter(None, signs))


def _alert(body: Mapping[str, Any]) -> Alert:
    severity = _SEVERE.get(str(body.get("criticality")), "")
    return Alert(said(body.get("code")) or "未写明", severity, _reaction(body))


def _holds(body: Mapping[str, Any]) -> bool:
    """Not one that was ruled out or taken back."""
    clinical = {str(each.get("code")) for each in _list((body.get("clinicalStatus") or {}).get("coding"))}
    verified = {str(each.get("code")) for each in _list((body.get("verificationStatus") or {}).get("coding"))}
    return not clinical & {"inactive", "resolved"} and not verified & {"refuted", "entered-in-error"}


def _newest(rows: list[Row]) -> list[Row]:
    """Each medicine once."""
    return list({row.title: row for row in reversed(rows)}.values())[::-1]


def _display(reference: Any) -> str:
    return str(reference.get("display") or "") if isinstance(reference, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value
