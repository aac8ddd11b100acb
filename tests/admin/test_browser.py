"""The console in Chromium, at a desk, on a tablet, on paper; the pictures stay in test-artifacts/console."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from backend.billing.models import Difference, RefundProgress
from backend.billing.store import OrderStore
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.admin.test_messages import tell
from tests.factories.city import make_booking, make_patient
from tests.factories.orders import make_order
from tests.factories.staff import KnownStaff

pytestmark = pytest.mark.browser

ARTIFACTS = Path("test-artifacts/console")
FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
DESK, TABLET = (1280, 800), (820, 1180)


@dataclass
class Window:
    """A person's browser window, and everything it complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    async def sign_in(self, known: KnownStaff) -> None:
        await self.page.goto(f"{self.address}/admin/")
        await self.page.get_by_label("登录名").fill(known.login)
        await self.page.get_by_label("密码").fill(known.password)
        await self.page.get_by_role("button", name="下一步").click()
        await self.page.get_by_label("手机验证器中的6位数字").fill(known.code())
        await self.page.get_by_role("button", name="登录").click()
        await self.page.wait_for_selector(".side")

    async def look(self, path: str, name: str) -> Page:
        """Open a page, check that it holds together, and keep its picture."""
        await self.page.goto(f"{self.address}{path}", wait_until="networkidle")
        await self.picture(name)
        return self.page

    async def picture(self, name: str) -> None:
        wide, shown = await self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= shown, f"{name} is {wide} wide in a window of {shown}"
        await self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Chromium is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


async def open_window(chromium: Browser, console: Console, size: tuple[int, int] = DESK) -> Window:
    context = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
    window = Window(await context.new_page(), console.address)
    window.page.on(
        "console", lambda said: window.complaints.append(said.text) if said.type == "error" else None
    )
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    return window


@pytest.fixture
async def busy(console: Console, town: Town) -> Town:
    """A town on a normal day: sold and held numbers, a stopped clinic, paid and refused money, messages."""
    services = console.city.services
    for number in range(20, 34):
        schedule = town.first.schedules[number % 4]
        patient = await make_patient(services, number)
        channel = ("wechat", "h5", "window", "kiosk")[number % 4]
        await make_booking(services, schedule, patient, channel=channel, hold=number % 5 == 0)
    order = await make_order(services, town.here[0], refund=RefundProgress.FAILED)
    await make_order(services, town.here[1], refund=RefundProgress.SUCCEEDED)
    await make_order(services, town.there[0], 1500)
    difference = Difference(
        "payment:1", "payment_mismatch", order.id, {"amount_fen": 2500}, {"amount_fen": 2400}
    )
    await OrderStore(services.db).add_difference(difference, order.organization_id)
    await tell(console, town.here[0])
    await services.desk.stop(SYSTEM, town.first.schedules[2].id, "医生临时参加抢救")
    await services.desk.cancel(SYSTEM, town.there[1].id, "就诊人来电取消")
    await services.outbox.drain()
    return town


def pages_of_the_operator(town: Town, known: KnownStaff) -> dict[str, str]:
    on, place = town.here[0].on, town.first.organization.id
    claim, schedule = town.here[0].id, town.first.schedules[0].id
    return {
        "10-dashboard": "/admin/dashboard",
        "20-schedules": f"/admin/schedules?organization={place}&on={on}",
        "21-schedule": f"/admin/schedules/{schedule}",
        "22-schedule-stopped": f"/admin/schedules/{town.first.schedules[2].id}",
        "23-stop": f"/admin/schedules/{schedule}/stop",
        "30-appointments": f"/admin/appointments?organization={place}&on={on}",
        "31-appointment": f"/admin/appointments/{claim}",
        "32-appointment-cancelled": f"/admin/appointments/{town.there[1].id}",
        "33-cancel": f"/admin/appointments/{claim}/cancel",
        "34-reveal": f"/admin/appointments/{claim}/reveal",
        "35-search": "/admin/appointments/search",
        "40-payments": "/admin/payments",
        "41-order": f"/admin/payments/R{claim}",
        "42-refund": f"/admin/payments/R{claim}/refund",
        "43-differences": "/admin/payments/differences",
        "50-messages": "/admin/messages",
        "51-messages-person": "/admin/messages/person",
        "60-directory": "/admin/directory",
        "61-organization": f"/admin/directory/{place}",
        "62-edit-organization": f"/admin/directory/{place}/edit",
        "63-edit-department": f"/admin/directory/departments/{town.first.departments[0].id}",
        "64-edit-practitioner": f"/admin/directory/practitioners/{town.first.doctors[0].id}",
        "70-staff": "/admin/staff",
        "71-staff-new": "/admin/staff/new",
        "72-staff-member": f"/admin/staff/{known.member.id}",
        "73-staff-disable": f"/admin/staff/{known.member.id}/disable",
        "90-account": "/admin/account",
        "91-password": "/admin/account/password",
    }


