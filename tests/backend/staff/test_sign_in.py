"""Signing in on a real database: both steps, lockout, sessions and their ends."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from backend.audit.models import AuditFilter
from backend.audit.service import AuditService
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Role
from backend.staff.models import (
    ATTEMPTS_ALLOWED,
    HALF_SESSION_LIFETIME,
    LOCK_LIFETIME,
    SESSION_IDLE,
    SESSION_LIFETIME,
)
from backend.staff.service import StaffService
from tests.backend.staff.conftest import Wait
from tests.factories.staff import PASSWORD, KnownStaff, make_staff

HERE = "192.0.2.7"


async def sign_in(staff: StaffService, known: KnownStaff) -> str:
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    token, _ = await staff.sign_in.complete(half, known.code(), HERE)
    return token


async def refusal(call: Awaitable[object]) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value.code


async def fail_until_locked(staff: StaffService, login: str) -> None:
    for _ in range(ATTEMPTS_ALLOWED):
        assert await refusal(staff.sign_in.begin(login, "wrong-password", HERE)) is ErrorCode.SIGN_IN_FAILED


async def test_password_and_code_open_a_session_of_the_member(staff: StaffService) -> None:
    known = await make_staff(staff, Role.HOSPITAL_OPERATOR, organization_ids=frozenset({"ORG-1"}))
    found = await staff.sign_in.find(await sign_in(staff, known))
    assert found is not None
    assert found.member.id == known.member.id
    assert found.actor.role is Role.HOSPITAL_OPERATOR
    assert found.actor.organization_ids == frozenset({"ORG-1"})


async def test_the_login_is_read_without_case_and_spaces(staff: StaffService) -> None:
    known = await make_staff(staff, login="wang.li")
    assert await staff.sign_in.begin(" Wang.Li ", known.password, HERE)


async def test_a_password_alone_opens_nothing(staff: StaffService) -> None:
    known = await make_staff(staff)
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    assert await staff.sign_in.find(half) is None


async def test_the_half_session_is_worth_nothing_after_the_code(staff: StaffService) -> None:
    known = await make_staff(staff)
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    token, _ = await staff.sign_in.complete(half, known.code(), HERE)
    assert token != half
    assert await staff.sign_in.half_session(half) is None
    assert await refusal(staff.sign_in.complete(half, known.code(), HERE)) is ErrorCode.UNAUTHENTICATED


async def test_the_half_session_waits_only_a_few_minutes(staff: StaffService, wait: Wait) -> None:
    known = await make_staff(staff)
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    wait(HALF_SESSION_LIFETIME + timedelta(seconds=1))
    assert await refusal(staff.sign_in.complete(half, known.code(), HERE)) is ErrorCode.UNAUTHENTICATED


async def test_a_code_works_once_even_for_two_sign_ins_at_the_same_moment(staff: StaffService) -> None:
    known = await make_staff(staff)
    halves = [await staff.sign_in.begin(known.login, known.password, HERE) for _ in range(2)]
    code = known.code()
    results = await asyncio.gather(
        *(staff.sign_in.complete(half, code, HERE) for half in halves), return_exceptions=True
    )
    assert sum(isinstance(result, tuple) for result in results) == 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "000000"])
async def test_a_code_that_is_none_is_refused(staff: StaffService, code: str) -> None:
    known = await make_staff(staff)
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    assert await refusal(staff.sign_in.complete(half, code, HERE)) is ErrorCode.SIGN_IN_FAILED


async def test_unknown_closed_and_wrong_answer_alike(staff: StaffService) -> None:
    known, closed = await make_staff(staff), await make_staff(staff)
    await staff.disable(SYSTEM, closed.member.id, "离职")
    for login, password in [("nobody", PASSWORD), (closed.login, PASSWORD), (known.login, "wrong")]:
        assert await refusal(staff.sign_in.begin(login, password, HERE)) is ErrorCode.SIGN_IN_FAILED


async def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(staff: StaffService) -> None:
    known = await make_staff(staff)
    await fail_until_locked(staff, known.login)
    assert await refusal(staff.sign_in.begin(known.login, PASSWORD, HERE)) is ErrorCode.ACCOUNT_LOCKED


async def test_an_unknown_login_locks_like_a_known_one(staff: StaffService) -> None:
    await fail_until_locked(staff, "nobody")
    assert await refusal(staff.sign_in.begin("nobody", PASSWORD, HERE)) is ErrorCode.ACCOUNT_LOCKED


async def test_wrong_codes_lock_the_account_too(staff: StaffService) -> None:
    known = await make_staff(staff)
    half = await staff.sign_in.begin(known.login, known.password, HERE)
    for _ in range(ATTEMPTS_ALLOWED):
        assert await refusal(staff.sign_in.complete(half, "000000", HERE)) is ErrorCode.SIGN_IN_FAILED
    assert await refusal(staff.sign_in.complete(half, known.code(), HERE)) is ErrorCode.ACCOUNT_LOCKED


async def test_many_attempts_at_once_do_not_pass_the_lock_together(staff: StaffService) -> None:
    known = await make_staff(staff)
    codes = await asyncio.gather(
        *(refusal(staff.sign_in.begin(known.login, f"guess-{n}", HERE)) for n in range(12))
    )
    assert codes.count(ErrorCode.SIGN_IN_FAILED) == ATTEMPTS_ALLOWED
    assert codes.count(ErrorCode.ACCOUNT_LOCKED) == 12 - ATTEMPTS_ALLOWED


async def test_a_lock_ends_and_trying_on_does_not_lengthen_it(staff: StaffService, wait: Wait) -> None:
    known = await make_staff(staff)
    await fail_until_locked(staff, known.login)
    wait(LOCK_LIFETIME / 2)
    assert await refusal(staff.sign_in.begin(known.login, PASSWORD, HERE)) is ErrorCode.ACCOUNT_LOCKED
    wait(LOCK_LIFETIME / 2 + timedelta(seconds=1))
    assert await staff.sign_in.begin(known.login, PASSWORD, HERE)


async def test_right_passwords_do_not_count_towards_the_lock(staff: StaffService) -> None:
    known = await make_staff(staff)
    for _ in range(ATTEMPTS_ALLOWED * 2):
        await staff.sign_in.begin(known.login, PASSWORD, HERE)


async def test_a_full_sign_in_forgets_earlier_failures(staff: StaffService) -> None:
    known = await make_staff(staff)
    for _ in range(2):
        for _ in range(ATTEMPTS_ALLOWED - 1):
            await refusal(staff.sign_in.begin(known.login, "wrong", HERE))
        await sign_in(staff, known)


async def test_a_reset_password_unlocks_the_account(staff: StaffService) -> None:
    known = await make_staff(staff)
    await fail_until_locked(staff, known.login)
    made = await staff.reset_password(SYSTEM, known.member.id)
    assert await staff.sign_in.begin(known.login, made.password, HERE)


async def test_a_lock_goes_on_record(staff: StaffService, audit: AuditService) -> None:
    known = await make_staff(staff)
    await fail_until_locked(staff, known.login)
    entries, _ = await audit.list_entries(SYSTEM, AuditFilter(action="staff.lock"))
    assert [entry.object for entry in entries] == [f"staff/{known.member.id}"]


async def test_signing_in_and_out_goes_on_record(staff: StaffService, audit: AuditService) -> None:
    known = await make_staff(staff)
    signed_in = await staff.sign_in.find(await sign_in(staff, known))
    assert signed_in is not None
    await staff.sign_in.end(signed_in)
    entries, _ = await audit.list_entries(SYSTEM, AuditFilter(actor_id=known.member.id))
    assert [entry.action for entry in entries] == ["staff.sign_out", "staff.sign_in"]


async def test_an_idle_session_ends(staff: StaffService, wait: Wait) -> None:
    token = await sign_in(staff, await make_staff(staff))
    wait(SESSION_IDLE + timedelta(seconds=1))
    assert await staff.sign_in.find(token) is None


async def test_a_session_in_use_goes_on_but_not_for_ever(staff: StaffService, wait: Wait) -> None:
    token = await sign_in(staff, await make_staff(staff))
    step = SESSION_IDLE - timedelta(minutes=1)
    for _ in range(int(SESSION_LIFETIME / step)):
        wait(step)
        assert await staff.sign_in.find(token) is not None
    wait(step)
    assert await staff.sign_in.find(token) is None


async def test_a_page_that_renews_itself_does_not_keep_the_session_awake(
    staff: StaffService, wait: Wait
) -> None:
    token = await sign_in(staff, await make_staff(staff))
    wait(SESSION_IDLE / 2)
    assert await staff.sign_in.find(token, in_use=False) is not None
    wait(SESSION_IDLE / 2 + timedelta(seconds=1))
    assert await staff.sign_in.find(token, in_use=False) is None


async def test_signing_out_ends_the_session(staff: StaffService) -> None:
    token = await sign_in(staff, await make_staff(staff))
    signed_in = await staff.sign_in.find(token)
    assert signed_in is not None
    await staff.sign_in.end(signed_in)
    assert await staff.sign_in.find(token) is None


async def test_closing_an_account_ends_its_sessions_at_once(staff: StaffService) -> None:
    known = await make_staff(staff)
    token = await sign_in(staff, known)
    await staff.disable(SYSTEM, known.member.id, "离职")
    assert await staff.sign_in.find(token) is None
    await staff.enable(SYSTEM, known.member.id)
    assert await staff.sign_in.find(token) is None


async def test_neither_token_nor_password_nor_login_attempt_is_stored_in_clear(
    staff: StaffService, db: Database
) -> None:
    known = await make_staff(staff)
    token = await sign_in(staff, known)
    await refusal(staff.sign_in.begin("secret-typed-as-login", "x", HERE))
    stored = [repr(doc) for name in ("staff", "staff_sessions", "staff_attempts")
              async for doc in db.collection(name).find({})]  # fmt: skip
    for secret in (token, PASSWORD, known.totp_secret, "林晓", "secret-typed-as-login"):
        assert not any(secret in doc for doc in stored)
