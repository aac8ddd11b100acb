"""Staff accounts on a real database: who may open, close and reset whose."""

from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.audit.service import AuditService
from backend.errors import ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.staff.models import (
    NewStaff,
    SessionStage,
    SignedIn,
    StaffFilter,
    StaffSession,
    StaffState,
)
from backend.staff.service import StaffService
from tests.backend.staff.test_sign_in import HERE, refusal, sign_in
from tests.factories.staff import PASSWORD, make_staff

CITY = Actor(kind="staff", id="CITY", role=Role.CITY_OPERATOR, organization_ids=None)
ONE = frozenset({"ORG-1"})
LOCAL = Actor(kind="staff", id="LOCAL", role=Role.CITY_OPERATOR, organization_ids=ONE)


def new(login: str = "zhang.wei", **overrides: Any) -> NewStaff:
    values: dict[str, Any] = {"name": "张伟", "role": Role.FINANCE, "organization_ids": ONE, **overrides}
    return NewStaff(login=login, **values)


async def test_a_new_account_signs_in_with_what_was_handed_over(staff: StaffService) -> None:
    made = await staff.add(CITY, new())
    assert made.member.must_change_password
    assert "zhang.wei" in made.totp_uri
    assert await staff.sign_in.begin("zhang.wei", made.password, HERE)


async def test_a_login_belongs_to_one(staff: StaffService) -> None:
    await staff.add(CITY, new())
    assert await refusal(staff.add(CITY, new("Zhang.Wei"))) is ErrorCode.LOGIN_TAKEN


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (new("1st"), ErrorCode.BAD_REQUEST),
        (new("a b c"), ErrorCode.BAD_REQUEST),
        (new("zh"), ErrorCode.BAD_REQUEST),
        (new(name=""), ErrorCode.NAME_INVALID),
        (new(role=Role.RESIDENT), ErrorCode.BAD_REQUEST),
        (new(role=Role.DOCTOR, organization_ids=None), ErrorCode.BAD_REQUEST),
        (new(organization_ids=frozenset()), ErrorCode.BAD_REQUEST),
        (new(password="short"), ErrorCode.PASSWORD_WEAK),
    ],
)
async def test_a_wrong_account_is_refused(staff: StaffService, wanted: NewStaff, code: ErrorCode) -> None:
    assert await refusal(staff.add(CITY, wanted)) is code


async def test_nobody_grants_more_than_his_own_scope(staff: StaffService) -> None:
    for wider in (None, frozenset({"ORG-1", "ORG-2"})):
        assert await refusal(staff.add(LOCAL, new(organization_ids=wider))) is ErrorCode.FORBIDDEN


async def test_members_outside_the_scope_look_like_none(staff: StaffService) -> None:
    elsewhere = await make_staff(staff, Role.FINANCE, organization_ids=frozenset({"ORG-2"}))
    citywide = await make_staff(staff, Role.AUDITOR)
    wider = await make_staff(staff, Role.FINANCE, organization_ids=frozenset({"ORG-1", "ORG-2"}))
    inside = await make_staff(staff, Role.FINANCE, organization_ids=ONE)
    for hidden in (elsewhere, citywide, wider):
        assert await refusal(staff.access_member(LOCAL, hidden.member.id)) is ErrorCode.NOT_FOUND
        assert await refusal(staff.reset_password(LOCAL, hidden.member.id)) is ErrorCode.NOT_FOUND
    members, _ = await staff.list_members(LOCAL, StaffFilter())
    assert [member.id for member in members] == [inside.member.id]


async def test_nobody_closes_or_resets_his_own_account(staff: StaffService) -> None:
    known = await make_staff(staff)
    myself = Actor(kind="staff", id=known.member.id, role=Role.CITY_OPERATOR, organization_ids=None)
    for attempt in (
        staff.disable(myself, myself.id, "x"),
        staff.reset_password(myself, myself.id),
        staff.reset_totp(myself, myself.id),
    ):
        assert await refusal(attempt) is ErrorCode.FORBIDDEN


async def test_closing_needs_a_reason_and_keeps_it(staff: StaffService, audit: AuditService) -> None:
    known = await make_staff(staff)
    assert await refusal(staff.disable(CITY, known.member.id, "  ")) is ErrorCode.REASON_REQUIRED
    member = await staff.disable(CITY, known.member.id, "离职")
    assert (member.state, member.disabled_reason) == (StaffState.DISABLED, "离职")
    [entry], _ = await audit.list_entries(SYSTEM, AuditFilter(action="staff.disable"))
    assert (entry.actor_id, entry.basis) == ("CITY", "离职")


