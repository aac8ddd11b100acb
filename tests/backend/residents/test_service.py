"""Deleting an account, and what other areas may ask about people."""

import asyncio
from dataclasses import replace

import pytest

from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.residents.models import Contact
from backend.security.keys import Keyring
from tests.backend.residents.world import World, born_years_ago, later, make_person

OPERATOR = Actor(kind="staff", id="S1", role=Role.CITY_OPERATOR, organization_ids=None)


# -- deleting ------------------------------------------------------------------------------------------


async def test_deleting_an_account_leaves_nothing_of_the_person(world: World) -> None:
    person = make_person(name="诸葛小亮")
    await world.sign_in_mini("openid-1", person.phone)
    somebody = await world.verified(person)
    await world.call("DELETE", "me", as_=somebody, expect=204)
    (left,) = await world.db.collection("residents").find({}).to_list(None)
    assert [event["kind"] for event in left.pop("events")] == ["resident.verified", "resident.deleted"]
    assert set(left) == {
        "_id", "state", "real_name", "created_at", "updated_at", "deleted_at", "events_due",
        "verified_by", "verified_at",
    }  # fmt: skip
    assert await world.db.collection("resident_keys").count_documents({}) == 0
    assert await world.residents.contact(somebody.id) == Contact(somebody.id)
    assert await world.residents.names([somebody.id]) == {somebody.id: "已注销"}


async def test_a_deleted_accounts_tokens_are_void(world: World) -> None:
    somebody = await world.verified()
    await world.call("DELETE", "me", as_=somebody, expect=204)
    assert (await world.refused("GET", "me", as_=somebody))["code"] == "UNAUTHENTICATED"
    refused = await world.refused("POST", "auth/refresh", {"refresh_token": somebody.refresh_token})
    assert refused["code"] == "UNAUTHENTICATED"


async def test_the_same_person_may_come_back_as_new(world: World) -> None:
    person = make_person()
    first = await world.verified(person)
    await world.call("DELETE", "me", as_=first, expect=204)
    with later(minutes=2):
        second = await world.verified(person)
    assert second.id != first.id


async def test_an_account_with_appointments_stays(world: World) -> None:
    somebody = await world.verified()
    world.busy.add(somebody.id)
    assert (await world.refused("DELETE", "me", as_=somebody))["code"] == "ACCOUNT_HAS_APPOINTMENTS"
    assert (await world.call("GET", "me", as_=somebody))["real_name"] is True


async def test_links_end_on_both_sides_and_the_world_is_told(world: World) -> None:
    somebody, spouse = await world.verified(), await world.verified()
    assert somebody.person is not None
    await world.add_patient(spouse, somebody.person, "spouse")
    await world.add_patient(somebody, make_person(born_years_ago(3)), "child")
    await world.call("DELETE", "me", as_=somebody, expect=204)
    patients = (await world.call("GET", "patients", as_=spouse))["items"]
    assert [one["relation"] for one in patients] == ["self"]
    assert await world.db.collection("patient_links").count_documents({"live": True}) == 0
    kinds = [kind for kind, _ in await world.events()]
    assert kinds.count("patient.unlinked") == 2
    assert kinds.count("resident.deleted") == 1


