"""The part of a life that leaves a record: what hospitals send, and what is asked, read and decided."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import orjson
import pydicom

from backend import clock
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.outbound_models import Family, Target
from backend.ids import new_id
from backend.medication.book import start_rules
from backend.messages.models import MessageKind
from backend.messages.templates import Draft
from backend.patient_index.models import Demographics
from backend.permissions import SYSTEM, Actor, Role
from backend.rulebooks.service import Upload
from tests.factories.charts import make_chart, make_parted_charts
from tests.factories.exchange import RESULT
from tests.factories.recognition import CREATININE, LOINC, POTASSIUM, Ward, make_ward
from tests.factories.records import make_resources
from tests.factories.reports import CT, make_image, make_kept_reports
from tests.factories.sharing import DOCTOR, an_encounter, make_words
from tests.security.birth_life import a_child_is_born
from tests.security.people import FATHER, GRANNY, MOTHER, STRANGER, Life
from tests.security.referral_life import on_the_road
from tests.support.city import Caller

ADDRESS = "潍坊市奎文区翡翠湖畔七号"
FOUND = "妊娠合并甲状腺功能减退"
_NUMBERS = "urn:oid:1.2.3.4"
_CITY = Actor("staff", "c", Role.CITY_OPERATOR, None)
# What the factories say in these words.
_SAID = (
    "02 心梗抢救，家属未到",
    "与急诊记录一致",
    "为什么看我的病历？",
    "您当日在本院急诊抢救",
    "电话不对",
    "已改正",
)


async def on_record(life: Life, mother: Caller, hospital: Caller) -> None:
    """Everything that has to do with records."""
    for label, text in (
        ("address", ADDRESS),
        ("diagnosis", FOUND),
        *(("what was said", said) for said in _SAID),
    ):
        life.keep(label, text)
    await _messages(life)
    await _wants_to_be_told(life)
    await _resources(life, mother, hospital)
    await _charts(life)
    await _reports_and_sharing(life, mother, hospital)
    await _checks(life)
    await _words(life)
    await _quality_and_calls(life, hospital)
    await on_the_road(life, hospital)
    await life.city.city.services.exchange.outbound.courier.deliver_due()
    await a_child_is_born(life, mother, hospital)
    await life.city.work()


async def _messages(life: Life) -> None:
    """A result over HL7, one that cannot be read, a part of a large one, a table of the hospital's own."""
    city = life.city
    exchange, place = city.city.services.exchange, city.hospital.id
    person = f"{STRANGER['name']}||19700707|M|||{ADDRESS}||{STRANGER['phone']}||||||{STRANGER['id_number']}"
    text = RESULT.decode().replace("王秀英||19560304|F|||潍坊市奎文区东风街1号||13800001111", person)
    assert STRANGER["id_number"] in text
    text = text.replace("|葡萄糖", f"|{FOUND}").replace("ZY0001", life.keep("patient number", "ZY88231907"))
    await exchange.senders.allow(SenderKind.FACILITY, "QY", place, "")
    await exchange.receiver.take(text.encode(), Link())
    nameless = text.replace("|F1|", "|F2|").replace(STRANGER["name"], "")
    await exchange.receiver.take(nameless.encode(), Link())
    await city.work()
    kept = await city.city.db.collection("hl7_messages").find_one({"control_id": "F1"})
    assert kept is not None
    await exchange.desk.store._add_parts(kept["_id"], [text], None)
    await exchange.desk.tables.write(place, "interpretation", {"偏高": "H"}, SYSTEM.id)


async def _wants_to_be_told(life: Life) -> None:
    """From now on the hospital gets bookings and referrals over HL7."""
    target = Target(
        organization_id=life.city.hospital.id,
        host="127.0.0.1",
        port=(await life.city.outside.get("his"))["port"],
        tls=False,
        version="2.5.1",
        charset="UNICODE UTF-8",
        families=frozenset(Family),
        app="HIS",
        facility="QY",
    )
    await life.city.city.services.exchange.outbound.desk.write_target(SYSTEM, target)


