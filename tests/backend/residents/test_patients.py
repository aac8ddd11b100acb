"""Acting for others: who may, how many, with whose consent, and how it ends."""

import asyncio
from datetime import date, timedelta

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, ActorKind, Role
from backend.residents.models import (
    LinkBasis,
    LinkState,
    Patient,
    PatientLink,
    Relation,
    first_state,
    of_age_on,
)
from tests.backend.residents.world import Person, SignedIn, World, born_years_ago, later, make_person


async def links_of(world: World, guardian: SignedIn) -> list[tuple[str, str]]:
    """Relation and state of everybody in the list but the resident himself."""
    patients = (await world.call("GET", "patients", as_=guardian))["items"]
    return [(one["relation"], one["state"]) for one in patients if one["relation"] != "self"]


async def refusal(world: World, guardian: SignedIn, person: Person, relation: str) -> str:
    world.register.add(person)
    body = person.card | {"relation": relation}
    code: str = (await world.refused("POST", "patients", body, as_=guardian))["code"]
    return code


async def access_refusal(world: World, actor: Actor, patient_id: str) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        await world.residents.access_patient(actor, patient_id)
    return caught.value.code


async def test_a_verified_resident_heads_the_own_list(world: World) -> None:
    person = make_person(name="王小明")
    somebody = await world.verified(person)
    assert (await world.call("GET", "patients", as_=somebody))["items"] == [
        {
            "id": somebody.id,
            "relation": "self",
            "name": "王**",
            "id_number": f"370***********{person.id_number[-4:]}",
            "sex": "male" if int(person.id_number[16]) % 2 else "female",
            "birth_on": "1985-03-12",
            "age": clock.today().year - 1985 - ((clock.today().month, clock.today().day) < (3, 12)),
            "state": "active",
        }
    ]


async def test_without_a_verified_name_there_is_no_patient(world: World) -> None:
    somebody = await world.sign_in("13812345678")
    assert (await world.call("GET", "patients", as_=somebody))["items"] == []
    assert await refusal(world, somebody, make_person(born_years_ago(5)), "child") == "REAL_NAME_REQUIRED"
    assert await access_refusal(world, world.actor(somebody), somebody.id) is ErrorCode.REAL_NAME_REQUIRED


async def test_a_small_child_is_active_at_once(world: World) -> None:
    guardian = await world.verified()
    child = await world.add_patient(guardian, make_person(born_years_ago(5)), "child")
    assert (child["state"], child["age"], child["relation"]) == ("active", 5, "child")
    patient = await world.residents.access_patient(world.actor(guardian), child["id"])
    assert patient == Patient(child["id"], Relation.CHILD, guardian.id, minor=True)
    assert [kind for kind, _ in await world.events()] == ["resident.verified", "patient.linked"]


async def test_an_older_child_needs_the_registers_word(world: World) -> None:
    guardian = await world.verified()
    stranger, own = make_person(born_years_ago(15)), make_person(born_years_ago(16))
    assert guardian.person is not None
    world.register.children.add((guardian.person.id_number, own.id_number))
    assert await refusal(world, guardian, stranger, "child") == "RELATION_NOT_CONFIRMED"
    assert (await world.add_patient(guardian, own, "child"))["state"] == "active"


async def test_a_minor_decides_for_no_child(world: World) -> None:
    guardian = await world.verified(make_person(born_years_ago(16)))
    assert await refusal(world, guardian, make_person(born_years_ago(2)), "child") == "RELATION_NOT_CONFIRMED"


@pytest.mark.parametrize("relation", ["parent", "spouse", "other", "child"])
async def test_an_adult_is_pending_until_he_accepts(world: World, relation: str) -> None:
    guardian, adult = await world.verified(), make_person()
    assert guardian.person is not None
    world.register.children.add((guardian.person.id_number, adult.id_number))
    patient = await world.add_patient(guardian, adult, relation)
    assert patient["state"] == "pending"
    assert await access_refusal(world, world.actor(guardian), patient["id"]) is ErrorCode.PATIENT_PENDING
    kind, data = (await world.events())[-1]
    assert (kind, data["patient_id"], data["guardian_id"]) == (
        "patient.link_requested", patient["id"], guardian.id,
    )  # fmt: skip

    himself = await world.verified(adult)
    assert himself.id == patient["id"]
    (asking,) = (await world.call("GET", "guardians", as_=himself))["items"]
    assert (asking["state"], asking["relation"], asking["id"]) == ("pending", relation, data["link_id"])
    assert asking["name"].endswith("**")
    accepted = await world.call("POST", f"guardians/{asking['id']}/accept", as_=himself)
    assert accepted["state"] == "active"
    assert await links_of(world, guardian) == [(relation, "active")]
    await world.residents.access_patient(world.actor(guardian), patient["id"])
    again = await world.call("POST", f"guardians/{asking['id']}/accept", as_=himself)
    assert again == accepted
    assert [kind for kind, _ in await world.events()].count("patient.linked") == 1


