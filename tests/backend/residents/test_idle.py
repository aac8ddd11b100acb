"""A number that the carrier gave to somebody else: the phone of an idle account is not proof enough."""

from __future__ import annotations

from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.errors import AppError
from backend.permissions import SYSTEM
from tests.backend.residents.world import SignedIn, World, later, make_person, signed_in

LONG = {"days": 91}
WRONG = "0000"


async def try_sms(world: World, phone: str) -> dict[str, Any]:
    """Sign in by SMS with the right code, and be asked for more."""
    code = await world.ask_code(phone)
    error = await world.refused("POST", "auth/sms", {"phone": phone, "code": code})
    assert error["code"] == "IDENTITY_NEEDED"
    assert list(error["data"]) == ["login_ticket"]
    return error


async def ticket_of(world: World, phone: str) -> str:
    return str((await try_sms(world, phone))["data"]["login_ticket"])


def last_four(somebody: SignedIn) -> str:
    assert somebody.person is not None
    return somebody.person.id_number[-4:]


def phone_of(somebody: SignedIn) -> str:
    assert somebody.person is not None
    return somebody.person.phone


async def show(world: World, ticket: str, digits: str, *, expect: int = 200) -> Any:
    body = {"login_ticket": ticket, "last_four": digits}
    return await world.call("POST", "auth/identity", body, expect=expect)


async def actions(world: World) -> list[str]:
    entries, _ = await world.audit.list_entries(SYSTEM, AuditFilter())
    return [entry.action for entry in entries]


async def test_an_account_idle_for_long_asks_for_the_end_of_the_id_number(world: World) -> None:
    owner = await world.verified()
    with later(**LONG):
        ticket = await ticket_of(world, phone_of(owner))
        tokens = await show(world, ticket, last_four(owner))
        assert signed_in(tokens).id == owner.id
        me = await world.call("GET", "me", as_=signed_in(tokens))
        assert me["real_name"] is True
        assert "resident.identity_shown" in await actions(world)


async def test_the_last_character_may_be_written_small(world: World) -> None:
    person = next(p for p in (make_person() for _ in range(200)) if p.id_number.endswith("X"))
    owner = await world.verified(person)
    with later(**LONG):
        ticket = await ticket_of(world, person.phone)
        assert signed_in(await show(world, ticket, last_four(owner).lower())).id == owner.id


async def test_whoever_was_here_lately_is_not_asked(world: World) -> None:
    owner = await world.verified()
    token = owner.refresh_token
    for day in (25, 50, 75):
        with later(days=day):
            token = (await world.call("POST", "auth/refresh", {"refresh_token": token}))["refresh_token"]
    with later(days=160):
        assert (await world.sign_in(phone_of(owner))).id == owner.id


async def test_wechat_keeps_an_account_in_use(world: World) -> None:
    person = make_person()
    world.register.add(person)
    owner = await world.sign_in_mini("openid-1", person.phone)
    await world.call("POST", "me/real-name", person.card, as_=owner)
    with later(days=80):
        await world.sign_in_mini("openid-1", person.phone)
    with later(days=160):
        assert (await world.sign_in(person.phone)).id == owner.id
    with later(days=260):
        # The phone alone is not enough any more; WeChat still is.
        await try_sms(world, person.phone)
        assert (await world.sign_in_mini("openid-1", person.phone)).id == owner.id


async def test_an_account_without_a_name_has_nothing_to_hide(world: World) -> None:
    nobody = await world.sign_in("13812345678")
    with later(**LONG):
        assert (await world.sign_in("13812345678")).id == nobody.id


async def test_an_account_of_before_this_rule_counts_from_its_making(world: World) -> None:
    owner = await world.verified()
    await world.db.collection("residents").update_one({"_id": owner.id}, {"$unset": {"last_seen_at": ""}})
    with later(minutes=2):
        assert (await world.sign_in(phone_of(owner))).id == owner.id
    await world.db.collection("residents").update_one({"_id": owner.id}, {"$unset": {"last_seen_at": ""}})
    with later(**LONG):
        await try_sms(world, phone_of(owner))


