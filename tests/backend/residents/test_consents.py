"""An adult who does not use the app agrees by a code sent to the phone the register knows."""

from __future__ import annotations

from typing import Any

import pytest

from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM
from tests.backend.residents.world import Person, SignedIn, World, born_years_ago, later, make_person


async def ask(world: World, guardian: SignedIn, patient_id: str, phone: str, *, expect: int = 202) -> Any:
    path = f"patients/{patient_id}/consent-codes"
    return await world.call("POST", path, {"phone": phone}, as_=guardian, expect=expect)


async def give(
    world: World, guardian: SignedIn, patient_id: str, phone: str, code: str, *, expect: int = 200
) -> Any:
    body = {"phone": phone, "code": code}
    return await world.call("POST", f"patients/{patient_id}/consent", body, as_=guardian, expect=expect)


async def pending(world: World, guardian: SignedIn, adult: Person | None = None) -> tuple[Person, str]:
    adult = adult or make_person(born_years_ago(70))
    return adult, str((await world.add_patient(guardian, adult, "parent"))["id"])


async def actions(world: World) -> list[str]:
    entries, _ = await world.audit.list_entries(SYSTEM, AuditFilter())
    return [entry.action for entry in entries]


async def test_an_adult_agrees_by_the_code_on_his_phone(world: World) -> None:
    guardian = await world.verified()
    adult, patient_id = await pending(world, guardian)
    sent = await ask(world, guardian, patient_id, adult.phone)
    assert sent == {"resend_after_s": 60}
    (who,) = world.sender.asking
    assert guardian.person is not None
    assert guardian.person.phone[-4:] in who
    assert guardian.person.name not in who
    patient = await give(world, guardian, patient_id, adult.phone, world.sender.code_of(adult.phone))
    assert (patient["id"], patient["state"]) == (patient_id, "active")
    await world.residents.access_patient(world.actor(guardian), patient_id)
    assert (await world.residents.contact(patient_id)).phone == adult.phone
    (linked,) = [data for kind, data in await world.events() if kind == "patient.linked"]
    assert (linked["patient_id"], linked["guardian_id"], linked["by"]) == (
        patient_id,
        guardian.id,
        "sms_code",
    )
    assert {"patient.ask_consent", "patient.accept_by_code"} <= set(await actions(world))


async def test_the_adult_ends_it_when_he_comes_and_the_guardian_may_too(world: World) -> None:
    guardian = await world.verified()
    adult, patient_id = await pending(world, guardian)
    await ask(world, guardian, patient_id, adult.phone)
    await give(world, guardian, patient_id, adult.phone, world.sender.code_of(adult.phone))
    with later(minutes=2):
        himself = await world.verified(adult)
        assert himself.id == patient_id
        (link,) = (await world.call("GET", "guardians", as_=himself))["items"]
        assert link["state"] == "active"
        await world.call("DELETE", f"guardians/{link['id']}", as_=himself, expect=204)
        assert len((await world.call("GET", "patients", as_=guardian))["items"]) == 1
        gone = await world.refused(
            "POST", f"patients/{patient_id}/consent-codes", {"phone": adult.phone}, as_=guardian
        )
        assert gone["code"] == "NOT_FOUND"


async def test_a_phone_that_the_register_does_not_know_as_his_gets_no_code(world: World) -> None:
    guardian = await world.verified()
    _, patient_id = await pending(world, guardian)
    phoneless = make_person(born_years_ago(70))
    unknown = Person(phoneless.name, phoneless.id_number, "")
    _, without = await pending(world, guardian, unknown)
    for one, phone in ((patient_id, "13911112222"), (without, "13911112222")):
        refused = await world.refused("POST", f"patients/{one}/consent-codes", {"phone": phone}, as_=guardian)
        assert (refused["code"], refused["data"]) == ("REAL_NAME_MISMATCH", {"reason": "phone"})
    assert world.sender.asking == []


async def test_ones_own_phone_is_nobody_elses_consent(world: World) -> None:
    guardian = await world.verified()
    assert guardian.person is not None
    shared = make_person(born_years_ago(70), phone=guardian.person.phone)
    _, patient_id = await pending(world, guardian, shared)
    body = {"phone": shared.phone}
    refused = await world.refused("POST", f"patients/{patient_id}/consent-codes", body, as_=guardian)
    assert refused["code"] == "RELATION_NOT_CONFIRMED"
    assert world.sender.asking == []


