"""Every page of the console on a desk and on a tablet, filled, empty and saying no.

The pictures stay in test-artifacts/screens/console for people to look at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import date

import pytest
from playwright.async_api import Browser, expect

from backend import clock
from backend.directory.models import TerminalKind
from backend.ids import new_id
from backend.patient_index.models import Demographics
from backend.patient_index.review_models import review_id
from backend.permissions import SYSTEM, Actor, Role
from backend.records.models import Incoming, Source
from tests.browser import desk as at_the_desk
from tests.browser.business import Business, trade
from tests.browser.life import ATTENDING, CHIEF, GENERAL, day
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.charts import make_chart
from tests.factories.staff import make_staff

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-console"), pytest.mark.timeout(240)]

SIZES = {"": (1280, 800), "-820": (820, 1180)}
OpenDesk = Callable[[Role], AbstractAsyncContextManager[Window]]


@pytest.fixture(scope="module")
async def business(town: Town) -> Business:
    return await trade(town)


@pytest.fixture
def desk_of(chromium: Browser, town: Town, business: Business) -> OpenDesk:
    """A window in which a member of this role has signed in."""
    del business

    @asynccontextmanager
    async def opened(role: Role) -> AsyncIterator[Window]:
        async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
            await at_the_desk.sign_in(window, town, role)
            yield window

    return opened


async def pictures(window: Window, name: str) -> None:
    """A page on a desk and on a tablet."""
    await window.quiet()
    for suffix, (width, height) in SIZES.items():
        await window.resize(width, height)
        await window.picture(name + suffix)
    await window.resize(*SIZES[""])


async def look_at(window: Window, pages: dict[str, str]) -> None:
    """Open each page and keep its pictures."""
    for name, path in pages.items():
        await window.page.goto(f"{window.address}/admin/{path}")
        await pictures(window, name)


def pages_of_the_operator(town: Town, business: Business, member: str) -> dict[str, str]:
    tomorrow = day(town, 1)
    place, on, sold = town.hospital.id, tomorrow[0].on, business.sold
    doctor = town.doctors[0].id
    return {
        "dashboard": "dashboard",
        "pool-day": f"schedules?organization={place}&department={town.department.id}&on={on}",
        "session": f"schedules/{tomorrow[CHIEF].id}",
        "session-stopped": f"schedules/{day(town, 4)[GENERAL].id}",
        "session-stopping": f"schedules/{tomorrow[ATTENDING].id}/stop",
        "appointments": f"appointments?organization={place}&on={on}",
        "appointment": f"appointments/{business.life.booked}",
        "appointment-unpaid": f"appointments/{business.life.unpaid}",
        "appointment-cancelled": f"appointments/{business.life.cancelled}",
        "appointment-cancelling": f"appointments/{sold}/cancel",
        "appointment-revealing": f"appointments/{sold}/reveal",
        "search": "appointments/search",
        "payments": "payments",
        "payments-differences": "payments/differences",
        "payment": f"payments/{business.failed_refund}",
        "payment-refunding": f"payments/{business.failed_refund}/refund",
        "messages": "messages",
        "messages-person": "messages/person",
        "message-templates": "messages/templates",
        "message-template": "messages/templates/visit_reminder",
        "message-template-writing": "messages/templates/visit_reminder/1/write",
        "message-resending": f"messages/{business.message}/resend/sms",
        "recognition": "recognition",
        "recognition-repeats": "recognition/repeats",
        "recognition-lists": "recognition/lists",
        "recognition-items": "recognition/lists/items",
        "medication": "medication",
        "medication-rules": "medication/rules",
        "medication-interactions": "medication/rules/interactions",
        "directory": "directory",
        "organization": f"directory/{place}",
        "organization-editing": f"directory/{place}/edit",
        "department-editing": f"directory/departments/{town.department.id}",
        "practitioner-editing": f"directory/practitioners/{doctor}",
        "staff": "staff",
        "staff-new": "staff/new",
        "staff-member": f"staff/{member}",
        "staff-disabling": f"staff/{member}/disable",
        "account": "account",
        "account-password": "account/password",
    }


async def test_pages_of_the_operator(desk_of: OpenDesk, town: Town, business: Business) -> None:
    services = town.city.city.services
    known = await make_staff(
        services.staff, Role.DOCTOR, organization_ids=frozenset({town.hospital.id}), login="gu.qinghe"
    )
    async with desk_of(Role.CITY_OPERATOR) as window:
        await look_at(window, pages_of_the_operator(town, business, known.member.id))


async def test_pages_of_systems_and_terminals(desk_of: OpenDesk, town: Town) -> None:
    clients = town.city.city.services.clients
    his = (await clients.register_hospital(town.hospital.id, "医院信息系统 HIS")).client.id
    actor = Actor("client", his, Role.HOSPITAL_CLIENT, frozenset({town.hospital.id}))
    lost = await clients.register_terminal(actor, "门诊收费窗口1号", TerminalKind.WINDOW)
    await clients.deactivate(lost.client.id)
    async with desk_of(Role.HOSPITAL_OPERATOR) as window:
        pages = {
            "clients": "clients",
            "client": f"clients/{his}",
            "client-shut-out": f"clients/{lost.client.id}",
            "client-secret": f"clients/{his}/secret",
            "client-deactivating": f"clients/{his}/deactivate",
        }
        await look_at(window, pages)
        await window.page.goto(f"{window.address}/admin/clients/{his}/secret")
        await window.page.get_by_label("再用 7 天").check()
        await window.page.get_by_label("原因").fill("年度更换")
        await window.page.get_by_role("button", name="换发密钥").click()
        await expect(window.page.get_by_text("只显示这一次")).to_be_visible()
        await pictures(window, "client-issued")


async def test_pages_with_nothing_on_them(desk_of: OpenDesk, town: Town) -> None:
    async with desk_of(Role.CITY_OPERATOR) as window:
        await look_at(
            window,
            {
                "pool-day-empty": f"schedules?organization={town.hospital.id}&on=2030-01-01",
                "appointments-empty": f"appointments?organization={town.hospital.id}&on=2030-01-01",
                "payments-empty": "payments?from_on=2030-01-01",
                "messages-empty": "messages?appointment=01J8ZK3Q5V9X2M4N6P8R0T1S2V",
            },
        )
        with window.excusing("404"):
            await look_at(window, {"missing": "nowhere", "appointment-missing": f"appointments/{'0' * 26}"})


async def test_pages_of_the_auditor(desk_of: OpenDesk) -> None:
    async with desk_of(Role.AUDITOR) as window:
        await look_at(window, {"audit-empty": "audit?from_on=2030-01-01", "audit": "audit"})
        await expect(window.page.get_by_text("父母（本人同意）")).to_be_visible()
        await window.page.locator("summary").first.click()
        await pictures(window, "audit-entry")
        await window.page.get_by_role("button", name="校验完整性").click()
        await window.page.get_by_text("日志完整").wait_for()
        await pictures(window, "audit-verified")
        with window.excusing("403"):
            await look_at(window, {"forbidden": "appointments"})


async def test_pages_after_a_form(desk_of: OpenDesk, town: Town, business: Business) -> None:
    async with desk_of(Role.HOSPITAL_OPERATOR) as window:
        page = window.page
        await page.goto(f"{window.address}/admin/appointments/{business.sold}/reveal")
        await page.get_by_label("查看理由").fill("来电核对身份")
        await page.get_by_role("button", name="查看").click()
        await expect(page.get_by_text("来电核对身份")).to_have_count(0)
        await pictures(window, "appointment-revealed")
        await page.goto(f"{window.address}/admin/appointments/search")
        await page.get_by_label("手机号或身份证号").fill(business.life.caller.id_number)
        await page.get_by_role("button", name="查找").click()
        await expect(page.get_by_role("heading", name="查找结果")).to_be_visible()
        await pictures(window, "search-found")
    async with desk_of(Role.CITY_OPERATOR) as window:
        page = window.page
        await page.goto(f"{window.address}/admin/staff/new")
        await page.get_by_label("登录名").fill("shen.zhixing")
        await page.get_by_label("姓名").fill("沈知行")
        await page.get_by_role("radio", name="财务").check()
        await page.get_by_role("radio", name="全市 医院").check()
        await page.get_by_role("button", name="开通账号").click()
        await expect(page.get_by_alt_text("动态口令二维码")).to_be_visible()
        await pictures(window, "staff-credentials")
        await page.goto(f"{window.address}/admin/payments")
        await page.get_by_role("button", name="核对账目").click()
        await expect(page.get_by_text("账目平衡")).to_be_visible()
        await pictures(window, "payments-books")
        await page.goto(f"{window.address}/admin/payments/{business.failed_refund}")
        await page.get_by_role("button", name="向渠道核对").click()
        await expect(page.get_by_role("heading", name="渠道核对结果")).to_be_visible()
        await pictures(window, "payment-checked")


async def test_pages_before_signing_in(desk: Window, town: Town, business: Business) -> None:
    del business
    known = await make_staff(town.city.city.services.staff, Role.FINANCE)
    page = await desk.open("/admin/")
    await pictures(desk, "sign-in")
    with desk.excusing("40[13]"):
        await page.get_by_label("登录名").fill(known.login)
        await page.get_by_label("密码").fill("wrong")
        await page.get_by_role("button", name="下一步").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await pictures(desk, "sign-in-refused")
        await page.get_by_label("密码").fill(known.password)
        await page.get_by_role("button", name="下一步").click()
        await expect(page.get_by_label("手机验证器中的6位数字")).to_be_visible()
        await pictures(desk, "sign-in-code")


async def test_pages_of_the_patient_index_and_of_quality(desk_of: OpenDesk, town: Town) -> None:
    services = town.city.city.services
    second = town.doctors[0].organization_id
    who = Demographics(
        "王小伟", "male", date(1985, 3, 12), phone="13900001111", address="健康市和平区幸福路12号"
    )
    here = await make_chart(services, town.hospital.id, "ZY100234", who)
    there = await make_chart(services, second, "MZ-778", replace(who, birth_on=date(1985, 3, 21)))
    body = {"gender": "男", "name": [{"text": "王小伟"}]}
    source = Source("fhir", new_id(), town.hospital.id, clock.now())
    await services.records.write(town.hospital.id, [Incoming("Patient", here.id, body)], source)
    await town.city.work()
    broken = next(rule for rule in await services.quality.rules() if rule.title == "性别代码不在范围内")
    wanted = {"type": "Encounter", "kind": "time", "path": "period.start", "until": "now"}
    about = {"title": "就诊开始时间在将来", "source": "本市约定", "severity": "error"}
    added = await services.quality.add(SYSTEM, new_id(), wanted | about, "质控例会")
    pages = {
        "index-pairs": "patient-index",
        "index-pair": f"patient-index/pairs/{review_id(here.id, there.id)}",
        "index-search": "patient-index/search",
        "index-person": f"patient-index/persons/{here.id}",
        "quality-scores": "quality",
        "quality-day": f"quality/days/{town.hospital.id}",
        "quality-rules": "quality/rules?type=Encounter",
        "quality-rule": f"quality/rules/{broken.id}",
        "quality-new-kind": "quality/rules/new",
        "quality-new-rule": "quality/rules/new?type=Observation&kind=code",
        "quality-added-rule": f"quality/rules/{added.id}",
    }
    async with desk_of(Role.CITY_OPERATOR) as window:
        await look_at(window, pages)