async def test_few_guesses_are_allowed_whatever_the_tickets(world: World) -> None:
    owner = await world.verified()
    wrong = WRONG if last_four(owner) != WRONG else "0001"
    with later(**LONG):
        ticket = await ticket_of(world, phone_of(owner))
        for _ in range(3):
            body = {"login_ticket": ticket, "last_four": wrong}
            assert (await world.refused("POST", "auth/identity", body))["code"] == "IDENTITY_WRONG"
    with later(days=91, minutes=2):
        ticket = await ticket_of(world, phone_of(owner))
        codes = []
        for digits in (wrong, wrong, last_four(owner)):
            body = {"login_ticket": ticket, "last_four": digits}
            codes.append((await world.refused("POST", "auth/identity", body))["code"])
        assert codes == ["IDENTITY_WRONG", "IDENTITY_WRONG", "RATE_LIMITED"]
        assert (await actions(world)).count("resident.identity_refused") == 5


async def test_until_the_code_is_proven_an_idle_account_answers_like_none(world: World) -> None:
    owner = await world.verified()
    with later(**LONG):
        answers = []
        for phone in (phone_of(owner), "13912345678"):
            sent = await world.browser.post(f"{world.url}/api/v1/auth/sms-codes", json={"phone": phone})
            wrong = await world.refused("POST", "auth/sms", {"phone": phone, "code": "000000"})
            answers.append((sent.status_code, sent.json(), wrong["code"], wrong["data"]))
        assert answers[0] == answers[1]


async def test_a_new_holder_begins_anew_and_the_old_account_keeps_everything_but_the_number(
    world: World,
) -> None:
    person, child = make_person(), make_person(clock.today().replace(year=clock.today().year - 5, day=1))
    world.register.add(person)
    owner = await world.sign_in_mini("openid-old", person.phone)
    done = await world.call("POST", "me/real-name", person.card, as_=owner)
    owner = SignedIn(done["id"], done["access_token"], owner.refresh_token, person)
    await world.add_patient(owner, child, "child")
    with later(**LONG):
        ticket = await ticket_of(world, person.phone)
        fresh = signed_in(await world.call("POST", "auth/new-holder", {"login_ticket": ticket}))
        assert fresh.id != owner.id
        me = await world.call("GET", "me", as_=fresh)
        assert (me["real_name"], me["name"]) == (False, None)
        assert (await world.call("GET", "patients", as_=fresh))["items"] == []
        assert ("resident.phone_released", {"resident_id": owner.id}) in await world.events()
        assert "resident.phone_released" in await actions(world)

        again = await world.sign_in_mini("openid-old", person.phone)
        assert again.id == owner.id
        me = await world.call("GET", "me", as_=again)
        assert (me["phone"], me["real_name"]) == (None, True)
        assert len((await world.call("GET", "patients", as_=again))["items"]) == 2
        assert (await world.residents.contact(owner.id)).phone is None
    with later(days=91, minutes=2):
        assert (await world.sign_in(person.phone)).id == fresh.id


async def test_back_by_wechat_the_old_holder_takes_another_phone(world: World) -> None:
    person = make_person()
    world.register.add(person)
    owner = await world.sign_in_mini("openid-back", person.phone)
    await world.call("POST", "me/real-name", person.card, as_=owner)
    with later(**LONG):
        ticket = await ticket_of(world, person.phone)
        await world.call("POST", "auth/new-holder", {"login_ticket": ticket})
        again = await world.sign_in_mini("openid-back", "")
        code = await world.ask_code("13900000001")
        body = {"phone": "13900000001", "code": code, "id_number": person.id_number}
        moved = signed_in(await world.call("PUT", "me/phone", body, as_=again))
        assert moved.id == owner.id
        assert (await world.call("GET", "me", as_=moved))["phone"] == "139****0001"


async def test_a_ticket_serves_once_and_for_its_own_purpose(world: World) -> None:
    owner = await world.verified()
    with later(**LONG):
        ticket = await ticket_of(world, phone_of(owner))
        for path, body in (
            ("auth/ticket", {"ticket": ticket}),
            ("auth/wechat-mini", {"login_ticket": ticket, "phone_code": "x"}),
        ):
            assert (await world.refused("POST", path, body))["code"] == "LOGIN_TICKET_INVALID"
        step = await world.call("POST", "auth/wechat-mini", {"js_code": world.wechat.code_for("openid-x")})
        for path in ("auth/identity", "auth/new-holder"):
            other = {"login_ticket": step["login_ticket"]}
            other |= {"last_four": last_four(owner)} if path == "auth/identity" else {}
            assert (await world.refused("POST", path, other))["code"] == "LOGIN_TICKET_INVALID"
        await show(world, ticket, last_four(owner))
        for path, body in (
            ("auth/identity", {"login_ticket": ticket, "last_four": last_four(owner)}),
            ("auth/new-holder", {"login_ticket": ticket}),
        ):
            assert (await world.refused("POST", path, body))["code"] == "LOGIN_TICKET_INVALID"


