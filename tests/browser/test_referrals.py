"""A referral from the primary doctor's phone to the lead hospital and back, and the patient's app meanwhile.

The pictures stay in test-artifacts/screens for people to look at.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from backend import clock
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.permissions import SYSTEM, Role
from backend.referrals.desks import Desk
from tests.browser import desk as at_the_desk
from tests.browser.life import dynamic_code, sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.test_resident_pages import pictures
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.sharing import Place, make_place
from tests.factories.staff import KnownStaff, make_staff
from tests.support.city import Caller

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-referrals"), pytest.mark.timeout(240)]

# The doctor's own phone: narrower than the residents' usual one.
POCKET = {"width": 360, "height": 740}
SCREENS = {"": (1280, 800), "-360": (POCKET["width"], POCKET["height"])}
A_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# Stands in for what phones have and this Chromium has not.
READER = "window.BarcodeDetector = class { async detect() { return [{ rawValue: 'a code' }] } }"


@dataclass
class Clinic:
    """A health centre with one doctor, who has an account and a phone."""

    place: Place
    doctor: KnownStaff


@pytest.fixture(scope="module")
async def clinic(town: Town) -> Clinic:
    services = town.city.city.services
    place = await make_place(
        services,
        "clinic",
        name="东关社区卫生服务中心",
        short_name="东关社区",
        kind=OrganizationKind.COMMUNITY,
        level=HospitalLevel.UNGRADED,
        phone="0536-8210000",
    )
    known = await make_staff(services.staff, Role.DOCTOR, organization_ids=frozenset({place.id}))
    await services.staff.tie_practitioner(SYSTEM, known.member.id, place.doctor.id, place.id)
    await services.referrals.set_desk(SYSTEM, Desk(town.hospital.id, True, "13700000001"))
    return Clinic(place, known)


@asynccontextmanager
async def pocket(chromium: Browser, town: Town, clinic: Clinic) -> AsyncIterator[Window]:
    """The doctor's phone, signed in."""
    async with open_window(chromium, town.url, "console", has_touch=True, **POCKET) as window:
        await at_the_desk.sign_in_as(window, clinic.doctor)
        yield window


@asynccontextmanager
async def in_hand(chromium: Browser, town: Town, caller: Caller) -> AsyncIterator[Resident]:
    """The patient's phone."""
    async with open_window(chromium, town.url, "h5", has_touch=True, width=375, height=812) as window:
        await window.page.add_init_script(await stored_session(town, caller))
        yield Resident(window, town, await town.family())


async def looks(window: Window, name: str) -> None:
    """A page on a desk and on the doctor's phone."""
    await window.quiet()
    before = window.page.viewport_size
    for suffix, (width, height) in SCREENS.items():
        await window.resize(width, height)
        await window.picture(f"referral-{name}{suffix}")
    if before:
        await window.resize(before["width"], before["height"])


async def step(page: Page, name: str) -> None:
    """Press a button or follow a link of the referral."""
    await page.locator(".steps").get_by_text(name, exact=True).click()


async def test_up_to_the_lead_hospital_and_back(chromium: Browser, town: Town, clinic: Clinic) -> None:
    patient = await sign_in(town, (await town.family()).grown_up)
    async with (
        pocket(chromium, town, clinic) as phone,
        in_hand(chromium, town, patient) as resident,
        open_window(chromium, town.url, "console", width=1280, height=800) as desk,
    ):
        await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
        await _is_sent(phone, town, patient)
        await _is_accepted(desk)
        await _is_told(resident)
        await _arrives_and_is_treated(desk, town, patient)
        await _goes_back(phone)
        await _has_a_plan(resident)