async def _resources(life: Life, mother: Caller, hospital: Caller) -> None:
    """A file of resources over FHIR, one line of it no good; one that is changed, and one that is refused."""
    city = life.city
    number = life.keep("patient number", "FHIR-77120398")
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    patient = {
        "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1987-06-15",
        "identifier": [{"system": _NUMBERS, "value": number, "type": kind}],
        "name": [{"text": MOTHER["name"]}],
        "telecom": [{"system": "phone", "value": MOTHER["phone"]}],
        "address": [{"text": ADDRESS}],
    }  # fmt: skip
    found: dict[str, Any] = {
        "resourceType": "Condition", "id": "c1", "code": {"text": FOUND},
        "subject": {"reference": "Patient/p1"},
        "identifier": [{"system": _NUMBERS, "value": "C1"}],
    }  # fmt: skip
    wrong = found | {"id": "c2", MOTHER["name"]: FOUND, "recordedDate": MOTHER["id_number"]}
    url, headers = f"{city.url}/fhir/R4", hospital.headers
    for note in ("初诊", f"{MOTHER['name']}复诊"):
        lines = [patient, found | {"note": [{"text": note}]}, wrong]
        answer = await city.http.post(
            f"{url}/$load",
            content=b"\n".join(orjson.dumps(line) for line in lines),
            headers=headers | {"Content-Type": "application/fhir+ndjson"},
        )
        assert answer.status_code == 200, answer.text
    # A report that needs more than an ordinary basis names a result that has yet to come.
    report = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": found["subject"],
        "code": {"text": life.keep("note", "HIV抗体确证试验复核")},
        "identifier": [{"system": _NUMBERS, "value": "R1"}],
        "result": [{"reference": "Observation/o9"}],
    }  # fmt: skip
    answer = await city.http.post(
        f"{url}/$load",
        content=b"\n".join(orjson.dumps(line) for line in (patient, report)),
        headers=headers | {"Content-Type": "application/fhir+ndjson"},
    )
    assert answer.status_code == 200, answer.text
    refused = await city.http.post(f"{url}/Condition", json=wrong, headers=headers)
    assert refused.status_code >= 400, refused.text
    asked = {"identifier": f"{_NUMBERS}|{number}", "_count": "1"}
    seen = await city.http.post(f"{url}/Patient/_search", data=asked, headers=headers)
    assert seen.status_code == 200, seen.text


async def _charts(life: Life) -> None:
    """Two that staff have parted, and one who may be the same as somebody known."""
    services, place = life.city.city.services, life.city.hospital.id
    granny = Demographics(GRANNY["name"], "female", id_number=GRANNY["id_number"], phone=GRANNY["phone"])
    await make_parted_charts(services, place, granny)
    # The same ID number under another name is put before a human.
    await make_chart(services, place, "3", Demographics(FATHER["name"], id_number=GRANNY["id_number"]))


async def _reports_and_sharing(life: Life, mother: Caller, hospital: Caller) -> None:
    """Read in an emergency, asked about, shared, exported, said to be wrong; a stay, an image with a name."""
    city = life.city
    services, owner = city.city.services, city.city.services.tokens.verify(mother.token)
    who = Demographics(MOTHER["name"], id_number=MOTHER["id_number"], phone=MOTHER["phone"], address=ADDRESS)
    chart = await make_chart(services, city.hospital.id, "4", who)
    await make_words(services, city.hospital, owner)
    await make_kept_reports(services, chart, owner)
    picture, content = pydicom.dcmread(CT), io.BytesIO()
    picture.SpecificCharacterSet, picture.PatientName = "ISO_IR 192", MOTHER["name"]
    picture.PatientID, picture.SOPInstanceUID = MOTHER["id_number"], f"{picture.SOPInstanceUID}.7"
    picture.save_as(content)
    await make_image(services, city.hospital.id, content.getvalue())
    asked = {"patient": {"id_number": MOTHER["id_number"]}, "practitioner": DOCTOR}
    made = await city.call("POST", "/hospital/v1/record-launches", as_=hospital, json=asked)
    signed = {"patient": asked["patient"], "from_on": str(clock.today()), "until_on": str(clock.today())}
    await city.call("PUT", "/hospital/v1/care-contracts/QY-17", as_=hospital, json=signed)
    ended = clock.now() - timedelta(days=1)
    stay = an_encounter(ended - timedelta(days=2), ended) | {"class": {"code": "IMP"}}
    await make_resources(services, chart, stay)
    life.keep("launch", made["url"].rpartition("/")[2].rpartition("=")[2])


