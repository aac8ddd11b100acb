"""Records as doctors, residents and privacy officers see them: the record window, consents, who has read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from playwright.async_api import Browser, expect

from backend import clock
from backend.permissions import SYSTEM, Role
from backend.records.models import Purpose
from backend.records.sharing_models import CareKind, Terms
from tests.browser import desk as at_the_desk
from tests.browser.life import sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.test_resident_pages import pictures
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.directory import a_practitioner
from tests.factories.records import make_chart, make_report, make_resources
from tests.factories.residents import SignedIn
from tests.factories.sharing import (
    DAY,
    DOCTOR,
    Place,
    a_condition,
    a_medicine,
    a_special_condition,
    an_allergy,
    an_encounter,
    make_place,
    make_question,
    make_reading,
)
from tests.support.city import Caller

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-pages"), pytest.mark.timeout(240)]
SCREENS = {"": (1280, 800), "-wide": (1920, 1080)}
_PLACES = {"血钾": (6.8, 3.5, 5.3, "HH"), "肌酐": (132, 57, 97, "H"), "血钠": (140, 137, 147, "N")}


@dataclass
class Patient:
    """A resident whose record lies at another hospital, and a doctor's workstation at this one."""

    town: Town
    caller: Caller
    person: SignedIn
    system: Caller
    here: Place

    async def window(self) -> str:
        asked = {"patient": {"id_number": self.caller.id_number}, "practitioner": DOCTOR}
        made = await self.town.city.call("POST", "/hospital/v1/record-launches", as_=self.system, json=asked)
        return str(made["url"])


def _result(name: str) -> dict[str, object]:
    value, low, high, way = _PLACES[name]
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"text": name},
        "valueQuantity": {"value": value, "unit": "mmol/L"},
        "interpretation": [{"coding": [{"code": way}]}],
        "referenceRange": [{"low": {"value": low}, "high": {"value": high}}],
    }


@pytest.fixture(scope="module")
async def patient(town: Town) -> Patient:
    services = town.city.city.services
    family = await town.family()
    caller = await sign_in(town, family.grown_up)
    there = await make_place(services, "elsewhere", name="健康城市中医院", short_name="市中医院")
    doctor = a_practitioner(town.hospital, town.department, value=DOCTOR)
    await services.directory.save_practitioners([doctor])
    issued = await services.clients.register_hospital(town.hospital.id, "门诊医生工作站")
    actor = services.tokens.verify((await town.city.hospital_client()).token)
    actor = replace(actor, id=issued.client.id, organization_ids=frozenset({town.hospital.id}))
    await services.client_care.set_origins(SYSTEM, issued.client.id, town.url)
    who = family.grown_up
    caller = replace(caller, name=who.name, id_number=who.id_number)
    chart = await make_chart(services, there.id, name=who.name, id_number=who.id_number)
    now = clock.now()
    visit = an_encounter(now - 200 * DAY, now - 199 * DAY) | {"serviceType": {"text": "心血管内科"}}
    bodies = [
        a_condition("高血压病2级（很高危）"),
        a_condition("2型糖尿病", "2025-11-02"),
        a_special_condition(),
    ]
    drugs = [a_medicine(), a_medicine("二甲双胍缓释片", "2025-11-02")]
    await make_resources(services, chart, an_allergy(), visit, *bodies, *drugs)
    await make_report(services, chart, [_result(name) for name in _PLACES], title="急诊生化八项")
    me = services.tokens.verify(caller.token)
    person = SignedIn(me, caller.token, "", who.id_number, who.name)
    here = Place(town.hospital, town.department, doctor, actor)
    return Patient(town, caller, person, Caller(actor.id, services.tokens.issue(actor)), here)


async def looks(window: Window, name: str) -> None:
    for suffix, (width, height) in SCREENS.items():
        await window.resize(width, height)
        await window.picture(name + suffix)