async def test_a_ticket_ends_when_the_account_moves_to_another_phone(world: World) -> None:
    owner = await world.verified()
    assert owner.person is not None
    with later(**LONG):
        ticket = await ticket_of(world, phone_of(owner))
    with later(days=91, minutes=2):
        second = await ticket_of(world, phone_of(owner))
        back = signed_in(await show(world, second, last_four(owner)))
        code = await world.ask_code("13900000002")
        body = {"phone": "13900000002", "code": code, "id_number": owner.person.id_number}
        await world.call("PUT", "me/phone", body, as_=back)
        late = await world.refused("POST", "auth/new-holder", {"login_ticket": ticket})
        assert late["code"] == "LOGIN_TICKET_INVALID"


@pytest.mark.parametrize("new_holder", [False, True])
async def test_the_phone_that_wechat_vouches_for_is_not_proof_enough_either(
    world: World, new_holder: bool
) -> None:
    owner = await world.verified()
    with later(**LONG):
        first = await world.call("POST", "auth/wechat-mini", {"js_code": world.wechat.code_for("openid-new")})
        body = {
            "login_ticket": first["login_ticket"],
            "phone_code": world.wechat.code_for(phone_of(owner)),
        }
        asked = await world.refused("POST", "auth/wechat-mini", body)
        assert asked["code"] == "IDENTITY_NEEDED"
        ticket = asked["data"]["login_ticket"]
        if new_holder:
            tokens = await world.call("POST", "auth/new-holder", {"login_ticket": ticket})
        else:
            tokens = await show(world, ticket, last_four(owner))
        assert (signed_in(tokens).id == owner.id) is not new_holder
        assert tokens["resident"]["openids"]["mini"] is True
        later_on = await world.sign_in_mini("openid-new", "")
        assert later_on.id == signed_in(tokens).id


async def test_being_seen_is_written_once_a_day(world: World) -> None:
    owner = await world.verified()
    found = world.db.collection("residents")

    async def seen() -> Any:
        doc = await found.find_one({"_id": owner.id}, {"last_seen_at": 1})
        return doc["last_seen_at"] if doc else None

    first = await seen()
    with later(hours=2):
        await world.sign_in(phone_of(owner))
        assert await seen() == first
    with later(days=2):
        await world.sign_in(phone_of(owner))
        assert await seen() > first


async def test_the_database_knows_no_phone_of_a_waiting_ticket_in_clear(world: World) -> None:
    owner = await world.verified()
    with later(**LONG):
        await try_sms(world, phone_of(owner))
        assert phone_of(owner) not in await world.dump()


async def test_at_a_window_a_person_gets_a_new_phone_for_the_old_account(world: World) -> None:
    owner = await world.verified()
    assert owner.person is not None
    with later(**LONG):
        ticket = await ticket_of(world, phone_of(owner))
        fresh = signed_in(await world.call("POST", "auth/new-holder", {"login_ticket": ticket}))
        restore = world.residents.restore_phone
        card, reason = owner.person.id_number, "ID card seen at window 3"
        for number, phone, why, code in (
            (card, "12345", reason, "PHONE_INVALID"),
            (card, "13900000003", " ", "REASON_REQUIRED"),
            (card, phone_of(owner), reason, "PHONE_TAKEN"),
            (make_person().id_number, "13900000003", reason, "NOT_FOUND"),
            ("nonsense", "13900000003", reason, "NOT_FOUND"),
            (phone_of(owner), "13900000003", reason, "NOT_FOUND"),
        ):
            with pytest.raises(AppError) as refused:
                await restore(SYSTEM, number, phone, why)
            assert refused.value.code == code
        with pytest.raises(AppError) as forbidden:
            await restore(world.actor(fresh), card, "13900000003", reason)
        assert forbidden.value.code == "FORBIDDEN"
        assert await restore(SYSTEM, card, "13900000003", reason) == owner.id
        assert (await world.sign_in("13900000003")).id == owner.id
        assert "resident.restore_phone" in await actions(world)