async def test_a_reset_password_ends_the_old_one_and_the_sessions(staff: StaffService) -> None:
    known = await make_staff(staff)
    token = await sign_in(staff, known)
    made = await staff.reset_password(CITY, known.member.id)
    assert made.member.must_change_password
    assert made.totp_secret == ""
    assert await staff.sign_in.find(token) is None
    assert await refusal(staff.sign_in.begin(known.login, PASSWORD, HERE)) is ErrorCode.SIGN_IN_FAILED


async def test_a_reset_code_ends_the_old_phone(staff: StaffService) -> None:
    known = await make_staff(staff)
    made = await staff.reset_totp(CITY, known.member.id)
    half = await staff.sign_in.begin(known.login, PASSWORD, HERE)
    assert await refusal(staff.sign_in.complete(half, known.code(), HERE)) is ErrorCode.SIGN_IN_FAILED
    known.totp_secret = made.totp_secret
    assert await staff.sign_in.complete(half, known.code(), HERE)


async def test_changing_the_password_keeps_this_session_and_ends_the_others(staff: StaffService) -> None:
    known = await make_staff(staff, must_change_password=True)
    here, other = await sign_in(staff, known), await sign_in(staff, known)
    signed_in = await staff.sign_in.find(here)
    assert signed_in is not None
    await staff.change_password(signed_in.actor, PASSWORD, "violet-harbour-77-tea")
    after = await staff.sign_in.find(here)
    assert after is not None
    assert not after.member.must_change_password
    assert await staff.sign_in.find(other) is None
    assert await staff.sign_in.begin(known.login, "violet-harbour-77-tea", HERE)


async def test_changing_the_password_needs_the_old_one_and_a_good_new_one(staff: StaffService) -> None:
    known = await make_staff(staff)
    signed_in = await staff.sign_in.find(await sign_in(staff, known))
    assert signed_in is not None
    for old, fresh, code in [
        ("wrong", "violet-harbour-77-tea", ErrorCode.SIGN_IN_FAILED),
        (PASSWORD, "short", ErrorCode.PASSWORD_WEAK),
        (PASSWORD, PASSWORD, ErrorCode.PASSWORD_WEAK),
    ]:
        assert await refusal(staff.change_password(signed_in.actor, old, fresh)) is code


async def test_the_list_is_filtered_and_paged_by_login(staff: StaffService) -> None:
    for login in ("alpha", "beta", "gamma", "delta"):
        await make_staff(staff, Role.FINANCE, login=login)
    await make_staff(staff, Role.AUDITOR, login="alphabet")
    first, following = await staff.list_members(CITY, StaffFilter(role=Role.FINANCE), limit=3)
    rest, end = await staff.list_members(CITY, StaffFilter(role=Role.FINANCE), after=following or "", limit=3)
    assert [member.login for member in first + rest] == ["alpha", "beta", "delta", "gamma"]
    assert end is None
    by_text, _ = await staff.list_members(CITY, StaffFilter(text="ALPHA"))
    assert [member.login for member in by_text] == ["alpha", "alphabet"]


async def test_a_search_text_is_no_pattern(staff: StaffService) -> None:
    await make_staff(staff, login="alpha")
    assert (await staff.list_members(CITY, StaffFilter(text=".*")))[0] == []


async def test_names_are_found_by_id(staff: StaffService) -> None:
    known = await make_staff(staff)
    assert await staff.names({known.member.id, "nobody"}) == {known.member.id: "林晓"}


async def test_a_doctors_account_may_be_somebody_of_the_directory(staff: StaffService) -> None:
    doctor = await staff.add(CITY, new("gu.qinghe", role=Role.DOCTOR, practitioner_id="P-1"))
    clerk = await staff.add(CITY, new("li.clerk"))
    found = await staff.find_by_login("gu.qinghe")
    assert found is not None
    assert found.practitioner_id == "P-1"
    tied = await staff.tie_practitioner(LOCAL, doctor.member.id, "P-2", "ORG-1")
    assert tied.practitioner_id == "P-2"
    freed = await staff.tie_practitioner(LOCAL, doctor.member.id, "", "")
    assert freed.practitioner_id == ""
    for who, place, code in (
        (clerk.member.id, "ORG-1", ErrorCode.BAD_REQUEST),
        (doctor.member.id, "ORG-2", ErrorCode.NOT_FOUND),
    ):
        assert await refusal(staff.tie_practitioner(CITY, who, "P-3", place)) is code
    wrong = new("wang.clerk", practitioner_id="P-1")
    assert await refusal(staff.add(CITY, wrong)) is ErrorCode.BAD_REQUEST
    # Whoever signs in with it acts as that doctor.
    now = clock.now()
    session = StaffSession("s", tied.id, tied.login, SessionStage.OPEN, now, now, now)
    assert SignedIn(session, tied).actor.practitioner_id == "P-2"
