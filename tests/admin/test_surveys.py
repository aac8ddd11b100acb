"""Surveys in the console: questionnaires, campaigns, tickets, calls and results, each within its hospital."""

from __future__ import annotations

from enum import StrEnum

import orjson
import pytest

from admin import survey_words
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM, Role
from backend.surveys.asking import Said
from backend.surveys.models import (
    CampaignState,
    Cause,
    RunState,
    Skipped,
    Through,
    TicketState,
    Trigger,
    VersionState,
    Way,
)
from backend.surveys.questionnaire import Kind, Operator
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import make_patient
from tests.factories.surveys import make_called, make_campaign, make_ticket

BASE = "/admin/surveys"
BUILT = {
    "title": "出院随访",
    "intro": "",
    "thanks": "谢谢",
    "alarm_below": 60,
    "questions": [
        {"id": "q1", "kind": "choice", "text": "恢复得好吗？", "required": True, "options": [
            {"value": "o1", "text": "好", "score": "5"},
            {"value": "o2", "text": "不好", "score": "1", "alarm": True}]},
        {"id": "q2", "kind": "text", "text": "怎么不好？", "show_if": [
            {"question_id": "q1", "operator": "=", "value": "o2"}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (survey_words.TRIGGERS, Trigger), (survey_words.WAYS, Way), (survey_words.RUN_STATES, RunState),
        (survey_words.VERSION_STATES, VersionState), (survey_words.CAMPAIGN_STATES, CampaignState),
        (survey_words.SKIPPED, Skipped), (survey_words.THROUGH, Through), (survey_words.CAUSES, Cause),
        (survey_words.TICKET_STATES, TicketState), (survey_words.KINDS, Kind),
        (survey_words.OPERATORS, Operator),
    ],
)  # fmt: skip
def test_every_state_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == {str(name) for name in table}


async def test_a_questionnaire_is_built_published_and_used_in_a_campaign(
    console: Console, town: Town
) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    hospital = town.first.organization.id
    new = f"{BASE}/questionnaires/new"
    await browser.get(new)
    half = orjson.dumps({**BUILT, "title": ""}).decode()
    page = await browser.submit(new, content=half, organization=hospital, publish="yes", expect=400)
    assert "请填写问卷名称" in page.text
    page = await browser.submit(
        new, content=orjson.dumps(BUILT).decode(), organization=hospital, publish="yes"
    )
    questionnaire = page.path.rpartition("/")[2]
    assert "已发布" in page.text
    page = await browser.submit(
        page.path, content=orjson.dumps({**BUILT, "title": "改过"}).decode(), publish=""
    )
    assert "第2版" in page.text
    first = await browser.get(f"{page.path}?version=1")
    assert "出院随访" in first.text
    exported = (await browser.peek(f"{page.path}/fhir?version=1")).json()
    assert [item["linkId"] for item in exported["item"]] == ["q1", "q2"]
    await browser.get(f"{BASE}/campaigns/new")
    page = await browser.submit(
        f"{BASE}/campaigns/new", name="出院回访", organization=hospital, questionnaire=questionnaire,
        trigger="staff", first="sms", second="phone",
    )  # fmt: skip
    assert "未启动" in page.text
    page = await browser.submit(f"{page.path}/state", to="running")
    assert "进行中" in page.text
    page = await browser.submit(f"{page.path}/invite", from_on="2026-11-01", to_on="2026-11-02")
    assert page.status == 200
    entries, _ = await console.city.services.audit.list_entries(SYSTEM, AuditFilter(action="surveys.invite"))
    assert len(entries) == 1


async def test_a_ticket_is_taken_noted_and_resolved_and_others_do_not_see_it(
    console: Console, town: Town
) -> None:
    services = console.city.services
    patient = await make_patient(services, 40, "13800000040")
    ticket = await make_ticket(services, town.first.organization.id, patient)
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"{BASE}/tickets")
    assert "提到风险情况" in page.text
    path = f"{BASE}/tickets/{ticket}"
    page = await browser.get(path)
    assert "回家以后胸痛" in page.text
    assert "另外说到" not in page.text
    assert "13800000040" not in page.text
    assert "13800000040" in (await browser.get(f"{path}?phone=yes")).text
    await browser.submit(f"{path}/take")
    page = await browser.submit(f"{path}/note", text="已电话沟通")
    assert "已电话沟通" in page.text
    page = await browser.post(f"{path}/resolve", {**page.form(f"{path}/note").fields, "text": "约明日复诊"})
    assert "已办结" in page.text
    other = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    await other.get(path, expect=404)
    assert "没有工单" in (await other.get(f"{BASE}/tickets")).text


async def test_a_ticket_shows_words_of_danger_that_were_no_answer(console: Console, town: Town) -> None:
    services = console.city.services
    campaign = await make_campaign(services, SYSTEM, town.first.organization.id)
    patient = await make_patient(services, 46, "13800000046")
    run = await make_called(services, campaign, town.first.organization.id, patient)
    said = Said("1", Through.PHONE, text="我<不想活>了，不想活了")
    await services.surveys.asking.answer(run, said)
    await services.outbox.drain()
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"{BASE}/tickets/{run}")
    assert "另外说到" in page.text
    assert "我&lt;不想活&gt;了，不想活了" in page.text


