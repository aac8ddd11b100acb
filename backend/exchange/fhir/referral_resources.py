"""A referral as FHIR has it: ServiceRequest (what is asked), Task (where it stands), CarePlan. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.exchange.fhir.http import instant
from backend.exchange.fhir.patients import ID_NUMBER_SYSTEM
from backend.exchange.fhir.referral_ports import Coded, PlanItem, ReferralView

# The category that tells these from the requests of the record.
CATEGORY_SYSTEM, CATEGORY = "urn:healthycity:service-category", "referral"
ORGANIZATIONS = "urn:healthycity:organizations"
STATE_SYSTEM = "urn:healthycity:referral-state"
REASON_SYSTEM = "urn:healthycity:referral-reason"
FACT_SYSTEM = "urn:healthycity:referral-fact"
DIRECTION_SYSTEM = "urn:healthycity:referral-direction"
NUMBER_SYSTEM = "urn:healthycity:referrals"
DEPARTMENT_SYSTEM = "urn:healthycity:departments"
PRACTITIONER_SYSTEM = "urn:healthycity:practitioners"
DISCHARGE_SUMMARY = "urn:healthycity:referral-discharge-summary"
NOT_DONE_SYSTEM = "urn:healthycity:referral-not-done"
FOLLOWED_UP_ON = "urn:healthycity:referral-followed-up-on"
FOLLOW_UP = "urn:healthycity:referral-follow-up"
ICD = "http://hl7.org/fhir/sid/icd-10"
_SNOMED = {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
_OURS = {"system": CATEGORY_SYSTEM, "code": CATEGORY, "display": "转诊"}
_FULFILL = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
# Our states in the words of Task.status.
TASK_STATUS = {
    "requested": "requested", "returned": "on-hold", "accepted": "accepted", "in_transit": "accepted",
    "arrived": "in-progress", "treating": "in-progress", "completed": "completed", "rejected": "rejected",
    "withdrawn": "cancelled", "lapsed": "failed", "not_arrived": "failed",
}  # fmt: skip
_REQUEST_STATUS = {
    "returned": "on-hold", "completed": "completed", "rejected": "revoked", "withdrawn": "revoked",
    "lapsed": "revoked", "not_arrived": "revoked",
}  # fmt: skip
_PRIORITY = {"routine": "routine", "urgent": "urgent", "emergency": "stat"}
_VALUE_NAMES = {bool: "valueBoolean", int: "valueInteger", str: "valueString", datetime: "valueDateTime"}


def service_request(view: ReferralView) -> dict[str, Any]:
    """What is asked for."""
    body: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": view.id,
        "meta": _meta(view),
        "identifier": [{"system": NUMBER_SYSTEM, "value": view.id}],
        "status": _REQUEST_STATUS.get(view.state.code, "active"),
        "intent": "order",
        "category": [{"coding": [_SNOMED, _OURS], "text": "转诊"}],
        "priority": _PRIORITY[view.urgency],
        "code": {"coding": [_direction(view)], "text": _direction(view)["display"]},
        "subject": _patient(view),
        "authoredOn": instant(view.created_at),
        "requester": _requester(view),
        "performer": [_organization(view.receiver)],
        "reasonCode": [{"text": view.reason}, *map(_diagnosis, view.diagnoses)],
    }
    if view.follows:
        body["replaces"] = [{"reference": f"ServiceRequest/{view.follows}"}]
    if view.department is not None:
        body["performerType"] = _coded(DEPARTMENT_SYSTEM, view.department)
    if view.wanted_from or view.wanted_until:
        body["occurrencePeriod"] = _period(view)
    if view.attachments:
        # What they are is told where they are read; that they belong to the referral is told here.
        body["supportingInfo"] = [{"identifier": {"value": each}} for each in view.attachments]
    if view.summary:
        body["note"] = [{"text": view.summary}]
    if extensions := _extensions(view):
        body["extension"] = extensions
    return body


def task(view: ReferralView) -> dict[str, Any]:
    """Where it stands."""
    body: dict[str, Any] = {
        "resourceType": "Task",
        "id": view.id,
        "meta": _meta(view),
        "identifier": [{"system": NUMBER_SYSTEM, "value": view.id}],
        "status": TASK_STATUS[view.state.code],
        "businessStatus": _coded(STATE_SYSTEM, view.state),
        "intent": "order",
        "priority": _PRIORITY[view.urgency],
        "code": {"coding": [_FULFILL, _OURS], "text": "转诊"},
        "focus": {"reference": f"ServiceRequest/{view.id}"},
        "for": _patient(view),
        "authoredOn": instant(view.created_at),
        "lastModified": instant(view.updated_at),
        "requester": _organization(view.sender),
        "owner": _organization(view.receiver),
    }
    if view.said is not None and (view.said.code or view.said.text):
        body["statusReason"] = _coded(REASON_SYSTEM, view.said)
    if view.facts:
        body["output"] = [_fact(name, value) for name, value in view.facts]
    return body


def care_plan(view: ReferralView) -> dict[str, Any]:
    """What is to be done after discharge, and what has become of it."""
    return {
        "resourceType": "CarePlan",
        "id": view.id,
        "meta": _meta(view),
        "identifier": [{"system": NUMBER_SYSTEM, "value": view.id}],
        "status": plan_status(view),
        "intent": "plan",
        "category": [{"coding": [_OURS], "text": "转诊"}],
        "title": "出院随访计划",
        "subject": _patient(view),
        "created": instant(view.created_at),
        "author": _organization(view.sender),
        "supportingInfo": [{"reference": f"ServiceRequest/{view.id}"}],
        "activity": [_activity(item, view) for item in view.plan],
    }


def plan_status(view: ReferralView) -> str:
    """In FHIR's words: nobody has taken it on yet, somebody follows it, all is said, nobody does any more."""
    if all(item.done_on or item.not_done for item in view.plan):
        return "completed"
    if any(item.off for item in view.plan):
        return "revoked"
    return "draft" if view.state.code in ("requested", "returned") else "active"


