"""Two hospitals, a resident with a chart at each of them, and what lies in the charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.directory.models import Department, Organization, Practitioner
from backend.patient_index.models import Chart
from backend.permissions import Actor
from backend.records.models import Body, Purpose
from backend.records.sharing_models import Asked, Terms
from tests.factories.directory import hospital_client, make_hospital
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
