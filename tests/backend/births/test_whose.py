"""Whose a filing is, and whose child: notices and fathers corrected, numbers that are somebody else's."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.births.checking import Case
from backend.births.machine import FilingState, StepEvent, StepState
from backend.births.models import Answers, Birth, ConcernKind, Filing, Parent, Side
from backend.births.settling import Change
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.worker.events import Event, EventKind
from tests.factories.births import (
    A_PHOTO,
    ANSWERS,
    NewFamily,
    a_family,
    a_filing,
    a_notice,
    let_pass,
    make_birth,
    make_filing,
    note_birth,
    read,
    states,
)
from tests.factories.city import an_id_number
from tests.support.city import TestCity

STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)
DONE = dict.fromkeys(
    ("birth_certificate", "vaccination", "household", "insurance", "social_card"), StepState.DONE
)


async def born(town: TestCity, family: NewFamily) -> Birth:
    return await town.city.services.births.noting.read(SYSTEM, town.hospital.id, family.external_id)


async def the_filing(town: TestCity, filing_id: str) -> Filing:
    found = await town.city.services.births._filings.find(filing_id)
    assert found is not None
    return found


async def test_a_draft_goes_to_whom_the_corrected_notice_names_without_what_the_other_put_in(town: TestCity):
    wrong = await a_family(town, named=False)
    secrets: dict[str, Any] = {
        "other_name": "张大山",
        "other_id_number": wrong.father["id_number"],
        "wanted": ["maternity_claim"],
        "bank_account": "6222000000000000123",
    }
    draft = await a_filing(town, wrong, submit=False, **secrets)
    path = f"/api/v1/birth-filings/{draft['id']}"
    photo = {
        "kind": "marriage",
        "content_type": "image/jpeg",
        "content": base64.b64encode(A_PHOTO).decode(),
    }
    file = await town.call("POST", f"{path}/files", as_=wrong.mother, json=photo, expect=201)
    mother = await town.resident()
    # The hospital had mistaken whose child it is.
    await note_birth(town, wrong.external_id, a_notice(mother))
    for method, place, body in (
        ("GET", path, None), ("PUT", path, ANSWERS), ("POST", f"{path}/submit", None),
        ("POST", f"{path}/withdraw", {}), ("GET", f"{path}/files/{file['id']}", None),
        ("POST", f"{path}/files", photo),
    ):  # fmt: skip
        await town.call(method, place, as_=wrong.mother, json=body, expect=404)
    assert (await town.call("GET", "/api/v1/birth-filings", as_=wrong.mother))["items"] == []
    open_ = {"birth_id": wrong.birth_id}
    hers = await town.call("POST", "/api/v1/birth-filings", as_=mother, json=open_, expect=201)
    assert (hers["id"], hers["files"]) == (draft["id"], [])
    assert {"child_name": "", "other_id_number": "", "bank_account": ""}.items() <= hers["answers"].items()
    assert (await town.call("PUT", path, as_=mother, json=ANSWERS))["answers"]["child_name"] == "张小宝"
    assert await town.city.db.collection("birth_files").count_documents({}) == 0
    # A withdrawn one is not read by whom a later notice takes it from either, nor copied for the next.
    await town.call("POST", f"{path}/withdraw", as_=mother, json={})
    third = await town.resident()
    await note_birth(town, wrong.external_id, a_notice(third))
    await town.call("GET", path, as_=mother, expect=404)
    next_one = await town.call("POST", "/api/v1/birth-filings", as_=third, json=open_, expect=201)
    assert (next_one["id"] != draft["id"], next_one["answers"]["child_name"]) == (True, "")


async def test_a_father_named_later_files_too(town: TestCity):
    family = await a_family(town, named=False)
    draft = await a_filing(town, family, submit=False)
    await note_birth(town, family.external_id, a_notice(family.mother, family.father))
    birth = await born(town, family)
    assert birth.other is not None
    father = town.stranger(id=birth.other.person_id)
    open_ = {"birth_id": family.birth_id}
    his = await town.call("POST", "/api/v1/birth-filings", as_=father, json=open_, expect=201)
    assert (his["id"], his["answers"]["child_name"]) == (draft["id"], "张小宝")
    filed = await town.call("POST", f"/api/v1/birth-filings/{draft['id']}/submit", as_=father)
    assert filed["state"] == "submitted"
    assert (await the_filing(town, draft["id"])).parent_ids == birth.parent_ids


async def test_what_is_done_is_not_named_otherwise_and_nothing_left_to_do_is_an_end(town: TestCity):
    family = await a_family(town)
    births = town.city.services.births
    steps = DONE | {"maternity_claim": StepState.REJECTED}
    over = await make_filing(
        town.city, await born(town, family), FilingState.PARTLY_DONE, steps, ended_at=clock.now()
    )
    answers = Answers(child_name="张小宝", household_with=Side.FATHER)
    assert await births._filings.write(replace(over, answers=answers))
    open_ = {"birth_id": family.birth_id}
    draft = await town.call("POST", "/api/v1/birth-filings", as_=family.mother, json=open_, expect=201)
    path = f"/api/v1/birth-filings/{draft['id']}"
    for wrong in ({"child_name": "张大宝"}, {"household_with": "mother"}):
        refused = await town.call("PUT", path, as_=family.mother, json=ANSWERS | wrong, expect=400)
        assert refused["error"]["data"]["fields"] == list(wrong)
    await town.call("PUT", path, as_=family.mother, json=ANSWERS)
    # Without the claim everything is there.
    assert (await town.call("POST", f"{path}/submit", as_=family.mother))["state"] == "completed"


async def test_a_correction_goes_over_what_it_saw_and_takes_the_father_it_names(town: TestCity):
    family = await a_family(town, named=False)
    births = town.city.services.births
    await town.outside.post("switches", {"agencies_correct": "birth_certificate"})
    father: dict[str, Any] = {
        "other_name": family.father["name"],
        "other_id_number": family.father["id_number"],
    }
    filing = await a_filing(town, family, **father)

    async def sent_back() -> Any:
        await let_pass(town)
        return states(await read(town, family, filing["id"]))["birth_certificate"] == "needs_correction"

    await town.until(sent_back, 30)
    assert len((await the_filing(town, filing["id"])).parent_ids) == 2
    path = f"/api/v1/birth-filings/{filing['id']}"
    correct = f"{path}/steps/birth_certificate/correct"
    looked_up = births._finding.case

    async def meanwhile(birth: Birth, answers: Answers, of: Filing | None) -> Case:
        now = await the_filing(town, filing["id"])
        delivery = replace(now.answers.delivery, receiver="李小红")
        await births._filings.write(replace(now, answers=replace(now.answers, delivery=delivery)))
        return await looked_up(birth, answers, of)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(births._finding, "case", meanwhile)
        await town.call("POST", correct, as_=family.mother, json=ANSWERS | father, expect=409)
    another = {"name": "张二山", "id_number": an_id_number(77)}
    await town.outside.post("persons", another)
    for kind in ("parentage_statement", "parents_identity"):
        photo = {"kind": kind, "content_type": "image/jpeg", "content": base64.b64encode(A_PHOTO).decode()}
        await town.call("POST", f"{path}/files", as_=family.mother, json=photo, expect=201)
    told = ANSWERS | {
        "household_with": "father",
        "other_name": "张二山",
        "other_id_number": another["id_number"],
        "delivery": {"way": "pickup", "receiver": "李小红"},
    }
    refused = await town.call("POST", correct, as_=family.mother, json=told, expect=422)
    assert refused["error"]["data"]["problems"][0]["code"] == "material_missing"
    book = {"kind": "household_book", "content_type": "image/jpeg"}
    photo = book | {"content": base64.b64encode(A_PHOTO).decode()}
    await town.call("POST", f"{path}/files", as_=family.mother, json=photo, expect=201)
    photo |= {"kind": "marriage"}
    await town.call("POST", f"{path}/files", as_=family.mother, json=photo, expect=201)
    await town.call("POST", correct, as_=family.mother, json=told)
    # The husband is not this child's father: it is none of his business any more.
    assert (await the_filing(town, filing["id"])).parent_ids == (family.mother.id,)


async def test_a_father_is_compared_with_the_register_and_with_the_notice(town: TestCity):
    family = await a_family(town, named=False)
    path = f"/api/v1/births/{family.birth_id}/precheck"
    number, right = family.father["id_number"], family.father["name"]

    async def told(**father: str) -> list[str]:
        checked = await town.call("POST", path, as_=family.mother, json=ANSWERS | father)
        return [each["code"] for each in checked["problems"] if each["kind"] == "fix"]

    assert await told(other_name="张小山", other_id_number=number) == ["other_name_wrong"]
    assert await told(other_name=right, other_id_number=number) == []
    # The register cannot be asked: nobody is held up by that.
    await town.outside.post("switches", {"refuse_register": "503"})
    assert await told(other_name="张小山", other_id_number=number) == []
    await town.outside.post("switches", {"refuse_register": ""})
    filing = await a_filing(town, family, submit=False, other_name=right, other_id_number=number)
    # The hospital has written down another man meanwhile.
    another = {"name": "王二山", "id_number": an_id_number(78)}
    await town.outside.post("persons", another)
    await note_birth(town, family.external_id, a_notice(family.mother, another))
    submit = f"/api/v1/birth-filings/{filing['id']}/submit"
    refused = await town.call("POST", submit, as_=family.mother, expect=422)
    assert "other_not_noted" in {each["code"] for each in refused["error"]["data"]["problems"]}


async def test_a_number_of_somebody_else_makes_nobody_the_parents_child(town: TestCity):
    births, residents = town.city.services.births, town.city.services.residents
    mother = await town.resident()
    birth = await make_birth(
        town.city.services, town.hospital.id, Parent(mother.name, mother.id_number), order=1, of=2
    )
    twin = await make_birth(
        town.city.services, town.hospital.id, Parent(mother.name, mother.id_number), order=2, of=2
    )
    born_on = f"{clock.civil_date(birth.facts.born_at):%Y%m%d}"
    the_day_before = f"{clock.civil_date(birth.facts.born_at) - timedelta(days=1):%Y%m%d}"
    twins, somebodys, good = (an_id_number(number, born_on) for number in (2, 4, 6))
    somebody = await residents.find_or_create_file("王小明", somebodys, None)

    async def registered(of: Birth, number: str) -> Filing:
        filing = await make_filing(town.city, of, FilingState.COMPLETED, DONE, ended_at=clock.now())
        steps = tuple(
            replace(step, results={"id_number": number}) if step.code == "household" else step
            for step in filing.steps
        )
        assert await births._filings.write(replace(filing, steps=steps))
        told = {"filing_id": filing.id, "step": "household", "event": str(StepEvent.FINISH)}
        await births.children.on_step_changed(Event(EventKind.BIRTH_STEP_CHANGED, told))
        return await the_filing(town, filing.id)

    assert (await registered(twin, twins)).child_id
    for number in ("", "3707", mother.id_number, an_id_number(2, the_day_before), an_id_number(3, born_on),
                   twins, somebodys):  # fmt: skip
        found = await registered(birth, number)
        assert (found.child_id, [each.kind for each in found.concerns]) == (
            "",
            [ConcernKind.CHILD_NOT_LINKED],
        ), number
    assert (await residents.get_identity(somebody)).name == "王小明"
    linked = await registered(birth, good)
    assert (bool(linked.child_id), linked.concerns) == (True, ())
    assert len(await residents.patients.patients_of(mother.id)) == 2


async def test_what_was_refused_is_not_asked_anew_of_another_child(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    birth = await born(town, family)
    over = await make_filing(
        town.city,
        birth,
        FilingState.REJECTED,
        {"birth_certificate": StepState.REJECTED},
        ended_at=clock.now(),
    )
    mother = await town.resident()
    await note_birth(town, family.external_id, a_notice(mother))
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await births.desk.retry(STAFF, over.id, "birth_certificate", "家长来电")


async def test_parents_are_known_by_one_form_of_name_and_number(town: TestCity):
    number = an_id_number(8)
    birth = await make_birth(
        town.city.services, town.hospital.id, Parent("买买提•艾力", number[:6] + number[8:17])
    )
    # So every agency and library is asked about the same person.
    assert (birth.mother.name, birth.mother.id_number) == ("买买提·艾力", number)


async def test_a_doubt_is_about_one_mother(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    twice = await note_birth(town, "again", a_notice(family.mother))
    await births.desk.decide_doubtful(STAFF, twice["id"], same=True, reason="重复上报")
    # It was another mother's: hers it is not a duplicate of anything.
    mother = await town.resident()
    assert (await note_birth(town, "again", a_notice(mother)))["state"] == "noted"
    # And back: it looks like her first one once more.
    assert (await note_birth(town, "again", a_notice(family.mother)))["state"] == "doubtful"


async def test_a_notice_taken_back_while_it_is_being_handed_in_is_not_filed(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    draft = await a_filing(town, family, submit=False)
    path = f"/api/v1/birth-filings/{draft['id']}/submit"
    write = births.asking.write
    voided: list[Birth] = []

    async def meanwhile(change: Change, *over: Any) -> bool:
        # Checked and thought out already: now the hospital is quicker.
        if not voided:
            voided.append(await births.noting.void(SYSTEM, town.hospital.id, family.external_id, "误报"))
        return await write(change, *over)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(births.asking, "write", meanwhile)
        refused = await town.call("POST", path, as_=family.mother, expect=422)
    assert (len(voided), refused["error"]["data"]["problems"][0]["code"]) == (1, "not_fileable")
    assert (await the_filing(town, draft["id"])).state is FilingState.DRAFT


async def test_what_is_handed_in_meanwhile_is_corrected_by_no_hospital(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    draft = await a_filing(town, family, submit=False)
    write = births.noting._births.write
    filed: list[Any] = []

    async def meanwhile(after: Birth) -> bool:
        # The hospital has seen nothing but a draft: now the mother is quicker.
        if not filed:
            path = f"/api/v1/birth-filings/{draft['id']}/submit"
            filed.append(await town.call("POST", path, as_=family.mother))
        return await write(after)

    heavier = a_notice(family.mother, family.father, weight_g=4000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(births.noting._births, "write", meanwhile)
        await note_birth(town, family.external_id, heavier, expect=409)
    assert (filed[0]["state"], (await born(town, family)).facts.weight_g) == ("submitted", 3200)
    # A refused one may be corrected; what staff have asked anew meanwhile is not asked in its old form.
    other = await a_family(town, 2)
    steps = {"birth_certificate": StepState.REJECTED}
    over = await make_filing(
        town.city, await born(town, other), FilingState.REJECTED, steps, ended_at=clock.now()
    )
    ask = births.asking.write
    noted: list[Any] = []

    async def corrected(change: Change, *seen: Any) -> bool:
        if not noted:
            mother = await town.resident()
            noted.append(await note_birth(town, other.external_id, a_notice(mother)))
        return await ask(change, *seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(births.asking, "write", corrected)
        with pytest.raises(AppError, match=ErrorCode.CONFLICT):
            await births.desk.retry(STAFF, over.id, "birth_certificate", "家长来电")
    assert (await the_filing(town, over.id)).state is FilingState.REJECTED
