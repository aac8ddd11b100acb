"""Filings that do not go straight: corrected, delayed, refused, withdrawn, doubted; and what staff do."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest

from backend.audit.models import AuditFilter
from backend.births.machine import FilingState
from backend.births.models import ConcernKind, OwnerKind, WorkQuery
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from tests.factories.births import (
    A_PHOTO,
    ANSWERS,
    NewFamily,
    a_family,
    a_filing,
    a_notice,
    applications,
    let_pass,
    note_birth,
    read,
    states,
)
from tests.support.city import TestCity

STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)


async def until(town: TestCity, family: NewFamily, filing_id: str, **wanted: str) -> Any:
    """Let time pass until steps stand as wanted; the filing then. `state` is the filing's own."""

    async def so() -> Any:
        await let_pass(town)
        found = await read(town, family, filing_id)
        now = states(found) | {"state": found["state"]}
        return found if wanted.items() <= now.items() else None

    return await town.until(so, 30)


async def test_a_correction_concerns_one_step_while_an_agency_is_away_for_days(town: TestCity):
    family, desk = await a_family(town), town.city.services.births.desk
    await town.outside.post("switches", {"agencies_correct": "household", "agencies_down": "social"})
    filing = await a_filing(town, family, wanted=["maternity_claim"], bank_account="6222 0000 0000 0000 123")
    path = f"/api/v1/birth-filings/{filing['id']}"
    stuck = await until(town, family, filing["id"], household="needs_correction", vaccination="done")
    assert (stuck["state"], stuck["owner"]["kind"]) == ("needs_correction", "parents")
    household = next(step for step in stuck["steps"] if step["code"] == "household")
    assert household["problems"][0]["text"] == "提交的材料不清楚，无法核对。"
    correct = f"{path}/steps/household/correct"
    answers = ANSWERS | {"wanted": ["maternity_claim"], "bank_account": "6222000000000000123"}
    # What other agencies have before them cannot be changed on the way.
    wrong = await town.call(
        "POST", correct, as_=family.mother, json=answers | {"child_name": "张大宝"}, expect=400
    )
    assert wrong["error"]["data"]["fields"] == ["child_name"]
    await town.call("POST", f"{path}/steps/insurance/correct", as_=family.mother, json=answers, expect=409)
    photo = {"kind": "household_book", "content_type": "image/jpeg", "content": _base64(A_PHOTO)}
    # The library has the book: it may be brought all the same.
    await town.call("POST", f"{path}/files", as_=family.mother, json=photo, expect=201)
    await town.call("POST", correct, as_=family.mother, json=answers)
    await town.call("POST", correct, as_=family.mother, json=answers)
    waiting = await until(town, family, filing["id"], household="done", maternity_claim="done")
    assert states(waiting)["social_card"] == "asked"
    asked = [one for one in await applications(town) if one["step"] == "household"]
    assert [one["body"]["attempt"] for one in asked] == [1, 2]
    assert asked[1]["body"]["files"] == ["household_book"]
    # It stays silent: staff are told, and whoever takes it is its owner.
    for _ in range(7):
        await let_pass(town, timedelta(hours=2))
    await let_pass(town, timedelta(days=30))
    [view] = (await desk.worklist(STAFF, WorkQuery()))[0]
    assert {each.kind for each in view.filing.concerns} == {ConcernKind.UNREACHABLE, ConcernKind.OVERDUE}
    assert view.owner is not None
    assert view.owner.kind is OwnerKind.DESK
    assert (await read(town, family, filing["id"]))["owner"]["kind"] == "staff"
    taken = await desk.take(STAFF, filing["id"])
    assert taken.owner is not None
    assert (taken.owner.kind, taken.owner.id) == (OwnerKind.STAFF, "clerk")
    # A day passes without a word: it is everybody's again, and more urgent.
    await let_pass(town, timedelta(days=30))
    [view] = (await desk.worklist(STAFF, WorkQuery()))[0]
    assert view.owner is not None
    assert (view.owner.kind, min(each.level for each in view.filing.concerns)) == (OwnerKind.DESK, 2)
    with pytest.raises(AppError, match=ErrorCode.REASON_REQUIRED):
        await desk.settle(STAFF, filing["id"], " ")
    settled = await desk.settle(STAFF, filing["id"], "已电话社保中心，下周恢复")
    assert settled.owner is not None
    assert (settled.filing.concerns, settled.owner.kind) == ((), OwnerKind.AGENCY)
    await town.outside.post("switches", {"agencies_down": "", "agencies_correct": ""})
    await desk.ask_again(STAFF, filing["id"], "social_card")
    done = await until(town, family, filing["id"], state="completed")
    assert done["owner"]["kind"] in ("agency", "parents")
    assert (await desk.worklist(STAFF, WorkQuery()))[0] == []
    live = [one for one in await applications(town) if one["standing"] == "done"]
    assert len(live) == 6
    assert {one["asks"] for one in await applications(town)} <= {0, 1}


