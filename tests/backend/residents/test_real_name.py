"""The real-name check: form, register, one account per ID number, and the move to a file that exists."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.backend.residents.world import SignedIn, World, make_person


async def test_a_match_at_the_register_makes_a_verified_account(world: World) -> None:
    person = make_person(name="欧阳小明")
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    done = await world.call("POST", "me/real-name", person.card, as_=somebody)
    assert done["real_name"] is True
    assert (done["id"], done["name"]) == (somebody.id, "欧阳**")
    assert done["id_number"] == f"370***********{person.id_number[-4:]}"
    assert done["birth_on"] == "1985-03-12"
    assert world.tokens.verify(done["access_token"]).real_name is True
    refreshed = await world.call("POST", "auth/refresh", {"refresh_token": somebody.refresh_token})
    assert world.tokens.verify(refreshed["access_token"]).real_name is True
    entries = await world.db.collection("audit").find({"action": "resident.verify"}).to_list(None)
    assert [entry["object"] for entry in entries] == [f"resident/{somebody.id}"]


async def test_name_and_number_are_read_in_the_forms_people_type(world: World) -> None:
    person = make_person(name="阿依古丽·买买提")
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    spaced = f" {person.id_number[:6]} {person.id_number[6:].lower()} "
    body = {"name": "阿依古丽•买买提 ", "id_number": spaced}
    assert (await world.call("POST", "me/real-name", body, as_=somebody))["real_name"] is True


@pytest.mark.parametrize(
    ("change", "code", "data"),
    [
        ({"name": "张"}, "NAME_INVALID", {}),
        ({"name": "张三3"}, "NAME_INVALID", {}),
        ({"id_number": "123"}, "ID_NUMBER_INVALID", {"reason": "length"}),
        ({"id_number": "110105194912310021"}, "ID_NUMBER_INVALID", {"reason": "check_digit"}),
        ({"id_number": "11010519490230002X"}, "ID_NUMBER_INVALID", {"reason": "birth_date"}),
        ({"id_number": "16010519491231002X"}, "ID_NUMBER_INVALID", {"reason": "region"}),
        ({"name": "王不对"}, "REAL_NAME_MISMATCH", {}),
        ({"id_number": "11010519491231002X"}, "REAL_NAME_MISMATCH", {}),
    ],
)
async def test_each_mistake_is_named(
    world: World, change: dict[str, str], code: str, data: dict[str, Any]
) -> None:
    person = make_person()
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    error = await world.refused("POST", "me/real-name", person.card | change, as_=somebody)
    assert (error["code"], error["data"]) == (code, data)
    assert (await world.call("GET", "me", as_=somebody))["real_name"] is False


async def test_form_mistakes_do_not_reach_the_register(world: World) -> None:
    somebody = await world.sign_in("13812345678")
    for _ in range(8):
        await world.refused("POST", "me/real-name", {"name": "张三", "id_number": "123"}, as_=somebody)
    assert world.register.asked == 0


async def test_somebody_elses_identity_with_ones_own_phone_is_refused(world: World) -> None:
    person = make_person()
    world.register.add(person)
    stranger = await world.sign_in("13812345678")
    error = await world.refused("POST", "me/real-name", person.card, as_=stranger)
    assert error["code"] == "REAL_NAME_MISMATCH"
    assert error["data"] == {"reason": "phone"}


async def test_a_person_without_a_phone_in_the_register_is_verified_by_name_and_number(world: World) -> None:
    person = make_person()
    world.register.add(replace(person, phone=""))
    somebody = await world.sign_in(person.phone)
    assert (await world.call("POST", "me/real-name", person.card, as_=somebody))["real_name"] is True


async def test_the_dead_are_not_verified_and_nobody_is_told_why(world: World) -> None:
    person = replace(make_person(), alive=False)
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    error = await world.refused("POST", "me/real-name", person.card, as_=somebody)
    assert (error["code"], error["data"]) == ("REAL_NAME_MISMATCH", {})


async def test_an_absent_register_is_an_error_to_try_again(world: World) -> None:
    person = make_person()
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    world.register.away = True
    assert (await world.refused("POST", "me/real-name", person.card, as_=somebody))["code"] == (
        "REGISTER_UNAVAILABLE"
    )
    world.register.away = False
    await world.call("POST", "me/real-name", person.card, as_=somebody)


async def test_asking_the_register_is_limited_per_account(world: World) -> None:
    person = make_person()
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    body = person.card | {"name": "王不对"}
    codes = [(await world.refused("POST", "me/real-name", body, as_=somebody))["code"] for _ in range(6)]
    assert codes == ["REAL_NAME_MISMATCH"] * 5 + ["RATE_LIMITED"]


async def test_a_number_verified_by_another_account_is_refused_without_saying_whose(world: World) -> None:
    person = make_person()
    first = await world.verified(person)
    world.register.people[person.id_number] = replace(person, phone="")
    second = await world.sign_in("13812345678")
    error = await world.refused("POST", "me/real-name", person.card, as_=second)
    assert (error["code"], error["data"]) == ("REAL_NAME_TAKEN", {})
    assert first.id not in str(error)
    assert (await world.call("GET", "me", as_=first))["real_name"] is True


async def test_two_accounts_verifying_one_number_at_once_leave_one_verified(world: World) -> None:
    person = replace(make_person(), phone="")
    world.register.add(person)
    accounts = [await world.sign_in(f"1380000000{n}") for n in range(6)]
    answers = await asyncio.gather(
        *(
            world.browser.post(f"{world.url}/api/v1/me/real-name", json=person.card, headers=one.headers)
            for one in accounts
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert await world.db.collection("residents").count_documents({"real_name": True}) == 1


async def test_verifying_twice_changes_nothing_and_another_number_is_refused(world: World) -> None:
    person = make_person()
    somebody = await world.verified(person)
    again = await world.call("POST", "me/real-name", person.card, as_=somebody)
    assert again["id"] == somebody.id
    other = make_person(phone=person.phone)
    world.register.add(other)
    error = await world.refused("POST", "me/real-name", other.card, as_=somebody)
    assert error["code"] == "REAL_NAME_DONE"


async def test_a_double_tap_verifies_once_without_an_error(world: World) -> None:
    person = make_person()
    world.register.add(person)
    somebody = await world.sign_in(person.phone)
    answers = await asyncio.gather(
        *(world.call("POST", "me/real-name", person.card, as_=somebody) for _ in range(4))
    )
    assert {answer["id"] for answer in answers} == {somebody.id}


async def test_no_name_and_no_number_is_in_the_database_in_clear(world: World) -> None:
    person = make_person(name="诸葛小亮")
    await world.verified(person)
    dump = await world.dump()
    assert not any(text in dump for text in (person.name, person.id_number, person.phone, "1985-03-12"))


# -- a person whom hospitals know already --------------------------------------------------------------


async def test_an_account_moves_to_the_file_a_hospital_made(world: World) -> None:
    person = make_person()
    world.register.add(person)
    file_id = await world.residents.find_or_create_file(person.name, person.id_number)
    somebody = await world.sign_in_mini("openid-1", person.phone)
    await world.call("PUT", "me/settings", {"large_type": True}, as_=somebody)
    done = await world.call("POST", "me/real-name", person.card, as_=somebody)
    assert done["id"] == file_id != somebody.id
    assert done["openids"] == {"mini": True, "oa": False}
    assert done["settings"] == {"large_type": True}
    # The old access token is void, the refresh token goes on as the person's own.
    assert (await world.refused("GET", "me", as_=somebody))["code"] == "UNAUTHENTICATED"
    refreshed = await world.call("POST", "auth/refresh", {"refresh_token": somebody.refresh_token})
    assert refreshed["resident"]["id"] == file_id
    assert (await world.sign_in_mini("openid-1", person.phone)).id == file_id
    assert (await world.sign_in(person.phone)).id == file_id
    assert await world.residents.find_or_create_file(person.name, person.id_number) == file_id


async def test_the_registers_name_replaces_what_a_hospital_typed(world: World) -> None:
    person = make_person(name="张晓明")
    file_id = await world.residents.find_or_create_file("张小明", person.id_number)
    somebody = await world.verified(person)
    assert somebody.id == file_id
    assert (await world.residents.get_identity(file_id)).name == "张晓明"


async def test_a_double_tap_moves_once(world: World) -> None:
    person = make_person()
    world.register.add(person)
    file_id = await world.residents.find_or_create_file(person.name, person.id_number)
    somebody = await world.sign_in(person.phone)
    actor = world.actor(somebody)
    moved = await asyncio.gather(
        *(world.residents.verify_real_name(actor, person.name, person.id_number) for _ in range(4)),
        return_exceptions=True,
    )
    done = {answer[0].id for answer in moved if isinstance(answer, tuple)}
    assert done == {file_id}
    assert (await world.sign_in(person.phone)).id == file_id


async def test_of_two_accounts_at_once_one_gets_the_file(world: World) -> None:
    person = replace(make_person(), phone="")
    world.register.add(person)
    await world.residents.find_or_create_file(person.name, person.id_number)
    accounts = [await world.sign_in(f"1380000000{n}") for n in range(5)]
    answers = await asyncio.gather(
        *(
            world.browser.post(f"{world.url}/api/v1/me/real-name", json=person.card, headers=one.headers)
            for one in accounts
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
    losers = [one for one, answer in zip(accounts, answers, strict=True) if answer.status_code == 409]
    for loser in losers:
        assert (await world.call("GET", "me", as_=loser))["id"] == loser.id


@pytest.mark.parametrize("step", ["take_file", "move_claims", "end_merge"])
async def test_a_move_cut_short_is_finished_by_the_next_log_in(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    person = make_person()
    world.register.add(person)
    file_id = await world.residents.find_or_create_file(person.name, person.id_number)
    somebody = await world.sign_in_mini("openid-1", person.phone)
    await cut_short(world, monkeypatch, step, somebody, person.card)
    again = await world.sign_in_mini("openid-1", person.phone)
    assert again.id == file_id
    assert (await world.call("GET", "me", as_=again))["real_name"] is True
    assert (await world.sign_in(person.phone)).id == file_id
    states = await world.db.collection("residents").distinct("state")
    assert sorted(states) == ["account", "merged"]


async def cut_short(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, somebody: SignedIn, card: dict[str, str]
) -> None:
    """Verify, and lose the process just before a step."""

    async def die(*_: object) -> None:
        raise RuntimeError("the process was killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.residents._store, step, die)
        with pytest.raises(RuntimeError):
            await world.residents.verify_real_name(world.actor(somebody), card["name"], card["id_number"])
