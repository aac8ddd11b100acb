"""SCH with its resources: appointments that a hospital keeps itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    V2,
    coded,
    each,
    entity,
    entity_key,
    place,
    practitioner,
    time_of,
)
from backend.exchange.v2.mapping.known import is_same, numbers_of
from backend.exchange.v2.segments import Segment

_STATES = {
    "S12": "booked", "S13": "booked", "S14": "booked", "S15": "cancelled", "S16": "cancelled",
    "S17": "entered-in-error", "S26": "noshow",
}  # fmt: skip
# What needs no time to be true.
_OVER = ("cancelled", "entered-in-error", "noshow")
_SERVICE = ("AIS", "AIG", "AIL", "AIP")
_MINUTES = {"S": 1 / 60, "MIN": 1, "M": 1, "H": 60, "HR": 60, "": 1}


def build_appointment(b: Building) -> None:
    """SIU: one Appointment, by the filler's number, else the placer's."""
    segment = b.content.first("SCH")
    if segment is None:
        return
    key = entity_key(segment.rep(2)) or entity_key(segment.rep(1))
    start, end, minutes = _times(b, segment)
    status = _STATES[b.header.event]
    said = segment.text(25)
    if said and b.header.event in ("S12", "S13", "S14"):
        status = b.code("appointment_status", said, segment, 25) or status
    numbers = [entity(b, segment.rep(1), "PLAC"), entity(b, segment.rep(2), "FILL")]
    if not start or not end:
        status = _without_time(b, status, numbers)
    services = [coded(b, one.rep(3)) for one in b.content.each("AIS")]
    reason = coded(b, segment.rep(7))
    _call_known(b, f"appointment:{key}", numbers)
    body: Json = {
        "identifier": numbers,
        "status": status,
        "cancelationReason": coded(b, segment.rep(6)) if status in ("cancelled", "noshow") else None,
        "appointmentType": _type(b, segment),
        "serviceType": unique(services),
        "reasonCode": [reason] if reason and b.header.event not in ("S15", "S16") else None,
        "start": start if end else None,
        "end": end if start else None,
        "minutesDuration": minutes,
        "participant": _participants(b),
        "comment": "\n".join(rep.whole() for note in _notes(b) for rep in note.reps(3)) or None,
    }
    fills = ("start", "end", "minutesDuration", "serviceType", "appointmentType", "reasonCode", "comment")
    # A cancellation often names nobody but the patient.
    keeps = ("participant",) if len(body["participant"]) == 1 else ()
    b.add("Appointment", f"appointment:{key}", body, fills=fills, keeps=keeps, joins=("identifier",))


def _without_time(b: Building, status: str, numbers: list[Json]) -> str:
    """What an appointment is whose message says no time; where it is known, its time stands."""
    if status not in _OVER:
        return "proposed"
    said = numbers_of(numbers)
    known = any(one.type == "Appointment" and is_same(said, one) for one in b.known)
    return status if known else "cancelled"


def _call_known(b: Building, key: str, numbers: list[Json]) -> None:
    """An appointment that stands under another of its numbers stays that one."""
    said = numbers_of(numbers)
    known = [each.id for each in b.known if each.type == "Appointment" and is_same(said, each)]
    if known and b.ref("Appointment", key)["reference"].partition("/")[2] not in known:
        b.call("Appointment", key, known[0])


def _type(b: Building, segment: Segment) -> Json | None:
    said = segment.rep(8)
    if not said:
        return None
    found = coded(b, said)
    for coding in found.get("coding", ())[:1]:
        coding.setdefault("system", f"{V2}0276")
    return found


def _times(b: Building, segment: Segment) -> tuple[str | None, str | None, int | None]:
    """Beginning and end, each an instant: from TQ1, SCH-11, or the first of the resources."""
    timing = b.content.first("TQ1")
    quantity = segment.rep(11)
    start = (time_of(b, timing, 7) if timing else None) or b.time(quantity.c(4))
    end = (time_of(b, timing, 8) if timing else None) or b.time(quantity.c(5))
    minutes = _minutes(segment.text(9), segment.text(10))
    for name in _SERVICE:
        for one in b.content.each(name):
            at = 4 if name == "AIS" else 8 if name == "AIG" else 6
            if start is None:
                start = time_of(b, one, at)
            if minutes is None:
                minutes = _minutes(one.text(at + 3), one.text(at + 4))
    start, end = (_exact(start), _exact(end))
    if start and not end:
        # How long it takes is often not said; FHIR asks for both, and when to come must not be lost.
        end = (datetime.fromisoformat(start) + timedelta(minutes=minutes or 0)).isoformat()
    return start, end, minutes


def _exact(text: str | None) -> str | None:
    return text if text and "T" in text else None


def _minutes(text: str, unit: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        return None
    minutes = round(int(text) * _MINUTES.get(unit.upper(), 1))
    return max(minutes, 1)


def _participants(b: Building) -> list[Json]:
    people: list[Json] = [{"actor": b.subject, "status": "accepted"}]
    for name, number in (("AIP", 3), ("AIL", 3), ("AIG", 3)):
        for segment in b.content.each(name):
            kind = coded(b, segment.rep(4))
            for actor in _actors(b, segment, number):
                people.append(tidy({"type": [kind] if kind else None, "actor": actor, "status": "accepted"}))
    schedule = b.content.first("SCH")
    if schedule is not None:
        people += [
            {"actor": who, "status": "accepted"}
            for number in (12, 16)
            for who in each(schedule.reps(number), lambda rep: practitioner(b, rep))
        ]
    return unique(people)


def _actors(b: Building, segment: Segment, number: int) -> list[Json]:
    if segment.name == "AIP":
        return each(segment.reps(number), lambda rep: practitioner(b, rep))
    if segment.name == "AIL":
        return each(segment.reps(number), lambda rep: place(b, rep))
    named = segment.rep(number)
    return [tidy({"type": "Device", "display": named.c(2) or named.c(1)})] if named else []


def _notes(b: Building) -> list[Segment]:
    """The NTE segments behind SCH, before the patient."""
    found = []
    for segment in b.content.all:
        if segment.name == "PID":
            break
        if segment.name == "NTE":
            found.append(segment)
    return found