async def test_the_patient_may_refuse_or_end_a_link_and_the_guardian_too(world: World) -> None:
    guardian, adult = await world.verified(), await world.verified()
    assert adult.person is not None
    for ended_by in ("patient", "guardian"):
        await world.add_patient(guardian, adult.person, "spouse")
        (link,) = (await world.call("GET", "guardians", as_=adult))["items"]
        await world.call("POST", f"guardians/{link['id']}/accept", as_=adult)
        if ended_by == "patient":
            await world.call("DELETE", f"guardians/{link['id']}", as_=adult, expect=204)
        else:
            await world.call("DELETE", f"patients/{adult.id}", as_=guardian, expect=204)
        assert await links_of(world, guardian) == []
        assert (await world.call("GET", "guardians", as_=adult))["items"] == []
        assert await access_refusal(world, world.actor(guardian), adult.id) is ErrorCode.NOT_FOUND
    assert [kind for kind, _ in await world.events()].count("patient.unlinked") == 2


async def test_at_most_six_patients_however_many_are_added_at_once(world: World) -> None:
    guardian = await world.verified()
    children = [make_person(born_years_ago(3)) for _ in range(10)]
    world.register.add(*children)
    answers = await asyncio.gather(
        *(
            world.browser.post(
                f"{world.url}/api/v1/patients",
                json=child.card | {"relation": "child"},
                headers=guardian.headers,
            )
            for child in children
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 4
    refused = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert refused == {"PATIENT_LIMIT"}
    assert len(await links_of(world, guardian)) == 6


async def test_a_place_is_free_again_after_a_patient_was_removed(world: World) -> None:
    guardian = await world.verified()
    added = [await world.add_patient(guardian, make_person(born_years_ago(3)), "child") for _ in range(6)]
    assert await refusal(world, guardian, make_person(born_years_ago(3)), "child") == "PATIENT_LIMIT"
    await world.call("DELETE", f"patients/{added[2]['id']}", as_=guardian, expect=204)
    await world.add_patient(guardian, make_person(born_years_ago(3)), "child")
    assert len(await links_of(world, guardian)) == 6


async def test_one_patient_is_added_once_however_often_at_once(world: World) -> None:
    guardian, child = await world.verified(), make_person(born_years_ago(3))
    world.register.add(child)
    answers = await asyncio.gather(
        *(
            world.browser.post(
                f"{world.url}/api/v1/patients",
                json=child.card | {"relation": "child"},
                headers=guardian.headers,
            )
            for _ in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert await refusal(world, guardian, child, "child") == "PATIENT_EXISTS"


async def test_oneself_is_no_patient_to_add(world: World) -> None:
    guardian = await world.verified()
    assert guardian.person is not None
    assert await refusal(world, guardian, guardian.person, "other") == "PATIENT_EXISTS"


async def test_two_guardians_may_act_for_one_child(world: World) -> None:
    mother, father, child = await world.verified(), await world.verified(), make_person(born_years_ago(3))
    first = await world.add_patient(mother, child, "child")
    second = await world.add_patient(father, child, "child")
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"relation": "self"}, "BAD_REQUEST"),
        ({"relation": "friend"}, "BAD_REQUEST"),
        ({"phone": "123"}, "PHONE_INVALID"),
        ({"name": "不对"}, "REAL_NAME_MISMATCH"),
        ({"id_number": "123"}, "ID_NUMBER_INVALID"),
        ({"phone": "13800000000"}, "REAL_NAME_MISMATCH"),
    ],
)
async def test_what_is_wrong_with_a_patient_is_named(world: World, body: dict[str, str], code: str) -> None:
    guardian, child = await world.verified(), make_person(born_years_ago(3))
    world.register.add(child)
    error = await world.refused("POST", "patients", child.card | {"relation": "child"} | body, as_=guardian)
    assert error["code"] == code


async def test_another_persons_links_look_like_none(world: World) -> None:
    guardian, adult, stranger = [await world.verified() for _ in range(3)]
    assert adult.person is not None
    await world.add_patient(guardian, adult.person, "spouse")
    (link,) = (await world.call("GET", "guardians", as_=adult))["items"]
    for somebody in (stranger, guardian):
        for method, path in [
            ("POST", f"guardians/{link['id']}/accept"),
            ("DELETE", f"guardians/{link['id']}"),
        ]:
            assert (await world.refused(method, path, as_=somebody))["code"] == "NOT_FOUND"
    for path in (f"patients/{adult.id}", f"patients/{stranger.id}", "patients/nonsense"):
        assert (await world.refused("DELETE", path, as_=stranger))["code"] == "NOT_FOUND"
    # Nobody accepts in another's name, and a link does not work backwards.
    assert await links_of(world, guardian) == [("spouse", "pending")]
    assert await access_refusal(world, world.actor(adult), guardian.id) is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("kind", ["staff", "client", "terminal", "anonymous"])
