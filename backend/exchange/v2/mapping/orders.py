"""ORC, OBR, SPM and their OBX: orders, reports with their results, specimens."""

from __future__ import annotations

from collections.abc import Sequence

from backend.exchange.v2.mapping.attachments import attachment_of
from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    coded,
    coded_all,
    each,
    entity,
    entity_key,
    is_name,
    notes_of,
    of_table,
    organization,
    period,
    practitioner,
    quantity,
    time_of,
)
from backend.exchange.v2.mapping.groups import Group
from backend.exchange.v2.mapping.known import Known, has_code, is_same, key_of, numbers_of
from backend.exchange.v2.mapping.medicines import change_prescriptions
from backend.exchange.v2.mapping.observations import ATTACHED, build_observation, observation_keys
from backend.exchange.v2.mapping.timing import Timing, timing_of
from backend.exchange.v2.segments import Segment

_RESULTS = frozenset({"ORU", "OUL"})
# OBR-24 of what is looked at rather than measured.
_SEEN = frozenset(
    ["RAD", "RUS", "CT", "MR", "NMR", "US", "XRC", "VUS", "CUS", "NMS", "OUS", "IMG", "DX", "EC", "CG"]
)
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_PREFIXES = {"ServiceRequest": "order:", "DiagnosticReport": "report:"}
# What of an order a cancellation need not say again.
_LASTING = (
    "authoredOn", "category", "encounter", "note", "occurrenceDateTime", "patientInstruction", "performer",
    "priority", "reasonCode", "requester", "requisition", "specimen",
)  # fmt: skip


def order_keys(b: Building, group: Group) -> list[str]:
    """What the order is called: as it stands already under one of its numbers, else as the message says.

    Without an OBR nothing says which order of the number is meant: then all of them are.
    """
    said, spelled = _said_key(b, group)
    request = group.first("OBR")
    told = [(one, key_of(b.chart_id, _PREFIXES[one.type], one, spelled)) for one in _standing(b, group)]
    keys = [key for _, key in told if key is not None]
    unnamed = [one for one, key in told if key is None]
    if request is not None:
        keys = [said if said in keys else next(iter(keys), said)]
        for one in unnamed:
            _call(b, keys[0], one)
        return keys
    for number, one in enumerate(unnamed):
        # Only a name within this message: what it leads to is settled.
        keys.append(f"{said}#{number}")
        _call(b, keys[-1], one)
    return list(dict.fromkeys(keys)) or [said]


def _standing(b: Building, group: Group) -> list[Known]:
    request = group.first("OBR")
    code = coded(b, request.rep(4), "lab_item") if request is not None else {}
    numbers = numbers_of(_numbers(b, group.first("ORC"), request))
    return [
        one
        for one in b.known
        if one.type in _PREFIXES and is_same(numbers, one) and (request is None or has_code(one, code))
    ]


def _call(b: Building, key: str, known: Known) -> None:
    b.call(known.type, f"{_PREFIXES[known.type]}{key}", known.id)


def _said_key(b: Building, group: Group) -> tuple[str, list[str]]:
    """By the filler's number, else the placer's, and by what was asked for; and all numbers as spelled."""
    order, request = group.first("ORC"), group.first("OBR")
    places = [(request, 3), (order, 3), (request, 2), (order, 2), (order, 4)]
    spelled = [key for s, n in places if s is not None and (key := entity_key(s.rep(n)))]
    what = request.rep(4) if request is not None else None
    code = (what.c(1) or what.c(2)) if what is not None else ""
    if spelled:
        return f"{spelled[0]}|{code}", spelled
    at = request.text(7) if request is not None else ""
    visit = b.encounter["reference"] if b.encounter else ""
    # Without any number, only a repeat of this very message is the same order.
    position = group.segments[0].at
    return (f"{visit}|{code}|{at}" if at else f"{b.header.control_id}|{code}|{position}"), []


def build_order(b: Building, group: Group) -> None:
    """One group of ORM, OMG, OML, ORU or OUL."""
    order = group.first("ORC")
    if order is not None and group.first("OBR") is None and change_prescriptions(b, order):
        return
    keys = order_keys(b, group)
    key = keys[0]
    specimens = [build_specimen(b, s, key) for s in [*group.specimens, *group.each("SPM")]]
    request = group.first("OBR")
    if not specimens and request is not None and request.rep(15):
        specimens = [_specimen_of_request(b, request, key)]
    wanted = group.first("ORC") or b.header.type not in _RESULTS
    asked = [build_request(b, group, each, specimens) for each in keys] if wanted else []
    if b.header.type in _RESULTS:
        build_report(b, group, key, asked[0] if asked else None, specimens)
        return
    for segment, own in observation_keys(key, group.each("OBX")):
        build_observation(b, segment, own, notes=notes_of(b, group.notes_after(segment)))


