"""Two hospitals, a resident with a chart at each of them, and what lies in the charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.directory.models import Department, Organization, Practitioner
from backend.ids import named_id, new_id
from backend.patient_index.models import Chart
from backend.permissions import Actor, Role
from backend.records.models import Body, Purpose
from backend.records.sharing_models import Asked, Terms, Verdict
from tests.factories.directory import a_practitioner, hospital_client, make_hospital
from tests.factories.records import make_chart, make_resources
from tests.factories.residents import SignedIn, make_resident

DAY = timedelta(days=1)
# The practitioner that `make_hospital` gives every hospital.
DOCTOR = "p1"


@dataclass(frozen=True)
class Place:
    """A hospital, and the actor of its system."""

    organization: Organization
    department: Department
    doctor: Practitioner
    actor: Actor

    @property
    def id(self) -> str:
        return self.organization.id


@dataclass
class Shared:
    """`home` has treated the resident and sent records; `away` wants to read them."""

    services: Services
    home: Place
    away: Place
    person: SignedIn
    chart: Chart

    def terms(self, **more: Any) -> Terms:
        values: dict[str, Any] = {
            "purpose": Purpose.TREAT,
            "expires_at": clock.now() + 30 * DAY,
            "organization_ids": frozenset({self.away.id}),
        }
        return Terms(**(values | more))

    async def kinds_read(self, asked: Asked | None = None) -> set[str]:
        """The kinds of everything that the other hospital's doctor gets to see."""
        gate, reader = self.services.record_gate, self.services.record_reader
        basis = await gate.care(self.away.actor, self.person.id, asked or Asked(practitioner=DOCTOR))
        return {str(each.kind) for each in (await reader.timeline(basis, limit=100)).items}


async def make_place(services: Services, value: str, **more: Any) -> Place:
    """A hospital with a department and a doctor."""
    organization, department, doctor = await make_hospital(services.directory, value, **more)
    return Place(organization, department, doctor, hospital_client(organization))


async def make_shared(services: Services) -> Shared:
    """The two hospitals and the resident."""
    home = await make_place(services, "home", name="健康城市第一人民医院", short_name="市一院")
    away = await make_place(services, "away", name="健康城市中医院", short_name="市中医院")
    person = await make_resident(services)
    chart = await make_chart(services, home.id, name=person.name, id_number=person.id_number)
    assert chart.person_id == person.id
    return Shared(services, home, away, person, chart)


def a_condition(text: str = "高血压", on: str = "2026-01-10", **more: Any) -> Body:
    """A diagnosis."""
    return {
        "resourceType": "Condition",
        "code": {"text": text},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "recordedDate": on,
        **more,
    }


def an_allergy(text: str = "青霉素") -> Body:
    """An allergy."""
    return {
        "resourceType": "AllergyIntolerance",
        "code": {"text": text},
        "criticality": "high",
        "recordedDate": "2020-05-01",
        "reaction": [{"manifestation": [{"text": "皮疹、呼吸困难"}]}],
    }


def a_medicine(text: str = "硝苯地平控释片", on: str = "2026-01-10") -> Body:
    """A prescription."""
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "authoredOn": on,
        "dosageInstruction": [{"text": "30mg 每日一次 口服"}],
    }


def a_special_condition() -> Body:
    """A diagnosis that needs more than an ordinary basis."""
    coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "B20"}
    return a_condition("人类免疫缺陷病毒病") | {"code": {"coding": [coding], "text": "人类免疫缺陷病毒病"}}


def an_encounter(start: datetime, end: datetime | None, status: str = "finished") -> Body:
    """A visit."""
    period = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    return {"resourceType": "Encounter", "status": status, "class": {"code": "AMB"}, "period": period}


async def fill(shared: Shared) -> None:
    """A diagnosis, an allergy, a medicine, and a diagnosis that is nobody's business."""
    await make_resources(
        shared.services, shared.chart, a_condition(), an_allergy(), a_medicine(), a_special_condition()
    )


async def make_reading(services: Services, actor: Actor, person: SignedIn) -> str:
    """A hospital has broken the glass and read somebody's record; the id of the reading."""
    asked = Asked(Purpose.BREAK_GLASS, DOCTOR, reason="02 心梗抢救，家属未到", presented=True)
    basis = await services.record_gate.care(actor, person.id, asked)
    await services.record_reader.timeline(basis)
    found, _ = await services.sharing.accesses.list_of(
        person.actor, person.id, own=False, cursor=None, limit=1
    )
    return found[0].id


async def make_glass(services: Services, actor: Actor, person: SignedIn) -> str:
    """Broken glass that nobody has looked at; its id."""
    stated = f"02 心梗抢救，家属未到 {new_id()}"
    place = next(iter(actor.organization_ids or ()))
    doctor = await services.sharing.doctor_of(place, DOCTOR)
    assert doctor is not None
    over = {"$set": {"expires_at": clock.now()}}
    await services.db.collection("record_glasses").update_many({"person_id": person.id}, over)
    key = named_id("glass", person.id, place, DOCTOR)
    await services.db.collection("record_glass_windows").update_one({"_id": key}, over)
    return (await services.sharing.break_glass.open(actor, person.id, place, doctor, stated)).id


async def make_question(services: Services, actor: Actor, person: SignedIn) -> str:
    """A question about a reading; its id."""
    reading = await make_reading(services, actor, person)
    asked = await services.sharing.questions.ask(person.actor, person.id, reading, "我没有在这家医院看过病")
    return asked.id


async def make_words(services: Services, hospital: Organization, person: Actor) -> None:
    """All that is said around a record: why asked, why broken, what was found, question, answer."""
    client, auditor = hospital_client(hospital), Actor("staff", new_id(), Role.AUDITOR, None)
    await services.directory.save_practitioners([a_practitioner(hospital, value=DOCTOR)])
    sharing = services.sharing
    terms = Terms(Purpose.TREAT, clock.now() + DAY)
    await sharing.consents.ask(client, person.id, terms, DOCTOR, "会诊")
    asked = Asked(Purpose.BREAK_GLASS, DOCTOR, reason="02 心梗抢救，家属未到", presented=True)
    basis = await services.record_gate.care(client, person.id, asked)
    await services.record_reader.timeline(basis)
    await sharing.break_glass.review(auditor, basis.reference, Verdict.JUSTIFIED, "与急诊记录一致", "")
    (seen, *_), _ = await sharing.accesses.list_of(person, person.id, own=False, cursor=None, limit=1)
    question = await sharing.questions.ask(person, person.id, seen.id, "为什么看我的病历？")
    await sharing.questions.answer(auditor, question.id, "您当日在本院急诊抢救")
