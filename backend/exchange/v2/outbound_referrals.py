"""REF to the hospital that receives, RRI to the one that sent: which event is told by which. Pure."""

from __future__ import annotations

from backend.exchange.v2.acks import OUR_APP
from backend.exchange.v2.outbound_models import Letter, Named, Party, Referred, Step, Telling, Whom
from backend.exchange.v2.outbound_writing import (
    escaped,
    head,
    instant,
    joined,
    message,
    named,
    patient,
    segment,
)

# RF1-1 of table 0283: P pending, A accepted, R rejected, E expired. What is not here is told by no message.
TELLINGS: dict[str, tuple[Telling, ...]] = {
    "send": (Telling("REF", "I12", True, "P"),),
    "supplement": (Telling("REF", "I13", True, "P"),),
    "depart": (Telling("REF", "I13", True, "A"),),
    "withdraw": (Telling("REF", "I14", True, "R"),),
    "lapse": (Telling("REF", "I14", True, "E"), Telling("RRI", "I14", False, "E")),
    "ask_more": (Telling("RRI", "I12", False, "P"),),
    "accept": (Telling("RRI", "I12", False, "A"),),
    "reject": (Telling("RRI", "I12", False, "R"),),
    "rebook": (Telling("RRI", "I13", False, "A"),),
    "arrive": (Telling("RRI", "I13", False, "A"),),
    "complete": (Telling("RRI", "I13", False, "A"),),
    "close": (Telling("RRI", "I13", False, "A"),),
    "miss": (Telling("RRI", "I13", False, "E"),),
}
_WITHDRAWN = Telling("RRI", "I14", False, "R")
_PRIORITIES = {"routine": "R", "urgent": "A", "emergency": "S"}
_SAID = {
    "ask_more": "请补充", "accept": "已接收", "reject": "未接收", "rebook": "已改约", "arrive": "患者已到达",
    "complete": "诊治结束", "close": "未登记诊治结果，已结束",
    "miss": "患者未到", "lapse": "超过时限，已失效", "withdraw": "已撤回",
    "supplement": "补充资料", "depart": "患者已出发",
}  # fmt: skip


def tellings(step: Step) -> tuple[Telling, ...]:
    """What an event is told by; the sender learns by message what his patient has withdrawn himself."""
    told = TELLINGS.get(step.event, ())
    return (*told, _WITHDRAWN) if step.event == "withdraw" and step.by_resident else told


def write_referral(letter: Letter, telling: Telling, referred: Referred, step: Step, whom: Whom) -> str:
    """The message."""
    answer = telling.kind == "RRI"
    said = "：".join(filter(None, (_SAID.get(step.event, ""), step.text)))
    notes = [said] if answer else [*referred.notes, *([said] if said else [])]
    return message(
        head(letter, f"{telling.kind}^{telling.event}", f"{telling.kind}_I12"),
        segment("MSA", ["AA", referred.id]) if answer else "",
        _referral(telling, referred, step),
        _party("RP", referred.sender),
        _party("RT", referred.receiver),
        patient(whom),
        *(_diagnosis(number, one) for number, one in enumerate(referred.diagnoses, start=1)),
        _visit(referred),
        *(segment("NTE", [str(n), "", escaped(note)]) for n, note in enumerate(notes, start=1) if note),
    )


def _referral(telling: Telling, referred: Referred, step: Step) -> str:
    fields = {
        1: joined(telling.status, "", "HL70283"),
        2: joined(_PRIORITIES[referred.urgency], "", "HL70280"),
        3: joined("UP" if referred.up else "DOWN", "上转" if referred.up else "下转", OUR_APP),
        6: joined(referred.id, OUR_APP),
        7: instant(referred.created_at),
        8: instant(referred.expected_at),
        9: instant(step.at),
        10: "~".join([*_refused(step), joined("", referred.reason)]),
    }
    return segment("RF1", fields)


def _refused(step: Step) -> list[str]:
    """Why not, as a refusal that comes in says it: first, before why he was referred."""
    return [named(step.reason, OUR_APP)] if step.reason is not None else []


def _party(role: str, party: Party) -> str:
    doctor = party.practitioner
    fields = {
        1: joined(role, "", "HL70286"),
        2: escaped(doctor.name) if doctor else "",
        4: joined(party.department.name if party.department else "", "", "", party.name),
        5: escaped(party.phone),
        7: joined(doctor.code) if doctor else "",
    }
    return segment("PRD", fields)


def _diagnosis(number: int, said: Named) -> str:
    return segment("DG1", {1: str(number), 3: named(said, "I10"), 4: escaped(said.name), 6: "W"})


def _visit(referred: Referred) -> str:
    """Where the patient is expected; the appointment's own number is what SIU tells it by."""
    if referred.expected_at is None:
        return ""
    place = referred.receiver.department.name if referred.receiver.department else ""
    fields = {
        1: "1", 2: "E" if referred.urgency == "emergency" else "O", 3: joined(place, "", referred.bed),
        5: joined(referred.appointment_id, "", "", OUR_APP) if referred.appointment_id else "",
    }  # fmt: skip
    return segment("PV1", fields)