def build_request(b: Building, group: Group, key: str, specimens: Sequence[Json] = ()) -> Json:
    """ServiceRequest."""
    order, request = group.first("ORC"), group.first("OBR")
    timing = timing_of(b, group)
    body: Json = {
        "status": _request_status(b, order),
        "intent": "order",
        "identifier": _numbers(b, order, request),
        "subject": b.subject,
        "encounter": b.encounter,
        "priority": _priority(b, timing, request),
        "specimen": [*specimens],
        "note": notes_of(b, group.notes_after(request)) if request else None,
        "performer": _asked(b, group),
    }
    if order is not None:
        body["authoredOn"] = time_of(b, order, 9)
        body["requester"] = next(iter(each(order.reps(12), lambda rep: practitioner(b, rep))), None)
        group_number = entity(b, order.rep(4))
        body["requisition"] = group_number or None
    if request is not None:
        body["code"] = coded(b, request.rep(4), "lab_item")
        body["occurrenceDateTime"] = timing.start or time_of(
            b, request, 7 if request.has(7) else 36 if request.has(36) else 6
        )
        body["reasonCode"] = coded_all(b, request, 31)
        body["requester"] = body.get("requester") or next(
            iter(each(request.reps(16), lambda rep: practitioner(b, rep))), None
        )
        body["authoredOn"] = body.get("authoredOn") or time_of(b, request, 22)
        body["category"] = [of_table("0074", request.text(24))] if request.text(24) else None
        body["patientInstruction"] = request.text(39, 2) or None
    if "code" not in tidy(body):
        body["code"] = {"text": "未说明的申请"}
    # Who cancels says by number what he means, and little else.
    sparse = request is None or body["status"] == "revoked"
    return b.add(
        "ServiceRequest",
        f"order:{key}",
        body,
        # Most messages of an order do not say who is asked to perform it, nor on which specimen.
        fills=_LASTING if sparse else ("performer", "specimen"),
        keeps=("code",) if request is None else (),
        joins=("identifier",),
    )


def _asked(b: Building, group: Group) -> list[Json]:
    """PRT of role PO: the institution that is asked to perform the order; of results, who has done it."""
    if b.header.type in _RESULTS:
        return []
    parties = [segment for segment in group.each("PRT") if segment.text(4) == "PO"]
    return unique(made for segment in parties for made in each(segment.reps(8), lambda r: organization(b, r)))


def _request_status(b: Building, order: Segment | None) -> str:
    if order is None:
        return "active"
    control, status = order.text(1), order.text(5)
    if control in ("CA", "OC", "CR", "DC", "OD", "DR"):
        return "revoked"
    if status:
        return b.code("order_status", status, order, 5) or "unknown"
    return b.code("order_status", control, order, 1) or "unknown"


def _numbers(b: Building, order: Segment | None, request: Segment | None) -> list[Json]:
    found = []
    for kind, number in (("PLAC", 2), ("FILL", 3)):
        for segment in (order, request):
            if segment is not None and (one := entity(b, segment.rep(number), kind)):
                found.append(one)
                break
    return found


def _priority(b: Building, timing: Timing, request: Segment | None) -> str | None:
    if timing.priority or request is None:
        return timing.priority
    said = request.text(5)
    return b.code("priority", said, request, 5) if said else None


def build_report(b: Building, group: Group, key: str, asked: Json | None, specimens: list[Json]) -> None:
    """DiagnosticReport with its Observations and the report as issued."""
    request = group.first("OBR")
    if request is None:
        for segment, own in observation_keys(key, group.each("OBX")):
            build_observation(b, segment, own, notes=notes_of(b, group.notes_after(segment)))
        return
    said = request.text(25)
    status = b.code("report_status", said, request, 25) if said else "final"
    section = request.text(24)
    effective = time_of(b, request, 7)
    results, forms, words = _results(
        b, group, key, asked, specimens, _effective(b, request, effective), section
    )
    end = time_of(b, request, 8)
    spans = bool(effective and end and effective[:10] < end[:10])
    body = {
        "status": status,
        "identifier": _numbers(b, group.first("ORC"), request),
        "category": [of_table("0074", section)] if section else None,
        "code": coded(b, request.rep(4), "lab_item") or {"text": "未说明的报告"},
        "subject": b.subject,
        "encounter": b.encounter,
        "basedOn": [asked] if asked else None,
        "effectiveDateTime": None if spans else effective,
        "effectivePeriod": period(effective, end) if spans else None,
        "issued": _instant(time_of(b, request, 22)),
        "performer": _performers(b, request),
        "resultsInterpreter": _interpreters(b, request),
        "specimen": specimens,
        "result": results,
        "conclusion": "\n".join(words) or None,
        "presentedForm": forms,
    }
    notes = notes_of(b, group.notes_after(request))
    if notes:
        body["extension"] = [{"url": "urn:healthycity:note", "valueString": note["text"]} for note in notes]
    b.add("DiagnosticReport", f"report:{key}", body, joins=("identifier",))