async def test_a_call_from_the_phone_list_ends_in_the_same_run(console: Console, town: Town) -> None:
    services = console.city.services
    patient = await make_patient(services, 41, "13800000041")
    hospital = town.first.organization.id
    campaign = await make_campaign(services, SYSTEM, hospital)
    run = await make_called(services, campaign, hospital, patient)
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    assert f"{BASE}/calls/{run}" in (await browser.get(f"{BASE}/calls")).links
    path = f"{BASE}/calls/{run}"
    page = await browser.get(path)
    assert "13800000041" in page.text
    await browser.post(path, {**page.form(path).fields, "action": "answer"}, expect=400)
    await browser.post(path, {**page.form(path).fields, "answer": "4", "action": "answer"})
    page = await browser.get(path)
    page = await browser.post(path, {**page.form(path).fields, "action": "skip"})
    assert "已完成" in page.text
    step = await services.surveys.asking.step(run)
    assert (step.run.through, step.run.percent) == (Through.PHONE, 75)
    assert "没有要打的电话" in (await browser.get(f"{BASE}/calls")).text


async def test_results_are_shown_from_five_people_on_and_within_the_hospital(
    console: Console, town: Town
) -> None:
    services = console.city.services
    hospital = town.first.organization.id
    campaign = await make_campaign(services, SYSTEM, None)
    where = f"{BASE}?questionnaire={campaign.questionnaire_id}"
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    for number in range(6):
        patient = await make_patient(services, 50 + number, f"138000000{50 + number}")
        run = await make_called(services, campaign, hospital, patient)
        for key, text in (("1", "非常满意"), ("2", "排队太久")):
            await services.surveys.asking.answer(run, Said(key, Through.PHONE, text=text))
        await services.surveys.count()
        if number == 3:
            assert "少于5人，不显示" in (await browser.get(where)).text
    page = await browser.get(where)
    assert "少于5人，不显示" not in page.text
    assert "100%" in page.text
    table = await browser.peek(f"{BASE}/export?questionnaire={campaign.questionnaire_id}")
    assert "合计,,6,6,6,100,100,100,0,0" in table.text
    assert "关键词,排队等候,,,6" in table.text
    other = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    assert "少于5人，不显示" in (await other.get(where)).text
    await other.get(f"{where}&organization={hospital}", expect=404)
    city = await console.sign_in(Role.CITY_OPERATOR)
    assert "各机构比较" in (await city.get(where)).text
    assert (await city.get(f"{BASE}/digest")).status == 200


async def test_a_fhir_questionnaire_is_imported_and_what_is_not_is_said(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    action = f"{BASE}/questionnaires/import"
    await browser.get(action)
    await browser.submit(action, resource="{}", organization="city", expect=400)
    resource = {
        "resourceType": "Questionnaire", "status": "draft", "title": "量表",
        "item": [{"linkId": "1", "type": "string", "text": "好吗？", "initial": [{"valueString": "好"}]}],
    }  # fmt: skip
    page = await browser.submit(action, resource=orjson.dumps(resource).decode(), organization="city")
    assert "item[0].initial" in page.text
    assert "量表" in page.text
