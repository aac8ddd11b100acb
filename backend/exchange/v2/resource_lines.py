"""What a message has become, a line for each resource: what it is and says, not whose. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.records.models import Resource
from backend.security.masking import mask_id_number
from backend.security.redaction import redact

# Where a type says what it is about, the likeliest first. Nothing that may name or describe a person.
_SUBJECTS = (
    *("code", "medicationCodeableConcept", "vaccineCode", "type", "class", "serviceType", "category"),
    *("relationship", "appointmentType", "modality"),
)
_LONGEST = 60
# What somebody has written freely may name whom it is about.
_WRITTEN = "（文字）"


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """One resource: its type, its masked id, and as far as may be shown what it is, when, its value."""

    type: str
    id: str
    what: str = ""
    at: datetime | None = None
    value: str = ""
    # Taken back, or about what needs more than looking after messages.
    hidden: bool = False


def lines_of(named: Sequence[str], found: Iterable[Resource]) -> list[ResourceLine]:
    """Lines for resources as a message names them (`Type/id`), in their order."""
    by_id = {each.id: each for each in found}
    lines = []
    for name in named:
        kind, _, id = name.partition("/")
        resource = by_id.get(id)
        if resource is None or resource.deleted:
            lines.append(ResourceLine(kind, mask_id_number(id), hidden=True))
        else:
            body = resource.body
            lines.append(ResourceLine(kind, mask_id_number(id), _what(body), resource.at, _value(body)))
    return lines


def _what(body: Mapping[str, Any]) -> str:
    concepts = (each for name in _SUBJECTS for each in _listed(body.get(name)))
    return next((said for each in concepts if (said := _concept(each))), "")


def _concept(value: Any) -> str:
    """A code as people read it: its name and the code itself."""
    if not isinstance(value, Mapping):
        return ""
    codings = [each for each in (*_listed(value.get("coding")), value) if isinstance(each, Mapping)]
    for coding in codings:
        code, display = str(coding.get("code", "")), str(coding.get("display", ""))
        if code:
            return _short(f"{display}（{code}）" if display and display != code else code)
    return _WRITTEN if value.get("text") else ""


def _value(body: Mapping[str, Any]) -> str:
    quantity = body.get("valueQuantity")
    if isinstance(quantity, Mapping):
        parts = (
            quantity.get("comparator"),
            quantity.get("value"),
            quantity.get("unit") or quantity.get("code"),
        )
        return _short(" ".join(str(part) for part in parts if part is not None))
    for name in ("valueInteger", "valueBoolean", "valueDateTime", "valueTime"):
        if name in body:
            return _short(str(body[name]))
    if "valueCodeableConcept" in body:
        return _concept(body["valueCodeableConcept"])
    return _WRITTEN if "valueString" in body else ""


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _short(text: str) -> str:
    return redact(text)[:_LONGEST]