async def test_what_is_withdrawn_stays_done_where_it_is_done_and_goes_on_another_time(town: TestCity):
    family, desk = await a_family(town), town.city.services.births.desk
    await town.outside.post("switches", {"agencies_clerk": True})
    filing = await a_filing(town, family)
    path = f"/api/v1/birth-filings/{filing['id']}"
    again = await town.call("POST", f"{path}/submit", as_=family.mother)
    assert again["submitted_at"] == filing["submitted_at"]
    await until(town, family, filing["id"], birth_certificate="accepted")
    [certificate] = await applications(town)
    # A hospital does not change what has been handed in.
    changed = a_notice(family.mother, family.father, weight_g=4000)
    await note_birth(town, family.external_id, changed, expect=409)
    await town.outside.post(f"agencies/{certificate['id']}/decide", {"standing": "done"})
    await until(town, family, filing["id"], vaccination="accepted", household="accepted")
    # The answer to the wish to stop is lost; it is wished again.
    await town.outside.post("switches", {"lose_answers_agencies": True})
    gone = await town.call("POST", f"{path}/withdraw", as_=family.mother, json={"reason": "先不办了"})
    assert gone["state"] == "withdrawing"
    await let_pass(town)
    assert (await read(town, family, filing["id"]))["state"] == "withdrawing"
    await town.outside.post("switches", {"lose_answers_agencies": False, "agencies_clerk": False})
    over = await until(town, family, filing["id"], state="partly_done")
    assert states(over) == {
        "birth_certificate": "done", "vaccination": "cancelled", "household": "cancelled",
        "insurance": "cancelled", "social_card": "cancelled", "maternity_claim": "not_wanted",
    }  # fmt: skip
    assert {one["standing"] for one in await applications(town)} == {"done", "cancelled"}
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await desk.retry(STAFF, filing["id"], "household", "家长又想办了")
    # Another filing begins where that one ended; there is one at a time.
    second = await a_filing(town, family)
    assert second["id"] != filing["id"]
    same = await town.call(
        "POST", "/api/v1/birth-filings", as_=family.mother, json={"birth_id": family.birth_id}
    )
    assert same["id"] == second["id"]
    done = await until(town, family, second["id"], state="completed")
    assert states(done)["birth_certificate"] == "done"
    steps = [one["step"] for one in await applications(town) if one["standing"] == "done"]
    assert sorted(steps) == ["birth_certificate", "household", "insurance", "social_card", "vaccination"]
    mine = await town.call("GET", "/api/v1/birth-filings", as_=family.mother)
    assert {each["id"] for each in mine["items"]} == {filing["id"], second["id"]}


