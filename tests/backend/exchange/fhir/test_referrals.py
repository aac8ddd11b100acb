"""Referrals over FHIR: sent by a transaction, seen by both sides, moved by their Task; all of it judged."""

from __future__ import annotations

import copy
import itertools
from datetime import timedelta
from typing import Any

from backend import clock
from backend.bootstrap.referral_face import event_for
from backend.errors import AppError
from backend.exchange.fhir.referral_ports import Move
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.referrals.machine import TABLE, ReferralEvent, ReferralState
from tests.backend.exchange.fhir.conftest import Face, Hospital, bundle, hospital, post
from tests.factories.directory import a_practitioner
from tests.support.city import id_number

_people = itertools.count(300)
ORGANIZATIONS = "urn:healthycity:organizations"
OURS = {"system": "urn:healthycity:service-category", "code": "referral"}
ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
REQUESTS = "/ServiceRequest?category=urn:healthycity:service-category%7Creferral"
TASKS = "/Task?code=urn:healthycity:service-category%7Creferral"


def request(to: Hospital, **more: Any) -> dict[str, Any]:
    """A ServiceRequest that refers somebody new."""
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "urn:oid:1.2.3", "value": new_id()}],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [OURS]}],
        "priority": "urgent",
        "subject": {
            "identifier": {"system": ID_NUMBER, "value": id_number(next(_people))},
            "display": "赵大海",
        },
        "performer": [{"identifier": {"system": ORGANIZATIONS, "value": to.organization.id}}],
        "reasonCode": [
            {"text": "反复胸闷"},
            {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I20.0"}], "text": "心绞痛"},
        ],
        "note": [{"text": "心电图示 ST 段压低"}],
        "occurrencePeriod": {"start": "2027-01-02", "end": "2027-01-05"},
    } | copy.deepcopy(more)


def task_for(url: str) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [OURS]},
        "focus": {"reference": url},
    }


def transaction(asked: dict[str, Any]) -> dict[str, Any]:
    url = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    return bundle("transaction", post(asked, url), post(task_for(url)))


async def send(by: Hospital, asked: dict[str, Any]) -> str:
    answer = (await by.ask("POST", "", transaction(asked))).json()
    locations = [entry["response"]["location"].split("/")[-2:] for entry in answer["entry"]]
    assert [kind for kind, _ in locations] == ["ServiceRequest", "Task"]
    assert locations[0][1] == locations[1][1]
    return str(locations[0][1])


