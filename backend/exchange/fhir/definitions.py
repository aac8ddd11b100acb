"""The official R4 definitions (data/r4.json) as the checks use them, read once and only when needed."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

_FILE = Path(__file__).parent / "data" / "r4.json"
_CHOICE = "[x]"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that the specification words in FHIRPath."""

    key: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element as JSON names it: `valueQuantity` is the element `value` of the type `Quantity`."""

    name: str
    type: str
    # Where its own elements are described: a type and a path in it; None of a primitive.
    inner: tuple[str, str] | None
    targets: frozenset[str] = frozenset()


@dataclass(slots=True)
class Shape:
    """What may and must stand in one object."""

    elements: dict[str, Element] = field(default_factory=dict)
    # Of each required element the names it may have, and its own.
    required: list[tuple[frozenset[str], str]] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)


@functools.cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(_FILE.read_bytes())
    return data


@functools.cache
def served_types() -> tuple[str, ...]:
    """The types that are stored and served, by name."""
    return tuple(sorted(_data()["served"]))


@functools.cache
def known_types() -> frozenset[str]:
    """The resource types whose form is known here: served ones, and those that only come within others."""
    return frozenset((*_data()["served"], *_data()["carried"]))


@functools.cache
def schema_of(resource_type: str) -> jsonschema_rs.Draft6Validator:
    """The official JSON Schema of a type, compiled. Resources within resources are checked by themselves."""
    definitions = _data()["schema"] | {"ResourceList": {"type": "object"}}
    return jsonschema_rs.Draft6Validator(
        {"$ref": f"#/definitions/{resource_type}", "definitions": definitions}
    )


@functools.cache
def shape_of(type_name: str, path: str = "") -> Shape:
    """What stands in an object of a type, or at a path within one."""
    structure = _data()["structures"][type_name]
    shape = Shape()
    below = f"{path}." if path else ""
    for full, (least, _most, types) in structure["elements"].items():
        name = full.removeprefix(below)
        if not full.startswith(below) or "." in name:
            continue
        named = _named(type_name, full, name, types)
        shape.elements |= named
        if least and named:
            shape.required.append((frozenset(named), name.removesuffix(_CHOICE)))
    shape.constraints = [Constraint(*rule) for at, *rule in structure["constraints"] if at == path]
    return shape


@functools.cache
def targets_of(type_name: str, path: str) -> frozenset[str]:
    """To which types the references at a path of a type may lead; `Resource` is any."""
    _least, _most, types = _data()["structures"][type_name]["elements"].get(path, (0, "", ()))
    said = [targets for kind in types for name, _, targets in [kind.partition(":")] if name == "Reference"]
    return frozenset(target for targets in said for target in targets.split("|"))


def _named(type_name: str, full: str, name: str, types: list[str]) -> dict[str, Element]:
    if not name.endswith(_CHOICE):
        return {name: _element(type_name, full, name, types[0] if types else "")}
    base = name.removesuffix(_CHOICE)
    found = {}
    for kind in types:
        element = _element(type_name, full, base, kind)
        found[f"{base}{element.type[0].upper()}{element.type[1:]}"] = element
    return found


def _element(type_name: str, full: str, name: str, kind: str) -> Element:
    plain, _, targets = kind.partition(":")
    if plain.startswith("#"):
        owner, _, path = plain[1:].partition(".")
        return Element(name, "BackboneElement", (owner, path))
    if plain in ("BackboneElement", "Element"):
        return Element(name, plain, (type_name, full))
    if plain == "Resource" or plain in known_types():
        return Element(name, "Resource", None)
    inner = (plain, "") if plain in _data()["structures"] else None
    return Element(name, plain, inner, frozenset(targets.split("|")) if targets else frozenset())
