"""Requests for recognition and medication, in API and console (examples.py says how they are read)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backend import clock
from backend.ids import new_id
from backend.medication.service import Prescribed
from backend.medication.service import Wanted as Prescription
from backend.permissions import Actor, Role
from backend.recognition.service import Wanted
from backend.records.sharing_models import CareKind
from tests.factories.records import make_chart
from tests.security.examples import INSTITUTION, OWN, Ask, Example, plain
from tests.security.town import Town


def _system(town: Town) -> Actor:
    place = frozenset({town.mine.organization.id})
    return Actor("client", new_id(), Role.HOSPITAL_CLIENT, place, new_id(), "hospital")


async def _patient(town: Town) -> tuple[dict[str, Any], Wanted, Prescription]:
    """Somebody whom the hospital treats, and what it asks about him."""
    place = town.mine.organization.id
    chart = await make_chart(town.services, place)
    now = clock.now()
    await town.services.sharing.care.begin(
        CareKind.CONTRACT, chart.person_id, place, new_id(), begins_at=now, until=now + timedelta(days=1)
    )
    number = chart.number
    patient = {"chart_number": {"assigner": number.assigner, "value": number.value}}
    examination = Wanted(("2823-3",), "D1", number)
    return patient, examination, Prescription((Prescribed("布洛芬片"),), "D1", number)


async def _recognition(town: Town, caller: str) -> Ask:
    patient, _, _ = await _patient(town)
    return Ask(json={"patient": patient, "items": ["2823-3"], "practitioner": "D1"})


async def _medication(town: Town, caller: str) -> Ask:
    patient, _, _ = await _patient(town)
    return Ask(json={"patient": patient, "medicines": [{"name": "布洛芬片"}], "practitioner": "D1"})


async def _recognition_check(town: Town, caller: str) -> Ask:
    _, wanted, _ = await _patient(town)
    checked = await town.services.recognition.service.check(_system(town), wanted)
    decision = {"item": "2823-3", "accepted": False, "reason": "01"}
    return Ask(json={"check_id": checked.check.id, "practitioner": "D1", "decisions": [decision]})


async def _medication_check(town: Town, caller: str) -> Ask:
    _, _, wanted = await _patient(town)
    checked = await town.services.medication.service.check(_system(town), wanted)
    answer = {"alert": "none", "action": "accepted"}
    return Ask(json={"check_id": checked.check.id, "practitioner": "D1", "answers": [answer]})


CLINICAL_EXAMPLES: dict[str, list[Example]] = {
    "POST /hospital/v1/recognition/check": [Example(INSTITUTION, _recognition)],
    # No list is in force in the town: what was asked about is on none, and whoever may is told so.
    "POST /hospital/v1/recognition/decisions": [Example(INSTITUTION, _recognition_check, 400)],
    "POST /hospital/v1/medication/check": [Example(INSTITUTION, _medication)],
    "POST /hospital/v1/medication/decisions": [Example(INSTITUTION, _medication_check, 400)],
}

_OF_LISTS, _OF_RULES = {"table": "items"}, {"table": "interactions"}
_NOTHING = {"content": "", "effective_on": "2030-01-01"}
CLINICAL_PAGES: dict[str, list[Example]] = {
    "GET /admin/recognition": [plain(OWN)],
    "GET /admin/recognition/export": [plain(OWN)],
    "GET /admin/recognition/repeats": [plain(OWN)],
    "GET /admin/recognition/lists": [plain(OWN)],
    "GET /admin/recognition/lists/{table}": [plain(OWN, path=_OF_LISTS)],
    "POST /admin/recognition/lists/{table}": [plain(OWN, path=_OF_LISTS, form=_NOTHING)],
    "GET /admin/recognition/lists/{table}/export": [plain(OWN, path=_OF_LISTS)],
    "GET /admin/medication": [plain(OWN)],
    "GET /admin/medication/export": [plain(OWN)],
    "GET /admin/medication/rules": [plain(OWN)],
    "GET /admin/medication/rules/{table}": [plain(OWN, path=_OF_RULES)],
    "POST /admin/medication/rules/{table}": [plain(OWN, path=_OF_RULES, form=_NOTHING)],
    "GET /admin/medication/rules/{table}/export": [plain(OWN, path=_OF_RULES)],
}


async def _begin(town: Town, caller: str) -> Ask:
    """As if nothing had been begun, whoever began before."""
    await town.city.city.db.collection("rulebook_editions").delete_many({})
    for book in (town.services.recognition.lists, town.services.medication.rules):
        book.forget()
    return Ask(form={})


CLINICAL_PAGES |= {
    "POST /admin/recognition/lists": [Example(OWN, _begin, 303)],
    "POST /admin/medication/rules": [Example(OWN, _begin, 303)],
}