async def _is_sent(phone: Window, town: Town, patient: Caller) -> None:
    page = phone.page
    await page.get_by_role("link", name="转诊", exact=True).click()
    await looks(phone, "list-empty")
    await page.get_by_role("link", name="上转", exact=True).click()
    await page.get_by_label("患者健康码").fill(await dynamic_code(town, patient))
    await page.get_by_label("转往机构").select_option(town.hospital.id)
    await page.get_by_label("转往科室").select_option(town.department.id)
    await page.get_by_label("转诊原因").fill("活动后胸闷两周，心电图ST段压低")
    await page.get_by_label("诊断", exact=False).first.fill("I20.9 心绞痛")
    await page.get_by_label("您的电话").fill("13500000001")
    await looks(phone, "sending")
    await page.get_by_role("button", name="发出转诊").click()
    await expect(page.get_by_role("status")).to_contain_text("转诊已发出")
    await looks(phone, "sent")


async def _is_accepted(desk: Window) -> None:
    page = desk.page
    await page.goto(f"{desk.address}/admin/appointments/search")
    await expect(page.locator(".menu a[href='/admin/referrals'] .count")).to_have_text("1")
    await page.get_by_role("link", name="转诊").click()
    await looks(desk, "list")
    await page.locator(".worklist a").first.click()
    await looks(desk, "to-answer")
    await step(page, "接收")
    await expect(page.locator(".session")).not_to_have_count(1)
    await looks(desk, "accepting")
    await page.locator(".session .btn").first.click()
    await page.get_by_role("button", name="接收并通知患者").click()
    await expect(page.locator(".page-head")).to_contain_text("已接收")
    await looks(desk, "accepted")


async def _is_told(resident: Resident) -> None:
    await resident.town.city.work()
    await resident.window.open("/")
    await resident.shows("home-referral")
    await pictures(resident, "referral-home")
    await resident.tab("我的")
    await resident.tap("mine-messages")
    await resident.shows("=转诊已接收")
    await resident.tap("message-item")
    await resident.tap("message-view")
    await resident.shows("referral-item")
    await pictures(resident, "referral-list")
    await resident.tap("referral-item")
    await resident.shows("referral-detail")
    await expect(resident.see("referral-state")).to_have_text("已接收")
    await pictures(resident, "referral-accepted")
    await resident.tap("referral-wish")
    await resident.see("referral-wish-text").locator("textarea").fill("下午两点以后")
    await resident.window.picture("referral-wishing")
    await resident.tap("referral-wish-send")
    await resident.shows("=您希望：下午两点以后")
    await resident.tap("referral-withdraw")
    await resident.shows("referral-withdraw-yes")
    await resident.window.picture("referral-withdrawing")
    await resident.tap("confirm-no")


async def _arrives_and_is_treated(desk: Window, town: Town, patient: Caller) -> None:
    page = desk.page
    await page.goto(f"{desk.address}/admin/referrals?side=in")
    await expect(page.locator(".worklist")).to_contain_text("希望改时间")
    await page.get_by_role("link", name="扫码到达").click()
    await looks(desk, "arrival")
    await page.get_by_label("患者健康码").fill(await dynamic_code(town, patient))
    await page.get_by_role("button", name="查找转诊").click()
    await expect(page.locator(".page-head")).to_contain_text("已到达")
    await step(page, "开始诊治")
    await expect(page.locator(".page-head")).to_contain_text("诊治中")
    await step(page, "完成诊治")
    await page.get_by_text("好转", exact=True).click()
    await page.get_by_label("诊治小结").fill("冠脉支架置入，恢复良好")
    await page.get_by_text("同时下转回").click()
    await page.get_by_label("出院小结").fill("因心绞痛入院，行冠脉支架置入术。出院后继续双联抗血小板治疗。")
    for n, (what, days) in enumerate((("复查血脂、肝功能", 14), ("门诊复诊", 30)), start=1):
        await page.get_by_label(f"第{n}项内容").fill(what)
        await page.get_by_label(f"第{n}项日期").fill(str(clock.today() + timedelta(days=days)))
    await looks(desk, "completing")
    await page.get_by_role("button", name="完成诊治").click()
    await expect(page.locator(".page-head")).to_contain_text("已完成")
    await looks(desk, "completed")
    await page.goto(f"{desk.address}/admin/referrals/figures")
    await expect(page.locator("canvas")).to_be_visible()
    await looks(desk, "figures")
    await page.get_by_role("link", name="值班", exact=True).click()
    await looks(desk, "desk")
    await page.get_by_role("link", name="时限", exact=True).click()
    await expect(page.get_by_label("上班时间")).to_be_disabled()
    await looks(desk, "limits")


