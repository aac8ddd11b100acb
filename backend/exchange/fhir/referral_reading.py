"""What a hospital writes about a referral: a Bundle with ServiceRequest and Task, or a Task updated. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from backend.exchange.fhir.issues import Refused, refuse
from backend.exchange.fhir.patients import ID_NUMBER_SYSTEM
from backend.exchange.fhir.referral_ports import Coded, Move, PlanItem, Wish
from backend.exchange.fhir.referral_resources import (
    CATEGORY,
    CATEGORY_SYSTEM,
    DIRECTION_SYSTEM,
    DISCHARGE_SUMMARY,
    FACT_SYSTEM,
    FOLLOW_UP,
    ORGANIZATIONS,
    REASON_SYSTEM,
    STATE_SYSTEM,
)

# What a Task may say of an event (`input` or `output`), and the kind of value it takes.
FACTS = {
    "expected-at": "valueDateTime", "bed": "valueString", "schedule": "valueString", "number": "valueInteger",
    "bring": "valueString", "transport": "valueString", "vehicle": "valueString",
    "crew-phone": "valueString", "outcome": "valueString", "send-back": "valueBoolean",
    "discharge-summary": "valueString", "follow-up": "valueString",
}  # fmt: skip
# What a Task also tells, and nobody writes.
_TOLD = frozenset({"appointment", "departed-at"})
_URGENCY = {"routine": "routine", "urgent": "urgent", "asap": "urgent", "stat": "emergency"}


def is_referral(body: Any) -> bool:
    """Whether a resource is a referral's: by its category, of a Task by its code."""
    if not isinstance(body, dict) or body.get("resourceType") not in ("ServiceRequest", "Task"):
        return False
    # Nothing has been checked yet: whatever was sent may stand here.
    said = body.get("category") if body["resourceType"] == "ServiceRequest" else [body.get("code")]
    return any(
        (coding.get("system"), coding.get("code")) == (CATEGORY_SYSTEM, CATEGORY)
        for concept in _objects(said)
        for coding in _objects(concept.get("coding"))
    )


def _objects(said: Any) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def wish_of(request: dict[str, Any], where: str) -> Wish:
    """What a ServiceRequest asks for. Raises a refusal that names what is missing."""
    receiver = _receiver(request)
    if not receiver:
        told = f"performer names the receiving institution by {ORGANIZATIONS}."
        raise refuse(Refused.REQUIRED, told, f"{where}.performer")
    chart_id, name, number = _patient(request, where)
    concepts = request.get("reasonCode") or []
    diagnoses = [one for concept in concepts if (one := _coded(concept)).code]
    words = [one.text for concept in concepts if not (one := _coded(concept)).code and one.text]
    period = request.get("occurrencePeriod") or {}
    requester = (request.get("requester") or {}).get("identifier") or {}
    from_organization = str(requester.get("system", "")) == ORGANIZATIONS
    return Wish(
        receiver_id=receiver,
        chart_id=chart_id,
        name=name,
        id_number=number,
        up="down" not in _codes(request.get("code"), DIRECTION_SYSTEM),
        urgency=_URGENCY[request.get("priority") or "routine"],
        reason="；".join(words) or "；".join(one.text for one in diagnoses),
        diagnoses=tuple(diagnoses),
        summary="\n".join(str(note.get("text", "")) for note in request.get("note") or []),
        discharge_summary=str(_extension(request, DISCHARGE_SUMMARY).get("valueString", "")),
        plan=tuple(_plan(request)),
        attachments=tuple(_attachments(request)),
        department=_coded(request.get("performerType") or {}).text,
        practitioner="" if from_organization else str(requester.get("value", "")),
        wanted_from=_day(period.get("start")),
        wanted_until=_day(period.get("end")),
    )


