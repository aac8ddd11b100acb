"""What stands already under the numbers of a message: an order is one, whichever of them it is called by.

Pure. Who looks it up within the chart is processing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.segments import Content, Rep
from backend.records.ids import resource_id

Json = dict[str, Any]

TYPES = ("ServiceRequest", "DiagnosticReport", "Appointment", "MedicationRequest")
# Where a placer's and a filler's number stand. A group's number (ORC-4) is that of several orders.
_PLACES = {"ORC": (2, 3), "OBR": (2, 3), "SCH": (1, 2)}


@dataclass(frozen=True)
class Number:
    """A business identifier; `kind` is PLAC, FILL or empty."""

    kind: str
    system: str
    value: str


@dataclass(frozen=True)
class Known:
    """A resource of the chart that bears one of the message's numbers."""

    id: str
    type: str
    numbers: tuple[Number, ...]
    code: Json


def read_known(id: str, body: Json) -> Known:
    """What is compared of a resource."""
    return Known(
        id, str(body["resourceType"]), numbers_of(body.get("identifier") or ()), body.get("code") or {}
    )


def numbers_of(identifiers: Iterable[Json]) -> tuple[Number, ...]:
    """Identifiers as a resource has them."""
    found = []
    for each in identifiers:
        if each.get("value"):
            codings = (each.get("type") or {}).get("coding") or [{}]
            kind = str(codings[0].get("code", ""))
            kind = kind if kind in ("PLAC", "FILL") else ""
            found.append(Number(kind, str(each.get("system", "")), str(each["value"])))
    return tuple(found)


def number_of(codes: Codes, rep: Rep) -> tuple[str, str]:
    """System and value of an EI; two empty texts where there is none."""
    value = rep.c(1) or (rep.c(3) if rep.c(4).upper() in ("GUID", "UUID", "ISO") else "")
    return (codes.namespace(rep.c(2), rep.c(3), rep.c(4)) if rep.c(1) else "", value)


def numbers_in(content: Content, codes: Codes) -> list[tuple[str, str]]:
    """Every number of an order or an appointment that a message names."""
    found = [
        number_of(codes, segment.rep(place))
        for segment in content.all
        for place in _PLACES.get(segment.name, ())
    ]
    return list(dict.fromkeys(pair for pair in found if pair[1]))


def is_same(said: Sequence[Number], known: Known) -> bool:
    """Whether one number is shared and none of the same kind and system is another one."""
    shared = False
    for one, other in product(said, known.numbers):
        if one.system != other.system or (one.kind and other.kind and one.kind != other.kind):
            continue
        if one.value == other.value:
            shared = True
        elif one.kind and one.kind == other.kind:
            return False
    return shared


def has_code(known: Known, code: Json) -> bool:
    """Whether it is about the same thing."""
    said, there = _codings(code), _codings(known.code)
    return bool(said & there) if said or there else code.get("text") == known.code.get("text")


def key_of(chart_id: str, prefix: str, known: Known, spelled: Iterable[str]) -> str | None:
    """The order's key under which it was first written, if it can be told: its results are keyed by it too.

    `spelled`: numbers as the message at hand spells them.
    """
    numbers = [*spelled, *(spelling for number in known.numbers for spelling in _spellings(number))]
    codes = [*(code for _, code in sorted(_codings(known.code))), str(known.code.get("text", "")), ""]
    tried = (f"{number}|{code}" for number, code in product(dict.fromkeys(numbers), dict.fromkeys(codes)))
    return next((key for key in tried if resource_id(chart_id, known.type, prefix + key) == known.id), None)


def _codings(code: Json) -> set[tuple[str, str]]:
    return {
        (str(each.get("system", "")), str(each["code"]))
        for each in code.get("coding") or ()
        if each.get("code")
    }


def _spellings(number: Number) -> list[str]:
    """How the EI may have been written."""
    assigner = number.system.rpartition(":")[2]
    return [f"{number.value}^{assigner}", number.value] if assigner else [number.value]