def fact(code: str, **value: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": "urn:healthycity:referral-fact", "code": code}]}, **value}


def soon() -> dict[str, Any]:
    at = (clock.now() + timedelta(days=3)).replace(microsecond=0)
    return fact("expected-at", valueDateTime=at.isoformat())


async def move(
    by: Hospital, id: str, status: str, *facts: dict[str, Any], expect: int = 200, **more: Any
) -> Any:
    """Read the Task, change its status, send it back: as a client does."""
    headers = more.pop("headers", {})
    body = await by.get(f"/Task/{id}")
    for name in ("output", "statusReason", "businessStatus"):
        body.pop(name, None)
    body |= {"status": status} | more | ({"output": list(facts)} if facts else {})
    answer = await by.ask("PUT", f"/Task/{id}", body, expect=expect, headers=headers)
    return answer.json()


async def test_a_referral_goes_up_and_is_seen_by_both_sides_and_nobody_else(face: Face) -> None:
    clinic, lead = face.two, face.one
    asked = request(lead)
    id = await send(clinic, asked)
    assert await send(clinic, asked) == id  # The same number sends the same.
    for side in (clinic, lead):
        answer = await side.ask("GET", f"/Task/{id}")
        task = answer.json()
        assert (task["status"], task["businessStatus"]["text"]) == ("requested", "待接收")
        assert task["owner"]["identifier"]["value"] == lead.organization.id
        known = {"If-None-Match": answer.headers["ETag"]}
        await side.ask("GET", f"/Task/{id}", expect=304, headers=known)
        said = await side.get(f"/ServiceRequest/{id}")
        assert (said["status"], said["priority"], said["subject"]["display"]) == (
            "active",
            "urgent",
            "赵大海",
        )
        assert said["reasonCode"][0] == {"text": "反复胸闷"}
        assert said["reasonCode"][1]["coding"][0]["code"] == "I20.0"
        assert said["occurrencePeriod"] == {"start": "2027-01-02", "end": "2027-01-05"}
    entry = await face.city.city.db.collection("audit").find_one(
        {"action": "referrals.read", "object": f"referral/{id}"}
    )
    assert entry is not None
    stranger = await hospital(face, None)
    for path in (f"/Task/{id}", f"/ServiceRequest/{id}", f"/Task/{new_id()}"):
        await stranger.refused("GET", path, None, 404, "not-found")
    assert (await stranger.get(TASKS)).get("entry", []) == []


async def test_both_sides_find_theirs(face: Face) -> None:
    clinic, lead = face.two, face.one
    ids = [await send(clinic, request(lead)) for _ in range(2)]
    back = await send(lead, request(clinic))
    await move(lead, ids[0], "accepted", soon())

    async def found(by: Hospital, query: str) -> set[str]:
        page = await by.get(query)
        return {e["resource"]["id"] for e in page.get("entry", []) if e["search"]["mode"] == "match"}

    own = f"{ORGANIZATIONS}%7C{lead.organization.id}"
    incoming = await found(lead, f"{TASKS}&owner:identifier={own}&_count=100")
    assert set(ids) <= incoming
    assert back not in incoming
    assert back in await found(lead, f"{TASKS}&requester=Organization/{lead.organization.id}&_count=100")
    waiting = await found(lead, f"{TASKS}&status=requested,on-hold&_count=100")
    assert ids[1] in waiting
    assert ids[0] not in waiting
    assert ids[0] in await found(clinic, f"{REQUESTS}&status=active&_count=100")
    assert await found(clinic, f"{TASKS}&_id={ids[0]}") == {ids[0]}
    assert await found(clinic, f"{TASKS}&focus=ServiceRequest/{ids[0]}") == {ids[0]}
    assert await found(clinic, f"{TASKS}&status=draft") == set()
    told = {one["type"]: one for one in (await clinic.get("/metadata"))["rest"][0]["resource"]}
    assert all("referral" in told[kind]["documentation"] for kind in ("ServiceRequest", "Task"))
    page = await clinic.get(f"{TASKS}&_include=Task:focus&_count=1")
    assert [entry["resource"]["resourceType"] for entry in page["entry"]] == ["Task", "ServiceRequest"]
    [following] = [link["url"] for link in page["link"] if link["relation"] == "next"]
    after = await clinic.get(following.removeprefix(face.base).split("/fhir/R4")[-1])
    assert after["entry"][0]["resource"]["id"] != page["entry"][0]["resource"]["id"]
    await clinic.refused("GET", f"{TASKS}&flavour=x", None, 400, "parameter-unknown")
    read = bundle("batch", {"request": {"method": "GET", "url": f"Task/{ids[0]}"}})
    answer = (await clinic.ask("POST", "", read)).json()
    assert answer["entry"][0]["resource"]["status"] == "accepted"


async def test_the_task_drives_the_machine_from_side_to_side(face: Face) -> None:
    clinic, lead = face.two, face.one
    id = await send(clinic, request(lead))
    await move(lead, id, "received")
    asked = await move(lead, id, "on-hold", statusReason={"text": "请附心电图"})
    assert asked["statusReason"]["text"] == "请附心电图"
    more = await move(clinic, id, "requested", statusReason={"text": "心电图已附"})
    assert more["status"] == "requested"
    assert "心电图已附" in (await clinic.get(f"/ServiceRequest/{id}"))["note"][0]["text"]
    stale = {"If-Match": 'W/"1"'}
    await move(lead, id, "accepted", expect=412, headers=stale)
    await move(lead, id, "accepted", expect=400)  # Where and when is not said.
    place = [soon(), fact("bed", valueString="12床")]
    taken = await move(lead, id, "accepted", *place)
    assert {"12床"} <= {one.get("valueString") for one in taken["output"]}
    # Not by the side that sent it; and what has happened does not happen again.
    await move(clinic, id, "completed", expect=409)
    version = (await lead.ask("GET", f"/Task/{id}")).headers["ETag"]
    await move(lead, id, "accepted")
    assert (await lead.ask("GET", f"/Task/{id}")).headers["ETag"] == version
    gone = {"coding": [{"system": "urn:healthycity:referral-state", "code": "in_transit"}]}
    on_way = await move(
        clinic, id, "accepted", fact("transport", valueString="ambulance"), businessStatus=gone
    )
    assert on_way["businessStatus"]["text"] == "转运中"
    assert (await move(lead, id, "in-progress"))["businessStatus"]["text"] == "已到达"
    begun = {"coding": [{"system": "urn:healthycity:referral-state", "code": "treating"}]}
    assert (await move(lead, id, "in-progress", businessStatus=begun))["businessStatus"]["text"] == "诊治中"
    back = [
        fact("send-back", valueBoolean=True),
        fact("discharge-summary", valueString="病情平稳"),
        fact("follow-up", valueString="2027-01-31 复查心电图"),
    ]
    done = await move(lead, id, "completed", fact("outcome", valueString="improved"), *back)
    assert done["status"] == "completed"
    assert (await clinic.get(f"/ServiceRequest/{id}"))["status"] == "completed"
    await face.city.work()
    down = await clinic.get(f"{REQUESTS}&_count=100")
    [home] = [one["resource"] for one in down["entry"] if one["resource"].get("replaces")]
    assert home["code"]["coding"][0]["code"] == "down"
    told = {one["url"]: one for one in home["extension"]}
    assert told["urn:healthycity:referral-discharge-summary"]["valueString"] == "病情平稳"
    assert told["urn:healthycity:referral-follow-up"]["extension"][1]["valueDate"] == "2027-01-31"

    await _is_followed_up(clinic, lead, home["id"])

    other = await send(clinic, request(lead))
    why = {"coding": [{"system": "urn:healthycity:referral-reason", "code": "no_bed"}], "text": "本周无床"}
    refused = await move(lead, other, "rejected", statusReason=why)
    assert refused["statusReason"]["coding"][0]["code"] == "no_bed"


async def _is_followed_up(clinic: Hospital, lead: Hospital, id: str) -> None:
    """The plan of whom has gone home, as both see it."""
    plans = "/CarePlan?category=urn:healthycity:service-category%7Creferral"
    plan = await lead.get(f"/CarePlan/{id}")
    assert (plan["status"], plan["activity"][0]["detail"]["status"]) == ("draft", "scheduled")
    assert plan["activity"][0]["detail"]["scheduledPeriod"]["start"] == "2027-01-31"
    await move(clinic, id, "accepted", soon())
    found = await lead.get(f"{plans}&status=active")
    assert [one["resource"]["id"] for one in found["entry"]] == [id]
    assert (await clinic.get(f"{plans}&status=completed")).get("entry", []) == []
    await lead.refused("PUT", f"/CarePlan/{id}", plan, 400, "bundle-entry")
    body = {"item": 1, "not_done": "elsewhere", "text": "在外地复查"}
    await clinic.face.city.call(
        "POST", f"/hospital/v1/referrals/{id}/follow_up", as_=clinic.caller, json=body
    )
    (done,) = (await lead.get(f"/CarePlan/{id}"))["activity"]
    assert done["detail"]["statusReason"]["coding"][0]["code"] == "elsewhere"
    assert done["progress"][0]["text"] == "在外地复查"
    assert (await lead.get(f"{plans}&_id={id}"))["entry"][0]["resource"]["status"] == "completed"


async def test_a_transaction_moves_one_by_its_task_and_over_the_version_it_names(face: Face) -> None:
    clinic, lead = face.two, face.one
    third = await send(clinic, request(lead))
    moved = bundle(
        "transaction",
        {
            "resource": (await clinic.get(f"/Task/{third}")) | {"status": "cancelled"},
            "request": {"method": "PUT", "url": f"Task/{third}"},
        },
    )
    # An entry has its own If-Match.
    for said, code in (('W/"1"', 412), ("yesterday", 400)):
        late = copy.deepcopy(moved)
        late["entry"][0]["request"]["ifMatch"] = said
        await move(lead, third, "on-hold", statusReason={"text": "请附心电图"})
        await clinic.ask("POST", "", late, expect=code)
    answer = (await clinic.ask("POST", "", moved)).json()
    assert answer["entry"][0]["response"]["status"] == "200 OK"
    assert (await face.city.city.services.referrals.get(SYSTEM, third)).state is ReferralState.WITHDRAWN


async def test_what_is_no_referral_is_refused_in_words(face: Face) -> None:
    clinic, lead = face.two, face.one
    asked = request(lead)
    await clinic.refused("POST", "/ServiceRequest", asked, 400, "bundle-entry")
    alone = bundle("transaction", post(asked, "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"))
    await clinic.refused("POST", "", alone, 400, "bundle-entry")
    await clinic.refused("POST", "", bundle("batch", *transaction(asked)["entry"]), 422, "bundle-type")
    for name, code in (("performer", "required"), ("subject", "required")):
        less = {key: value for key, value in asked.items() if key != name}
        await clinic.refused("POST", "", transaction(less), 422, code)
    nobody = asked | {"subject": {"display": "无名氏"}}
    await clinic.refused("POST", "", transaction(nobody), 422, "subject-missing")
    nowhere = asked | {"performer": [{"identifier": {"system": ORGANIZATIONS, "value": new_id()}}]}
    await clinic.refused("POST", "", transaction(nowhere), 400, "BAD_REQUEST")
    elsewhere = transaction(asked)
    elsewhere["entry"][1]["resource"] |= {"focus": {"reference": f"ServiceRequest/{new_id()}"}}
    await clinic.refused("POST", "", elsewhere, 422, "reference-unknown")
    odd: Any
    for odd in (7, "x", [7], [{"coding": 7}], [{"coding": [7]}], {"coding": []}):
        await clinic.ask("POST", "", transaction(asked | {"category": odd}), expect=422)
    id = await send(clinic, asked)
    as_task = {
        "resource": await clinic.get(f"/ServiceRequest/{id}"),
        "request": {"method": "PUT", "url": f"Task/{id}"},
    }
    await clinic.refused("POST", "", bundle("transaction", as_task), 400, "type-mismatch")
    changed = await clinic.get(f"/ServiceRequest/{id}")
    await clinic.refused("PUT", f"/ServiceRequest/{id}", changed, 400, "bundle-entry")
    strange = (await lead.get(f"/Task/{id}")) | {"output": [fact("colour", valueString="red")]}
    await lead.refused("PUT", f"/Task/{id}", strange | {"status": "accepted"}, 422, "code")
    # One's own chart says who it is; another hospital's is nobody's.
    chart = await clinic.patient(
        identifier=[
            *[{"system": "urn:oid:1.2.3.4", "value": f"R{new_id()}"}],
            {"system": ID_NUMBER, "value": id_number(next(_people))},
        ],
        name=[{"text": "孙小云"}],
    )
    by_chart = request(lead, subject={"reference": f"Patient/{chart}"})
    sent = await send(clinic, by_chart)
    assert (await lead.get(f"/ServiceRequest/{sent}"))["subject"]["display"] == "孙小云"
    theirs = request(clinic, subject=by_chart["subject"])
    await lead.refused("POST", "", transaction(theirs), 404, "not-found")


def test_every_event_that_a_side_may_cause_has_a_task_that_asks_for_it() -> None:
    """All but what the clock, the patient and another referral do."""
    statuses = (
        *("requested", "received", "accepted", "rejected", "cancelled", "in-progress"),
        *("completed", "failed", "on-hold"),
    )
    reached = set()
    for state in ReferralState:
        for status in statuses:
            for exactly in ("", *ReferralState):
                for place in (False, True):
                    move_ = Move(status, str(exactly), facts=(("transport", "own"),))
                    try:
                        event = event_for(state, move_, has_place=place)
                    except AppError:
                        continue
                    if event is not None:
                        assert (state, event) in TABLE, (state, status, event)
                        reached.add(event)
    untold = {
        ReferralEvent.SEND, ReferralEvent.WISH, ReferralEvent.ESCALATE, ReferralEvent.LAPSE,
        ReferralEvent.CLOSE,
    }  # fmt: skip
    by_our_own_api = {ReferralEvent.REDIRECT, ReferralEvent.IDENTIFY, ReferralEvent.FOLLOW_UP}
    assert set(ReferralEvent) - reached == untold | by_our_own_api


async def test_whoever_sends_back_what_he_has_read_moves_only_what_he_has_changed(face: Face) -> None:
    """Clients read a Task, change one thing, and send the whole of it."""
    clinic, lead = face.two, face.one
    id = await send(clinic, request(lead))

    async def change(by: Hospital, expect: int = 200, **more: Any) -> Any:
        body = await by.get(f"/Task/{id}") | more
        return (await by.ask("PUT", f"/Task/{id}", body, expect=expect)).json()

    await change(lead, status="on-hold", statusReason={"text": "请附心电图"})
    await change(clinic, 400, status="requested")
    more = await change(clinic, status="requested", note=[{"text": "心电图已附"}])
    assert more["status"] == "requested"
    said = (await clinic.get(f"/ServiceRequest/{id}"))["note"][0]["text"]
    assert said.splitlines()[-1] == "心电图已附"
    assert "请附" not in said
    await change(lead, status="accepted", output=[soon(), fact("bed", valueString="12床")])
    # Nothing changed: neither by the one nor by the other.
    for side in (lead, clinic):
        before = (await side.get(f"/Task/{id}"))["meta"]["versionId"]
        assert (await change(side))["meta"]["versionId"] == before
    gone = {"coding": [{"system": "urn:healthycity:referral-state", "code": "in_transit"}]}
    task = await clinic.get(f"/Task/{id}")
    going = [*task["output"], fact("transport", valueString="ambulance")]
    assert (await change(clinic, businessStatus=gone, output=going))["businessStatus"]["text"] == "转运中"
    for side in (lead, clinic):
        before = (await side.get(f"/Task/{id}"))["meta"]["versionId"]
        assert (await change(side))["meta"]["versionId"] == before
    assert (await change(lead, status="in-progress"))["businessStatus"]["text"] == "已到达"


async def test_the_summary_of_a_stay_is_a_document_of_whoever_treats_him_next(face: Face) -> None:
    clinic, lead = face.two, face.one
    services = face.city.city.services
    doctor = a_practitioner(clinic.organization, value="D-18842")
    await services.directory.save_practitioners([doctor])
    asked = request(clinic, priority="routine", code={"coding": [
        {"system": "urn:healthycity:referral-direction", "code": "down"}
    ]}, extension=[
        {"url": "urn:healthycity:referral-discharge-summary", "valueString": "血压平稳，出院"},
        {"url": "urn:healthycity:referral-follow-up", "extension": [
            {"url": "what", "valueString": "复查血压"}, {"url": "due", "valueDate": "2027-01-31"},
        ]},
    ])  # fmt: skip
    id = await send(lead, asked)
    await face.city.work()
    referral = await services.referrals.get(SYSTEM, id)
    papers = f"/DocumentReference?patient={referral.person_id}&type=http://loinc.org%7C18842-5"
    treats = {"X-Practitioner": "D-18842"}
    await clinic.ask("GET", papers, expect=404, headers=treats)
    await move(clinic, id, "accepted", soon())
    found = await clinic.get(papers, headers=treats)
    (paper,) = [entry["resource"] for entry in found["entry"] if entry["search"]["mode"] == "match"]
    assert paper["author"][0]["identifier"]["value"] == lead.organization.id
    chart = paper["subject"]["reference"].partition("/")[2]
    # Its author reads it as what he has sent himself, with where it came from.
    kept = await lead.get(f"/DocumentReference/{paper['id']}")
    assert kept["content"] == paper["content"]
    mine = await lead.get(f"/DocumentReference?patient={chart}")
    assert [entry["resource"]["id"] for entry in mine["entry"]] == [paper["id"]]
    told = await lead.get(f"/Provenance?target=DocumentReference/{paper['id']}")
    (origin,) = [entry["resource"] for entry in told["entry"]]
    assert origin["target"] == [{"reference": f"DocumentReference/{paper['id']}"}]
