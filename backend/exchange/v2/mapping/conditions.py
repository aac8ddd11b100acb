"""DG1, AL1, IAM, PR1: diagnoses, allergies, procedures."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    coded,
    coded_all,
    coded_by,
    each,
    entity,
    entity_key,
    practitioner,
    time_of,
)
from backend.exchange.v2.segments import Segment

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def build_conditions(b: Building) -> list[Json]:
    """DG1: what was diagnosed in the visit; the visit lists them."""
    found = []
    for segment in b.content.each("DG1"):
        code, text = segment.rep(3), segment.words(4)
        if not code and not text:
            b.not_understood("segment", segment)
            continue
        own = entity_key(segment.rep(20))
        key = f"dg1:{own}" if own else f"{_visit(b)}:dg1:{code.c(1) or text or code.c(2)}"
        wrong = segment.text(21) == "D"
        said = coded_by(b, segment, "diagnosis")
        ref = b.add("Condition", key, {
            "identifier": each(segment.reps(20), lambda rep: entity(b, rep)),
            "clinicalStatus": None if wrong else _one(_CLINICAL, "active"),
            "verificationStatus": _one(_VERIFIED, "entered-in-error" if wrong else _certainty(segment)),
            "category": [_one(_CATEGORY, "encounter-diagnosis")],
            "code": {**said, "text": text or said.get("text")},
            "subject": b.subject,
            "encounter": b.encounter,
            "onsetDateTime": time_of(b, segment, 5),
            "recordedDate": time_of(b, segment, 19),
            "asserter": next(iter(each(segment.reps(16), lambda rep: practitioner(b, rep))), None),
        })  # fmt: skip
        kind = segment.text(6)
        role = b.code("diagnosis_type", kind, segment, 6) if kind else None
        if not wrong:
            rank = segment.text(15)
            found.append(tidy({
                "condition": ref,
                "use": _one(_ROLE, role) if role else None,
                "rank": int(rank) if rank.isdigit() and 0 < int(rank) < 1000 else None,
            }))  # fmt: skip
    return found


def _certainty(segment: Segment) -> str:
    return "provisional" if segment.text(6) == "W" else "confirmed"


def build_allergies(b: Building) -> None:
    """AL1 and IAM: what somebody does not bear."""
    for segment in b.content.each("AL1"):
        if segment.rep(3):
            _allergy(b, segment, "", wrong=False)
    for segment in b.content.each("IAM"):
        if segment.rep(3):
            _allergy(b, segment, entity_key(segment.rep(7)), wrong=segment.text(6) == "D")


def _allergy(b: Building, segment: Segment, own: str, *, wrong: bool) -> None:
    what, severity = segment.rep(3), segment.text(4)
    kind = segment.text(2)
    iam = segment.name == "IAM"
    category = b.code("allergy_type", kind, segment, 2) if kind else None
    onset = time_of(b, segment, 11 if iam else 6)
    reactions = [coded(b, rep) if iam else rep.c(2) or rep.c(1) for rep in segment.reps(5)]
    manifestation = [{"text": said} if isinstance(said, str) else said for said in reactions if said]
    b.add("AllergyIntolerance", f"allergy:{own or what.c(1) or what.c(2)}", {
        "identifier": [entity(b, segment.rep(7))] if iam else None,
        "clinicalStatus": None if wrong else _one(_ALLERGY_CLINICAL, "active"),
        "verificationStatus": _one(_ALLERGY_VERIFIED, "entered-in-error") if wrong else None,
        "type": "intolerance" if iam and segment.text(9) == "IN" else "allergy",
        "category": [category] if category else None,
        "criticality": b.code("allergy_severity", severity, segment, 4) if severity else None,
        "code": coded(b, what),
        "patient": b.subject,
        "encounter": b.encounter,
        "onsetDateTime": onset,
        "recordedDate": time_of(b, segment, 20) if iam else None,
        "reaction": [{"manifestation": manifestation, "onset": onset if not iam else None}]
        if manifestation
        else None,
    })  # fmt: skip


def build_procedures(b: Building) -> None:
    """PR1: what was done."""
    for segment in b.content.each("PR1"):
        code, text = segment.rep(3), segment.words(4)
        at = time_of(b, segment, 5)
        own = entity_key(segment.rep(19))
        key = f"pr1:{own}" if own else f"{_visit(b)}:pr1:{code.c(1) or text}:{at or ''}"
        said = coded_by(b, segment)
        if not said and not text:
            b.not_understood("segment", segment)
            continue
        b.add("Procedure", key, {
            "identifier": each(segment.reps(19), lambda rep: entity(b, rep)),
            "status": "entered-in-error" if segment.text(20) == "D" else "completed",
            "category": coded(b, segment.rep(6)),
            "code": {**said, "text": text or said.get("text")},
            "subject": b.subject,
            "encounter": b.encounter,
            "performedDateTime": at,
            "performer": _performers(b, segment),
            "reasonCode": coded_all(b, segment, 15),
        })  # fmt: skip


def _performers(b: Building, segment: Segment) -> list[Json]:
    found = []
    for number, role in ((8, "anesthesiologist"), (11, "surgeon"), (12, "")):
        for who in each(segment.reps(number), lambda rep: practitioner(b, rep)):
            found.append(tidy({"actor": who, "function": {"text": role}}))
    return unique(found)


def build_death(b: Building) -> None:
    """PDA: what somebody died of, who certified it, and whether there was an autopsy."""
    segment = b.content.first("PDA")
    if segment is None:
        return
    for cause in coded_all(b, segment, 1):
        b.add("Condition", f"pda:{cause}", {
            "verificationStatus": _one(_VERIFIED, "confirmed"),
            "category": [{"text": "死亡原因"}],
            "code": cause,
            "subject": b.subject,
            "encounter": b.encounter,
        })  # fmt: skip
    for key, text, when, who in (("certified", "死亡证明", 4, 5), ("autopsy", "尸检", 7, 8)):
        doctors = each(segment.reps(who), lambda rep: practitioner(b, rep))
        times = segment.rep(when)
        start = time_of(b, segment, when, times)
        if not start and not doctors:
            continue
        end = time_of(b, segment, when, times, 2)
        b.add("Procedure", f"pda:{key}", {
            "status": "completed",
            "code": {"text": text},
            "subject": b.subject,
            "encounter": b.encounter,
            "performedDateTime": None if end else start,
            "performedPeriod": {"start": start, "end": end} if end else None,
            "performer": [{"actor": doctor} for doctor in doctors],
        })  # fmt: skip


def _one(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _visit(b: Building) -> str:
    return str(b.encounter["reference"]) if b.encounter else "no-visit"
