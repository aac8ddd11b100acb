"""Appointments at the desk: lists, looking a person up, cancelling, masks, and whose hospital it is."""

import pytest

from backend.appointments import desk
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM, Role
from backend.slotpool.claims_models import ClaimState
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import a_name, an_id_number, make_booking
from tests.factories.residents import make_child, make_resident


async def test_a_day_lists_an_institutions_appointments_under_masked_names(
    console: Console, town: Town
) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"/admin/appointments?on={town.here[0].on}")
    for claim in town.here:
        assert f"/admin/appointments/{claim.id}" in page.links
    for claim in town.there:
        assert f"/admin/appointments/{claim.id}" not in page.links
    for number in range(4):
        assert a_name(number) not in page.html


async def test_the_list_is_filtered_by_state_and_channel(console: Console, town: Town) -> None:
    await console.city.services.desk.cancel(SYSTEM, town.here[0].id, "test")
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    day = f"/admin/appointments?on={town.here[0].on}"
    cancelled = await browser.get(f"{day}&state=cancelled")
    assert f"/admin/appointments/{town.here[0].id}" in cancelled.links
    assert f"/admin/appointments/{town.here[1].id}" not in cancelled.links
    assert "没有符合条件的预约" in (await browser.get(f"{day}&channel=kiosk")).text
    await browser.get(f"{day}&state=nonsense", expect=400)


async def test_an_appointments_number_leads_straight_to_it(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"/admin/appointments?id={town.here[0].id.lower()}")
    assert page.path == f"/admin/appointments/{town.here[0].id}"
    await browser.get(f"/admin/appointments?id={town.there[0].id}", expect=404)
    await browser.get("/admin/appointments?id=123", expect=404)


async def test_a_person_is_looked_up_by_id_number_within_scope_and_on_record(
    console: Console, town: Town
) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await browser.get("/admin/appointments/search")
    page = await browser.submit("/admin/appointments/search", person=an_id_number(0))
    assert f"/admin/appointments/{town.here[0].id}" in page.links
    assert an_id_number(0) not in page.html
    page = await browser.submit("/admin/appointments/search", person=an_id_number(2))
    assert "没有找到预约" in page.text
    entries, _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="residents.search")
    )
    assert {entry.object for entry in entries} == {
        f"resident/{town.here[0].patient_id}",
        f"resident/{town.there[0].patient_id}",
    }
    await browser.submit("/admin/appointments/search", person="", expect=400)


async def test_a_patient_without_an_account_is_looked_up_by_the_phone_he_is_told_by(
    console: Console, town: Town
) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await browser.get("/admin/appointments/search")
    page = await browser.submit("/admin/appointments/search", person="13800000001")
    assert f"/admin/appointments/{town.here[1].id}" in page.links
    assert f"/admin/appointments/{town.here[0].id}" not in page.links
    assert a_name(1) not in page.html
    page = await browser.submit("/admin/appointments/search", person="13800000002")
    assert f"/admin/appointments/{town.there[0].id}" not in page.links


async def test_a_guardians_phone_leads_to_the_familys_appointments_too(console: Console, town: Town) -> None:
    services = console.city.services
    mother = await make_resident(services)
    child = await make_child(services, mother)
    here = await make_booking(services, town.first.schedules[0], child)
    there = await make_booking(services, town.second.schedules[0], child)
    contact = await services.residents.contact(mother.id)
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await browser.get("/admin/appointments/search")
    page = await browser.submit("/admin/appointments/search", person=contact.phone or "")
    assert f"/admin/appointments/{here.id}" in page.links
    assert f"/admin/appointments/{there.id}" not in page.links
    entries, _ = await services.audit.list_entries(SYSTEM, AuditFilter(action="residents.search"))
    assert {entry.object for entry in entries} == {f"resident/{mother.id}", f"resident/{child}"}
    # The mother's own number is about herself alone.
    page = await browser.submit("/admin/appointments/search", person=mother.id_number)
    assert f"/admin/appointments/{here.id}" not in page.links


