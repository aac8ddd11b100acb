"""Two hospitals on the recognition lists, a resident known to both, and results of the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend import clock
from backend.bootstrap import Services
from backend.db.client import Database
from backend.directory.codes import HospitalLevel
from backend.directory.models import Organization
from backend.ids import new_id
from backend.medication.models import MedicationCheck
from backend.medication.store import MedicationStore
from backend.patient_index.models import Chart
from backend.permissions import SYSTEM, Actor, Role
from backend.recognition.book import start_list
from backend.recognition.models import Check, Repeat
from backend.recognition.store import RecognitionStore
from backend.records.models import Body
from backend.records.sharing_models import CareKind
from backend.rulebooks.service import Upload
from tests.factories.directory import an_organization
from tests.factories.records import make_chart, make_report, make_resources
from tests.support.city import Caller, TestCity, id_number

LOINC = "http://loinc.org"
POTASSIUM, CREATININE, CHEST_CT = "2823-3", "2160-0", "24627-2"


@dataclass(frozen=True)
class Ward:
    """A doctor's room at hospital B; the patient has been at hospital A."""

    town: TestCity
    services: Services
    source: Organization
    asking: Organization
    caller: Caller
    actor: Actor
    chart_there: Chart
    chart_here: Chart
    id_number: str

    async def lab(self, loinc: str = POTASSIUM, days: float = 1, **more: Any) -> str:
        """A report of hospital A with one result."""
        result = a_result(loinc, at=clock.now() - timedelta(days=days)) | more
        return await make_report(self.services, self.chart_there, [result], issued=str(result["issued"]))

    async def imaging(self, days: float = 1, *, images: bool = True, code: str = CHEST_CT) -> str:
        """A report of hospital A of a picture."""
        at = clock.now() - timedelta(days=days)
        study: Body = {"resourceType": "ImagingStudy", "status": "available", "started": at.isoformat()}
        study |= {"numberOfInstances": 40, "subject": {"reference": f"Patient/{self.chart_there.id}"}}
        (written,) = await make_resources(self.services, self.chart_there, study)
        return await make_report(
            self.services,
            self.chart_there,
            [],
            title="胸部CT平扫",
            category=[{"coding": [{"code": "RAD"}]}],
            code={"coding": [{"system": LOINC, "code": code}], "text": "胸部CT平扫"},
            effectiveDateTime=at.isoformat(),
            issued=at.isoformat(),
            conclusion="未见异常。",
            **({"imagingStudy": [{"reference": f"ImagingStudy/{written.id}"}]} if images else {}),
        )

    async def check(self, *items: str, expect: int | None = None, **more: Any) -> Any:
        """Hospital B asks."""
        body = {
            "patient": {"chart_number": {"assigner": "hospital", "value": self.chart_here.number.value}},
            "items": list(items),
            "practitioner": "D1",
        }
        path = "/hospital/v1/recognition/check"
        return await self.town.call("POST", path, as_=self.caller, json=body | more, expect=expect)

    async def decide(self, check_id: str, *decisions: dict[str, Any], expect: int | None = None) -> Any:
        """And answers."""
        body = {"check_id": check_id, "practitioner": "D1", "decisions": list(decisions)}
        path = "/hospital/v1/recognition/decisions"
        return await self.town.call("POST", path, as_=self.caller, json=body, expect=expect)


def a_result(code: str, *, at: datetime | None = None, value: float = 4.1, **more: Any) -> Body:
    """An Observation of the laboratory."""
    when = (at or clock.now()).isoformat()
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": "钾"},
        "effectiveDateTime": when,
        "issued": when,
        "valueQuantity": {"value": value, "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.3}}],
    } | more


async def make_lists(services: Services, *places: Organization, **more: Any) -> None:
    """The start list with hospitals on it, each with a national mark for every item, a yuan an item."""
    lists = services.recognition.lists
    today = clock.today()
    await lists.apply(SYSTEM, Upload("", start_list("370700", "健康城市"), today, "测试清单"), 0)
    edition = await lists.in_force()
    items = [str(row["code"]) for row in edition.rows("items")]
    until = (today + timedelta(days=365)).isoformat()
    tables = {
        "institutions": [{"organization": place.id, "level": place.level.value[0]} for place in places],
        "marks": [
            {"organization": place.id, "item": item, "scope": "national", "valid_until": until}
            for place in places
            for item in items
        ],
        "prices": [
            {"organization": place.id, "item": item, "fee_fen": "12.5"} for place in places for item in items
        ],
    } | more  # fmt: skip
    upload = Upload("", orjson.dumps(tables).decode(), today, "测试清单")
    await lists.apply(SYSTEM, upload, edition.number)


async def make_ward(town: TestCity, **lists: Any) -> Ward:
    """Everything."""
    services = town.city.services
    source = an_organization("source")
    asking = an_organization("asking", name="第二人民医院", short_name="二院", level=HospitalLevel.L3_B)
    await services.directory.save_organizations([source, asking])
    await make_lists(services, source, asking, **lists)
    number = id_number(77)
    who = {"name": "王小红", "id_number": number}
    there = await make_chart(services, source.id, **who)
    here = await make_chart(services, asking.id, **who)
    actor = Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({asking.id}), new_id(), "hospital")
    now = clock.now()
    await services.sharing.care.begin(
        CareKind.CONTRACT,
        here.person_id,
        asking.id,
        "contract-1",
        begins_at=now - timedelta(days=1),
        until=now + timedelta(days=30),
    )
    caller = Caller(actor.id, services.tokens.issue(actor))
    return Ward(town, services, source, asking, caller, actor, there, here, number)


async def make_clinical_checks(
    db: Database, services: Services, organization_id: str, person_id: str
) -> None:
    """One of each thing that is kept sealed of recognition and medication, as the stores write them."""
    about: dict[str, Any] = {
        "organization_id": organization_id, "person_id": person_id, "at": clock.now(), "practitioner": "D1",
    }  # fmt: skip
    store = RecognitionStore(db, services.cipher)
    await store.insert(Check(id=new_id(), edition=0, **about))
    await store.insert_repeat(Repeat(id=new_id(), item="SH01", order_id="o", state="unchecked", **about))
    await MedicationStore(db, services.cipher).insert(MedicationCheck(id=new_id(), edition=0, **about))