async def _checks(life: Life) -> None:
    """A doctor is told of a result and of an allergy, and says why he goes on all the same."""
    ward: Ward = await make_ward(life.city)
    services = ward.services
    life.keep("id_number", ward.id_number)
    rules = Upload("", start_rules(), clock.today(), "测试规则")
    await services.medication.rules.apply(SYSTEM, rules, 0)
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "青霉素"},
        "patient": {"reference": f"Patient/{ward.chart_there.id}"},
        "recordedDate": "2015-03-01",
    }
    await make_resources(services, ward.chart_there, allergy)
    await ward.lab()
    why = life.keep("note", "孕妇急诊剖宫产术前必须复查")
    check = (await ward.check(POTASSIUM))["check_id"]
    await ward.decide(check, {"item": POTASSIUM, "accepted": False, "reason": "99", "note": why})
    again = {
        "patient": {"chart_number": {"assigner": "hospital", "value": ward.chart_here.number.value}},
        "practitioner": "D1",
    }
    path = "/hospital/v1/medication"
    body = again | {"medicines": [{"name": "阿莫西林胶囊"}]}
    told = await life.city.call("POST", f"{path}/check", as_=ward.caller, json=body)
    said = {"alert": told["alerts"][0]["id"], "action": "overridden", "reason": "01", "text": why}
    body = {"check_id": told["check_id"], "practitioner": "D1", "answers": [said]}
    await life.city.call("POST", f"{path}/decisions", as_=ward.caller, json=body)
    await _order_again(life, ward)
    await services.recognition.counting.run()
    await services.medication.counting.run()


async def _order_again(life: Life, ward: Ward) -> None:
    """What is known already is ordered, and nobody has asked; half an hour later it is noticed."""
    await ward.lab(CREATININE)
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": LOINC, "code": CREATININE}]},
        "subject": {"reference": f"Patient/{ward.chart_here.id}"},
        "requester": {"identifier": {"value": "D1"}},
        "authoredOn": clock.now().isoformat(),
    }
    await make_resources(ward.services, ward.chart_here, order)
    await life.city.work()
    past = clock.now() - timedelta(hours=1)
    late = {"$set": {"event_at": past, "due_at": past}}
    await life.city.city.db.collection("outbox").update_many({"kind": "order.placed"}, late)
    await life.city.work()


async def _words(life: Life) -> None:
    """A message in other words than the first."""
    templates, kind = life.city.city.services.messages.templates, MessageKind.REFUND_SUCCEEDED
    first = (await templates.read(kind, 1)).wording
    draft = Draft(first.title, first.lines, first.sms, first.approved, dict(first.wechat))
    made = await templates.write(SYSTEM, kind, draft)
    await templates.choose(SYSTEM, kind, made.number, "运营商要求")


async def _quality_and_calls(life: Life, hospital: Caller) -> None:
    """A rule made looser, the day's counts, a number called."""
    city, quality = life.city, life.city.city.services.quality
    rule = next(rule for rule in await quality.rules() if rule.low is not None)
    await quality.change(_CITY, rule.id, {"low": 0}, "与检验科核对过", version=rule.version)
    added = {"type": "Patient", "kind": "presence", "path": "photo", "severity": "hint"}
    about = {"title": "缺照片", "source": "本市约定"}
    await quality.add(_CITY, new_id(), added | about, "与检验科核对过")
    await city.call("GET", "/hospital/v1/quality", as_=hospital)
    session = await city.schedule(days=0)
    path = f"/hospital/v1/schedules/{session.external_id}/calling"
    await city.call("POST", path, as_=hospital, json={"number": 1})
