"""RF1 and PRD: referrals, who refers and to whom."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, tidy
from backend.exchange.v2.mapping.datatypes import coded, coded_all, each, entity, entity_key, time_of
from backend.exchange.v2.segments import Segment

_STATUS = {"A": "active", "P": "active", "R": "revoked", "E": "revoked", "C": "completed"}
_PRIORITY = {"S": "stat", "A": "asap", "R": "routine", "U": "urgent", "E": "urgent"}
_CATEGORY = {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
_CANCELLED = "I14"


def build_referral(b: Building) -> None:
    """The referral as a ServiceRequest, where the message has one."""
    segment = b.content.first("RF1")
    if segment is None:
        return
    status, priority = segment.text(1), segment.text(2)
    state = "revoked" if b.header.event == _CANCELLED else _STATUS.get(status[:1].upper(), "active")
    number = entity_key(segment.rep(6)) or entity_key(segment.rep(11))
    said = segment.rep(15)
    b.add("ServiceRequest", f"referral:{number or b.header.control_id}", {
        "identifier": [entity(b, segment.rep(6)), *each(segment.reps(11), lambda rep: entity(b, rep))],
        "status": state,
        "intent": "order",
        "category": [{"coding": [_CATEGORY]}],
        "priority": _PRIORITY.get(priority[:1].upper()) if priority else None,
        "code": coded(b, segment.rep(3)) or {"text": "转诊"},
        "subject": b.subject,
        "encounter": b.encounter,
        "authoredOn": time_of(b, segment, 7),
        "requester": _party(b, "RP"),
        "performer": [party] if (party := _party(b, "RT")) else None,
        "reasonCode": coded_all(b, segment, 10),
        "note": [{"text": text} for rep in segment.reps(24) if (text := rep.said(1))]
        + ([{"text": said.said(1)}] if said.said(1) else []),
    })  # fmt: skip


def _party(b: Building, role: str) -> Json | None:
    """PRD by its role: RP refers, RT is referred to."""
    for segment in b.content.each("PRD"):
        if segment.text(1) == role:
            return _provider(b, segment)
    return None


def _provider(b: Building, segment: Segment) -> Json | None:
    name, number = segment.rep(2), segment.rep(7)
    text = name.c(1) + name.c(2)
    shown = text if not text.isascii() else f"{name.c(2)} {name.c(1)}".strip()
    system = f"urn:healthycity:practitioners:{b.organization_id}"
    said = {"system": system, "value": number.c(1)} if number.c(1) else None
    return tidy({"type": "Practitioner", "identifier": said, "display": shown}) or None
