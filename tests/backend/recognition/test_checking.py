"""Hospital B asks before it orders: what it is told, what it decides, and what follows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.errors import AppError
from backend.permissions import SYSTEM, Actor, Role
from backend.rulebooks.service import Upload
from tests.factories.recognition import CHEST_CT, CREATININE, POTASSIUM, Ward, a_result, make_ward
from tests.factories.records import make_report, make_resources
from tests.support.city import Surroundings, open_test_city


def own_staff(ward: Ward) -> Actor:
    return Actor("staff", "s", Role.HOSPITAL_OPERATOR, frozenset({ward.asking.id}))


@pytest.fixture
async def ward(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[Ward]:
    async with open_test_city(surroundings, mongo_uri, db) as town:
        yield await make_ward(town)


async def test_a_result_of_another_hospital_is_offered_with_all_that_a_doctor_needs(ward: Ward):
    report = await ward.lab(POTASSIUM, days=3)
    film = await ward.imaging(days=20)
    answer = await ward.check(POTASSIUM, CHEST_CT, CREATININE, "9999-9")

    potassium, chest, creatinine, unknown = answer["items"]
    (result,) = potassium["results"]
    assert potassium["recommended"]
    assert (result["report"], result["value"], result["reference"]) == (report, "4.1 mmol/L", "3.5-5.3")
    assert (result["organization_name"], result["age_days"]) == (ward.source.name, 3)
    assert result["mark"]["name"] == "全国HR"
    assert result["text"] == "健康城市第一人民医院3天前的钾在7天有效期内（还剩4天），全国HR标识，建议互认。"
    (picture,) = chest["results"]
    assert (picture["report"], picture["id"], chest["recommended"]) == (film, film, True)
    assert [image.startswith("/fhir/R4/ImagingStudy/") for image in picture["images"]] == [True]
    assert (creatinine["results"], creatinine["recommended"]) == ([], False)
    assert (unknown["item"], unknown["results"]) == (None, [])
    assert answer["reasons"]["04"] == "患者处于急诊、急救、危重等紧急状态"

    entries, _ = await ward.services.audit.list_entries(SYSTEM, AuditFilter(action="records.read"))
    assert len(entries) == 1
    assert entries[0].data["practitioner"] == "D1"


async def test_what_speaks_against_a_result_is_said(ward: Ward):
    await ward.lab(POTASSIUM, days=9)
    await ward.lab(CREATININE, status="preliminary")
    await ward.imaging(images=False)
    answer = await ward.check(CHEST_CT, POTASSIUM, CREATININE)
    said = {each["name"]: each["results"][0]["why"] for each in answer["items"]}
    assert said == {"胸部CT平扫": ["no_images"], "钾": ["too_old"], "肌酐": ["not_final"]}
    assert not any(each["recommended"] for each in answer["items"])


async def test_ones_own_results_and_local_codes_are_known(ward: Ward):
    lists = ward.services.recognition.lists
    mapped = f"机构,院内码,项目编码\n{ward.source.name},K+,SH01\n{ward.asking.id},LAB001,SH01\n"
    await lists.apply(
        SYSTEM, Upload("codes", mapped, clock.today(), "院内码"), (await lists.in_force()).number
    )
    local = {"coding": [{"system": "urn:his", "code": "K+"}], "text": "血钾"}
    await ward.lab(code=local)
    await make_report(ward.services, ward.chart_here, [a_result(POTASSIUM, at=clock.now())])
    (item,) = (await ward.check("LAB001"))["items"]
    theirs, own = item["results"]
    assert (theirs["name"], theirs["verdict"], own["verdict"]) == ("血钾", "recommended", "own")
    assert own["text"] == "本院今天已做钾，请先查看结果。"


async def test_a_decision_counts_once_may_be_changed_and_is_noted_in_the_record(ward: Ward):
    await ward.lab(POTASSIUM)
    await ward.imaging()
    check = (await ward.check(POTASSIUM, CHEST_CT))["check_id"]
    accept = {"item": POTASSIUM, "accepted": True}
    refuse = {"item": "YX01", "accepted": False, "reason": "04", "note": "急诊手术前"}

    first = await ward.decide(check, accept)
    assert (first["decisions"][0]["saved_fen"], first["open"]) == (1250, ["YX01"])
    assert await ward.decide(check, accept) == first
    both = await ward.decide(check, accept, refuse)
    assert both["open"] == []
    await ward.decide(check, accept, refuse)

    await ward.town.work()
    counting = ward.services.recognition.counting
    await counting.run()
    assert await counting.run() == 0
    report = await counting.read(own_staff(ward), "", 1)
    total = report.total
    assert [total.get(name) for name in ("checks", "offers", "accepted", "refused")] == [2, 2, 1, 1]
    assert (total.saved_fen, dict(total.reasons), total.rate) == (1250, {"04": 1}, 50)

    # Changed within the time: the old one is taken off the figures and the note is taken back.
    await ward.decide(check, {"item": POTASSIUM, "accepted": False, "reason": "99"})
    await ward.town.work()
    await counting.run()
    report = await counting.read(own_staff(ward), "", 1)
    total = report.total
    assert [total.get(name) for name in ("accepted", "refused", "excused")] == [0, 1, 1]
    assert total.saved_fen == 0


async def test_the_resident_sees_where_his_result_was_recognised(ward: Ward):
    report = await ward.lab(POTASSIUM)
    check = (await ward.check(POTASSIUM))["check_id"]
    await ward.decide(check, {"item": POTASSIUM, "accepted": True})
    await ward.town.work()
    db = ward.town.city.db
    notes = [doc async for doc in db.collection("resources").find({"type": "Provenance", "deleted": False})]
    assert [note["chart"] for note in notes] == [ward.chart_here.id]
    resident = ward.town.stranger()
    person = ward.chart_here.person_id
    himself = Actor("resident", person, Role.RESIDENT, frozenset(), "s", "wechat", real_name=True)
    (told,) = await ward.services.recognition.service.recognised(himself, person)
    assert (told.item_name, told.report_id) == ("钾", report)
    assert (told.from_organization_id, told.by_organization_id) == (ward.source.id, ward.asking.id)
    stranger = replace(himself, id=resident.id)
    with pytest.raises(AppError, match="NOT_FOUND"):
        await ward.services.recognition.service.recognised(stranger, person)
    # Taken back with the decision.
    await ward.decide(check, {"item": POTASSIUM, "accepted": False, "reason": "01"})
    await ward.town.work()
    assert await db.collection("resources").count_documents({"type": "Provenance", "deleted": False}) == 0


async def test_a_decision_must_be_about_what_was_shown(ward: Ward):
    await ward.lab(POTASSIUM, days=9)
    check = (await ward.check(POTASSIUM, CREATININE))["check_id"]
    for wrong in (
        {"item": POTASSIUM, "accepted": True},
        {"item": CREATININE, "accepted": True},
        {"item": CREATININE, "accepted": False, "reason": "01"},
        {"item": POTASSIUM, "accepted": False, "reason": "77"},
        {"item": POTASSIUM, "accepted": False},
        {"item": "SH20", "accepted": False, "reason": "01"},
    ):
        await ward.decide(check, wrong, expect=400)
    await ward.decide(
        "01J8ZK3Q5V9X2M4N6P8R0T1S2V", {"item": "SH01", "accepted": False, "reason": "01"}, expect=404
    )


async def test_a_decision_stands_after_a_while(ward: Ward):
    await ward.lab(POTASSIUM)
    check = (await ward.check(POTASSIUM))["check_id"]
    await ward.decide(check, {"item": POTASSIUM, "accepted": True})
    store = ward.services.recognition.deciding._store
    found = await store.find(check)
    assert found is not None
    long_ago = {"SH01": clock.now() - timedelta(minutes=16)}
    assert await store.write(replace(found, first_decided_at=long_ago))
    again = {"item": POTASSIUM, "accepted": False, "reason": "01"}
    assert (await ward.decide(check, again, expect=409))["error"]["code"] == "DECISION_CLOSED"
    await ward.decide(check, {"item": POTASSIUM, "accepted": True})


async def test_nobody_is_asked_about_without_a_basis(ward: Ward):
    await ward.lab(POTASSIUM)
    stranger = await ward.town.hospital_client()
    body = {"patient": {"id_number": ward.id_number}, "items": [POTASSIUM], "practitioner": "D9"}
    path = "/hospital/v1/recognition/check"
    await ward.town.call("POST", path, as_=stranger, json=body, expect=403)
    nobody = body | {"patient": {"chart_number": {"value": "no-such"}}}
    await ward.town.call("POST", path, as_=stranger, json=nobody, expect=404)
    check = (await ward.check(POTASSIUM))["check_id"]
    decision = {"check_id": check, "practitioner": "D9", "decisions": [{"item": POTASSIUM, "accepted": True}]}
    await ward.town.call(
        "POST", "/hospital/v1/recognition/decisions", as_=stranger, json=decision, expect=404
    )


async def order(ward: Ward, code: str, **more: object) -> None:
    body = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{ward.chart_here.id}"},
        "requester": {"identifier": {"value": "D1"}},
        "authoredOn": clock.now().isoformat(),
    }
    await make_resources(ward.services, ward.chart_here, body | more)


async def later(ward: Ward) -> None:
    """Half an hour passes for what waits."""
    outbox = ward.town.city.db.collection("outbox")
    await ward.town.work()
    past = clock.now() - timedelta(hours=1)
    waiting = {"kind": "order.placed"}
    await outbox.update_many(waiting, {"$set": {"event_at": past, "due_at": past}})
    await ward.town.work()


async def test_an_order_without_a_check_or_an_answer_is_seen(ward: Ward):
    await ward.lab(POTASSIUM)
    await ward.lab(CREATININE)
    await ward.imaging()
    await ward.check(CREATININE)
    answered = (await ward.check(CHEST_CT))["check_id"]
    await ward.decide(answered, {"item": CHEST_CT, "accepted": False, "reason": "01"})
    for code in (POTASSIUM, CREATININE, CHEST_CT, "718-7", "9999-9"):
        await order(ward, code)
    await later(ward)
    repeats = await ward.services.recognition.deciding._store.list_repeats(None, None, 50)
    assert {(each.item, each.state, each.practitioner) for each in repeats} == {
        ("SH01", "unchecked", "D1"),
        ("SH24", "unanswered", "D1"),
    }
    counting = ward.services.recognition.counting
    await counting.run()
    report = await counting.read(own_staff(ward), "", 1)
    assert [report.total.get(name) for name in ("unchecked", "unanswered")] == [1, 1]


async def test_a_check_scans_nothing(ward: Ward):
    """Every question of a check names its index: what it looks at does not grow with the city."""
    await ward.lab(POTASSIUM)
    db = ward.town.city.db
    await db.native.command("profile", 2)
    try:
        await ward.check(POTASSIUM, CHEST_CT)
    finally:
        await db.native.command("profile", 0)
    asked = [doc async for doc in db.native["system.profile"].find({"op": {"$in": ["query", "command"]}})]
    await db.native["system.profile"].drop()
    plans = {doc["ns"].partition(".")[2]: doc["planSummary"] for doc in asked if "planSummary" in doc}
    assert "resources" in plans
    assert not [name for name, plan in plans.items() if "COLLSCAN" in plan], plans


async def test_the_questions_that_are_asked_often_name_their_index(ward: Ward):
    db = ward.town.city.db
    person = {"person_id": "p", "organization_id": "o", "at": {"$gte": clock.now()}}
    questions = {
        "of_person": db.collection("recognition_checks").find(person).sort("at", -1),
        "in_force": db.collection("rulebook_editions")
        .find({"book": "recognition", "effective_on": {"$lte": "2030-01-01"}})
        .sort([("effective_on", -1), ("number", -1)]),
        "count_due": db.collection("recognition_checks").find({"count_due": True}),
        "alerted_of_place": db.collection("medication_checks")
        .find({"alerted": True, "organization_id": {"$in": ["o"]}})
        .sort("_id", -1),
    }
    for index, question in questions.items():
        plan = str((await question.explain())["queryPlanner"]["winningPlan"])
        assert f"'indexName': '{index}'" in plan, plan
        assert "COLLSCAN" not in plan
