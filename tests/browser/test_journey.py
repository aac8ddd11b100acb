"""The whole journey of a resident in the web app: from her first visit to the deletion of her account.

On the way the hospital sees her appointment in the console and cancels it. The pictures of every station stay
in test-artifacts/screens/journey.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from backend.permissions import Role
from tests.browser import desk as at_the_desk
from tests.browser.qr import read_picture
from tests.browser.resident import BOOKING, MINE, Resident
from tests.browser.town import FEE_FEN, Town
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ALBUM = "journey"
AT_REST = """() => [...document.querySelectorAll('.taro_page')].filter((page) => page.checkVisibility())
  .every((page) => Math.abs(page.getBoundingClientRect().left) < 1)"""


@pytest.fixture
async def resident(phone: Window, town: Town) -> Resident:
    phone.album = ALBUM
    return Resident(phone, town, await town.family())


async def test_a_grandmother_books_pays_is_told_cancels_and_gets_her_money_back(
    resident: Resident, desk: Window
) -> None:
    await becomes_known(resident)
    await shows_her_code(resident)
    await adds_her_grandson(resident)
    await finds_a_time(resident)
    await confirms_for_him(resident)
    await pays_with_another_phone(resident)
    await is_told(resident)
    await cancels(resident)
    made = await books_once_more(resident)
    await is_cancelled_at_the_desk(resident, desk, made)
    await sees_where_her_code_was_used(resident)
    await reads_large_letters(resident)
    await leaves_for_good(resident)


async def becomes_known(resident: Resident) -> None:
    await resident.window.open("/")
    await look(resident, "01-welcome")
    await resident.tap("home-sign-in")
    await look(resident, "02-sign-in")
    await resident.sign_in()
    await resident.expect_title("健康城市")
    await resident.shows("home-realname")
    await resident.tap("home-code")
    await resident.tap("go-realname")
    await look(resident, "03-real-name")
    await resident.prove_name()


async def shows_her_code(resident: Resident) -> None:
    await expect(resident.page.get_by_text("秒后自动更换")).to_be_visible()
    assert await read_picture(resident.see("code-qr")) == await resident.code_text()
    await resident.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await resident.tap("code-copy")
    assert await resident.page.evaluate("navigator.clipboard.readText()") == await resident.code_text()
    await look(resident, "04-code")
    terminal = await resident.town.terminal()
    first = await resident.code_text()
    seen = await resident.town.verify(terminal, first)
    assert seen["patient"]["name"] == resident.family.grown_up.name
    await resident.tap("code-refresh")
    await expect(resident.see("code-qr")).not_to_have_attribute("data-code-text", first)
    again = await resident.town.verify(terminal, await resident.code_text(), step="10103")
    assert (again["patient"]["name"], again["repeated"]) == (resident.family.grown_up.name, False)


async def adds_her_grandson(resident: Resident) -> None:
    await resident.tab(MINE)
    await resident.tap("mine-patients")
    await resident.tap("patient-add")
    child = resident.family.child
    await resident.tap("relation-child")
    await resident.fill(patient_name=child.name, patient_id=child.id_number)
    await look(resident, "05-patient")
    await resident.tap("patient-submit")
    await expect(resident.see("patient-item")).to_have_count(2)
    await expect(resident.see("patient-item").last).to_contain_text("子女")
    await resident.tap("page-back")


async def finds_a_time(resident: Resident) -> None:
    await resident.tab(BOOKING)
    await resident.fill(search_input="syy")
    found = resident.see("org-item").filter(has_text=resident.town.hospital.name)
    await found.click()
    await look(resident, "06-departments")
    await resident.see("dept-item").filter(has_text=resident.town.department.name).click()
    await resident.expect_title(resident.town.department.name)
    tomorrow = resident.see("day-item").nth(1)
    await expect(tomorrow).to_contain_text("有号")
    await tomorrow.click()
    doctor = resident.town.doctors[0]
    session = resident.see("session-item").filter(has_text=doctor.name)
    await expect(session).to_contain_text("余14")
    await look(resident, "07-day")
    await session.click()
    await resident.shows("slot-item")
    await look(resident, "08-slots")
    await resident.see("slot-item").nth(2).click()


async def confirms_for_him(resident: Resident) -> None:
    await resident.expect_title("确认预约")
    await resident.see("patient-option").filter(has_text="子女").click()
    left = resident.see("hold-left")
    await expect(left).to_contain_text("9分5")
    before = await left.inner_text()
    await expect(left).not_to_have_text(before)
    await look(resident, "09-confirm")
    await resident.tap("confirm-submit")


async def pays_with_another_phone(resident: Resident) -> None:
    qr = resident.see("pay-native-qr")
    code_url = await qr.get_attribute("data-code-url")
    assert code_url
    assert await read_picture(qr) == code_url
    await look(resident, "10-pay")
    paid = await resident.town.pay(code_url)
    assert (paid["total_fen"], paid["trade_type"]) == (FEE_FEN, "NATIVE")
    await resident.town.city.later()
    # The page goes on by itself.
    await expect(resident.page.get_by_text("支付成功")).to_be_visible(timeout=15_000)
    await resident.tap("pay-done")
    await resident.appointment_state("预约成功")
    await look(resident, "11-booked")


async def is_told(resident: Resident) -> None:
    await resident.town.city.work()
    [sms, *_] = (await resident.town.city.outside.get("sms", phone=resident.family.grown_up.phone))["items"]
    assert "您已预约" in sms["content"]
    await resident.window.open("/")
    await expect(resident.see("home-messages")).to_contain_text("条未读")
    await resident.tap("home-messages")
    booked = resident.see("message-item").filter(has_text="预约成功")
    await booked.click()
    await look(resident, "12-message")
    await resident.tap("message-view")
    await resident.appointment_state("预约成功")
    await resident.tap("page-back")
    await resident.tap("page-back")
    await resident.tap("home-appointments")
    await resident.tap("appointment-item")


async def cancels(resident: Resident) -> None:
    await resident.tap("cancel-button")
    await resident.see("cancel-reason").filter(has_text="时间不合适").click()
    await resident.tap("cancel-confirm")
    await expect(resident.see("appointment-state")).to_contain_text("已取消")
    await resident.town.refunded()
    await resident.appointment_state("已取消 · 已退款")
    await expect(resident.page.get_by_text("已原路退回")).to_be_visible()
    await look(resident, "13-refunded")


async def books_once_more(resident: Resident) -> str:
    """A free number of the general clinic, for herself; the appointment's id."""
    await resident.tap("book-again")
    await resident.expect_title(resident.town.department.name)
    await resident.see("day-item").nth(2).click()
    await resident.see("session-item").filter(has_text="普通门诊").first.click()
    await resident.tap("slot-item")
    await resident.expect_title("确认预约")
    await resident.tap("confirm-submit")
    await resident.appointment_state("预约成功")
    found = re.search(r"appointment_id=([0-9A-Z]{26})", resident.page.url)
    assert found, resident.page.url
    return found[1]


