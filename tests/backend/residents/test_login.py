"""Signing in by SMS code, refreshing, signing out, changing the phone: whole HTTP calls."""

import asyncio
import re

import pytest

from tests.backend.residents.world import World, later, make_person

PHONE = "13812345678"


async def residents_in(world: World) -> int:
    return await world.db.collection("residents").count_documents({})


async def test_the_first_log_in_makes_an_account_and_the_next_finds_it(world: World) -> None:
    first = await world.sign_in(PHONE)
    with later(minutes=2):
        second = await world.sign_in(PHONE)
    assert first.id == second.id
    assert await residents_in(world) == 1
    me = await world.call("GET", "me", as_=first)
    assert me == {
        "id": first.id,
        "phone": "138****5678",
        "name": None,
        "id_number": None,
        "sex": None,
        "birth_on": None,
        "real_name": False,
        "openids": {"mini": False, "oa": False},
        "settings": {"large_type": False},
        "created_at": me["created_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", me["created_at"])


async def test_twenty_first_log_ins_at_once_make_one_resident(world: World) -> None:
    signed_in = await asyncio.gather(*(world.sign_in_mini(f"openid-{n}", PHONE) for n in range(20)))
    assert len({somebody.id for somebody in signed_in}) == 1
    assert await residents_in(world) == 1
    resident = await world.residents._store.find(signed_in[0].id)
    assert resident is not None
    assert resident.phone == PHONE


async def test_one_code_signs_in_once_however_often_it_comes_at_once(world: World) -> None:
    body = {"phone": PHONE, "code": await world.ask_code(PHONE)}
    answers = await asyncio.gather(
        *(world.browser.post(f"{world.url}/api/v1/auth/sms", json=body) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_known_and_unknown_phones_get_the_same_answer(world: World) -> None:
    await world.sign_in(PHONE)
    with later(minutes=2):
        known = await world.browser.post(f"{world.url}/api/v1/auth/sms-codes", json={"phone": PHONE})
        unknown = await world.browser.post(
            f"{world.url}/api/v1/auth/sms-codes", json={"phone": "13912345678"}
        )
    assert (known.status_code, known.json()) == (202, {"resend_after_s": 60})
    assert (unknown.status_code, unknown.json()) == (known.status_code, known.json())
    wrong = [
        await world.refused("POST", "auth/sms", {"phone": phone, "code": "000000"})
        for phone in (PHONE, "13912345678")
    ]
    assert wrong[0] | {"request_id": ""} == wrong[1] | {"request_id": ""}


async def test_guessing_a_code_ends_after_five_attempts_even_with_the_right_one(world: World) -> None:
    code = await world.ask_code(PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    guesses = [await world.refused("POST", "auth/sms", {"phone": PHONE, "code": wrong}) for _ in range(5)]
    assert [guess["code"] for guess in guesses] == ["CODE_WRONG"] * 5
    assert [guess["data"]["attempts_left"] for guess in guesses] == [4, 3, 2, 1, 0]
    right = await world.refused("POST", "auth/sms", {"phone": PHONE, "code": code})
    assert right["code"] == "CODE_TOO_MANY_ATTEMPTS"
    assert await residents_in(world) == 0


async def test_a_hundred_guesses_at_once_count_as_five(world: World) -> None:
    code = await world.ask_code(PHONE)
    guesses = [f"{(int(code) + 1 + n) % 10**6:06d}" for n in range(100)]
    errors = await asyncio.gather(
        *(world.refused("POST", "auth/sms", {"phone": PHONE, "code": guess}) for guess in guesses)
    )
    assert [error["code"] for error in errors].count("CODE_WRONG") <= 5
    # However many codes are asked for, attempts on one phone are limited as well.
    assert {error["code"] for error in errors} <= {"CODE_WRONG", "CODE_TOO_MANY_ATTEMPTS", "RATE_LIMITED"}
    assert "RATE_LIMITED" in {error["code"] for error in errors}


async def test_a_code_expires_after_five_minutes(world: World) -> None:
    code = await world.ask_code(PHONE)
    with later(minutes=5, seconds=1):
        error = await world.refused("POST", "auth/sms", {"phone": PHONE, "code": code})
    assert error["code"] == "CODE_WRONG"


async def test_another_code_may_be_asked_for_after_a_minute_and_replaces_the_first(world: World) -> None:
    first = await world.ask_code(PHONE)
    error = await world.refused("POST", "auth/sms-codes", {"phone": PHONE})
    assert error["code"] == "RATE_LIMITED"
    assert 55 <= error["data"]["retry_after_s"] <= 60
    with later(seconds=61):
        second = await world.ask_code(PHONE)
        if first != second:
            error = await world.refused("POST", "auth/sms", {"phone": PHONE, "code": first})
            assert error["code"] == "CODE_WRONG"
        await world.call("POST", "auth/sms", {"phone": PHONE, "code": second})
    assert len(world.sender.sent) == 2


async def test_codes_to_one_phone_are_limited(world: World) -> None:
    for minute in range(5):
        with later(minutes=2 * minute):
            await world.ask_code(PHONE)
    with later(minutes=12):
        error = await world.refused("POST", "auth/sms-codes", {"phone": PHONE})
    assert error["code"] == "RATE_LIMITED"


async def test_codes_asked_for_from_one_address_are_limited(world: World) -> None:
    for number in range(30):
        await world.ask_code(f"138000000{number:02d}")
    assert (await world.refused("POST", "auth/sms-codes", {"phone": PHONE}))["code"] == "RATE_LIMITED"


async def test_a_code_that_could_not_be_sent_may_be_asked_for_again_at_once(world: World) -> None:
    world.sender.away = True
    assert (await world.refused("POST", "auth/sms-codes", {"phone": PHONE}))["code"] == "UNAVAILABLE"
    world.sender.away = False
    await world.sign_in(PHONE)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("auth/sms-codes", {"phone": "12345"}, "PHONE_INVALID"),
        ("auth/sms-codes", {}, "BAD_REQUEST"),
        ("auth/sms-codes", {"phone": PHONE, "more": 1}, "BAD_REQUEST"),
        ("auth/sms", {"phone": PHONE, "code": "12345"}, "BAD_REQUEST"),
        ("auth/sms", {"phone": PHONE, "code": 123456}, "BAD_REQUEST"),
        ("auth/sms", {"phone": PHONE, "code": "１２３４５６"}, "BAD_REQUEST"),
        ("auth/sms", {"phone": PHONE, "code": "123456"}, "CODE_WRONG"),
        ("auth/refresh", {"refresh_token": "nonsense"}, "UNAUTHENTICATED"),
        ("auth/ticket", {"ticket": "nonsense"}, "LOGIN_TICKET_INVALID"),
        ("auth/ticket", {"ticket": "a", "login_ticket": "b"}, "BAD_REQUEST"),
        ("auth/ticket", {"login_ticket": "b", "phone": PHONE}, "BAD_REQUEST"),
        ("auth/wechat-mini", {}, "BAD_REQUEST"),
        ("auth/wechat-mini", {"js_code": "a", "phone_code": "b"}, "BAD_REQUEST"),
    ],
)
async def test_malformed_requests_are_refused(world: World, path: str, body: object, code: str) -> None:
    assert (await world.refused("POST", path, body))["code"] == code


async def test_nothing_in_the_database_shows_phone_or_code(world: World) -> None:
    code = await world.ask_code(PHONE)
    assert PHONE not in await world.dump()
    assert code not in str(
        await world.db.collection("login_codes").find({}, {"hash": 0, "_id": 0}).to_list(None)
    )
    await world.call("POST", "auth/sms", {"phone": PHONE, "code": code})
    assert PHONE not in await world.dump()


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(world: World) -> None:
    somebody = await world.sign_in(PHONE)
    first = await world.call("POST", "auth/refresh", {"refresh_token": somebody.refresh_token})
    second = await world.call("POST", "auth/refresh", {"refresh_token": first["refresh_token"]})
    assert second["resident"]["id"] == somebody.id
    stolen = await world.refused("POST", "auth/refresh", {"refresh_token": somebody.refresh_token})
    assert stolen["code"] == "REFRESH_REUSED"
    newest = await world.refused("POST", "auth/refresh", {"refresh_token": second["refresh_token"]})
    assert newest["code"] == "UNAUTHENTICATED"
    somebody.access_token = second["access_token"]
    assert (await world.refused("GET", "me", as_=somebody))["code"] == "UNAUTHENTICATED"


async def test_signing_out_ends_the_session_but_not_others(world: World) -> None:
    phone_session = await world.sign_in(PHONE)
    with later(minutes=2):
        other = await world.sign_in(PHONE)
    await world.call("POST", "auth/sign-out", as_=phone_session, expect=204)
    assert (await world.refused("GET", "me", as_=phone_session))["code"] == "UNAUTHENTICATED"
    refused = await world.refused("POST", "auth/refresh", {"refresh_token": phone_session.refresh_token})
    assert refused["code"] == "UNAUTHENTICATED"
    await world.call("POST", "auth/refresh", {"refresh_token": other.refresh_token})


async def test_without_a_token_nothing_is_told(world: World) -> None:
    for method, path in [
        ("GET", "me"),
        ("DELETE", "me"),
        ("GET", "patients"),
        ("GET", "guardians"),
        ("POST", "auth/sign-out"),
    ]:
        assert (await world.refused(method, path))["code"] == "UNAUTHENTICATED"


async def test_settings_follow_the_account(world: World) -> None:
    somebody = await world.sign_in(PHONE)
    changed = await world.call("PUT", "me/settings", {"large_type": True}, as_=somebody)
    assert changed["settings"] == {"large_type": True}
    assert (await world.call("GET", "me", as_=somebody))["settings"] == {"large_type": True}


async def test_a_phone_can_be_changed_and_the_old_one_is_free(world: World) -> None:
    somebody = await world.sign_in(PHONE)
    code = await world.ask_code("13912345678")
    tokens = await world.call("PUT", "me/phone", {"phone": "13912345678", "code": code}, as_=somebody)
    assert tokens["resident"]["id"] == somebody.id
    assert tokens["resident"]["phone"] == "139****5678"
    assert (await world.refused("GET", "me", as_=somebody))["code"] == "UNAUTHENTICATED"
    with later(minutes=2):
        assert (await world.sign_in("13912345678")).id == somebody.id
        assert (await world.sign_in(PHONE)).id != somebody.id


async def test_another_accounts_phone_cannot_be_taken(world: World) -> None:
    somebody, _ = await world.sign_in(PHONE), await world.sign_in("13912345678")
    with later(minutes=2):
        code = await world.ask_code("13912345678")
        error = await world.refused("PUT", "me/phone", {"phone": "13912345678", "code": code}, as_=somebody)
    assert error["code"] == "PHONE_TAKEN"


async def test_a_verified_persons_phone_changes_only_with_the_id_number(world: World) -> None:
    person = make_person()
    somebody = await world.verified(person)
    body = {"phone": "13912345678", "code": await world.ask_code("13912345678")}
    for id_number in (None, make_person().id_number):
        error = await world.refused("PUT", "me/phone", body | {"id_number": id_number}, as_=somebody)
        assert error["code"] == "REAL_NAME_MISMATCH"
    done = await world.call("PUT", "me/phone", body | {"id_number": person.id_number.lower()}, as_=somebody)
    assert done["resident"]["real_name"] is True