async def test_nobody_but_residents_and_the_system_acts_for_a_patient(world: World, kind: ActorKind) -> None:
    person = await world.verified()
    actor = Actor(kind=kind, id=person.id, role=Role.CITY_OPERATOR, organization_ids=None, real_name=True)
    assert await access_refusal(world, actor, person.id) is ErrorCode.NOT_FOUND
    assert (await world.residents.access_patient(SYSTEM, person.id)).id == person.id


async def test_a_verified_resident_acts_for_himself_without_the_database(world: World) -> None:
    actor = Actor(kind="resident", id="SELF", role=Role.RESIDENT, real_name=True)
    # What waits for nothing has asked nobody.
    asking = world.residents.access_patient(actor, "SELF")
    with pytest.raises(StopIteration) as answered:
        asking.send(None)
    assert answered.value.value.relation is Relation.SELF


async def test_a_child_who_has_come_of_age_must_agree_anew(world: World) -> None:
    guardian = await world.verified()
    child = make_person(born_years_ago(10))
    added = await world.add_patient(guardian, child, "child")
    world.register.add(child)
    with later(days=9 * 366):
        assert guardian.person is not None
        grown = await world.sign_in_after_long(guardian.person)
        assert await links_of(world, grown) == [("child", "pending")]
        assert await links_of(world, grown) == [("child", "pending")]
        kinds = [kind for kind, _ in await world.events()]
        assert kinds.count("patient.link_requested") == 1
        assert await access_refusal(world, world.actor(grown), added["id"]) is ErrorCode.PATIENT_PENDING
        himself = await world.verified(child)
        (link,) = (await world.call("GET", "guardians", as_=himself))["items"]
        assert link["state"] == "pending"
        await world.call("POST", f"guardians/{link['id']}/accept", as_=himself)
        assert await links_of(world, grown) == [("child", "active")]
    with later(days=20 * 366):
        much_later = await world.sign_in_after_long(guardian.person)
        assert await links_of(world, much_later) == [("child", "active")]


async def test_nobody_in_a_link_can_be_read_from_the_database(world: World) -> None:
    guardian, child = await world.verified(), make_person(born_years_ago(3))
    await world.add_patient(guardian, child, "child")
    born = child.id_number[6:14]
    of_age = f"{int(born[:4]) + 18}-{born[4:6]}-{born[6:]}"
    dump = await world.dump()
    assert not any(text in dump for text in (child.id_number, child.name, of_age))


@pytest.mark.parametrize(
    ("relation", "age", "confirmed", "expected"),
    [
        (Relation.CHILD, 0, False, (LinkState.ACTIVE, LinkBasis.SMALL_CHILD)),
        (Relation.CHILD, 13, False, (LinkState.ACTIVE, LinkBasis.SMALL_CHILD)),
        (Relation.CHILD, 13, True, (LinkState.ACTIVE, LinkBasis.REGISTER)),
        (Relation.CHILD, 14, False, None),
        (Relation.CHILD, 17, True, (LinkState.ACTIVE, LinkBasis.REGISTER)),
        (Relation.CHILD, 18, True, (LinkState.PENDING, LinkBasis.NONE)),
        (Relation.PARENT, 70, False, (LinkState.PENDING, LinkBasis.NONE)),
        (Relation.SPOUSE, 30, True, (LinkState.PENDING, LinkBasis.NONE)),
        (Relation.OTHER, 5, False, (LinkState.PENDING, LinkBasis.NONE)),
    ],
)
def test_how_a_link_begins(
    relation: Relation, age: int, confirmed: bool, expected: tuple[LinkState, LinkBasis] | None
) -> None:
    assert first_state(relation, age, confirmed=confirmed) == expected


def test_consent_by_a_guardian_ends_on_the_eighteenth_birthday() -> None:
    link = PatientLink(
        "L", "G", "P", 1, Relation.CHILD, LinkState.ACTIVE, LinkBasis.REGISTER, clock.now(), date(2030, 5, 6)
    )
    assert link.state_on(date(2030, 5, 5)) is LinkState.ACTIVE
    assert link.state_on(date(2030, 5, 6)) is LinkState.PENDING
    assert of_age_on(date(2012, 5, 6)) == date(2030, 5, 6)
    assert of_age_on(date(2012, 2, 29)) == date(2030, 3, 1)
    assert of_age_on(date(2012, 2, 28)) - timedelta(days=1) == date(2030, 2, 27)
