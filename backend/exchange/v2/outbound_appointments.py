"""SIU: an appointment booked, given back, or missed. Pure."""

from __future__ import annotations

from backend.exchange.v2.acks import OUR_APP
from backend.exchange.v2.outbound_models import Letter, Visit, Whom
from backend.exchange.v2.outbound_writing import (
    at_least,
    escaped,
    head,
    instant,
    joined,
    message,
    named,
    patient,
    segment,
)

# Of table 0278, and of table 0206 for the resources.
_STATES = {"S12": "Booked", "S15": "Cancelled", "S26": "Noshow"}
_ACTIONS = {"S12": "A", "S15": "D", "S26": "U"}


def write_visit(letter: Letter, visit: Visit, whom: Whom) -> str:
    """The message."""
    action = _ACTIONS[visit.event]
    minutes = str(max(round((visit.end_at - visit.start_at).total_seconds() / 60), 1))
    start = instant(visit.start_at)
    service = {1: "1", 2: action, 3: named(visit.department, "L"), 4: start, 7: minutes, 8: "MIN"}
    place = {1: "1", 2: action, 3: joined(visit.place, "", "", visit.department.name), 6: start}
    doctor = {1: "1", 2: action, 3: _doctor(visit), 6: start, 9: minutes, 10: "MIN"}
    return message(
        head(letter, f"SIU^{visit.event}", "SIU_S12"),
        _schedule(letter, visit, minutes),
        _timing(letter, visit),
        segment("NTE", ["1", "", escaped(f"号序 {visit.number}")]),
        patient(whom),
        segment("PV1", {1: "1", 2: "O", 3: joined(visit.department.name)}),
        segment("RGS", ["1", action]),
        segment("AIS", service),
        segment("AIL", place) if visit.place else "",
        segment("AIP", doctor) if visit.practitioner else "",
    )


def _schedule(letter: Letter, visit: Visit, minutes: str) -> str:
    version = letter.target.version
    doctor = _doctor(visit) or joined(visit.department.code, visit.department.name)
    fields = {
        1: joined(visit.appointment_id, OUR_APP),
        5: escaped(visit.schedule),
        6: named(visit.reason, OUR_APP),
        7: joined("", escaped(visit.channel)),
        8: joined("NORMAL", "", "HL70276"),
        9: minutes,
        10: "MIN",
        # Withdrawn in 2.7 in favour of TQ1.
        11: "" if at_least(version, "2.7") else f"^^^{instant(visit.start_at)}^{instant(visit.end_at)}",
        16: doctor,
        20: joined(OUR_APP),
        25: joined(_STATES[visit.event], "", "HL70278"),
    }
    return segment("SCH", fields)


def _timing(letter: Letter, visit: Visit) -> str:
    if not at_least(letter.target.version, "2.5"):
        return ""
    return segment("TQ1", {1: "1", 7: instant(visit.start_at), 8: instant(visit.end_at)})


def _doctor(visit: Visit) -> str:
    return joined(visit.practitioner.code, visit.practitioner.name) if visit.practitioner else ""
