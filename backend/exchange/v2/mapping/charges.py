"""FT1: what a visit costs, item by item."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, tidy
from backend.exchange.v2.mapping.datatypes import (
    coded,
    coded_all,
    each,
    entity_key,
    practitioner,
    quantity,
    time_of,
)
from backend.exchange.v2.mapping.people import money
from backend.exchange.v2.segments import Segment

# FT1-6: a charge, a credit (taken back), a payment, an adjustment.
_STATES = {"CG": "billable", "CR": "aborted", "CD": "aborted", "PY": "billed", "AJ": "billable"}


def build_charges(b: Building) -> None:
    """ChargeItem by the transaction's number; without one, by visit, item and day."""
    for segment in b.content.each("FT1"):
        code = _code(b, segment)
        if not code:
            b.not_understood("segment", segment)
            continue
        number = entity_key(segment.rep(2))
        at = segment.rep(4)
        start, end = time_of(b, segment, 4, at), time_of(b, segment, 4, at, 2)
        visit = b.encounter["reference"] if b.encounter else ""
        key = number or f"{visit}|{segment.text(7) or segment.text(25)}|{start}|{segment.text(1)}"
        count = segment.text(10)
        b.add("ChargeItem", f"charge:{key}", {
            "identifier": [{"value": number, "system": f"urn:healthycity:charges:{b.organization_id}"}]
            if number
            else None,
            "status": _STATES.get(segment.text(6).upper(), "unknown"),
            "code": code,
            "subject": b.subject,
            "context": b.encounter,
            "occurrenceDateTime": None if end else start,
            "occurrencePeriod": {"start": start, "end": end} if end else None,
            "enteredDate": time_of(b, segment, 5),
            "quantity": quantity(count),
            "priceOverride": _price(segment),
            "reason": coded_all(b, segment, 19),
            "performer": _people(b, segment, 20),
            "enterer": next(iter(each(segment.reps(24), lambda rep: practitioner(b, rep))), None),
        })  # fmt: skip


def _code(b: Building, segment: Segment) -> Json:
    for number in (7, 25, 29):
        if said := coded(b, segment.rep(number)):
            return said
    return {"text": segment.words(8)} if segment.words(8) else {}


def _price(segment: Segment) -> Json | None:
    """The sum charged; without one, what a single unit costs."""
    for number in (11, 22):
        said = segment.rep(number)
        if found := money(said.c(1), said.c(1, 2)):
            return found
    return None


def _people(b: Building, segment: Segment, number: int) -> list[Json]:
    return [tidy({"actor": who}) for who in each(segment.reps(number), lambda rep: practitioner(b, rep))]