async def test_a_deletion_cut_short_is_finished_by_its_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person()
    somebody = await world.verified(person)

    async def die(_: str) -> None:
        raise RuntimeError("the process was killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.residents, "_finish_deletion", die)
        with pytest.raises(RuntimeError):
            await world.residents.delete_account(world.actor(somebody))
    assert await world.db.collection("resident_keys").count_documents({}) == 2
    await world.outbox.drain()
    assert await world.db.collection("resident_keys").count_documents({}) == 0
    assert (await world.refused("GET", "me", as_=somebody))["code"] == "UNAUTHENTICATED"


async def test_a_log_in_does_not_wait_for_a_deletion_to_be_finished(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = await world.sign_in("13812345678")

    async def die(_: str) -> None:
        raise RuntimeError("the process was killed")

    monkeypatch.setattr(world.residents, "_finish_deletion", die)
    with pytest.raises(RuntimeError):
        await world.residents.delete_account(world.actor(somebody))
    assert (await world.sign_in("13812345678")).id != somebody.id


# -- files of hospitals --------------------------------------------------------------------------------


async def test_one_person_has_one_file_however_many_windows_ask_at_once(world: World) -> None:
    person = make_person()
    ids = await asyncio.gather(
        *(world.residents.find_or_create_file(person.name, person.id_number, person.phone) for _ in range(20))
    )
    assert len(set(ids)) == 1
    assert await world.db.collection("residents").count_documents({}) == 1
    identity = await world.residents.get_identity(ids[0])
    assert (identity.name, identity.id_number, identity.phone) == (
        person.name,
        person.id_number,
        person.phone,
    )
    assert (await world.residents.contact(ids[0])).phone == person.phone


async def test_a_file_is_found_by_either_form_of_the_number(world: World) -> None:
    first = await world.residents.find_or_create_file("张三", "110105491231002")
    assert await world.residents.find_or_create_file("张 三", "11010519491231002x") == first


async def test_a_phone_a_window_typed_signs_nobody_in_to_the_file(world: World) -> None:
    person = make_person()
    file_id = await world.residents.find_or_create_file(person.name, person.id_number, person.phone)
    assert (await world.sign_in(person.phone)).id != file_id


async def test_a_file_is_made_even_when_the_phone_is_nonsense(world: World) -> None:
    person = make_person()
    file_id = await world.residents.find_or_create_file(person.name, person.id_number, "none")
    assert (await world.residents.contact(file_id)).phone is None


async def test_another_name_for_a_known_number_needs_the_registers_word(world: World) -> None:
    person = make_person(name="张晓明")
    world.register.add(person)
    file_id = await world.residents.find_or_create_file("张小明", person.id_number)
    with pytest.raises(AppError) as caught:
        await world.residents.find_or_create_file("李四", person.id_number)
    assert caught.value.code is ErrorCode.REAL_NAME_MISMATCH
    assert await world.residents.find_or_create_file("张晓明", person.id_number) == file_id
    assert (await world.residents.get_identity(file_id)).name == "张晓明"
    with pytest.raises(AppError) as caught:
        await world.residents.find_or_create_file("张小明", person.id_number)
    assert caught.value.code is ErrorCode.REAL_NAME_MISMATCH


async def test_an_account_is_its_persons_file_too(world: World) -> None:
    person = make_person()
    somebody = await world.verified(person)
    assert await world.residents.find_or_create_file(person.name, person.id_number) == somebody.id


# -- what others may ask -------------------------------------------------------------------------------


async def test_names_are_masked_and_unknown_ids_left_out(world: World) -> None:
    person = make_person(name="欧阳小明")
    file_id = await world.residents.find_or_create_file(person.name, person.id_number)
    unverified = await world.sign_in("13812345678")
    assert await world.residents.names([file_id, unverified.id, "nobody"]) == {
        file_id: "欧阳**",
        unverified.id: "未实名",
    }


async def test_identities_of_many_leave_out_those_without_one(world: World) -> None:
    person = make_person()
    file_id = await world.residents.find_or_create_file(person.name, person.id_number)
    unverified = await world.sign_in("13812345678")
    found = await world.residents.identities([file_id, unverified.id, "nobody"])
    assert list(found) == [file_id]
    with pytest.raises(AppError) as caught:
        await world.residents.get_identity(unverified.id)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_showing_an_identity_to_staff_needs_a_reason_and_is_written_down(world: World) -> None:
    somebody = await world.verified()
    with pytest.raises(AppError) as caught:
        await world.residents.reveal(OPERATOR, somebody.id, " ")
    assert caught.value.code is ErrorCode.REASON_REQUIRED
    identity = await world.residents.reveal(OPERATOR, somebody.id, "居民电话咨询")
    assert somebody.person is not None
    assert identity.id_number == somebody.person.id_number
    entry = await world.db.collection("audit").find_one({"action": "resident.reveal"})
    assert entry is not None
    assert (entry["actor_id"], entry["object"]) == ("S1", f"resident/{somebody.id}")
    assert entry["basis"] == "居民电话咨询"


async def test_the_console_finds_a_person_by_phone_or_number_only(world: World) -> None:
    somebody = await world.verified()
    assert somebody.person is not None
    assert await world.residents.search(somebody.person.phone) == somebody.id
    assert await world.residents.search(somebody.person.id_number.lower()) == somebody.id
    assert await world.residents.search(make_person().id_number) is None
    assert await world.residents.search(somebody.person.name) is None


async def test_a_phone_finds_its_owner_the_family_and_who_is_told_by_it(world: World) -> None:
    guardian = await world.verified()
    assert guardian.person is not None
    child = await world.add_patient(guardian, make_person(born_years_ago(5)), "child")
    pending = await world.add_patient(guardian, make_person(), "spouse")
    phone = guardian.person.phone
    grandmother = make_person(born_years_ago(80))
    told = await world.residents.find_or_create_file(grandmother.name, grandmother.id_number, phone)
    found = await world.residents.search_patients(phone)
    assert found == [guardian.id, child["id"], told]
    assert await world.residents.search_patients(grandmother.id_number) == [told]
    assert await world.residents.search_patients(guardian.person.id_number) == [guardian.id]
    assert pending["id"] not in found
    assert await world.residents.search_patients("13900009999") == []
    assert await world.residents.search_patients(guardian.person.name) == []


async def test_whoever_gets_an_account_is_found_by_its_phone_alone(world: World) -> None:
    person = make_person()
    file_id = await world.residents.find_or_create_file(person.name, person.id_number, "13900007777")
    assert await world.residents.search_patients("13900007777") == [file_id]
    himself = await world.verified(person)
    assert himself.id == file_id
    assert await world.residents.search_patients("13900007777") == []
    assert await world.residents.search_patients(person.phone) == [file_id]


async def test_no_record_of_a_person_prints_personal_data(world: World) -> None:
    somebody = await world.verified()
    person = somebody.person
    assert person is not None
    resident = await world.residents.access_account(world.actor(somebody))
    texts = [
        repr(resident),
        repr(await world.residents.get_identity(somebody.id)),
        repr(await world.residents.contact(somebody.id)),
        repr(await world.residents.patients.list_patients(world.actor(somebody))),
    ]
    secrets = (person.name, person.phone, person.id_number, "1985, 3, 12")
    assert not [(secret, text) for secret in secrets for text in texts if secret in text]


async def test_people_are_found_after_the_blind_index_key_was_rotated(world: World) -> None:
    person = make_person()
    somebody = await world.verified(person)
    keyring: Keyring = world.residents._ids._blind._keyring
    keyring.rotate("blind")
    with later(minutes=2):
        assert (await world.sign_in(person.phone)).id == somebody.id
    assert await world.residents.find_or_create_file(person.name, person.id_number) == somebody.id
    stranger = replace(make_person(), id_number=person.id_number, name=person.name)
    world.register.add(replace(stranger, phone=""))
    other = await world.sign_in(stranger.phone)
    assert (await world.refused("POST", "me/real-name", person.card, as_=other))["code"] == "REAL_NAME_TAKEN"


async def test_the_audit_log_of_all_this_is_intact_and_tells_nothing(world: World) -> None:
    somebody = await world.verified()
    await world.add_patient(somebody, make_person(born_years_ago(3)), "child")
    await world.residents.reveal(SYSTEM, somebody.id, "核对身份")
    await world.call("DELETE", "me", as_=somebody, expect=204)
    report = await world.audit.verify()
    assert report.intact
    actions = await world.db.collection("audit").distinct("action")
    assert actions == ["patient.add", "resident.delete", "resident.reveal", "resident.verify"]