async def test_what_other_hospitals_have_of_a_person_does_not_crowd_out_ones_own(
    console: Console, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "SEARCH_LIMIT", 1)
    services = console.city.services
    mother = await make_resident(services)
    here = await make_booking(services, town.first.schedules[0], mother.id)
    # An afternoon elsewhere comes first in a list that begins with the latest.
    for schedule in (town.second.schedules[1], town.second.schedules[3]):
        await make_booking(services, schedule, mother.id)
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await browser.get("/admin/appointments/search")
    page = await browser.submit("/admin/appointments/search", person=mother.id_number)
    assert f"/admin/appointments/{here.id}" in page.links


async def test_cancelling_needs_a_reason_frees_the_number_and_goes_on_record(
    console: Console, town: Town
) -> None:
    claim = town.here[0]
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    action = f"/admin/appointments/{claim.id}/cancel"
    await browser.get(action)
    page = await browser.submit(action, reason="   ", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(action, reason="就诊人来电取消")
    assert page.path == f"/admin/appointments/{claim.id}"
    assert "预约已取消" in page.text
    assert "就诊人来电取消" in page.text
    after = await console.city.services.claims.get(claim.id)
    assert (after.state, after.cancelled_by) == (ClaimState.CANCELLED, "staff")
    [entry], _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="appointments.cancel")
    )
    assert (entry.object, entry.basis) == (f"appointment/{claim.id}", "就诊人来电取消")
    page = await browser.get(f"/admin/appointments/{claim.id}")
    assert action not in page.links


async def test_cancelling_twice_says_that_it_is_too_late(console: Console, town: Town) -> None:
    claim = town.here[0]
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    action = f"/admin/appointments/{claim.id}/cancel"
    await browser.get(action)
    await browser.submit(action, reason="一次")
    await browser.get(action)
    page = await browser.submit(action, reason="又一次", expect=409)
    assert "已不能取消" in page.text


async def test_a_patient_is_masked_until_a_reason_is_given(console: Console, town: Town) -> None:
    claim = town.here[0]
    secrets = (a_name(0), an_id_number(0), "13800000000")
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"/admin/appointments/{claim.id}")
    assert not any(secret in page.html for secret in secrets)
    action = f"/admin/appointments/{claim.id}/reveal"
    await browser.get(action)
    page = await browser.submit(action, reason="", expect=400)
    assert not any(secret in page.html for secret in secrets)
    page = await browser.submit(action, reason="核对身份")
    assert all(secret in page.html for secret in secrets)
    assert page.response.headers["cache-control"] == "no-store"
    [entry], _ = await console.city.services.audit.list_entries(SYSTEM, AuditFilter(action="resident.reveal"))
    assert (entry.object, entry.basis) == (f"resident/{claim.patient_id}", "核对身份")
    page = await browser.get(f"/admin/appointments/{claim.id}")
    assert not any(secret in page.html for secret in secrets)


@pytest.mark.parametrize("action", ["", "/cancel", "/reveal"])
async def test_another_hospitals_appointment_looks_like_none(
    console: Console, town: Town, action: str
) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    path = f"/admin/appointments/{town.there[0].id}{action}"
    await browser.get(path, expect=404)
    if action:
        token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
        await browser.post(path, {"_csrf": token, "reason": "好奇"}, expect=404)
    after = await console.city.services.claims.get(town.there[0].id)
    assert after.state is ClaimState.BOOKED


async def test_another_hospitals_day_looks_like_none(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    other = town.second.organization.id
    await browser.get(f"/admin/appointments?organization={other}", expect=404)
    await browser.get(f"/admin/schedules?organization={other}", expect=404)
    await browser.get(f"/admin/directory/{other}", expect=404)


async def test_a_doctor_sees_but_neither_cancels_nor_unmasks(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.DOCTOR, town.scope)
    page = await browser.get(f"/admin/appointments/{town.here[0].id}")
    assert not any(link.endswith(("/cancel", "/reveal")) for link in page.links)