async def test_a_doctor_opens_the_record_in_the_workstation(chromium: Browser, patient: Patient) -> None:
    services = patient.town.city.city.services
    async with open_window(chromium, patient.town.url, "records", width=1280, height=800) as window:
        page = window.page
        await page.goto(await patient.window())
        await expect(page.get_by_role("heading", name="还没有调阅该患者病历的依据")).to_be_visible()
        await looks(window, "closed")
        await page.get_by_label("申请理由").fill("门诊复诊，需了解既往检查")
        await page.get_by_role("button", name="发送申请").click()
        await expect(page.get_by_role("status")).to_contain_text("申请已发送")
        now = clock.now()
        await services.sharing.care.begin(
            CareKind.REFERRAL, patient.caller.id, patient.here.id, "r1", begins_at=now, until=now
        )
        await page.goto(await patient.window())
        await expect(page.get_by_role("alert")).to_contain_text("青霉素")
        await expect(page.get_by_text("血钾 6.8 mmol/L ↑")).to_be_visible()
        await looks(window, "record")
        await page.get_by_role("link", name="急诊生化八项").click()
        await expect(page.get_by_role("cell", name="3.5 – 5.3")).to_be_visible()
        await looks(window, "report")
        await page.get_by_role("link", name="返回时间线").click()
        await page.get_by_text("需要查看特别敏感的资料？").click()
        await page.get_by_label("简要说明").fill("急诊抢救，需了解传染病史")
        await page.get_by_role("button", name="确认紧急调阅").click()
        await expect(page.get_by_text("依据：紧急调阅")).to_be_visible()
        await expect(page.get_by_role("link", name="人类免疫缺陷病毒病")).to_be_visible()
        await looks(window, "emergency")
        assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert not window.complaints


async def test_a_resident_sees_who_has_read_and_decides(chromium: Browser, patient: Patient) -> None:
    services, me = patient.town.city.city.services, patient.person
    terms = Terms(Purpose.TREAT, clock.now() + 30 * DAY, kinds=frozenset({"lab", "imaging", "diagnosis"}))
    await services.sharing.consents.ask(patient.here.actor, me.id, terms, DOCTOR, "住院会诊，需了解既往检查")
    given = replace(terms, organization_ids=None, kinds=None)
    await services.sharing.consents.give(me.actor, me.id, given, None)
    size = {"width": 375, "height": 812}
    async with open_window(chromium, patient.town.url, "h5", has_touch=True, **size) as window:
        await window.page.add_init_script(await stored_session(patient.town, patient.caller))
        resident = Resident(window, patient.town, await patient.town.family())
        await make_reading(services, patient.here.actor, me)
        await window.open("/#/pages/records/accesses/index")
        await resident.tap("access-ask")
        await resident.shows("access-question")
        await pictures(resident, "record-asking")
        await make_question(services, patient.here.actor, me)
        await window.open("/#/pages/records/accesses/index")
        await resident.shows("access-item")
        await pictures(resident, "record-accesses")
        await window.open(f"/#/pages/records/grant/index?patient_id={me.id}")
        await resident.shows("grant-hospital")
        await resident.tap("grant-some")
        await resident.shows("grant-kind-lab")
        await pictures(resident, "record-grant")
        await window.open("/#/pages/records/consents/index")
        await resident.shows("consent-grant")
        await pictures(resident, "record-consents")
        await window.page.get_by_test_id("consent-grant").first.click()
        await resident.shows("consent-confirm")
        await pictures(resident, "record-consent-asking")
        await resident.tap("consent-confirm")
        await expect(window.page.get_by_test_id("consent-revoke")).to_have_count(2)


async def test_a_privacy_officer_watches_over_readings(chromium: Browser, patient: Patient) -> None:
    town = patient.town
    services = town.city.city.services
    await make_question(services, patient.here.actor, patient.person)
    glasses, _ = await services.sharing.break_glass.list_glasses(SYSTEM)
    questions, _ = await services.sharing.questions.list_questions(SYSTEM)
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        await at_the_desk.sign_in(window, town, Role.HOSPITAL_OPERATOR)
        pages = {
            "record-readings": "record-access",
            "record-glasses": "record-access/break-glass",
            "record-glass": f"record-access/break-glass/{glasses[0].id}",
            "record-questions": "record-access/questions",
            "record-question": f"record-access/questions/{questions[0].id}",
            "record-corrections": "record-access/corrections",
            "record-consent-requests": "record-access/consents",
        }
        for name, path in pages.items():
            await window.page.goto(f"{town.url}/admin/{path}")
            for suffix, size in {"": (1280, 800), "-tablet": (820, 1180)}.items():
                await window.resize(*size)
                await window.picture(name + suffix)
            await window.resize(1280, 800)