async def test_what_an_agency_refuses_ends_what_stands_on_it_until_staff_have_it_asked_again(town: TestCity):
    family, desk = await a_family(town), town.city.services.births.desk
    await town.outside.post("switches", {"agencies_reject": "household"})
    filing = await a_filing(town, family)
    partly = await until(town, family, filing["id"], state="partly_done")
    assert states(partly)["insurance"] == "cancelled"
    refused = next(step for step in partly["steps"] if step["code"] == "household")
    assert refused["problems"][0]["what_to_do"] == "请带证件原件到窗口咨询办理。"
    await town.outside.post("switches", {"agencies_reject": ""})
    operator = Actor("staff", "other", Role.HOSPITAL_OPERATOR, frozenset({"another-hospital"}))
    doctor = Actor("staff", "doctor", Role.DOCTOR, frozenset({town.hospital.id}))
    with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
        await desk.look(operator, filing["id"])
    with pytest.raises(AppError, match=ErrorCode.FORBIDDEN):
        await desk.retry(doctor, filing["id"], "household", "试试")
    assert await desk.count(operator) == (0, 0)
    view = await desk.retry(STAFF, filing["id"], "household", "已与派出所核实")
    assert view.filing.state is FilingState.IN_PROGRESS
    await until(town, family, filing["id"], state="completed")
    # What never began is plainly refused.
    await town.outside.post("switches", {"agencies_reject": "birth_certificate"})
    other = await a_family(town, 2)
    second = await a_filing(town, other)
    rejected = await until(town, other, second["id"], state="rejected")
    assert set(states(rejected).values()) == {"rejected", "cancelled", "not_wanted"}


async def test_each_agency_receives_what_its_step_needs_and_no_more(town: TestCity):
    family = await a_family(town)
    mail = {"way": "mail", "receiver": "李小红", "phone": "13912345678", "address": "幸福路12号3单元201"}
    bank: dict[str, Any] = {"wanted": ["maternity_claim"], "bank_account": "6222000000000000123"}
    filing = await a_filing(town, family, delivery=mail, **bank)
    await until(town, family, filing["id"], state="completed")
    received = {one["step"]: one["body"] for one in await applications(town)}
    envelope = {"id", "step", "filing", "attempt", "materials", "files"}
    who = {"child", "mother"}
    assert {step: set(body) - envelope for step, body in received.items()} == {
        "birth_certificate": who | {"father", "delivery"},
        "vaccination": who | {"delivery", "earlier"},
        "household": who | {"father", "household_with", "delivery", "earlier"},
        "insurance": who | {"earlier"},
        "social_card": who | {"delivery", "earlier"},
        "maternity_claim": who | {"bank_account", "earlier"},
    }
    for step, body in received.items():
        rule = town.city.services.births.rules.by_code[step]
        named = {f"child.{name}" for name in body["child"]} | {
            f"earlier.{code}.{name}" for code, results in body.get("earlier", {}).items() for name in results
        }
        assert named <= set(rule.sends)
        assert ("13912345678" in str(body), "幸福路" in str(body)) == (("delivery" in rule.sends),) * 2
        assert (family.father["id_number"] in str(body)) is ("father" in rule.sends)
    assert received["social_card"]["delivery"] == mail
    assert set(received["insurance"]["earlier"]) == {"household"}


