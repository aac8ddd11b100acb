"""Whether a resource is R4: by the official JSON Schema, by cardinalities and types, by the invariants.

Three passes, each cheaper than the next: what fails the first two is not asked the third. A resource within a
resource is checked like one by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import jsonschema_rs
import orjson

from backend import exact_json
from backend.exchange.fhir import everywhere, invariants
from backend.exchange.fhir.definitions import Element, Shape, known_types, schema_of, shape_of
from backend.exchange.fhir.issues import MOST_ISSUES, Issue, Refused

_Kinds = jsonschema_rs.ValidationErrorKind
_INTEGERS = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}
_CIVIL = {"date", "dateTime", "instant"}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_TYPED_REFERENCE = re.compile(
    r"^(?:https?://.+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[^/]+)?$|^([A-Z][A-Za-z]+)\?"
)


def problems(resource: Any, root: dict[str, Any] | None = None) -> list[Issue]:
    """Everything that is wrong with a resource, each thing where it is; empty when it is good.

    `root` is the resource that it lies within.
    """
    if not isinstance(resource, dict):
        return [Issue(Refused.STRUCTURE, "A resource is a JSON object.")]
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in known_types():
        return [Issue(Refused.TYPE_UNKNOWN, f"resourceType is missing or not supported here{_named(kind)}.")]
    # The schema's compiler knows floats, not our numbers with a spelling.
    plain = orjson.loads(exact_json.dumps(resource))
    found = [*_by_schema(kind, plain), *_walk(shape_of(kind), plain, kind)]
    if not found:
        found = [
            *everywhere.of_resource(plain, kind),
            *_by_invariants(shape_of(kind), plain, kind, root or plain),
        ]
    contained = plain.get("contained")
    for number, inner in enumerate(contained if isinstance(contained, list) else ()):
        where = f"{kind}.contained[{number}]"
        found += [issue.at(where) for issue in problems(inner, plain)]
    return found[:MOST_ISSUES]


def _named(kind: Any) -> str:
    return f" ({kind})" if isinstance(kind, str) and re.fullmatch(r"[A-Za-z]{1,39}", kind) else ""


def _sayable(name: str) -> str:
    """A name that was sent, if it can be an element's: instead of one a person's name or number may stand."""
    return name[:40] if re.fullmatch(r"_?[A-Za-z]+", name) else "?"


def _by_schema(kind: str, plain: dict[str, Any]) -> Iterator[Issue]:
    for number, error in enumerate(schema_of(kind).iter_errors(plain)):
        if number == MOST_ISSUES:
            return
        where = located(kind, error.instance_path)
        yield _schema_issue(error, where)


def _schema_issue(error: jsonschema_rs.ValidationError, where: str) -> Issue:
    """In plain words, and without repeating what was sent: it may be about a person."""
    kind = error.kind
    match kind:
        case _Kinds.Required():
            return Issue(Refused.REQUIRED, f"'{kind.property}' is required.", f"{where}.{kind.property}")
        case _Kinds.AdditionalProperties():
            names = ", ".join(f"'{_sayable(name)}'" for name in kind.unexpected[:5])
            return Issue(Refused.UNKNOWN_ELEMENT, f"R4 has no element {names} here.", where)
        case _Kinds.Enum() | _Kinds.Constant():
            allowed = _allowed(kind)
            return Issue(Refused.CODE, f"The code is none of those allowed here{allowed}.", where)
        case _Kinds.Pattern():
            return Issue(
                Refused.VALUE, f"The value has not the form of its type{_hint(error.instance)}.", where
            )
        case _Kinds.Type():
            return Issue(Refused.STRUCTURE, f"A JSON {' or '.join(_types(kind))} is expected here.", where)
    return Issue(Refused.STRUCTURE, "The value does not fit the R4 JSON Schema.", where)


def _allowed(kind: Any) -> str:
    options = getattr(kind, "options", None) or [getattr(kind, "expected_value", "")]
    return f": {', '.join(str(option) for option in options[:20])}"


def _types(kind: Any) -> list[str]:
    return [str(name) for name in kind.types]


def _hint(value: Any) -> str:
    """What people overlook: blanks that are none."""
    if isinstance(value, str) and not value:
        return ": it is empty, leave the element out"
    if isinstance(value, str) and re.search(r"[\u00a0\u2000-\u200b\u3000\ufeff]", value):
        return ": it contains a no-break or full-width space"
    return ""


def located(kind: str, path: list[str | int]) -> str:
    """A place as FHIRPath names it: the element `value`, not its JSON name `valueQuantity`."""
    shape: Shape | None = shape_of(kind)
    said = kind
    for part in path:
        if isinstance(part, int):
            said += f"[{part}]"
            continue
        element = shape.elements.get(part.removeprefix("_")) if shape else None
        said += f".{element.name if element else _sayable(part)}"
        shape = shape_of(*element.inner) if element and element.inner else None
    return said


def _walk(shape: Shape, node: Any, where: str) -> Iterator[Issue]:
    """What the JSON Schema does not ask: required simple values, empty things, whole numbers, real days."""
    if not isinstance(node, dict):
        return
    for names, name in shape.required:
        if not any(each in node or f"_{each}" in node for each in names):
            # Complex ones the schema asks for by itself.
            first = shape.elements[next(iter(names))]
            if first.inner is None or len(names) > 1:
                yield Issue(Refused.REQUIRED, f"'{name}' is required.", f"{where}.{name}")
    for name, value in node.items():
        element = shape.elements.get(name)
        if value is None or value in ({}, []):
            yield Issue(
                Refused.VALUE,
                "An empty value says nothing: leave the element out.",
                f"{where}.{_sayable(name)}",
            )
        elif element is not None:
            yield from _element(element, value, f"{where}.{element.name}", node.get(f"_{name}"))


def _element(element: Element, value: Any, where: str, beside: Any) -> Iterator[Issue]:
    if not isinstance(value, list):
        yield from _single(element, value, where)
        return
    for number, item in enumerate(value):
        if item is None and isinstance(beside, list) and len(beside) > number and beside[number]:
            continue  # its extensions stand in the list beside it
        if item is None or item == {}:
            yield Issue(Refused.VALUE, "An empty value says nothing: leave it out.", f"{where}[{number}]")
        else:
            yield from _single(element, item, f"{where}[{number}]")


def _single(element: Element, value: Any, where: str) -> Iterator[Issue]:
    if element.inner is not None or element.type in ("Resource", "xhtml"):
        # The official JSON Schema does not say of most types that they are objects.
        wanted = str if element.type == "xhtml" else dict
        if not isinstance(value, wanted):
            told = "text" if wanted is str else f"an object of type {element.type}"
            yield Issue(Refused.STRUCTURE, f"The value is to be {told}.", where)
            return
    if element.inner is not None:
        yield from _walk(shape_of(*element.inner), value, where)
        if element.targets:
            yield from _target(element, value, where)
    elif element.type in _INTEGERS and isinstance(value, int | float):
        least, most = _INTEGERS[element.type]
        if isinstance(value, float) or not least <= value <= most:
            yield Issue(Refused.VALUE, f"A whole number from {least} to {most} is expected.", where)
    elif element.type in _CIVIL and isinstance(value, str) and not _is_day(value):
        yield Issue(Refused.VALUE, "There is no such day in the calendar.", where)


def _target(element: Element, value: Any, where: str) -> Iterator[Issue]:
    reference = value.get("reference") if isinstance(value, dict) else None
    match = _TYPED_REFERENCE.match(reference) if isinstance(reference, str) else None
    to = match and (match[1] or match[2])
    if to and to not in element.targets and "Resource" not in element.targets:
        allowed = ", ".join(sorted(element.targets))
        yield Issue(Refused.REFERENCE_TYPE, f"A reference to {allowed} is expected.", f"{where}.reference")


def _is_day(text: str) -> bool:
    match = _DAY.match(text)
    if match is None:
        return True
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def _by_invariants(shape: Shape, node: Any, where: str, resource: dict[str, Any]) -> Iterator[Issue]:
    for rule in shape.constraints:
        if not invariants.holds(rule, node, resource):
            yield invariants.issue(rule, where)
    for name, value in node.items():
        element = shape.elements.get(name)
        if element is None or element.inner is None:
            continue
        items = value if isinstance(value, list) else [value]
        for number, item in enumerate(items):
            if isinstance(item, dict):
                place = f"{where}.{element.name}" + (f"[{number}]" if isinstance(value, list) else "")
                yield from _by_invariants(shape_of(*element.inner), item, place, resource)
