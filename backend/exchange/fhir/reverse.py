"""What may come along because it refers to what was found (`_revinclude`): told from the R4 definitions."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from backend.exchange.fhir.definitions import served_types, targets_of
from backend.exchange.fhir.parameters import includes_of
from backend.exchange.fhir.values import values
from backend.records.types import TYPES

_PUBLIC = 1


@dataclass(frozen=True, slots=True)
class Reverse:
    """Resources of a type that refer to what was found, and at which places."""

    type: str
    paths: tuple[str, ...]

    def leads_to(self, body: dict[str, Any], ids: Collection[str]) -> bool:
        """Whether a resource is of this type and refers there to one of these."""
        return body["resourceType"] == self.type and any(
            isinstance(value, dict) and str(value.get("reference", "")).rpartition("/")[2] in ids
            for path in self.paths
            for value in values(body, path)
        )


@functools.cache
def reverses_of(kind: str) -> dict[str, Reverse]:
    """What `_revinclude` may name of a search for a type, as `Type:parameter`.

    Nothing of what is an institution's own: whoever refers to a doctor is no one patient.
    """
    if TYPES[kind].sensitivity == _PUBLIC:
        return {}
    found = {}
    for type in served_types():
        for name, said in includes_of(type).items():
            paths = tuple(path for path in said.split(",") if {kind, "Resource"} & targets_of(type, path))
            if paths:
                found[f"{type}:{name}"] = Reverse(type, paths)
    return found
