"""Passwords, one-time passwords and form tokens."""

import pyotp
import pytest
from argon2 import Type

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.security.csrf import CSRFTokens
from backend.security.keys import Keyring
from backend.security.passwords import (
    check_password,
    hash_password,
    verify_password,
)
from backend.security.totp import STEP_S, match_totp, new_totp_secret, totp_uri
from tests.support.quick import FULL_STRENGTH


async def test_a_password_verifies_against_its_hash_only():
    hashed = await hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await verify_password(hashed, "correct horse battery")
    assert not await verify_password(hashed, "correct horse batterx")


def test_outside_the_tests_a_hash_costs_what_it_should():
    assert (FULL_STRENGTH.type, FULL_STRENGTH.time_cost) == (Type.ID, 3)
    assert FULL_STRENGTH.memory_cost == 64 * 1024


async def test_an_unknown_account_and_a_broken_hash_are_simply_false():
    assert not await verify_password(None, "anything")
    assert not await verify_password("not a hash", "anything")


@pytest.mark.parametrize(
    "weak", ["short", "aaaaaaaaaaaaaaaa", "Password12345", "123456789012", "wang.fang.2024!"]
)
def test_a_weak_password_is_refused(weak):
    with pytest.raises(AppError) as refused:
        check_password(weak, login="wang.fang")
    assert refused.value.code is ErrorCode.PASSWORD_WEAK
    assert weak not in str(refused.value)


def test_a_long_and_varied_password_is_accepted():
    check_password("七里河边的老槐树-1973-dusk", login="wang.fang")


def test_a_one_time_password_counts_once():
    secret, at = new_totp_secret(), clock.now()
    code = pyotp.TOTP(secret).at(at)
    step = match_totp(secret, code, at, None)
    assert step == int(at.timestamp()) // STEP_S
    assert match_totp(secret, code, at, step) is None


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(steps, counts):
    secret, at = new_totp_secret(), clock.now()
    code = pyotp.TOTP(secret).at(int(at.timestamp()) + steps * STEP_S)
    assert (match_totp(secret, code, at, None) is not None) is counts


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６", "1234567"])
def test_nonsense_is_no_one_time_password(code):
    assert match_totp(new_totp_secret(), code, clock.now(), None) is None


def test_the_authenticator_address_names_city_and_login():
    uri = totp_uri(new_totp_secret(), "wang.fang", "健康城市")
    assert uri.startswith("otpauth://totp/")
    assert "wang.fang" in uri


def test_a_form_token_holds_for_its_session_only():
    keyring = Keyring.generate()
    forms = CSRFTokens(keyring)
    token = forms.issue("session-1")
    assert token != forms.issue("session-1")
    forms.check("session-1", token)
    keyring.rotate("csrf")
    forms.check("session-1", token)
    for session, wrong in [
        ("session-2", token),
        ("session-1", token[:-1]),
        ("session-1", ""),
        ("session-1", None),
        ("session-1", "é" * 48),
    ]:
        with pytest.raises(AppError):
            forms.check(session, wrong)
