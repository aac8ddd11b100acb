"""PV1, PV2: the visit. Which event leaves it in which state stands in one table."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    V2,
    coded,
    coded_all,
    each,
    identifier,
    of_table,
    period,
    place,
    practitioner,
    time_of,
)
from backend.exchange.v2.segments import Rep, Segment

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_CLASSES = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "IMP": "inpatient encounter",
    "PRENC": "pre-admission",
    "OBSENC": "observation encounter",
}
# What an event says of the visit. What is not here leaves the visit as its times tell.
_STATES = {
    "A01": "in-progress", "A02": "in-progress", "A03": "finished", "A04": "in-progress",
    "A05": "planned", "A06": "in-progress", "A07": "in-progress", "A09": "in-progress",
    "A10": "in-progress", "A11": "cancelled", "A13": "in-progress", "A14": "planned",
    "A15": "in-progress", "A16": "in-progress", "A25": "in-progress", "A26": "in-progress",
    "A27": "cancelled",
}  # fmt: skip
# Whose PV1 says what the visit is; in other messages it only says to which visit something belongs.
_OWNERS = frozenset({"ADT", "BAR"})
# Which fields an element of the visit comes from.
_SAID_IN = {
    "period.start": (44,), "participant": (7, 8, 9, 17, 52), "location": (3,), "serviceType": (10,),
    "type": (4, 18), "hospitalization": (36, 37), "identifier": (), "diagnosis": (), "reasonCode": (),
}  # fmt: skip
_PEOPLE = ((7, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM"), (52, "PART"))


def visit_key(b: Building, segment: Segment) -> str:
    """What the hospital calls the visit: its number, else the account's, else its beginning."""
    for rep in (segment.rep(19), segment.rep(50)):
        if rep.c(1):
            return f"visit:{rep.c(1)}"
    patient = b.content.first("PID")
    account = patient.text(18) if patient else ""
    if account:
        return f"account:{account}"
    event = b.content.first("EVN")
    began = segment.text(44) or (event.text(2) if event and b.header.type == "ADT" else "")
    return f"at:{began[:12]}" if began else ""


def build_visit(b: Building) -> Json | None:
    """The Encounter of the message's PV1, and the reference to it."""
    segment = b.content.first("PV1")
    if segment is None:
        return None
    key = visit_key(b, segment)
    if not key or (segment.text(2) == "N" and not segment.text(19)):
        return None
    owner = b.header.type in _OWNERS
    extra = b.content.first("PV2")
    body = {
        **_what(b, segment, extra),
        "subject": b.subject,
        "identifier": _numbers(b, segment),
        "participant": _people(b, segment),
        "location": _places(b, segment, extra),
        "hospitalization": _stay(b, segment),
        "serviceProvider": {"reference": f"Organization/{b.organization_id}"},
    }
    if (episode := segment.rep(54)).c(1):
        body["episodeOfCare"] = [_episode(b, episode)]
    fills, keeps = _staying(b, segment)
    b.encounter = b.add("Encounter", key, body, only_new=not owner, fills=fills, keeps=keeps)
    return b.encounter


def _staying(b: Building, segment: Segment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of the visit an event does not touch: a discharge need not say again when and where it began."""
    event = b.header.event if b.header.type == "ADT" else ""
    fills = [name for name, numbers in _SAID_IN.items() if not segment.deletes(*numbers)]
    if _STATES.get(event, "finished") == "finished" and not segment.deletes(45):
        fills.append("period.end")
    keeps = [] if segment.text(2) else ["class"]
    if event not in _STATES and not segment.text(45):
        keeps.append("status")
    return tuple(fills), tuple(keeps)


def _episode(b: Building, number: Rep) -> Json:
    """What several visits for one illness belong to."""
    body = {"status": "active", "identifier": [identifier(b, number)], "patient": b.subject}
    return b.add("EpisodeOfCare", f"episode:{number.c(1)}", body, only_new=True)


def _what(b: Building, segment: Segment, extra: Segment | None) -> Json:
    code = segment.text(2)
    kind = b.code("patient_class", code, segment, 2) or "AMB"
    start, end = time_of(b, segment, 44), time_of(b, segment, 45)
    event = b.header.event if b.header.type == "ADT" else ""
    if event == "A13":
        end = None
    if event == "A03" and end is None:
        end = _happened(b)
    state = _STATES.get(event) or ("finished" if end else "in-progress" if start else "unknown")
    reasons = coded_all(b, extra, 3) if extra else []
    return {
        "status": state,
        "class": {"system": ACT, "code": kind, "display": _CLASSES.get(kind)},
        "type": unique([*coded_all(b, segment, 4), *coded_all(b, segment, 18)]),
        "serviceType": coded(b, segment.rep(10)),
        "priority": coded(b, extra.rep(25)) if extra else None,
        "period": period(start, end),
        "reasonCode": reasons + ([{"text": extra.words(12)}] if extra and extra.words(12) else []),
    }


def _happened(b: Building) -> str | None:
    event = b.content.first("EVN")
    return (time_of(b, event, 6) or time_of(b, event, 2)) if event else None


def _numbers(b: Building, segment: Segment) -> list[Json]:
    found = [identifier(b, rep) for number in (19, 50) for rep in segment.reps(number)]
    for one in found[:1]:
        one.setdefault("type", {"coding": [{"system": f"{V2}0203", "code": "VN"}]})
        one.setdefault("system", f"urn:healthycity:visits:{b.organization_id}")
    return unique(one for one in found if one.get("value"))


def _people(b: Building, segment: Segment) -> list[Json]:
    found = []
    for number, code in _PEOPLE:
        kind = [{"coding": [{"system": _PARTICIPATION, "code": code}]}]
        found += [
            {"type": kind, "individual": p} for p in each(segment.reps(number), lambda r: practitioner(b, r))
        ]
    return found


def _places(b: Building, segment: Segment, extra: Segment | None) -> list[Json]:
    found = []
    now = "completed" if segment.has(45) else "active"
    for number, state in ((3, now), (6, "completed"), (11, "planned"), (42, "planned"), (43, "completed")):
        found += [tidy({"location": place(b, rep), "status": state}) for rep in segment.reps(number)]
    if extra is not None:
        found += [tidy({"location": place(b, rep), "status": "completed"}) for rep in extra.reps(1)]
    return [one for one in found if "location" in one]


def _stay(b: Building, segment: Segment) -> Json:
    before = segment.rep(5)
    left = segment.rep(37)
    return tidy({
        "preAdmissionIdentifier": identifier(b, before) if before.c(1) else None,
        "admitSource": coded(b, segment.rep(14)),
        "reAdmission": of_table("0092", segment.text(13)),
        "dietPreference": coded_all(b, segment, 38),
        "specialCourtesy": coded_all(b, segment, 22),
        "specialArrangement": coded_all(b, segment, 15),
        "dischargeDisposition": coded(b, segment.rep(36)),
        "destination": {"type": "Location", "display": left.c(1)} if left.c(1) else None,
    })  # fmt: skip
