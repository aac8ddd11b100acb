"""RXO, RXE, RXD, RXG, RXA: what was prescribed, given out, given, and vaccinations."""

from __future__ import annotations

from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    coded,
    coded_all,
    decimal,
    each,
    entity,
    entity_key,
    notes_of,
    organization,
    period,
    place,
    practitioner,
    quantity,
    time_of,
)
from backend.exchange.v2.mapping.groups import Group, groups_of
from backend.exchange.v2.mapping.known import is_same, numbers_of
from backend.exchange.v2.mapping.observations import build_observation, observation_keys
from backend.exchange.v2.mapping.times import fhir_date
from backend.exchange.v2.mapping.timing import timing_of
from backend.exchange.v2.segments import Rep, Segment

# What of a prescription stays as it is when only its state is said.
_PRESCRIBED = (
    "identifier", "intent", "medicationCodeableConcept", "encounter", "authoredOn", "requester", "priority",
    "basedOn", "note", "reasonCode", "dosageInstruction", "dispenseRequest", "substitution",
)  # fmt: skip
_STATUS = {"revoked": "cancelled"}
_ROUTE = "http://terminology.hl7.org/CodeSystem/v2-0162"
_ADMINISTERED = {"CP": "completed", "PA": "completed", "RE": "not-done", "NA": "not-done"}


def build_medicines(b: Building) -> None:
    """RDE, RDS, RGV, RAS, VXU: one group for each order."""
    before, groups = groups_of(b.content)
    where = str(b.encounter["reference"]) if b.encounter else b.header.control_id
    for segment, key in observation_keys(f"{where}|{b.header.type}", before.each("OBX")):
        build_observation(b, segment, key)
    for group in groups:
        build_medicine(b, group)


def build_medicine(b: Building, group: Group) -> None:
    """One group: what was ordered, given out, given."""
    key = _key(b, group)
    refs = _prescriptions(b, group, key)
    for segment in group.each("RXD"):
        refs.append(_dispense(b, segment, key, refs))
    for segment in group.each("RXG"):
        refs.append(_dispense(b, segment, key, refs))
    for segment in group.each("RXA"):
        make = _immunization if b.header.type == "VXU" else _administration
        refs.append(make(b, group, segment, f"{key}|{segment.text(2) or segment.at}"))
    more = {"partOf": refs[-1:]} if group.first("RXA") else {}
    for segment, own in observation_keys(key, group.each("OBX")):
        build_observation(b, segment, own, more=more, notes=notes_of(b, group.notes_after(segment)))


def change_prescriptions(b: Building, order: Segment) -> bool:
    """An order's state where nothing but its number is said; whether it is a prescription that we have."""
    said = numbers_of([entity(b, order.rep(2), "PLAC"), entity(b, order.rep(3), "FILL")])
    found = [known for known in b.known if known.type == "MedicationRequest" and is_same(said, known)]
    for prescription in found:
        key = f"known:{prescription.id}"
        b.call("MedicationRequest", key, prescription.id)
        body = {"status": _order_status(b, order), "intent": "order", "subject": b.subject}
        b.add("MedicationRequest", key, body, keeps=_PRESCRIBED)
    return bool(found)


def _key(b: Building, group: Group) -> str:
    """Prescription number, else the order's numbers, else medicine and time."""
    order, encoded = group.first("ORC"), group.first("RXE", "RXD")
    candidates = []
    if encoded is not None:
        candidates.append(encoded.text(15 if encoded.name == "RXE" else 7))
    if order is not None:
        candidates += [entity_key(order.rep(2)), entity_key(order.rep(3))]
    own = next(filter(None, candidates), "")
    given = group.first("RXA")
    if own and own != "9999":
        return own
    if given is not None:
        return f"{given.text(5)}|{given.text(3)}"
    return f"{b.header.control_id}|{group.segments[0].at}"


def _prescriptions(b: Building, group: Group, key: str) -> list[Json]:
    """RXO is what was ordered, RXE what the pharmacy made of it."""
    found: list[Json] = []
    ordered, encoded = group.first("RXO"), group.first("RXE")
    if ordered is not None:
        found.append(_request(b, group, ordered, f"rxo:{key}", intent="original-order", after=found))
    if encoded is not None:
        intent = "filler-order" if ordered is not None else "order"
        found.append(_request(b, group, encoded, f"rxe:{key}", intent=intent, after=found))
    return found