def _activity(item: PlanItem, view: ReferralView) -> dict[str, Any]:
    status = "completed" if item.done_on else "cancelled" if item.not_done or item.off else "scheduled"
    due = item.due_on.isoformat()
    detail: dict[str, Any] = {
        "code": {"text": item.what},
        "status": status,
        "scheduledPeriod": {"start": due, "end": due},
        "performer": [_organization(view.receiver)],
    }
    if item.not_done is not None:
        detail["statusReason"] = _coded(NOT_DONE_SYSTEM, item.not_done)
    if item.done_on is not None:
        detail["extension"] = [{"url": FOLLOWED_UP_ON, "valueDate": item.done_on.isoformat()}]
    said = {"time": instant(item.said_at), "text": item.note} if item.note and item.said_at else {}
    return ({"progress": [said]} if said else {}) | {"detail": detail}


def _meta(view: ReferralView) -> dict[str, Any]:
    return {"versionId": str(view.version), "lastUpdated": instant(view.updated_at)}


def _coded(system: str, said: Coded) -> dict[str, Any]:
    coding = {"coding": [{"system": system, "code": said.code}]} if said.code else {}
    return coding | ({"text": said.text} if said.text else {})


def _direction(view: ReferralView) -> dict[str, str]:
    code, display = ("up", "上转") if view.up else ("down", "下转")
    return {"system": DIRECTION_SYSTEM, "code": code, "display": display}


def _patient(view: ReferralView) -> dict[str, Any]:
    """By the city's number of him, which `Patient/…` leads to, and his own; in words while he has none."""
    if not view.person_id:
        return {"type": "Patient", **({"display": view.name} if view.name else {})}
    said: dict[str, Any] = {"reference": f"Patient/{view.person_id}", "type": "Patient"}
    if view.id_number:
        said["identifier"] = {"system": ID_NUMBER_SYSTEM, "value": view.id_number}
    return said | ({"display": view.name} if view.name else {})


def _organization(place: Coded) -> dict[str, Any]:
    said: dict[str, Any] = {"identifier": {"system": ORGANIZATIONS, "value": place.code}}
    return {"type": "Organization", **said} | ({"display": place.text} if place.text else {})


def _requester(view: ReferralView) -> dict[str, Any]:
    if view.practitioner is None:
        return _organization(view.sender)
    number = {"system": f"{PRACTITIONER_SYSTEM}:{view.sender.code}", "value": view.practitioner.code}
    return {"type": "Practitioner", "identifier": number, "display": view.practitioner.text}


def _diagnosis(said: Coded) -> dict[str, Any]:
    return _coded(ICD, said)


def _period(view: ReferralView) -> dict[str, str]:
    ends = (("start", view.wanted_from), ("end", view.wanted_until))
    return {name: on.isoformat() for name, on in ends if on is not None}


def _extensions(view: ReferralView) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if view.discharge_summary:
        found.append({"url": DISCHARGE_SUMMARY, "valueString": view.discharge_summary})
    for item in view.plan:
        inner = [
            {"url": "what", "valueString": item.what},
            {"url": "due", "valueDate": item.due_on.isoformat()},
        ]
        found.append({"url": FOLLOW_UP, "extension": inner})
    return found


def _fact(name: str, value: str | datetime | bool | int) -> dict[str, Any]:
    shown = instant(value) if isinstance(value, datetime) else value
    return {"type": {"coding": [{"system": FACT_SYSTEM, "code": name}]}, _VALUE_NAMES[type(value)]: shown}
