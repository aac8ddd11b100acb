"""Signing in by WeChat: mini-program, and official account in a browser; what binds the steps together."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.residents.models import Contact
from tests.backend.residents.world import SignedIn, World, later, parameters, signed_in

PHONE = "13812345678"
OTHER_PHONE = "13912345678"


async def mini(world: World, openid: str) -> Any:
    return await world.call("POST", "auth/wechat-mini", {"js_code": world.wechat.code_for(openid)})


async def test_a_new_wechat_account_is_asked_for_its_phone_once(world: World) -> None:
    first = await mini(world, "openid-1")
    assert (first["tokens"], first["phone_needed"]) == (None, True)
    body = {"login_ticket": first["login_ticket"], "phone_code": world.wechat.code_for(PHONE)}
    done = await world.call("POST", "auth/wechat-mini", body)
    assert (done["phone_needed"], done["login_ticket"]) == (False, None)
    assert done["tokens"]["resident"]["openids"] == {"mini": True, "oa": False}
    assert world.actor(signed_in(done["tokens"])).channel == "wechat"
    again = await mini(world, "openid-1")
    assert again["tokens"]["resident"]["id"] == done["tokens"]["resident"]["id"]


async def test_sms_and_wechat_with_one_phone_are_one_account(world: World) -> None:
    by_sms = await world.sign_in(PHONE)
    by_wechat = await world.sign_in_mini("openid-1", PHONE)
    assert by_sms.id == by_wechat.id
    assert world.actor(by_sms).channel == "h5"
    contact = await world.residents.contact(by_sms.id)
    assert contact == Contact(by_sms.id, PHONE, "openid-1", None)


async def test_a_ticket_survives_a_refused_phone_code_but_not_its_use(world: World) -> None:
    ticket = (await mini(world, "openid-1"))["login_ticket"]
    refused = await world.refused(
        "POST", "auth/wechat-mini", {"login_ticket": ticket, "phone_code": "made-up"}
    )
    assert refused["code"] == "WECHAT_REFUSED"
    for expected in (None, "LOGIN_TICKET_INVALID"):
        body = {"login_ticket": ticket, "phone_code": world.wechat.code_for(PHONE)}
        if expected is None:
            await world.call("POST", "auth/wechat-mini", body)
        else:
            assert (await world.refused("POST", "auth/wechat-mini", body))["code"] == expected


async def test_a_ticket_expires(world: World) -> None:
    ticket = (await mini(world, "openid-1"))["login_ticket"]
    with later(minutes=10, seconds=1):
        body = {"login_ticket": ticket, "phone_code": world.wechat.code_for(PHONE)}
        assert (await world.refused("POST", "auth/wechat-mini", body))["code"] == "LOGIN_TICKET_INVALID"


async def test_two_uses_of_one_ticket_at_once_sign_in_once(world: World) -> None:
    ticket = (await mini(world, "openid-1"))["login_ticket"]
    bodies = [
        {"login_ticket": ticket, "phone_code": world.wechat.code_for(phone)} for phone in (PHONE, OTHER_PHONE)
    ]
    answers = await asyncio.gather(
        *(world.browser.post(f"{world.url}/api/v1/auth/wechat-mini", json=body) for body in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_a_made_up_js_code_is_refused_and_an_absent_wechat_is_said_to_be(world: World) -> None:
    made_up = await world.refused("POST", "auth/wechat-mini", {"js_code": "made-up"})
    assert made_up["code"] == "WECHAT_REFUSED"
    world.wechat.away = True
    away = await world.refused("POST", "auth/wechat-mini", {"js_code": "any"})
    assert away["code"] == "UNAVAILABLE"


async def test_a_phone_moves_to_another_wechat_account_and_the_first_one_is_out(world: World) -> None:
    first = await world.sign_in_mini("openid-1", PHONE)
    second = await world.sign_in_mini("openid-2", PHONE)
    assert first.id == second.id
    assert (await world.refused("GET", "me", as_=first))["code"] == "UNAUTHENTICATED"
    await world.call("GET", "me", as_=second)
    assert (await mini(world, "openid-1"))["phone_needed"] is True
    assert (await mini(world, "openid-2"))["tokens"]["resident"]["id"] == second.id
    assert (await world.residents.contact(first.id)).mini_openid == "openid-2"


async def test_a_wechat_account_bound_during_its_own_second_log_in_starts_over(world: World) -> None:
    ticket = (await mini(world, "openid-1"))["login_ticket"]
    await world.sign_in_mini("openid-1", PHONE)
    body = {"login_ticket": ticket, "phone_code": world.wechat.code_for(OTHER_PHONE)}
    assert (await world.refused("POST", "auth/wechat-mini", body))["code"] == "LOGIN_TICKET_INVALID"


async def test_no_openid_and_no_ticket_is_in_the_database_in_clear(world: World) -> None:
    ticket = (await mini(world, "openid-unbound"))["login_ticket"]
    await world.sign_in_mini("openid-bound", PHONE)
    dump = await world.dump()
    assert not any(text in dump for text in ("openid-unbound", "openid-bound", ticket, PHONE))


# -- the official account ------------------------------------------------------------------------------


async def begin(world: World, return_to: str = "/#/pages/home/index") -> str:
    """Go to WeChat; returns the state it would bring back."""
    answer = await world.browser.get(f"{world.url}/api/v1/auth/wechat-oauth", params={"return_to": return_to})
    assert answer.status_code == 302
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/api/v1/auth" in cookie
    sent = parameters(answer.headers["Location"])
    assert sent["redirect_uri"].endswith("/api/v1/auth/wechat-oauth/callback")
    return sent["state"]


async def come_back(world: World, state: str, code: str) -> dict[str, str]:
    """Come back from WeChat; returns what the log-in page is given."""
    answer = await world.browser.get(
        f"{world.url}/api/v1/auth/wechat-oauth/callback", params={"code": code, "state": state}
    )
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/#/pages/login/index?")
    return parameters(answer.headers["Location"])


async def finished(world: World, openid: str) -> str:
    """The ticket of a finished authorisation."""
    return (await come_back(world, await begin(world), world.wechat.code_for(openid)))["ticket"]


async def test_the_official_account_signs_in_after_the_phone_was_proved_once(world: World) -> None:
    step = await world.call("POST", "auth/ticket", {"ticket": await finished(world, "oa-1")})
    assert step["phone_needed"] is True
    body = {"login_ticket": step["login_ticket"], "phone": PHONE, "code": await world.ask_code(PHONE)}
    done = await world.call("POST", "auth/ticket", body)
    assert done["tokens"]["resident"]["openids"] == {"mini": False, "oa": True}
    again = await world.call("POST", "auth/ticket", {"ticket": await finished(world, "oa-1")})
    assert again["tokens"]["resident"]["id"] == done["tokens"]["resident"]["id"]


async def test_a_wrong_sms_code_does_not_cost_the_ticket(world: World) -> None:
    step = await world.call("POST", "auth/ticket", {"ticket": await finished(world, "oa-1")})
    code = await world.ask_code(PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    body = {"login_ticket": step["login_ticket"], "phone": PHONE}
    assert (await world.refused("POST", "auth/ticket", body | {"code": wrong}))["code"] == "CODE_WRONG"
    await world.call("POST", "auth/ticket", body | {"code": code})


async def test_the_page_to_return_to_comes_back(world: World) -> None:
    state = await begin(world, "/#/pages/booking/index?d=1&x=医")
    told = await come_back(world, state, world.wechat.code_for("oa-1"))
    assert told["return_to"] == "/#/pages/booking/index?d=1&x=医"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "/a\r\nb",
        "/a\\b",
    ],
)
async def test_nobody_is_sent_to_another_site(world: World, elsewhere: str) -> None:
    state = await begin(world, elsewhere)
    told = await come_back(world, state, world.wechat.code_for("oa-1"))
    assert told["return_to"] == "/"


async def test_a_state_of_another_browser_is_refused(world: World) -> None:
    state = await begin(world)
    async with httpx.AsyncClient() as other:
        answer = await other.get(
            f"{world.url}/api/v1/auth/wechat-oauth/callback",
            params={"code": world.wechat.code_for("oa-1"), "state": state},
        )
    assert parameters(answer.headers["Location"]) == {"error": "LOGIN_TICKET_INVALID"}


async def test_a_state_is_good_once_and_not_for_long(world: World) -> None:
    state = await begin(world)
    await come_back(world, state, world.wechat.code_for("oa-1"))
    assert await come_back(world, state, world.wechat.code_for("oa-1")) == {"error": "LOGIN_TICKET_INVALID"}
    state = await begin(world)
    with later(minutes=11):
        told = await come_back(world, state, world.wechat.code_for("oa-1"))
    assert told == {"error": "LOGIN_TICKET_INVALID"}


async def test_whoever_declines_at_wechat_is_told_on_the_log_in_page(world: World) -> None:
    state = await begin(world)
    answer = await world.browser.get(
        f"{world.url}/api/v1/auth/wechat-oauth/callback", params={"state": state}
    )
    assert parameters(answer.headers["Location"]) == {"error": "WECHAT_REFUSED"}


@pytest.mark.parametrize("cookie", ["", "short", '"a b c"', "x" * 5000, "é"])
async def test_a_cookie_we_did_not_make_is_replaced(world: World, cookie: str) -> None:
    async with httpx.AsyncClient() as browser:
        headers = [(b"Cookie", f"hc_login={cookie}".encode())]
        answer = await browser.get(f"{world.url}/api/v1/auth/wechat-oauth", headers=headers)
    assert answer.status_code == 302
    assert len(answer.cookies["hc_login"]) == 32


async def test_a_ticket_of_another_browser_signs_nobody_in(world: World) -> None:
    ticket = await finished(world, "oa-1")
    async with httpx.AsyncClient() as victim:
        answer = await victim.post(f"{world.url}/api/v1/auth/ticket", json={"ticket": ticket})
    assert answer.json()["error"]["code"] == "LOGIN_TICKET_INVALID"


async def test_a_ticket_is_exchanged_once_and_within_two_minutes(world: World) -> None:
    ticket = await finished(world, "oa-1")
    await world.call("POST", "auth/ticket", {"ticket": ticket})
    assert (await world.refused("POST", "auth/ticket", {"ticket": ticket}))["code"] == "LOGIN_TICKET_INVALID"
    ticket = await finished(world, "oa-1")
    with later(minutes=2, seconds=1):
        refused = await world.refused("POST", "auth/ticket", {"ticket": ticket})
    assert refused["code"] == "LOGIN_TICKET_INVALID"


async def test_both_applications_may_be_bound_to_one_account(world: World) -> None:
    person: SignedIn = await world.sign_in_mini("mini-1", PHONE)
    step = await world.call("POST", "auth/ticket", {"ticket": await finished(world, "oa-1")})
    body = {"login_ticket": step["login_ticket"], "phone": PHONE, "code": await world.ask_code(PHONE)}
    done = await world.call("POST", "auth/ticket", body)
    assert done["tokens"]["resident"]["id"] == person.id
    assert done["tokens"]["resident"]["openids"] == {"mini": True, "oa": True}
    await world.call("GET", "me", as_=person)