async def test_births_that_look_alike_are_doubted_siblings_are_not(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    same = a_notice(family.mother, family.father)
    twice = await note_birth(town, "birth-again", same)
    assert twice["state"] == "doubtful"
    who = family.mother
    open_ = {"birth_id": twice["id"]}
    refused = await town.call("POST", "/api/v1/birth-filings", as_=who, json=open_, expect=422)
    assert refused["error"]["data"]["problems"][0]["code"] == "doubtful"
    with pytest.raises(AppError, match=ErrorCode.REASON_REQUIRED):
        await births.desk.decide_doubtful(STAFF, twice["id"], same=True, reason="")
    assert [each.id for each in await births.desk.doubtful(STAFF)] == [twice["id"]]
    why = "李小红同一次分娩，重复上报"
    await births.desk.decide_doubtful(STAFF, twice["id"], same=True, reason=why)
    # Who is named there stands sealed with the birth, and not on the audit log.
    entries, _ = await town.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="births.decide_doubtful"), limit=9
    )
    assert [entry.data for entry in entries] == [{"same": "true", "reason_length": str(len(why))}]
    kept = await births.noting.read(SYSTEM, town.hospital.id, "birth-again")
    assert kept.remark == why
    assert "重复上报" not in str(await town.city.db.collection("births").find({}).to_list(None))
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await births.desk.decide_doubtful(STAFF, twice["id"], same=False, reason="再想想")
    shown = await town.call("GET", "/api/v1/births", as_=who)
    assert [each["id"] for each in shown["items"]] == [family.birth_id]
    mother = await town.resident()
    first = await note_birth(town, "twin-1", a_notice(mother, order=1, of=2))
    second = await note_birth(town, "twin-2", a_notice(mother, order=2, of=2))
    third = await note_birth(town, "twin-3", a_notice(mother, order=2, of=2))
    assert [each["state"] for each in (first, second, third)] == ["noted", "noted", "doubtful"]
    assert (await note_birth(town, "twin-1", a_notice(mother, order=1, of=2)))["id"] == first["id"]
    client = await town.hospital_client()
    void = await town.call("POST", "/hospital/v1/births/twin-3/void", as_=client, json={"reason": "误报"})
    assert void["state"] == "void"
    assert (await births.noting.read(SYSTEM, town.hospital.id, "twin-3")).remark == "误报"
    assert (await town.call("GET", "/hospital/v1/births/twin-3", as_=client))["state"] == "void"
    await note_birth(town, "odd", a_notice(mother, order=3, of=2), expect=400)
    for never in ("2999-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00"):
        await note_birth(town, "odd", a_notice(mother, born_at=never), expect=400)


async def test_strangers_find_nothing_and_fathers_their_own(town: TestCity):
    family = await a_family(town)
    filing = await a_filing(town, family, submit=False)
    path = f"/api/v1/birth-filings/{filing['id']}"
    stranger = await town.resident()
    for method, place, body in (
        ("GET", path, None), ("PUT", path, ANSWERS), ("POST", f"{path}/submit", None),
        ("POST", f"{path}/withdraw", {}), ("POST", f"{path}/steps/household/correct", ANSWERS),
        ("POST", f"/api/v1/births/{family.birth_id}/precheck", ANSWERS),
        ("POST", "/api/v1/birth-filings", {"birth_id": family.birth_id}),
        ("DELETE", f"{path}/files/{filing['id']}", None), ("GET", f"{path}/files/{filing['id']}", None),
    ):  # fmt: skip
        await town.call(method, place, as_=stranger, json=body, expect=404)
    assert (await town.call("GET", "/api/v1/births", as_=stranger))["items"] == []
    birth = await town.city.services.births.noting.read(SYSTEM, town.hospital.id, family.external_id)
    assert birth.other is not None
    father = town.stranger(id=birth.other.person_id)
    assert (await town.call("GET", path, as_=father))["id"] == filing["id"]