def _effective(b: Building, request: Segment, effective: str | None) -> str | None:
    return effective or b.time(request.text(22))


def _results(
    b: Building,
    group: Group,
    key: str,
    asked: Json | None,
    specimens: list[Json],
    effective: str | None,
    section: str,
) -> tuple[list[Json], list[Json], list[str]]:
    """The results, the report's files, and what its impression says."""
    kind = "imaging" if section in _SEEN else "laboratory"
    more = tidy({
        "basedOn": [asked] if asked else None,
        "specimen": specimens[0] if specimens else None,
        "effectiveDateTime": effective,
        "category": [{"coding": [{"system": _CATEGORY, "code": kind}]}],
    })  # fmt: skip
    results, forms, words = [], [], []
    for segment, own in observation_keys(key, group.each("OBX")):
        form = attachment_of(b, segment) if segment.text(2).upper() in ATTACHED else None
        if form is not None:
            forms.append(form)
            continue
        later = tidy({**more, "effectiveDateTime": time_of(b, segment, 14) or effective})
        results.append(
            build_observation(b, segment, own, more=later, notes=notes_of(b, group.notes_after(segment)))
        )
        if _is_impression(segment):
            words += [line for rep in segment.reps(5) if (line := rep.whole())]
    return unique(results), forms, words


def _is_impression(segment: Segment) -> bool:
    """What of an imaging report is its conclusion: by sub-id, code, or the code's suffix up to 2.3."""
    what = segment.rep(3)
    said = {segment.text(4).upper(), what.c(1, 2).upper()}
    return bool(said & {"IMP", "IMPRESSION"}) or what.c(1) in ("19005-8", "诊断意见")


def _instant(text: str | None) -> str | None:
    """An instant needs its time of day."""
    if not text:
        return None
    return text if "T" in text else f"{text}T00:00:00+08:00" if len(text) == 10 else None


def _performers(b: Building, request: Segment) -> list[Json]:
    found = each(request.reps(34), lambda rep: _named(b, rep.parts(1)))
    return unique(found)


def _interpreters(b: Building, request: Segment) -> list[Json]:
    return unique(each(request.reps(32), lambda rep: _named(b, rep.parts(1))))


def _named(b: Building, parts: list[str]) -> Json:
    """NDL: number, family and given name in one component."""
    number, family, given = [*parts, "", "", ""][:3]
    name = f"{family}{given}" if not (family + given).isascii() else f"{given} {family}".strip()
    if not name and is_name(number):
        number, name = "", number
    if not number and not name:
        return {}
    system = f"urn:healthycity:practitioners:{b.organization_id}"
    said = {"system": system, "value": number} if number else None
    return tidy({"type": "Practitioner", "identifier": said, "display": name})


def build_specimen(b: Building, segment: Segment, order: str) -> Json:
    """SPM."""
    number = segment.rep(2)
    # EIP: the placer's and the filler's number, each with its parts.
    own = number.c(2) or number.c(1)
    taken = segment.rep(17)
    start, end = time_of(b, segment, 17, taken), time_of(b, segment, 17, taken, 2)
    return b.add("Specimen", f"specimen:{own}" if own else f"specimen:{order}:{segment.at}", {
        "identifier": [
            {"value": value, "type": of_table("0203", kind)}
            for value, kind in ((number.c(1), "PGN"), (number.c(2), "FGN"))
            if value
        ] + each(segment.reps(31), lambda rep: entity(b, rep)),
        "type": {**coded(b, segment.rep(4)), **({"text": segment.text(14)} if segment.text(14) else {})},
        "subject": b.subject,
        "receivedTime": time_of(b, segment, 18),
        "condition": coded_all(b, segment, 24),
        "collection": {
            "collectedDateTime": None if end else start,
            "collectedPeriod": period(start, end) if end else None,
            "quantity": quantity(segment.text(12)),
            "method": coded(b, segment.rep(7)),
            "bodySite": coded(b, segment.rep(8)),
        },
    })  # fmt: skip


def _specimen_of_request(b: Building, request: Segment, order: str) -> Json:
    said = request.rep(15)
    kind = {"text": said.c(1)} if len(said.parts(1)) < 2 else {
        "coding": [tidy({"code": said.c(1), "display": said.c(1, 2), "system": b.codes.system(said.c(1, 3))})]
    }  # fmt: skip
    return b.add("Specimen", f"specimen:{order}:obr", {
        "type": kind,
        "subject": b.subject,
        "receivedTime": time_of(b, request, 14),
        "collection": {"collectedDateTime": time_of(b, request, 7)},
    })  # fmt: skip
