"""`_elements` and `_summary`: a resource with less in it, marked as not the whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from backend.exchange.fhir.definitions import shape_of
from backend.exchange.fhir.issues import Refused, refuse
from backend.exchange.fhir.references import places

# What changes how the rest is to be read is never left out.
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
SUMMARIES = ("count", "text", "data", "false")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is wanted of each resource: these elements and what is required, all if None; without its text."""

    elements: frozenset[str] | None = None
    without_text: bool = False

    def of(self, body: dict[str, Any]) -> dict[str, Any]:
        """The resource as it is wanted."""
        if self.elements is None and not self.without_text:
            return body
        kept = {name: value for name, value in body.items() if self._keeps(body["resourceType"], name)}
        if self.elements is not None:
            # Within a resource stands what is referred to from it, and nothing else (dom-3).
            kept.pop("contained", None)
            if "contained" in body and _points_inside(kept):
                kept["contained"] = body["contained"]
        meta = body.get("meta", {})
        return {**kept, "meta": {**meta, "tag": [*meta.get("tag", ()), _SUBSETTED]}}

    def _keeps(self, kind: str, name: str) -> bool:
        plain = name.removeprefix("_")
        if self.elements is None:
            return plain != "text"
        element = shape_of(kind).elements.get(plain)
        called = {plain, element.name} if element is not None else {plain}
        return plain in _ALWAYS or plain in _required(kind) or bool(called & self.elements)


def read_narrowing(kind: str, pairs: Iterable[tuple[str, str]]) -> Narrowing:
    """What an address asks for. Raises a refusal that says what may be asked."""
    found = Narrowing()
    for name, value in pairs:
        if name == "_elements":
            found = replace(found, elements=_elements(kind, value) | (found.elements or frozenset()))
        elif name == "_summary":
            found = _summary(found, value)
    return found


def _elements(kind: str, value: str) -> frozenset[str]:
    known = shape_of(kind).elements
    names = {name for key, element in known.items() for name in (key, element.name)}
    wanted = frozenset(each.strip().removeprefix(f"{kind}.") for each in value.split(","))
    if unknown := sorted(wanted - names):
        told = f"{kind} has no element '{unknown[0][:40]}'; _elements names those of the resource itself."
        raise refuse(Refused.PARAMETER_VALUE, told)
    return wanted


def _summary(found: Narrowing, value: str) -> Narrowing:
    match value:
        case "text":
            return replace(found, elements=(found.elements or frozenset()) | {"text"})
        case "data":
            return replace(found, without_text=True)
        case "count" | "false":
            return found
    told = f"_summary may be one of: {', '.join(SUMMARIES)}; name what you need by _elements."
    raise refuse(Refused.PARAMETER_VALUE, told)


def _required(kind: str) -> frozenset[str]:
    return frozenset(name for names, _ in shape_of(kind).required for name in names)


def _points_inside(body: dict[str, Any]) -> bool:
    return any(node["reference"].startswith("#") for node, _ in places(body, ""))
