"""NK1, GT1, IN1-16, PID-21: who stands by a patient, answers for the bill, is the insured, is the mother."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, unique
from backend.exchange.v2.mapping.datatypes import (
    addresses,
    coded,
    coded_all,
    each,
    identifier,
    names,
    of_table,
    organization,
    period,
    telecoms,
)
from backend.exchange.v2.mapping.times import fhir_date
from backend.exchange.v2.segments import Segment

_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def build_relatives(b: Building) -> None:
    """All of them; each by its segment's number."""
    for segment in b.content.each("NK1"):
        _next_of_kin(b, segment)
    for segment in b.content.each("GT1"):
        _guarantor(b, segment)
    for segment, extra in _insurances(b):
        _insured(b, segment, extra)
    patient = b.content.first("PID")
    if patient is not None:
        _mother(b, patient)


def _next_of_kin(b: Building, segment: Segment) -> None:
    named = names(b, segment, 2) + names(b, segment, 30)
    places = each(segment.reps(13), lambda rep: organization(b, rep))
    if not named and not places:
        return
    numbers = [identifier(b, rep) for number in (33, 12) for rep in segment.reps(number)]
    if segment.text(37):
        numbers.append({"value": segment.text(37), "type": of_table("0203", "SS")})
    b.add("RelatedPerson", f"nk1:{segment.text(1) or segment.at}", {
        "patient": b.subject,
        "identifier": numbers,
        "name": named,
        "relationship": _relations(b, segment, 3, 7),
        "telecom": telecoms(b, segment, 5, 6, 31, 40),
        "address": addresses(b, segment, 4) + addresses(b, segment, 32),
        "gender": _sex(b, segment, 15),
        "birthDate": fhir_date(segment.text(16)),
        "period": period(fhir_date(segment.text(8)), fhir_date(segment.text(9))),
        "communication": [{"language": language} for language in coded_all(b, segment, 20)],
    })  # fmt: skip


def _guarantor(b: Building, segment: Segment) -> None:
    named = names(b, segment, 3) + names(b, segment, 4)
    if not named:
        return
    numbers = [identifier(b, rep) for rep in segment.reps(2)]
    if segment.text(12):
        numbers.append({"value": segment.text(12), "type": of_table("0203", "SB")})
    b.add("RelatedPerson", f"gt1:{segment.text(1) or segment.at}", {
        "patient": b.subject,
        "identifier": numbers + [identifier(b, rep) for rep in segment.reps(19)],
        "name": named,
        "relationship": _relations(b, segment, 11) or [{"text": "费用担保人"}],
        "telecom": telecoms(b, segment, 6, 7, 18),
        "address": addresses(b, segment, 5),
        "gender": _sex(b, segment, 9),
        "birthDate": fhir_date(segment.text(8)),
        "period": period(fhir_date(segment.text(13)), fhir_date(segment.text(14))),
    })  # fmt: skip


def _insurances(b: Building) -> list[tuple[Segment, Segment | None]]:
    """Each IN1 with the IN2 behind it."""
    found: list[tuple[Segment, Segment | None]] = []
    for segment in b.content.all:
        if segment.name == "IN1":
            found.append((segment, None))
        elif segment.name == "IN2" and found:
            found[-1] = (found[-1][0], segment)
    return found


def _insured(b: Building, segment: Segment, extra: Segment | None) -> None:
    """The insured, where that is somebody else."""
    named = names(b, segment, 16)
    if not named or segment.text(17) in ("SEL", "18", "01"):
        return
    numbers = [identifier(b, rep) for rep in segment.reps(49)]
    if extra is not None:
        numbers += [identifier(b, rep) for rep in extra.reps(1)]
        if extra.text(2):
            numbers.append({"value": extra.text(2), "type": of_table("0203", "SS")})
    b.add("RelatedPerson", f"in1:{segment.text(1) or segment.at}", {
        "patient": b.subject,
        "identifier": numbers,
        "name": named,
        "relationship": _relations(b, segment, 17),
        "telecom": telecoms(b, extra, 63) if extra is not None else None,
        "address": addresses(b, segment, 19),
        "gender": _sex(b, segment, 43),
        "birthDate": fhir_date(segment.text(18)),
        "communication": [{"language": said} for said in coded_all(b, extra, 34)] if extra else None,
    })  # fmt: skip


def _mother(b: Building, segment: Segment) -> None:
    """A newborn's mother by her own number; her name is with the patient."""
    numbers = [identifier(b, rep) for rep in segment.reps(21)]
    if numbers:
        b.add("RelatedPerson", "mother", {
            "patient": b.subject,
            "identifier": numbers,
            "name": names(b, segment, 6),
            "relationship": [{"coding": [{"system": _ROLE, "code": "MTH"}]}],
        })  # fmt: skip


def _sex(b: Building, segment: Segment, number: int) -> str | None:
    said = segment.text(number)
    return b.code("sex", said, segment, number) if said else None


def _relations(b: Building, segment: Segment, *numbers: int) -> list[Json]:
    found = []
    for number in numbers:
        for rep in segment.reps(number):
            said = coded(b, rep)
            known = b.codes.look_up("relationship", rep.c(1))
            if known and len(known) > 1:
                said.setdefault("coding", []).append({"system": _ROLE, "code": known})
            found.append(said)
    return unique(found)