async def test_a_minor_consents_to_nothing_alone(world: World) -> None:
    guardian = await world.verified()
    minor = make_person(born_years_ago(15))
    added = await world.add_patient(guardian, minor, "other")
    body = {"phone": minor.phone}
    refused = await world.refused("POST", f"patients/{added['id']}/consent-codes", body, as_=guardian)
    assert refused["code"] == "RELATION_NOT_CONFIRMED"


async def test_a_code_for_one_thing_is_good_for_no_other(world: World) -> None:
    guardian, other = await world.verified(), await world.verified()
    adult, patient_id = await pending(world, guardian)
    await pending(world, other, adult)
    await ask(world, guardian, patient_id, adult.phone)
    code = world.sender.code_of(adult.phone)
    # It does not sign in, and it does not speak for another guardian or another phone.
    body = {"phone": adult.phone, "code": code}
    assert (await world.refused("POST", "auth/sms", body))["code"] == "CODE_WRONG"
    path = f"patients/{patient_id}/consent"
    assert (await world.refused("POST", path, body, as_=other))["code"] == "CODE_WRONG"
    elsewhere = {"phone": "13911112222", "code": code}
    assert (await world.refused("POST", path, elsewhere, as_=guardian))["code"] == "CODE_WRONG"
    await give(world, guardian, patient_id, adult.phone, code)
    # Nor does the code of a log-in consent.
    with later(minutes=2):
        sign_in = await world.ask_code(adult.phone)
        wrong = {"phone": adult.phone, "code": sign_in}
        assert (await world.refused("POST", path, wrong, as_=other))["code"] == "CODE_WRONG"


async def test_guessing_ends_after_five_attempts(world: World) -> None:
    guardian = await world.verified()
    adult, patient_id = await pending(world, guardian)
    await ask(world, guardian, patient_id, adult.phone)
    code = world.sender.code_of(adult.phone)
    wrong = {"phone": adult.phone, "code": f"{(int(code) + 1) % 10**6:06d}"}
    path = f"patients/{patient_id}/consent"
    codes = [(await world.refused("POST", path, wrong, as_=guardian))["code"] for _ in range(5)]
    assert codes == ["CODE_WRONG"] * 5
    right = {"phone": adult.phone, "code": code}
    assert (await world.refused("POST", path, right, as_=guardian))["code"] == "CODE_TOO_MANY_ATTEMPTS"


async def test_consent_is_asked_once(world: World) -> None:
    guardian = await world.verified()
    adult, patient_id = await pending(world, guardian)
    await ask(world, guardian, patient_id, adult.phone)
    again = await world.refused(
        "POST", f"patients/{patient_id}/consent-codes", {"phone": adult.phone}, as_=guardian
    )
    assert again["code"] == "RATE_LIMITED"
    await give(world, guardian, patient_id, adult.phone, world.sender.code_of(adult.phone))
    with later(minutes=2):
        done = await world.refused(
            "POST", f"patients/{patient_id}/consent-codes", {"phone": adult.phone}, as_=guardian
        )
        assert done["code"] == "PATIENT_EXISTS"


@pytest.mark.parametrize("moved", [False, True])
async def test_an_adult_with_an_account_is_asked_where_he_can_be_reached_today(
    world: World, moved: bool
) -> None:
    guardian, himself = await world.verified(), await world.verified()
    assert himself.person is not None
    adult = himself.person
    _, patient_id = await pending(world, guardian, adult)
    with later(minutes=2):
        if moved:
            code = await world.ask_code("13977778888")
            body = {"phone": "13977778888", "code": code, "id_number": adult.id_number}
            await world.call("PUT", "me/phone", body, as_=himself)
            refused = await world.refused(
                "POST", f"patients/{patient_id}/consent-codes", {"phone": adult.phone}, as_=guardian
            )
            assert (refused["code"], refused["data"]) == ("REAL_NAME_MISMATCH", {"reason": "phone"})
        else:
            await ask(world, guardian, patient_id, adult.phone)


async def test_nobody_asks_for_a_patient_who_is_not_his(world: World) -> None:
    guardian, stranger = await world.verified(), await world.verified()
    adult, patient_id = await pending(world, guardian)
    body = {"phone": adult.phone}
    refused = await world.refused("POST", f"patients/{patient_id}/consent-codes", body, as_=stranger)
    assert refused["code"] == "NOT_FOUND"
    await ask(world, guardian, patient_id, adult.phone)
    given = body | {"code": world.sender.code_of(adult.phone)}
    refused = await world.refused("POST", f"patients/{patient_id}/consent", given, as_=stranger)
    assert refused["code"] == "NOT_FOUND"
