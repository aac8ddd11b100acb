"""The audit log in the console: reading it, filtering it, and finding out who touched it."""

from backend.db.client import Database
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Console
from tests.admin.conftest import Town


async def test_the_log_says_who_did_what_and_why(console: Console, town: Town) -> None:
    operator = await console.staff(Role.HOSPITAL_OPERATOR, town.scope)
    browser = await console.sign_in_as(operator)
    action = f"/admin/appointments/{town.here[0].id}/cancel"
    await browser.get(action)
    await browser.submit(action, reason="就诊人来电取消")
    auditor = await console.sign_in(Role.AUDITOR)
    page = await auditor.get("/admin/audit")
    assert "就诊人来电取消" in page.text
    assert f"appointment/{town.here[0].id}" in page.html
    assert "取消预约" in page.text
    assert operator.member.name in page.text
    assert town.first.organization.name in page.text


async def test_the_log_is_filtered(console: Console, town: Town) -> None:
    desk = console.city.services.desk
    await desk.cancel(SYSTEM, town.here[0].id, "甲院取消")
    await desk.cancel(SYSTEM, town.there[0].id, "乙院取消")
    auditor = await console.sign_in(Role.AUDITOR)
    page = await auditor.get(f"/admin/audit?organization={town.first.organization.id}")
    assert "甲院取消" in page.text
    assert "乙院取消" not in page.text
    page = await auditor.get(f"/admin/audit?object=appointment/{town.there[0].id}")
    assert "乙院取消" in page.text
    assert "甲院取消" not in page.text
    page = await auditor.get("/admin/audit?to_on=2020-01-01")
    assert "没有符合条件的记录" in page.text
    page = await auditor.get("/admin/audit?from_on=tomorrow", expect=400)
    assert "开始日期" in page.text


async def test_an_auditor_of_one_hospital_reads_that_hospitals_log_only(console: Console, town: Town) -> None:
    desk = console.city.services.desk
    await desk.cancel(SYSTEM, town.here[0].id, "甲院取消")
    await desk.cancel(SYSTEM, town.there[0].id, "乙院取消")
    auditor = await console.sign_in(Role.AUDITOR, town.scope)
    page = await auditor.get("/admin/audit")
    assert "甲院取消" in page.text
    assert "乙院取消" not in page.text
    assert not page.has_form("/admin/audit/verify")
    token = console.city.services.csrf.issue(auditor.http.cookies["hc_console"])
    await auditor.post("/admin/audit/verify", {"_csrf": token}, expect=403)


async def test_an_untouched_log_is_called_whole(console: Console, town: Town) -> None:
    auditor = await console.sign_in(Role.AUDITOR)
    await auditor.get("/admin/audit")
    page = await auditor.submit("/admin/audit/verify")
    assert "日志完整" in page.text


async def test_a_touched_log_is_found_out(console: Console, town: Town, db: Database) -> None:
    await console.city.services.desk.cancel(SYSTEM, town.here[0].id, "真正的原因")
    await db.collection("audit").update_one({"basis": "真正的原因"}, {"$set": {"basis": "别的原因"}})
    auditor = await console.sign_in(Role.AUDITOR)
    await auditor.get("/admin/audit")
    page = await auditor.submit("/admin/audit/verify")
    assert "内容被改动" in page.text
