"""A doctor at hospital B prescribes to somebody who has medicines of hospital A."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.medication.book import start_rules
from backend.permissions import SYSTEM, Actor, Role
from backend.rulebooks.service import Upload
from tests.factories.recognition import POTASSIUM, Ward, make_ward
from tests.factories.records import make_resources
from tests.support.city import Surroundings, open_test_city

CHECK, DECISIONS = "/hospital/v1/medication/check", "/hospital/v1/medication/decisions"


@pytest.fixture
async def ward(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[Ward]:
    async with open_test_city(surroundings, mongo_uri, db) as town:
        made = await make_ward(town)
        upload = Upload("", start_rules(), clock.today(), "测试规则")
        await town.city.services.medication.rules.apply(SYSTEM, upload, 0)
        yield made


def prescription(ward: Ward, name: str, days: int = 30, ago: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": f"Patient/{ward.chart_there.id}"},
        "authoredOn": (clock.now() - timedelta(days=ago)).isoformat(),
        "dispenseRequest": {"expectedSupplyDuration": {"value": days, "unit": "d"}},
    } | more


async def ask(ward: Ward, *names: str, expect: int | None = None, **more: Any) -> Any:
    body = {
        "patient": {"chart_number": {"assigner": "hospital", "value": ward.chart_here.number.value}},
        "medicines": [{"name": name} for name in names],
        "practitioner": "D1",
    }
    return await ward.town.call("POST", CHECK, as_=ward.caller, json=body | more, expect=expect)


async def test_what_another_hospital_prescribed_speaks_up(ward: Ward):
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "青霉素"},
        "patient": {"reference": f"Patient/{ward.chart_there.id}"},
        "recordedDate": "2015-03-01",
    }
    await make_resources(
        ward.services,
        ward.chart_there,
        prescription(ward, "阿托伐他汀钙片"),
        prescription(ward, "华法林钠片", days=10, ago=9),
        prescription(ward, "硝苯地平控释片", status="cancelled"),
        allergy,
    )
    await ward.lab(POTASSIUM)
    names = ("立普妥", "布洛芬缓释胶囊", "阿莫西林胶囊", "氨氯地平片", "板蓝根颗粒")
    answer = await ask(ward, *names, examinations=[POTASSIUM])
    told = [(each["kind"], each["severity"], each["medicine"]) for each in answer["alerts"]]
    assert sorted(told) == [
        ("allergy", "block", "阿莫西林胶囊"),
        ("duplicate", "block", "立普妥"),
        ("examination", "caution", ""),
        ("interaction", "serious", "布洛芬缓释胶囊"),
    ]
    assert answer["alerts"][0]["severity"] == "block"
    assert answer["not_understood"] == ["板蓝根颗粒"]
    duplicate = next(each for each in answer["alerts"] if each["kind"] == "duplicate")
    assert (duplicate["organization_name"], duplicate["days_left"]) == (ward.source.name, 27)


async def test_answers_are_kept_sealed_counted_once_and_changed_for_a_while(ward: Ward):
    await make_resources(ward.services, ward.chart_there, prescription(ward, "华法林钠片"))
    answer = await ask(ward, "布洛芬缓释胶囊")
    (alert,) = answer["alerts"]
    said = {"alert": alert["id"], "action": "overridden", "reason": "01", "text": "只用三天，已约复查凝血"}
    body = {"check_id": answer["check_id"], "practitioner": "D1", "answers": [said]}

    async def decide(changes: dict[str, Any], expect: int | None = None) -> Any:
        changed = body | {"answers": [said | changes]}
        return await ward.town.call("POST", DECISIONS, as_=ward.caller, json=changed, expect=expect)

    await decide({"reason": "77"}, expect=400)
    await decide({"reason": ""}, expect=400)
    await decide({"alert": "nothing"}, expect=400)
    first = await decide({})
    assert first["open"] == []
    assert await decide({}) == first
    counting = ward.services.medication.counting
    await counting.run()
    assert await counting.run() == 0
    own = Actor("staff", "s", Role.HOSPITAL_OPERATOR, frozenset({ward.asking.id}))
    total = (await counting.read(own, "", 1)).total
    assert [total.get(name) for name in ("checks", "alerts", "overridden", "accepted")] == [1, 1, 1, 0]
    assert dict(total.reasons) == {"01": 1}
    await decide({"action": "accepted", "reason": ""})
    await counting.run()
    report = await counting.read(own, "", 1)
    assert [report.total.get(name) for name in ("overridden", "accepted")] == [0, 1]
    assert [line.id for line in report.rules] == ["I001"]
    # Somebody of the city sees that there is something, and not whose it was.
    city = (await counting.read(Actor("staff", "c", Role.CITY_OPERATOR, None), "", 1)).total
    assert (city.get("checks"), city.get("alerts"), city.rate) == (None, None, None)

    docs = [doc async for doc in ward.town.city.db.collection("medication_checks").find()]
    assert "布洛芬" not in str(docs)
    assert "复查" not in str(docs)


async def test_hostile_input_is_refused_and_others_checks_are_not_there(ward: Ward):
    hostile: tuple[dict[str, Any], ...] = (
        {"patient": {}},
        {"patient": {"id_number": "1" * 19}},
        {"patient": {"id_number": ward.id_number, "chart_number": {"value": "1"}}},
        {"medicines": []},
        {"medicines": [{"name": ""}]},
        {"medicines": [{"name": "药" * 101}]},
        {"medicines": [{"name": "药"}] * 31},
        {"practitioner": ""},
        {"purpose": "PATRQT2"},
        {"unknown": 1},
    )
    for wrong in hostile:
        await ask(ward, "布洛芬片", expect=400, **wrong)
    await ask(ward, "\x00$where|<script>\u202e", "{{7*7}}")
    check = (await ask(ward, "布洛芬片"))["check_id"]
    other = await ward.town.hospital_client()
    body = {"check_id": check, "practitioner": "D1", "answers": [{"alert": "x", "action": "accepted"}]}
    await ward.town.call("POST", DECISIONS, as_=other, json=body, expect=404)