async def _goes_back(phone: Window) -> None:
    page = phone.page
    await page.goto(f"{phone.address}/admin/referrals?side=in")
    await page.locator(".worklist a").first.click()
    await expect(page.locator("main")).to_contain_text("冠脉支架置入术")
    await step(page, "接收")
    await page.get_by_label("床位或接诊地点").fill("家庭医生站2楼")
    await looks(phone, "accepting-back")
    await page.get_by_role("button", name="接收并通知患者").click()
    await expect(page.locator(".page-head")).to_contain_text("已接收")
    async with page.expect_popup() as opening:
        await page.get_by_role("button", name="打开病历").click()
    record = await opening.value
    await expect(record.get_by_text("依据：诊疗关系")).to_be_visible()
    await record.close()


async def _has_a_plan(resident: Resident) -> None:
    await resident.town.city.work()
    await resident.window.open("/#/pages/referrals/list/index")
    await resident.shows("=东关社区卫生服务中心")
    await resident.tap("referral-item")
    await resident.shows("referral-plan")
    await expect(resident.see("plan-item")).to_have_count(2)
    await pictures(resident, "referral-back")
    await resident.tap("referral-before")
    await expect(resident.see("referral-state")).to_have_text("已完成")
    await pictures(resident, "referral-completed")


async def test_an_emergency_leaves_the_doctors_phone_in_a_minute(
    chromium: Browser, town: Town, clinic: Clinic
) -> None:
    patient = await sign_in(town, (await town.family()).grown_up)
    async with pocket(chromium, town, clinic) as phone:
        page = phone.page
        await page.add_init_script(READER)
        await page.goto(f"{phone.address}/admin/referrals/new/emergency")
        await looks(phone, "emergency")
        await page.get_by_text("不知道患者是谁").click()
        await looks(phone, "emergency-unidentified")
        await page.get_by_text("不知道患者是谁").click()
        await page.locator("[data-scan] input").set_input_files(
            {"name": "code.png", "mimeType": "image/png", "buffer": A_DOT}
        )
        await expect(page.get_by_label("患者健康码")).to_have_value("a code")
        await page.get_by_label("患者健康码").fill(await dynamic_code(town, patient))
        await page.get_by_label("病情").fill("突发胸痛1小时，血压90/60")
        await page.get_by_label("您的电话").fill("13500000001")
        where, to_call = page.get_by_label("转往机构"), page.get_by_text("未设值班电话，请直接致电")
        await expect(to_call).to_be_hidden()
        silent = str(await page.locator("option[data-call]").first.get_attribute("value"))
        await where.select_option(silent)
        await expect(to_call).to_be_visible()
        await where.select_option("nearest")
        await expect(to_call).to_be_hidden()
        await page.get_by_role("button", name="立即发出").click()
        await expect(page.locator("main")).to_contain_text(town.hospital.name)
        await looks(phone, "emergency-sent")
        await step(page, "撤回")
        await looks(phone, "withdrawing")


async def test_an_auditor_reads_what_was_done_in_words(chromium: Browser, town: Town) -> None:
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        await at_the_desk.sign_in(window, town, Role.AUDITOR)
        await window.page.goto(f"{window.address}/admin/audit")
        await expect(window.page.locator("main")).to_contain_text("转诊：发出转诊")
        await window.picture("referral-audit")
