"""What holds for every page: nothing inline, nothing kept by caches, figures that are alive."""

from datetime import timedelta

import pytest

from admin.board_words import HIDDEN, HIDDEN_WHY
from admin.templating import day, local_time, told, yuan
from backend import clock
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import make_booking

PAGES = {
    Role.CITY_OPERATOR: [
        "/admin/dashboard", "/admin/schedules", "/admin/appointments", "/admin/appointments/search",
        "/admin/payments", "/admin/payments/differences", "/admin/messages", "/admin/messages/person",
        "/admin/surveys", "/admin/surveys/digest", "/admin/surveys/tickets", "/admin/surveys/calls",
        "/admin/surveys/campaigns", "/admin/surveys/campaigns/new", "/admin/surveys/questionnaires",
        "/admin/surveys/questionnaires/new", "/admin/surveys/questionnaires/import",
        "/admin/referrals", "/admin/referrals/figures", "/admin/referrals/desk", "/admin/referrals/limits",
        "/admin/referrals/arrival",
        "/admin/directory", "/admin/staff", "/admin/staff/new", "/admin/account", "/admin/account/password",
    ],
    Role.AUDITOR: ["/admin/audit"],
}  # fmt: skip


@pytest.mark.parametrize("role", sorted(PAGES))
async def test_a_page_is_whole_and_safe(console: Console, town: Town, role: Role) -> None:
    browser = await console.sign_in(role)
    for path in PAGES[role]:
        page = await browser.get(path)
        headers = page.response.headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert page.inline_parts == 0, path
        assert headers["cache-control"] == "no-store", path
        assert headers["x-frame-options"] == "DENY", path
        assert page.html.count("<h1") == 1, path
        assert '<html lang="zh-CN">' in page.html, path
        assert page.html.count("<table") == page.html.count("<thead"), path


async def test_the_sign_in_page_is_safe_too(console: Console) -> None:
    page = await console.browser().get("/admin/sign-in")
    assert page.inline_parts == 0
    assert "unsafe" not in page.response.headers["content-security-policy"]


async def test_an_empty_city_has_pages_that_say_what_to_do(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    for path in PAGES[Role.CITY_OPERATOR]:
        await browser.get(path)
    assert "还没有机构" in (await browser.get("/admin/schedules")).text


async def test_files_are_kept_by_browsers_and_only_the_consoles_own_are_served(console: Console) -> None:
    browser = console.browser()
    page = await browser.get("/admin/sign-in")
    [address] = [part.partition('"')[0] for part in page.html.split('href="') if "console.css" in part[:60]]
    answer = await browser.peek(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    for name in ("../templating.py", "..%2f..%2fbase.py", "vendor/bootstrap/LICENSE", "nothing.css"):
        assert (await browser.peek(f"/admin/static/{name}")).status_code in (302, 404), name


async def test_the_dashboard_counts_what_happens(console: Console, town: Town) -> None:
    services = console.city.services
    await services.outbox.drain()
    browser = await console.sign_in(Role.CITY_OPERATOR)
    figures = (await browser.peek("/admin/dashboard/figures")).json()
    # Four people in the whole city would be recognised by who knows two of them.
    assert figures["figures"]["bookings"] == HIDDEN
    assert figures["channels"] == {"labels": ["微信小程序"], "values": [None]}
    assert figures["days"]["bookings"][-1] is None
    await make_booking(services, town.first.schedules[0], new_id())
    await services.desk.cancel(SYSTEM, town.here[0].id, "test")
    await services.outbox.drain()
    figures = (await browser.peek("/admin/dashboard/figures")).json()
    assert figures["figures"]["bookings"] == "5"
    assert figures["figures"]["cancellations"] == HIDDEN
    assert figures["days"]["labels"][-1] == "今天"
    page = await browser.get("/admin/dashboard")
    assert town.first.organization.name in page.text
    assert HIDDEN_WHY in page.text


async def test_a_hospitals_dashboard_counts_that_hospital(console: Console, town: Town) -> None:
    await console.city.services.outbox.drain()
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    figures = (await browser.peek("/admin/dashboard/figures")).json()
    assert figures["figures"]["bookings"] == "2"
    page = await browser.get("/admin/dashboard")
    assert town.first.organization.name in page.text
    assert town.second.organization.name not in page.text
    assert HIDDEN_WHY not in page.text


async def test_an_institution_is_corrected_and_read_again(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    place = f"/admin/directory/{town.first.organization.id}"
    await browser.get(f"{place}/edit")
    page = await browser.submit(f"{place}/edit", phone="0536-1112222")
    assert "已保存" in page.text
    assert "0536-1112222" in page.text
    doctor = town.first.doctors[0]
    await browser.get(f"/admin/directory/practitioners/{doctor.id}")
    page = await browser.submit(f"/admin/directory/practitioners/{doctor.id}", specialty="心律失常")
    assert "心律失常" in page.text
    department = town.first.departments[0]
    await browser.get(f"/admin/directory/departments/{department.id}")
    page = await browser.submit(f"/admin/directory/departments/{department.id}", place="外科楼9层")
    assert "外科楼9层" in page.text


async def test_another_hospitals_entries_are_not_corrected(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    for path in (
        f"/admin/directory/{town.second.organization.id}/edit",
        f"/admin/directory/departments/{town.second.departments[0].id}",
        f"/admin/directory/practitioners/{town.second.doctors[0].id}",
    ):
        await browser.get(path, expect=404)
        await browser.post(path, {"_csrf": token, "phone": "1", "place": "x", "title": "x"}, expect=404)


def test_money_is_shown_in_yuan_without_rounding() -> None:
    assert [yuan(fen) for fen in (0, 5, 1250, -300, 123_456_789)] == [
        "¥0.00", "¥0.05", "¥12.50", "-¥3.00", "¥1,234,567.89",
    ]  # fmt: skip


def test_times_are_the_citys() -> None:
    at = clock.city_instant(clock.today(), 0, 30)
    assert local_time(at) == f"{clock.today()} 00:30"
    assert day("2026-11-21") == "2026-11-21 周六"
    assert local_time(at + timedelta(days=1)) == f"{clock.today() + timedelta(days=1)} 00:30"


def test_facts_are_told_in_words() -> None:
    assert told({"amount_fen": 2500, "state": "SUCCESS"}) == "金额 ¥25.00，状态 SUCCESS"