async def test_materials_are_limited_sealed_and_go_with_their_filing(town: TestCity):
    family, db = await a_family(town), town.city.db
    filing = await a_filing(town, family, submit=False)
    path, who = f"/api/v1/birth-filings/{filing['id']}", family.mother
    good = {"kind": "marriage", "content_type": "image/jpeg", "content": _base64(A_PHOTO)}
    for wrong in (
        {"kind": "first_issue_form"}, {"kind": "selfie"}, {"content_type": "text/html"},
        {"content_type": "image/png"}, {"content": _base64(b"<html>")}, {"content": "§"},
        {"content": _base64(A_PHOTO * 6470)},
    ):  # fmt: skip
        refused = await town.call("POST", f"{path}/files", as_=who, json=good | wrong, expect=422)
        assert refused["error"]["code"] == "MATERIAL_UNFIT"
    await town.call("POST", f"{path}/files", as_=who, json=good | {"content": "a" * 5_000_000}, expect=413)
    # A phone that heard no answer sends it again: one after the other, and at once.
    keyed, send = good | {"key": "phone-key-1"}, f"{path}/files"
    first = await town.call("POST", send, as_=who, json=keyed, expect=201)
    again = [
        town.call("POST", send, as_=who, json=good | {"key": "phone-key-2"}, expect=201) for _ in range(3)
    ]
    twice = {(await town.call("POST", send, as_=who, json=keyed, expect=201))["id"], first["id"]}
    three = {each["id"] for each in await asyncio.gather(*again)}
    assert (len(twice), len(three), len((await read(town, family, filing["id"]))["files"])) == (1, 1, 2)
    assert await db.collection("birth_files").count_documents({}) == 2
    for id in twice | three:
        await town.call("DELETE", f"{path}/files/{id}", as_=who)
    await town.call("POST", send, as_=who, json=good | {"key": "no key"}, expect=400)
    made = [await town.call("POST", f"{path}/files", as_=who, json=good) for _ in range(6)]
    await town.call("POST", f"{path}/files", as_=who, json=good, expect=422)
    assert A_PHOTO[:20] not in str(await db.collection("birth_files").find({}).to_list(None)).encode()
    there = f"{path}/files/{made[0]['id']}"
    answer = await town.http.get(town.url + there, headers=who.headers)
    assert (answer.content, answer.headers["content-type"]) == (A_PHOTO, "image/jpeg")
    await town.call("DELETE", there, as_=who)
    await town.call("GET", there, as_=who, expect=404)
    _, content = await town.city.services.births.desk.read_file(STAFF, filing["id"], made[1]["id"])
    assert content == A_PHOTO
    await town.call("POST", f"{path}/withdraw", as_=who, json={})
    await town.call("POST", f"{path}/files", as_=who, json=good, expect=409)
    await _age(town, 31)
    assert await db.collection("birth_files").count_documents({}) == 0
    assert (await read(town, family, filing["id"]))["files"] == []
    await _age(town, 1095)
    assert await db.collection("birth_filings").count_documents({}) == 0
    assert await db.collection("births").count_documents({}) == 0


async def test_who_deletes_the_account_files_nothing_any_more(town: TestCity):
    family = await a_family(town)
    await town.outside.post("switches", {"agencies_clerk": True})
    filing = await a_filing(town, family)
    await until(town, family, filing["id"], birth_certificate="accepted")
    await town.call("DELETE", "/api/v1/me", as_=family.mother)
    await town.later()
    desk = town.city.services.births.desk
    # The father whom the hospital named is left, and goes on.
    view = await desk.look(STAFF, filing["id"])
    assert view.filing.state is FilingState.IN_PROGRESS
    assert view.filing.applicant_id == view.birth.other.person_id if view.birth.other else False
    assert view.birth.mother.person_id == ""
    alone = await a_family(town, 2, named=False)
    father = {"other_name": alone.father["name"], "other_id_number": alone.father["id_number"]}
    second = await a_filing(town, alone, submit=False, **father)
    await town.call("DELETE", "/api/v1/me", as_=alone.mother)
    await town.later()
    assert (await desk.look(STAFF, second["id"])).filing.state is FilingState.WITHDRAWN


async def test_drafts_that_nobody_hands_in_end_by_themselves(town: TestCity):
    family = await a_family(town)
    filing = await a_filing(town, family, submit=False)
    assert filing["owner"]["kind"] == "parents"
    await let_pass(town, timedelta(days=61))
    over = await read(town, family, filing["id"])
    assert (over["state"], over["owner"]) == ("expired", None)
    await town.call(
        "PUT", f"/api/v1/birth-filings/{filing['id']}", as_=family.mother, json=ANSWERS, expect=409
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def _age(town: TestCity, days: int) -> None:
    """So many days pass for what is over, and what may be forgotten is."""
    by = timedelta(days=days)
    for name, field in (("birth_filings", "ended_at"), ("births", "updated_at")):
        async for doc in town.city.db.collection(name).find({}):
            older = {"$set": {field: doc[field] - by}}
            await town.city.db.collection(name).update_one({"_id": doc["_id"]}, older)
    await town.city.services.births.forgetting.run()