def _request(
    b: Building, group: Group, segment: Segment, key: str, *, intent: str, after: list[Json]
) -> Json:
    order = group.first("ORC")
    encoded = segment.name == "RXE"
    code, amount, unit, refills = (2, 10, 11, 12) if encoded else (1, 11, 12, 13)
    status = _order_status(b, order)
    numbers = []
    if order is not None:
        numbers = [entity(b, order.rep(2), "PLAC"), entity(b, order.rep(3), "FILL")]
    if encoded and segment.text(15):
        numbers.append(
            {"value": segment.text(15), "system": f"urn:healthycity:prescriptions:{b.organization_id}"}
        )
    count = segment.text(refills)
    return b.add("MedicationRequest", key, {
        "identifier": numbers,
        "status": status,
        "intent": intent,
        "medicationCodeableConcept": coded(b, segment.rep(code), "medicine") or {"text": "未说明的药品"},
        "subject": b.subject,
        "encounter": b.encounter,
        "authoredOn": time_of(b, order, 9) if order else None,
        "requester": _requester(b, order),
        "priority": timing_of(b, group).priority,
        "basedOn": after[:1],
        "note": _notes(b, group, segment),
        "reasonCode": coded_all(b, segment, 27 if encoded else 20),
        "dosageInstruction": [_dosage(b, group, segment)],
        "dispenseRequest": {
            "quantity": quantity(segment.text(amount), segment.rep(unit), b),
            "numberOfRepeatsAllowed": int(count) if count.isdigit() and len(count) < 4 else None,
        },
        "substitution": _substitution(segment, encoded),
    })  # fmt: skip


def _notes(b: Building, group: Group, segment: Segment) -> list[Json]:
    """What stands behind the medicine, its route and its times, up to the next of them."""
    found = []
    for after in group.segments[group.segments.index(segment) + 1 :]:
        if after.name == "NTE":
            found.append(after)
        elif after.name not in ("RXR", "RXC", "TQ1", "TQ2", "PRT"):
            break
    return notes_of(b, found)


def _requester(b: Building, order: Segment | None) -> Json | None:
    return next(iter(each(order.reps(12), lambda rep: practitioner(b, rep))), None) if order else None


def _substitution(segment: Segment, encoded: bool) -> Json | None:
    said = segment.text(9)
    if not said:
        return None
    number = "0167" if encoded else "0161"
    system = f"http://terminology.hl7.org/CodeSystem/v2-{number}"
    return {"allowedCodeableConcept": {"coding": [{"system": system, "code": said}]}}


def _order_status(b: Building, order: Segment | None) -> str:
    if order is None:
        return "unknown"
    control = order.text(1)
    status = order.text(5)
    if control in ("CA", "OC", "CR", "DC", "OD", "DR"):
        return "stopped" if control in ("DC", "OD", "DR") else "cancelled"
    said = b.code("order_status", status, order, 5) if status else b.code("order_status", control, order, 1)
    said = _STATUS.get(said or "unknown", said or "unknown")
    # A prescription that came with its result is not over for that.
    return "active" if said == "completed" and not status else said


def _dosage(b: Building, group: Group, segment: Segment) -> Json:
    encoded = segment.name == "RXE"
    least, unit = (3, 5) if encoded else (2, 4)
    route = group.first("RXR")
    words = [rep.said(1) or rep.said(2) for rep in segment.reps(7)]
    words += [rep.said(2) or rep.said(1) for rep in segment.reps(6)] if not encoded else []
    low, high = (quantity(segment.text(number), segment.rep(unit), b) for number in (least, least + 1))
    several = bool(low and high and low["value"] < high["value"])
    return tidy({
        "text": "；".join(word for word in words if word),
        "timing": timing_of(b, group).as_dosage(),
        "route": _route(b, route) if route else None,
        "site": coded(b, route.rep(2)) if route else None,
        "method": coded(b, route.rep(4)) if route else None,
        "doseAndRate": [
            {
                "doseQuantity": None if several else low,
                "doseRange": {"low": low, "high": high} if several else None,
                "rateQuantity": quantity(segment.text(23), segment.rep(24), b) if encoded else None,
            }
        ],
    })  # fmt: skip


def _route(b: Building, segment: Segment) -> Json:
    said = coded(b, segment.rep(1))
    for coding in said.get("coding", ())[:1]:
        coding.setdefault("system", _ROUTE)
    return said


