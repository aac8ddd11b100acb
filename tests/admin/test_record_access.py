"""Watching over readings in the console: who read, what is unusual, broken glass and residents' questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from backend.permissions import Role
from backend.records.accesses import Access
from backend.records.models import BasisKind
from backend.records.unusual import MANY_PEOPLE, Mark, marks_of
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.directory import a_practitioner, hospital_client
from tests.factories.records import make_chart
from tests.factories.residents import make_resident
from tests.factories.sharing import DOCTOR, make_glass, make_question

BASE = "/admin/record-access"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def reading(number: int, **more: Any) -> Access:
    values: dict[str, Any] = {
        "id": f"r{number}", "person_id": f"person {number}", "at": NOON, "by": "hospital", "actor_id": "c",
        "organization_id": "h", "organization": "市一院", "practitioner_id": "d", "practitioner": "王伟 医师",
        "purpose": "TREAT", "basis": str(BasisKind.CARE), "reference": "", "why": "", "way": "read",
        "kinds": (), "count": 1,
    }  # fmt: skip
    return Access(**(values | more))


def test_what_is_unusual_is_marked_and_what_is_not_is_left_alone():
    night = NOON + timedelta(hours=13)
    odd = [
        reading(1),
        reading(2, at=night),
        reading(3, basis=str(BasisKind.BREAK_GLASS)),
        reading(4),
        reading(5, practitioner="D17", practitioner_id=""),
    ]
    names = {"person 1": "李明", "person 4": "王小二", "person 5": "D某"}
    assert marks_of(odd, names) == {
        "r1": frozenset(), "r2": {Mark.NIGHT}, "r3": {Mark.EMERGENCY}, "r4": {Mark.FAMILY}, "r5": frozenset(),
    }  # fmt: skip
    many = [reading(number) for number in range(MANY_PEOPLE)]
    assert all(marks == {Mark.MANY} for marks in marks_of(many, {}).values())
    assert not any(marks_of(many[1:], {}).values())


async def test_the_privacy_officer_sees_judges_and_answers(console: Console, town: Town) -> None:
    services = console.city.services
    hospital = town.first.organization
    doctor = a_practitioner(hospital, *town.first.departments, value=DOCTOR)
    await services.directory.save_practitioners([doctor])
    person = await make_resident(services)
    question = await make_question(services, hospital_client(hospital), person)
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(BASE)
    for words in ("单丽华 主任医师", hospital.name, "紧急调阅"):
        assert words in page.text, words
    assert "单丽华" in (await browser.get(f"{BASE}?unusual=yes")).text

    page = await browser.get(f"{BASE}/break-glass")
    glass = page.html.split(f'href="{BASE}/break-glass/')[1].split('"')[0]
    page = await browser.get(f"{BASE}/break-glass/{glass}")
    assert "心梗抢救，家属未到" in page.text
    page = await browser.submit(page.path, verdict="justified", note="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(page.path, verdict="justified", note="与急诊病历一致")
    assert "理由成立" in page.text
    assert not page.has_form(page.path), "what has been judged is judged once"

    page = await browser.get(f"{BASE}/questions/{question}")
    assert "我没有在这家医院看过病" in page.text
    page = await browser.submit(page.path, text="您当日在本院急诊抢救，医生需了解既往用药。")
    assert "医生需了解既往用药" in page.text
    await services.outbox.drain()
    told = [message.kind for message in (await services.messages.list_mine(person.actor))[0]]
    assert {"record_glass_broken", "record_answered"} <= set(told)
    (asked,) = await services.sharing.questions.list_of(person.actor, person.id)
    assert asked.answer.startswith("您当日在本院急诊抢救")


async def test_nobody_judges_what_he_has_done_himself(console: Console, town: Town) -> None:
    services, hospital = console.city.services, town.first.organization
    known = await console.staff(Role.HOSPITAL_OPERATOR, town.scope)
    doctor = a_practitioner(hospital, *town.first.departments, value=DOCTOR, name=known.member.name)
    await services.directory.save_practitioners([doctor])
    glass = await make_glass(services, hospital_client(hospital), await make_resident(services))
    browser = await console.sign_in_as(known)
    await browser.get(f"{BASE}/break-glass/{glass}")
    refused = await browser.submit(
        f"{BASE}/break-glass/{glass}", verdict="justified", note="没有问题", expect=403
    )
    assert "另一人" in refused.text


async def test_whoever_watches_over_readings_sees_in_the_menu_that_a_glass_is_broken(
    console: Console, town: Town
) -> None:
    services, hospital = console.city.services, town.first.organization
    await services.directory.save_practitioners(
        [a_practitioner(hospital, *town.first.departments, value=DOCTOR)]
    )
    elsewhere = frozenset({town.second.organization.id})
    watching = [
        await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope),
        await console.sign_in(Role.AUDITOR),
        await console.sign_in(Role.HOSPITAL_OPERATOR, elsewhere),
    ]
    page = await watching[0].get("/admin/dashboard")
    assert f'data-counter="{BASE}/counts"' in page.html

    async def waiting() -> list[int]:
        return [(await each.peek(f"{BASE}/counts")).json()["waits"] for each in watching]

    assert await waiting() == [0, 0, 0]
    person = await make_resident(services)
    glass = await make_glass(services, hospital_client(hospital), person)
    assert await waiting() == [1, 1, 0]
    await make_question(services, hospital_client(hospital), person)
    # The question is about a reading through another glass, or through this one while it is open.
    counted = (await watching[0].peek(f"{BASE}/counts")).json()
    assert counted["questions"] == 1
    assert counted["waits"] == counted["glasses"] + 1
    await watching[0].get(f"{BASE}/break-glass/{glass}")
    await watching[0].submit(f"{BASE}/break-glass/{glass}", verdict="justified", note="与急诊病历一致")
    assert (await watching[1].peek(f"{BASE}/counts")).json()["glasses"] == counted["glasses"] - 1


async def test_staff_see_what_residents_say_is_wrong_and_answer_it_once(console: Console, town: Town) -> None:
    services, hospital = console.city.services, town.first.organization
    person = await make_resident(services)
    chart = await make_chart(services, hospital.id, name=person.name, id_number=person.id_number)
    asked = await services.reports.file.ask(person.actor, person.id, chart.id, "address", "应为幸福路9号")
    elsewhere = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    page = f"{BASE}/corrections/{asked.id}"
    await elsewhere.get(page, expect=404)
    assert asked.id not in (await elsewhere.get(f"{BASE}/corrections")).html
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    assert (await browser.peek(f"{BASE}/counts")).json()["corrections"] == 1
    listed = await browser.get(f"{BASE}/corrections")
    assert page in listed.html
    assert "幸福路" not in listed.text, "the words are read one by one"
    shown = await browser.get(page)
    for words in ("应为幸福路9号", "地址", chart.number.value, "答复期限"):
        assert words in shown.text, words
    assert "请填写答复" in (await browser.submit(page, done="no", text="", expect=400)).text
    answered = await browser.submit(page, done="yes", text="已按身份证更正")
    assert "已按身份证更正" in answered.text
    assert not answered.has_form(page)
    assert (await browser.peek(f"{BASE}/counts")).json()["corrections"] == 0
    assert page in (await browser.get(f"{BASE}/corrections?done_with=yes")).html
    ((found, _),) = await services.reports.file.asked(person.actor, person.id)
    assert (found.state, found.answer) == ("done", "已按身份证更正")
    await services.outbox.drain()
    told = [message.kind for message in (await services.messages.list_mine(person.actor))[0]]
    assert told == ["record_corrected"]