def move_of(body: dict[str, Any]) -> Move:
    """What an updated Task wants."""
    states = _codes(body.get("businessStatus"), STATE_SYSTEM)
    reason = body.get("statusReason") or {}
    reasons = _codes(reason, REASON_SYSTEM)
    notes = [str(note.get("text", "")) for note in (body.get("note") or [])[-1:]]
    return Move(
        status=str(body["status"]),
        state=states[0] if states else "",
        text=str(reason.get("text") or "".join(notes)),
        note="".join(notes),
        reason=reasons[0] if reasons else "",
        facts=tuple(_facts(body)),
    )


def _facts(body: dict[str, Any]) -> Iterator[tuple[str, str | datetime | bool | int]]:
    for name in ("input", "output"):
        for number, each in enumerate(body.get(name) or []):
            where = f"Task.{name}[{number}]"
            for code in _codes(each.get("type"), FACT_SYSTEM):
                if code in _TOLD:
                    continue
                if code not in FACTS:
                    known = ", ".join(FACTS)
                    raise refuse(Refused.CODE, f"Of a referral may be said: {known}.", f"{where}.type")
                if FACTS[code] not in each:
                    raise refuse(Refused.VALUE, f"{code} is a {FACTS[code]}.", where)
                yield code, _value(each[FACTS[code]], FACTS[code], where)


def _value(said: Any, kind: str, where: str) -> str | datetime | bool | int:
    if kind != "valueDateTime":
        return said if isinstance(said, bool | int) else str(said)
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise refuse(Refused.VALUE, "An instant with its zone.", where)
    return at


def _receiver(request: dict[str, Any]) -> str:
    for party in request.get("performer") or []:
        said = party.get("identifier") or {}
        if said.get("system") == ORGANIZATIONS and said.get("value"):
            return str(said["value"])
    return ""


def _patient(request: dict[str, Any], where: str) -> tuple[str, str, str]:
    """One's own Patient by its id; else name and ID number."""
    subject = request.get("subject") or {}
    reference = str(subject.get("reference", ""))
    kind, _, id_ = reference.rpartition("Patient/")
    if id_ and reference and not reference.startswith("#") and not reference.startswith("urn:"):
        return (id_, "", "") if not kind or kind.endswith("/") else ("", "", "")
    said = subject.get("identifier") or {}
    if said.get("system") == ID_NUMBER_SYSTEM and said.get("value") and subject.get("display"):
        return "", str(subject["display"]), str(said["value"])
    told = "subject is one's own Patient, or an ID number as identifier with the name as display."
    raise refuse(Refused.SUBJECT_MISSING, told, f"{where}.subject")


def _coded(concept: dict[str, Any]) -> Coded:
    codings = concept.get("coding") or []
    coding: dict[str, Any] = next((one for one in codings if one.get("code")), {})
    text = concept.get("text") or coding.get("display") or coding.get("code") or ""
    return Coded(str(coding.get("code", "")), str(text))


def _codes(concept: Any, system: str) -> list[str]:
    codings = concept.get("coding") or [] if isinstance(concept, dict) else []
    return [str(one.get("code", "")) for one in codings if one.get("system") == system]


def _extension(request: dict[str, Any], url: str) -> dict[str, Any]:
    found: dict[str, Any] = next((e for e in request.get("extension") or [] if e.get("url") == url), {})
    return found


def _plan(request: dict[str, Any]) -> Iterator[PlanItem]:
    for each in request.get("extension") or []:
        if each.get("url") == FOLLOW_UP:
            inner = {one.get("url"): one for one in each.get("extension") or []}
            due = _day(inner.get("due", {}).get("valueDate"))
            what = str(inner.get("what", {}).get("valueString", ""))
            if due is not None and what:
                yield PlanItem(what, due)


def _attachments(request: dict[str, Any]) -> Iterator[str]:
    for each in request.get("supportingInfo") or []:
        said = str(each.get("reference", "")).rpartition("/")[2]
        said = said or str((each.get("identifier") or {}).get("value", ""))
        if said:
            yield said


def _day(said: Any) -> date | None:
    try:
        return date.fromisoformat(str(said)[:10]) if said else None
    except ValueError:
        return None
