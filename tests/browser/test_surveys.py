"""Surveys in Chromium: a nurse builds one and sees the phone, results are drawn, and a phone answers.

The pictures stay in test-artifacts/screens for people to look at.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from backend import clock
from backend.permissions import SYSTEM, Role
from backend.surveys.asking import Said
from backend.surveys.models import Campaign, Happened, Through, Trigger
from backend.surveys.planning import run_id
from tests.browser import desk as at_the_desk
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.surveys import make_campaign, make_ticket
from tests.support.city import id_number

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-surveys"), pytest.mark.timeout(240)]
SAID = ("医生很耐心，排队太久", "停车难，环境干净", "谢谢护士", "检查排队等了两小时")


async def somebody(town: Town, number: int) -> str:
    residents = town.city.city.services.residents
    return await residents.find_or_create_file("王秀英", id_number(3000 + number), f"136{number:08d}")


async def asked(town: Town, campaign: Campaign, number: int, days_ago: int = 0) -> str:
    """A run of somebody who was there and may answer by the link; its id."""
    services = town.city.city.services
    doctor = town.doctors[number % len(town.doctors)]
    happened = Happened(
        Trigger.VISIT,
        f"visit-{number}",
        await somebody(town, number),
        town.hospital.id,
        doctor.department_ids[0],
        doctor.id,
        clock.now() - timedelta(days=days_ago, hours=1),
    )
    await services.surveys.planning.invite(campaign, [happened])
    found = run_id(campaign, happened)
    await services.db.collection("survey_runs").update_one(
        {"_id": found},
        {"$set": {"on_phone_list": True, "closes_at": clock.now() + timedelta(days=2), "due_at": None}},
    )
    return found


async def heard(town: Town) -> Campaign:
    """Three months of answers, and a ticket."""
    services = town.city.city.services
    campaign = await make_campaign(services, SYSTEM, town.hospital.id)
    for number in range(36):
        run = await asked(town, campaign, number, days_ago=30 * (number % 3) + 8)
        overall = ("非常满意", "满意", "满意", "不满意")[number % 4]
        answers = [overall, *(["等候太久"] if overall == "不满意" else []), SAID[number % len(SAID)]]
        for n, text in enumerate(answers):
            await services.surveys.asking.answer(run, Said(f"{n}", Through.SMS, text=text))
    await services.surveys.count()
    await services.outbox.drain()
    return campaign


async def shoot(window: Window, name: str) -> None:
    await window.quiet()
    for suffix, width, height in (("", 1280, 800), ("-820", 820, 1180)):
        await window.resize(width, height)
        await window.picture(f"surveys-{name}{suffix}")
    await window.resize(1280, 800)


async def test_a_nurse_builds_a_questionnaire_and_sees_what_the_phone_shows(town: Town, desk: Window) -> None:
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = desk.page
    await page.get_by_role("link", name="随访", exact=True).click()
    await page.get_by_role("link", name="问卷", exact=True).click()
    await page.get_by_role("link", name="新建问卷").click()
    await page.get_by_label("问卷名称").fill("出院一周随访")
    await page.get_by_label("题目").fill("您恢复得怎么样？")
    for words, points in (("恢复得好", "5"), ("一般", "3"), ("不太好", "1")):
        await page.get_by_role("button", name="加选项").click()
        row = page.locator(".option-row").last
        await row.get_by_label("选项", exact=False).first.fill(words)
        await row.get_by_label("的分值").fill(points)
    await page.get_by_role("button", name="加一道题").click()
    second = page.locator("[data-question]").last
    await second.get_by_label("类型").select_option("text")
    await second.get_by_label("题目", exact=True).fill("哪里不舒服？")
    await second.get_by_role("button", name="加显示条件").click()
    await second.get_by_label("条件的值").select_option(label="不太好")
    phone = page.get_by_label("手机预览")
    await expect(phone).to_contain_text("出院一周随访")
    await expect(phone).to_contain_text("满足条件才显示")
    await expect(phone.locator(".p-option")).to_have_count(3)
    await shoot(desk, "builder")
    await page.get_by_role("button", name="保存并发布").click()
    await expect(page.locator(".page-head")).to_contain_text("已发布")
    await expect(page.get_by_label("题目").first).to_have_value("您恢复得怎么样？")
    await page.get_by_role("link", name="用于随访计划").click()
    await page.get_by_label("计划名称").fill("出院回访")
    await shoot(desk, "campaign-new")
    await page.get_by_role("button", name="保存计划").click()
    await page.get_by_role("button", name="启动").click()
    await expect(page.locator(".page-head")).to_contain_text("进行中")
    await shoot(desk, "campaign")


async def test_results_are_drawn_and_a_ticket_is_worked_on(town: Town, desk: Window) -> None:
    campaign = await heard(town)
    ticket = await make_ticket(town.city.city.services, town.hospital.id, await somebody(town, 900))
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = desk.page
    await page.goto(f"{desk.address}/admin/surveys?questionnaire={campaign.questionnaire_id}")
    drawn = await page.evaluate(
        "() => [...document.querySelectorAll('canvas')].map((one) => Chart.getChart(one).data.labels.length)"
    )
    assert drawn[0] == 3
    assert drawn[1] >= 3
    await shoot(desk, "results")
    for name, path in (
        ("digest", "digest"),
        ("tickets", "tickets"),
        ("calls", "calls"),
        ("list", "questionnaires"),
    ):
        await page.goto(f"{desk.address}/admin/surveys/{path}")
        await shoot(desk, name)
    await page.goto(f"{desk.address}/admin/surveys/tickets/{ticket}")
    await page.get_by_role("button", name="由我处理").click()
    await page.get_by_label("处理记录").fill("已电话联系，约明日复诊")
    await shoot(desk, "ticket")
    await page.get_by_role("button", name="办结").click()
    await expect(page.locator(".page-head")).to_contain_text("已办结")


async def test_a_phone_answers_on_the_page(town: Town, chromium: Browser) -> None:
    services = town.city.city.services
    campaign = await make_campaign(services, SYSTEM, town.hospital.id)
    run = await asked(town, campaign, 500)
    async with open_window(chromium, town.url, "h5", width=375, height=812, has_touch=True) as phone:
        page = phone.page
        await page.goto(services.surveys.links.address(run))
        await phone.picture("survey-choice")
        await page.get_by_text("不满意", exact=True).click()
        await page.get_by_role("button", name="下一题").click()
        await expect(page.locator("h1")).to_contain_text("哪里做得不好？")
        await page.get_by_text("等候太久").click()
        await phone.picture("survey-multiple")
        await page.get_by_role("button", name="下一题").click()
        await page.get_by_role("link", name="上一题").click()
        await expect(page.get_by_role("checkbox", name="等候太久")).to_be_checked()
        await page.get_by_role("button", name="下一题").click()
        await page.get_by_role("textbox").fill("等了两个小时")
        await phone.picture("survey-text")
        await page.get_by_role("button", name="下一题").click()
        await expect(page.locator("main")).to_contain_text("谢谢您。")
        await phone.picture("survey-end")
    step = await services.surveys.asking.step(run)
    assert step.run.percent == 0