async def is_cancelled_at_the_desk(resident: Resident, desk: Window, made: str) -> None:
    """A nurse looks her up by the phone number she says, finds the very appointment and cancels it."""
    desk.album = ALBUM
    await at_the_desk.sign_in(desk, resident.town, Role.HOSPITAL_OPERATOR)
    page = await desk.open("/admin/appointments/search")
    await page.get_by_label("手机号或身份证号").fill(resident.family.grown_up.phone)
    await page.get_by_role("button", name="查找").click()
    await page.locator(f"a[href$='{made}']").click()
    await expect(page.locator(".page-head")).to_contain_text("已预约")
    await desk.picture("14-desk-appointment")
    await page.get_by_role("link", name="取消预约…").click()
    await page.get_by_label("取消原因").fill("医生临时外出会诊")
    await desk.picture("15-desk-cancelling")
    await page.get_by_role("button", name="取消预约").click()
    await expect(page.locator(".page-head")).to_contain_text("已取消")
    await desk.picture("16-desk-cancelled")
    await resident.town.city.work()
    await resident.window.open(f"/#/pages/appointments/detail/index?appointment_id={made}")
    await resident.appointment_state("已取消")
    await resident.shows("=医生临时外出会诊")
    await look(resident, "17-cancelled-by-the-hospital")


async def sees_where_her_code_was_used(resident: Resident) -> None:
    await resident.window.open("/#/pages/code/show/index")
    await resident.tap("code-uses")
    await expect(resident.see("use-item")).to_have_count(2)
    await expect(resident.see("use-item").first).to_contain_text("取药")
    await expect(resident.see("use-item").last).to_contain_text("挂号窗口1号")
    await look(resident, "18-code-uses")
    await resident.tap("page-back")


async def reads_large_letters(resident: Resident) -> None:
    await resident.tab(MINE)
    row = resident.see("mine-settings").get_by_text("设置")
    before = await row.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    await resident.tap("mine-settings")
    await resident.tap("settings-large")
    await expect(resident.see("settings-large")).to_have_attribute("aria-checked", "true")
    await resident.tap("page-back")
    after = await row.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    assert after >= before * 1.15
    await look(resident, "19-large-letters")
    await resident.tap("mine-settings")


async def leaves_for_good(resident: Resident) -> None:
    await resident.tap("sign-out")
    await resident.tap("sign-out-confirm")
    await resident.tap("home-sign-in")
    await resident.sign_in()
    await resident.expect_title("健康城市")
    await resident.tab(MINE)
    await resident.tap("mine-settings")
    await resident.tap("delete-account")
    await resident.tap("delete-account-confirm")
    await expect(resident.see("home-sign-in")).to_be_visible()
    await resident.tab(MINE)
    await expect(resident.see("go-sign-in")).to_have_text(re.compile("登录"))


async def look(resident: Resident, station: str) -> None:
    """Look the page over and keep its picture, once it has stopped moving."""
    await resident.settle()
    await resident.page.wait_for_function(AT_REST)
    await resident.window.quiet()
    await resident.window.picture(station)