async def test_every_page_of_the_operator_holds_together(
    chromium: Browser, console: Console, busy: Town
) -> None:
    known = await console.staff(Role.HOSPITAL_OPERATOR, busy.scope)
    window = await open_window(chromium, console)
    await window.page.goto(f"{console.address}/admin/sign-in")
    await window.picture("00-sign-in")
    await window.sign_in(await console.staff(Role.CITY_OPERATOR))
    for name, path in pages_of_the_operator(busy, known).items():
        await window.look(path, name)
    assert window.complaints == []


async def test_the_dashboard_draws_its_charts_and_renews_itself(
    chromium: Browser, console: Console, busy: Town
) -> None:
    window = await open_window(chromium, console)
    await window.sign_in(await console.staff(Role.CITY_OPERATOR))
    page = await window.look("/admin/dashboard", "11-dashboard-live")
    drawn = await page.evaluate(
        "[...document.querySelectorAll('canvas')].every((c) => Chart.getChart(c)?.data.labels.length > 0)"
    )
    assert drawn
    before = await page.locator('[data-figure="cancelled"]').inner_text()
    services = console.city.services
    await services.desk.cancel(SYSTEM, busy.here[1].id, "test")
    await services.outbox.drain()
    await page.evaluate("renew()")
    await page.wait_for_function(
        "(n) => document.querySelector('[data-figure=cancelled]').textContent === n", arg=str(int(before) + 1)
    )
    assert window.complaints == []


async def test_a_nurse_stops_a_clinic_and_cancels_with_the_keyboard_alone(
    chromium: Browser, console: Console, busy: Town
) -> None:
    window = await open_window(chromium, console)
    await window.sign_in(await console.staff(Role.HOSPITAL_OPERATOR, busy.scope))
    page = await window.look(f"/admin/appointments/{busy.here[1].id}/cancel", "33-cancel-keyboard")
    await page.get_by_label("取消原因").focus()
    await page.keyboard.type("就诊人来电取消")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"done=cancelled"))
    assert "已取消" in await page.inner_text(".page-head")


async def test_the_console_fits_a_tablet(chromium: Browser, console: Console, busy: Town) -> None:
    window = await open_window(chromium, console, TABLET)
    await window.sign_in(await console.staff(Role.HOSPITAL_OPERATOR, busy.scope))
    on = busy.here[0].on
    for name, path in {
        "80-tablet-dashboard": "/admin/dashboard",
        "81-tablet-schedules": f"/admin/schedules?on={on}",
        "82-tablet-appointments": f"/admin/appointments?on={on}",
        "83-tablet-appointment": f"/admin/appointments/{busy.here[0].id}",
        "84-tablet-messages": "/admin/messages",
    }.items():
        await window.look(path, name)
    assert window.complaints == []


async def test_a_list_on_paper_is_the_list_alone(chromium: Browser, console: Console, busy: Town) -> None:
    window = await open_window(chromium, console)
    await window.sign_in(await console.staff(Role.HOSPITAL_OPERATOR, busy.scope))
    await window.page.emulate_media(media="print")
    page = await window.look(f"/admin/schedules/{busy.first.schedules[0].id}", "85-print-session")
    for hidden in (".side", ".topbar", ".actions"):
        assert not await page.locator(hidden).first.is_visible(), hidden
    assert await page.locator("table").is_visible()


async def test_the_auditor_reads_and_checks_the_log(chromium: Browser, console: Console, busy: Town) -> None:
    window = await open_window(chromium, console)
    await window.sign_in(await console.staff(Role.AUDITOR))
    page = await window.look("/admin/audit", "92-audit")
    await page.get_by_role("button", name="校验完整性").click()
    await page.get_by_text("日志完整").wait_for()
    await window.picture("93-audit-verified")
    await page.goto(f"{console.address}/admin/appointments")
    await window.picture("94-forbidden")
    await page.goto(f"{console.address}/admin/nowhere")
    await window.picture("95-not-found")


async def test_new_credentials_are_shown_with_a_code_to_scan(
    chromium: Browser, console: Console, busy: Town
) -> None:
    known = await console.staff(Role.DOCTOR, busy.scope)
    window = await open_window(chromium, console)
    await window.sign_in(await console.staff(Role.CITY_OPERATOR))
    page = await window.look(f"/admin/staff/{known.member.id}", "72-staff-doctor")
    await page.get_by_role("button", name="重置动态口令").click()
    await page.get_by_alt_text("动态口令二维码").wait_for()
    assert await page.evaluate("document.querySelector('.qr').naturalWidth") > 0
    await window.picture("74-credentials")
    page = await window.look("/admin/appointments/search", "35-search-empty")
    await page.get_by_label("手机号或身份证号").fill("370702198503120011")
    await page.get_by_role("button", name="查找").click()
    await page.get_by_text("查找结果").wait_for()
    await window.picture("36-found")
    assert window.complaints == []
