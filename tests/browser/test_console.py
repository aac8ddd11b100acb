"""The console in use: what the hospital does in one browser, the resident sees and is told in another."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from backend.permissions import Role
from tests.browser import desk as at_the_desk
from tests.browser.life import AFTERNOON, CHIEF, GENERAL, book, day, sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.town import Town
from tests.browser.window import Window, open_window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console")]
DETAIL = "/#/pages/appointments/detail/index?appointment_id="
CHARTS_DRAWN = """() => [...document.querySelectorAll('canvas')].length > 0 &&
  [...document.querySelectorAll('canvas')].every((one) => Chart.getChart(one)?.data.labels.length > 0)"""


async def make_resident(town: Town, phone: Window) -> Resident:
    """Somebody with an account, her phone in her hand."""
    family = await town.family()
    caller = await sign_in(town, family.grown_up)
    await phone.page.add_init_script(await stored_session(town, caller))
    return Resident(phone, town, family, caller)


async def newest_sms(resident: Resident) -> str:
    inbox = await resident.town.city.outside.get("sms", phone=resident.family.grown_up.phone)
    return str(inbox["items"][0]["content"])


async def test_a_nurse_cancels_and_the_resident_is_told(town: Town, desk: Window, phone: Window) -> None:
    resident = await make_resident(town, phone)
    session = day(town, 2)[CHIEF]
    made = await book(town, resident.caller, resident.caller.id, session, pays=True)
    await phone.open(DETAIL + made)
    await resident.appointment_state("预约成功")
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = desk.page
    await page.get_by_role("link", name="预约", exact=True).click()
    await page.get_by_label("就诊日期").fill(session.on.isoformat())
    await page.get_by_role("button", name="查询").click()
    row = page.get_by_role("row").filter(has=page.locator(f"a[href$='{made}']"))
    await expect(row).to_contain_text("已预约")
    await row.get_by_role("link").first.click()
    await page.get_by_role("link", name="取消预约…").click()
    await page.get_by_label("取消原因").fill("医生临时外出会诊")
    await page.get_by_role("button", name="取消预约").click()
    await expect(page.locator(".page-head")).to_contain_text("已取消")
    await town.refunded()
    assert "已取消" in await newest_sms(resident) or "已原路退回" in await newest_sms(resident)
    await phone.open(DETAIL + made)
    await resident.appointment_state("已取消 · 已退款")
    await resident.shows("=医生临时外出会诊")
    await phone.open("/#/pages/messages/list/index")
    await resident.see("message-item").filter(has_text="预约已取消").click()
    await resident.shows("=取消原因：医生临时外出会诊")


async def test_a_stopped_clinic_reaches_everybody_booked_and_the_auditor(
    chromium: Browser, town: Town, desk: Window, phone: Window
) -> None:
    resident = await make_resident(town, phone)
    session = day(town, 3)[AFTERNOON]
    made = await book(town, resident.caller, resident.caller.id, session, pays=True)
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = await desk.open(f"/admin/schedules/{session.id}")
    await page.get_by_role("link", name="停诊…").click()
    await page.get_by_label("停诊原因").fill("医生临时参加抢救")
    await page.get_by_role("button", name="停诊并通知 1 人").click()
    await expect(page.locator(".page-head")).to_contain_text("已停诊")
    await town.refunded()
    inbox = await town.city.outside.get("sms", phone=resident.family.grown_up.phone)
    assert any("停诊" in sms["content"] for sms in inbox["items"])
    await phone.open(DETAIL + made)
    await resident.appointment_state("医院停诊 · 已退款")
    await phone.open(f"/#/pages/booking/slots/index?schedule_id={session.id}")
    await resident.shows("=已停诊")
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        await at_the_desk.sign_in(window, town, Role.AUDITOR)
        page = await window.open(f"/admin/audit?object=schedule%2F{session.id}")
        entry = page.get_by_role("row").filter(has_text="停诊")
        await expect(entry).to_contain_text("林晓")
        await page.get_by_role("button", name="校验完整性").click()
        await expect(page.get_by_text("日志完整")).to_be_visible()


async def test_the_dashboard_draws_its_charts_and_renews_itself(town: Town, desk: Window) -> None:
    family = await town.family()
    caller = await sign_in(town, family.grown_up)
    made = await book(town, caller, caller.id, day(town, 5)[GENERAL])
    await town.city.work()
    # The hospital's own people see its numbers however small they are.
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = await desk.open("/admin/dashboard")
    await page.wait_for_function(CHARTS_DRAWN)
    cancelled = page.locator('[data-figure="cancellations"]')
    before = int(await cancelled.inner_text())
    await town.city.call("POST", f"/api/v1/appointments/{made}/cancel", as_=caller, json={})
    await town.city.work()
    await page.evaluate("renew()")
    await expect(cancelled).to_have_text(str(before + 1))


async def test_an_appointment_is_cancelled_with_the_keyboard_alone(town: Town, desk: Window) -> None:
    family = await town.family()
    caller = await sign_in(town, family.grown_up)
    made = await book(town, caller, caller.id, day(town, 5)[GENERAL])
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    page = await desk.open(f"/admin/appointments/{made}/cancel")
    await page.get_by_label("取消原因").focus()
    await page.keyboard.type("就诊人来电取消")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".page-head")).to_contain_text("已取消")


async def test_a_list_on_paper_is_the_list_alone(town: Town, desk: Window) -> None:
    await at_the_desk.sign_in(desk, town, Role.HOSPITAL_OPERATOR)
    await desk.page.emulate_media(media="print")
    page = await desk.open(f"/admin/schedules/{day(town, 5)[CHIEF].id}")
    await expect(page.locator("table")).to_be_visible()
    for hidden in (".side", ".topbar", ".actions"):
        await expect(page.locator(hidden).first).to_be_hidden()