def _dispense(b: Building, segment: Segment, key: str, requests: list[Json]) -> Json:
    given = segment.name == "RXD"
    # RXD: 2 what, 3 when, 4 how much; RXG: 4 what, 5 how much.
    code, amount, unit = (2, 4, 5) if given else (4, 5, 7)
    when = time_of(b, segment, 3) if given else None
    # RDS: every dispensing has its own number of sequence and time.
    own = segment.text(1) or str(segment.at)
    medicines = [ref for ref in requests if "MedicationRequest" in ref["reference"]]
    return b.add("MedicationDispense", f"rxd:{key}:{own}:{when or ''}", {
        "status": "completed",
        "medicationCodeableConcept": coded(b, segment.rep(code), "medicine") or {"text": "未说明的药品"},
        "subject": b.subject,
        "context": b.encounter,
        "authorizingPrescription": medicines,
        "quantity": quantity(segment.text(amount), segment.rep(unit), b),
        "whenHandedOver": when,
        "performer": [
            {"actor": who} for who in each(segment.reps(10), lambda rep: practitioner(b, rep))
        ] if given else None,
        "note": [{"text": rep.whole()} for rep in segment.reps(9)] if given else None,
    })  # fmt: skip


def _administration(b: Building, group: Group, segment: Segment, key: str) -> Json:
    """RAS."""
    order = group.first("ORC")
    start, end = time_of(b, segment, 3), time_of(b, segment, 4)
    said = segment.text(20)
    return b.add("MedicationAdministration", f"rxa:{key}", {
        "identifier": [entity(b, order.rep(3), "FILL")] if order else None,
        "status": "entered-in-error" if segment.text(21) == "D" else _ADMINISTERED.get(said, "completed"),
        "medicationCodeableConcept": coded(b, segment.rep(5), "medicine") or {"text": "未说明的药品"},
        "subject": b.subject,
        "context": b.encounter,
        "effectiveDateTime": start if not end or end == start else None,
        "effectivePeriod": period(start, end) if end and end != start else None,
        "performer": [{"actor": who} for who in each(segment.reps(10), lambda rep: practitioner(b, rep))],
        "dosage": {
            "route": _route(b, route) if (route := group.first("RXR")) else None,
            "dose": quantity(segment.text(6), segment.rep(7), b),
        },
    })  # fmt: skip


def _immunization(b: Building, group: Group, segment: Segment, key: str) -> Json:
    """VXU."""
    order, route = group.first("ORC"), group.first("RXR")
    dose = decimal(segment.text(6))
    at = time_of(b, segment, 3)
    said = segment.text(20)
    status = "entered-in-error" if segment.text(21) == "D" else _ADMINISTERED.get(said, "completed")
    return b.add("Immunization", f"rxa:{key}", {
        "identifier": [
            entity(b, order.rep(2), "PLAC"),
            entity(b, order.rep(3), "FILL"),
        ] if order else None,
        "status": status,
        "statusReason": coded(b, segment.rep(18)) if status == "not-done" else None,
        "vaccineCode": coded(b, segment.rep(5)) or {"text": "未说明的疫苗"},
        "patient": b.subject,
        "encounter": b.encounter,
        "occurrenceDateTime": at or b.received_at.isoformat(),
        "recorded": time_of(b, segment, 22) or (time_of(b, order, 9) if order else None),
        "primarySource": segment.text(9) in ("", "00"),
        "reportOrigin": coded(b, segment.rep(9)),
        "location": next(iter(each([*segment.reps(11), *segment.reps(27)], lambda r: place(b, r))), None),
        "manufacturer": _manufacturer(segment.rep(17)),
        "lotNumber": segment.text(15),
        "expirationDate": fhir_date(segment.text(16)),
        "site": coded(b, route.rep(2)) if route else None,
        "route": _route(b, route) if route else None,
        # 999 stands for "not known".
        "doseQuantity": quantity(segment.text(6), segment.rep(7), b) if dose not in (None, 999) else None,
        "performer": _vaccinators(b, order, segment),
        "reasonCode": coded_all(b, segment, 19),
    })  # fmt: skip


def _manufacturer(rep: Rep) -> Json | None:
    return {"type": "Organization", "display": rep.c(2) or rep.c(1)} if rep else None


def _vaccinators(b: Building, order: Segment | None, segment: Segment) -> list[Json]:
    system = "http://terminology.hl7.org/CodeSystem/v2-0443"
    found = []
    for source, number, code in ((order, 12, "OP"), (segment, 10, "AP")):
        if source is None:
            continue
        for who in each(source.reps(number), lambda rep: practitioner(b, rep)):
            found.append({"function": {"coding": [{"system": system, "code": code}]}, "actor": who})
    if not found and order is not None:
        found = [{"actor": who} for who in each(order.reps(21), lambda rep: organization(b, rep))]
    return unique(found)
