"""The pool in the console: a day, a session, stop-clinic."""

from datetime import UTC, date, datetime

import pytest

from admin.templating import clock_time_after
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM, Role
from backend.slotpool.claims_models import ClaimState
from backend.slotpool.schedules_models import ScheduleState
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import make_booking, make_patient


async def test_a_day_shows_each_session_with_what_is_sold_kept_and_free(console: Console, town: Town) -> None:
    services = console.city.services
    schedule = town.first.schedules[0]
    for number, channel in ((11, "h5"), (12, "window")):
        await make_booking(services, schedule, await make_patient(services, number), channel=channel)
    [session] = [
        s
        for s in await services.desk.day(SYSTEM, town.first.organization.id, schedule.on)
        if s.schedule.id == schedule.id
    ]
    assert (session.total, session.booked, session.free) == (10, 3, 7)
    assert session.sold_by_channel == {"wechat": 1, "h5": 1, "window": 1}
    assert session.reserved_left == {"window": 2}
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"/admin/schedules?on={schedule.on}")
    assert f"/admin/schedules/{schedule.id}" in page.links
    assert "窗口留号还剩 2/2" in page.text
    assert "心血管内科" in page.text
    assert "儿科" in page.text


async def test_a_day_may_be_narrowed_to_a_department(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    child = town.first.departments[1]
    page = await browser.get(f"/admin/schedules?on={town.here[0].on}&department={child.id}")
    assert f"/admin/schedules/{town.first.schedules[3].id}" in page.links
    assert f"/admin/schedules/{town.first.schedules[0].id}" not in page.links


async def test_a_day_without_clinics_says_what_to_do(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    assert "没有排班" in (await browser.get("/admin/schedules?on=2031-01-01")).text
    await browser.get("/admin/schedules?on=yesterday", expect=400)


async def test_stopping_a_clinic_needs_a_reason_and_ends_its_bookings(console: Console, town: Town) -> None:
    schedule, claim = town.first.schedules[0], town.here[0]
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    action = f"/admin/schedules/{schedule.id}/stop"
    page = await browser.get(action)
    assert "取消 1 个预约" in page.text
    page = await browser.submit(action, reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(action, reason="医生临时参加抢救")
    assert "已停诊" in page.text
    services = console.city.services
    assert (await services.schedules.get(schedule.id)).state is ScheduleState.STOPPED
    [entry], _ = await services.audit.list_entries(SYSTEM, AuditFilter(action="schedules.stop"))
    assert (entry.object, entry.basis) == (f"schedule/{schedule.id}", "医生临时参加抢救")
    await services.outbox.drain()
    assert (await services.claims.get(claim.id)).state is ClaimState.STOPPED
    page = await browser.get(f"/admin/appointments/{claim.id}")
    assert "停诊取消" in page.text
    assert action not in (await browser.get(f"/admin/schedules/{schedule.id}")).links


async def test_another_hospitals_clinic_is_neither_seen_nor_stopped(console: Console, town: Town) -> None:
    schedule = town.second.schedules[0]
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    await browser.get(f"/admin/schedules/{schedule.id}", expect=404)
    await browser.get(f"/admin/schedules/{schedule.id}/stop", expect=404)
    await browser.post(f"/admin/schedules/{schedule.id}/stop", {"_csrf": token, "reason": "x"}, expect=404)
    assert (await console.city.services.schedules.get(schedule.id)).state is ScheduleState.OPEN


@pytest.mark.parametrize("path", ["/admin/schedules", "/admin/appointments"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30"])
async def test_a_day_that_no_calendar_of_ours_has_is_refused(console: Console, path: str, day: str) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"{path}?on={day}", expect=400)
    assert "日期" in page.text


def test_a_night_that_goes_on_after_midnight_says_so() -> None:
    night = date(2026, 11, 25)
    assert clock_time_after(datetime(2026, 11, 25, 15, 58, tzinfo=UTC), night) == "23:58"
    assert clock_time_after(datetime(2026, 11, 25, 16, 4, tzinfo=UTC), night) == "次日00:04"
