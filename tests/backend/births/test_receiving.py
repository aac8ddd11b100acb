"""From "done" to the card in their hands: posted, laid out, asked for, lost, handed over; and by whom."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.audit.models import AuditFilter
from backend.births.machine import HandoverState
from backend.births.models import ConcernKind, OwnerKind, WorkQuery
from backend.births.receiving import Deed, Done
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from tests.factories.births import NewFamily, a_family, a_filing, applications, let_pass, read, states
from tests.support.city import TestCity

STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)
MAIL = {"way": "mail", "receiver": "李小红", "phone": "13912345678", "address": "幸福路12号3单元201"}
HANDED = ("birth_certificate", "vaccination", "household", "social_card")
DAY = timedelta(days=1)


def handovers(filing: Any) -> dict[str, str]:
    """Where each paper or card is."""
    return {step["code"]: step["handover"]["state"] for step in filing["steps"] if step["handover"]}


def handover(filing: Any, step: str) -> Any:
    return next(each["handover"] for each in filing["steps"] if each["code"] == step)


async def completed(town: TestCity, family: NewFamily, **answers: Any) -> str:
    """A filing all of whose agencies are done, and which nothing has been sent of; its id."""
    await town.outside.post("switches", {"agencies_keep_papers": True})
    filing = await a_filing(town, family, **answers)

    async def over() -> bool:
        await let_pass(town)
        return bool((await read(town, family, filing["id"]))["state"] == "completed")

    await town.until(over, 30)
    return str(filing["id"])


async def sent(town: TestCity, step: str, **told: str) -> None:
    """The step's agency says where it is."""
    [one] = [each for each in await applications(town) if each["step"] == step]
    await town.outside.post(f"agencies/{one['id']}/hand-over", told)


async def stands(town: TestCity, family: NewFamily, filing_id: str, **wanted: str) -> Any:
    async def so() -> Any:
        await town.later()
        found = await read(town, family, filing_id)
        return found if wanted.items() <= handovers(found).items() else None

    return await town.until(so)


async def told(town: TestCity, family: NewFamily) -> list[str]:
    await town.later()
    messages = (await town.call("GET", "/api/v1/messages?limit=50", as_=family.mother))["items"]
    return [message["body"] for message in messages]


async def asked_until_it_is_the_desks(town: TestCity, family: NewFamily, id: str) -> None:
    """Nobody says that it has come: the parents are asked twice, then staff see it."""
    births = town.city.services.births
    for days, kinds in ((8, set()), (6, set()), (6, {ConcernKind.NOT_RECEIVED})):
        await let_pass(town, days * DAY, papers=True)
        view = await births.desk.look(STAFF, id)
        assert {each.kind for each in view.filing.concerns} == kinds
    assert sum("证件收到了吗" in body for body in await told(town, family)) == 2
    [row], _ = await births.desk.worklist(STAFF, WorkQuery())
    assert row.owner is not None
    assert (row.filing.id, row.owner.kind) == (id, OwnerKind.DESK)


async def test_what_is_posted_is_followed_asked_for_lost_sent_again_and_received(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    id = await completed(town, family, delivery=MAIL)
    path = f"/api/v1/birth-filings/{id}/steps/social_card"
    done = await read(town, family, id)
    # Over, in the working days it took; and still somebody's, until it is in their hands.
    assert (done["state"], handovers(done)) == ("completed", dict.fromkeys(HANDED, "awaited"))
    assert done["owner"]["kind"] == "agency"
    ended_at = done["ended_at"]
    await town.call("POST", f"{path}/missing", as_=family.mother, json={}, expect=409)
    await sent(town, "social_card", state="posted", courier="邮政", tracking_no="EM1CN")
    posted = await stands(town, family, id, social_card="posted")
    assert handover(posted, "social_card") | {"since": "", "due_at": ""} == {
        "what": "社会保障卡", "state": "posted", "mailed": True, "since": "", "due_at": "", "courier": "邮政",
        "tracking_no": "EM1CN", "place": "", "hours": "", "bring": "", "code": "",
        "pickup": "", "may_claim": False,
    }  # fmt: skip
    assert any("证件已寄出" in body for body in await told(town, family))
    for code in HANDED[:3]:
        await town.call("POST", f"/api/v1/birth-filings/{id}/steps/{code}/received", as_=family.mother)
    assert (await read(town, family, id))["owner"]["kind"] == "parents"
    await asked_until_it_is_the_desks(town, family, id)
    # It is lost. Said twice, and at once, it is lost once; no agency is asked anew.
    lost = [
        town.call("POST", f"{path}/missing", as_=family.mother, json={"text": "邮递员没来"}) for _ in range(3)
    ]
    assert {handovers(each)["social_card"] for each in await asyncio.gather(*lost)} == {"missing"}
    view = await births.desk.look(STAFF, id)
    assert [(each.kind, each.step) for each in view.filing.concerns] == [(ConcernKind.MISSING, "social_card")]
    step = view.filing.step("social_card")
    assert step is not None
    assert step.handover is not None
    assert step.handover.lost == 1
    # The agency says the same parcel again: that is no news to who has not got it.
    await sent(town, "social_card", state="posted", courier="邮政", tracking_no="EM1CN")
    await town.later()
    assert handovers(await read(town, family, id))["social_card"] == "missing"
    await births.desk.settle(STAFF, id, "已请社保中心补寄")
    assert (await read(town, family, id))["owner"]["kind"] == "agency"
    # The callback is lost; it is asked where it is under the id of the question that it has answered.
    await town.outside.post("switches", {"lose_agency_calls": True})
    await sent(town, "social_card", state="posted", courier="邮政", tracking_no="EM2CN")
    await let_pass(town, DAY, papers=False)
    again = await stands(town, family, id, social_card="posted")
    assert handover(again, "social_card")["tracking_no"] == "EM2CN"
    over = await town.call("POST", f"{path}/received", as_=family.mother)
    assert await town.call("POST", f"{path}/received", as_=family.mother) == over
    assert (over["owner"], over["state"], over["ended_at"]) == (None, "completed", ended_at)
    assert [one["asks"] for one in await applications(town)] == [1] * 5
    assert (await births.desk.worklist(STAFF, WorkQuery()))[0] == []
    lines = {each.step: each for each in (await births.desk.figures(STAFF, 1)).agencies}
    assert (lines["social_card"].received, lines["social_card"].to_receive, lines["social_card"].lost) == (
        1,
        0,
        1,
    )


async def test_what_was_said_too_soon_may_be_taken_back_for_some_weeks(town: TestCity):
    family = await a_family(town)
    id = await completed(town, family)
    path = f"/api/v1/birth-filings/{id}/steps/vaccination"
    await sent(town, "vaccination", state="ready", place="社区")
    await stands(town, family, id, vaccination="ready")
    for _ in range(2):
        await town.call("POST", f"{path}/received", as_=family.mother)
        await town.call("POST", f"{path}/missing", as_=family.mother, json={"text": "点错了"})
        await town.call("POST", f"{path}/received", as_=family.mother)
    await let_pass(town, 31 * DAY, papers=True)
    assert not handover(await read(town, family, id), "vaccination")["may_claim"]
    await town.call("POST", f"{path}/missing", as_=family.mother, json={}, expect=409)


async def test_at_the_counter_the_code_or_a_parents_id_card_is_needed(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    other, receiving = await town.resident(), births.receiving
    id = await completed(town, family)
    done = await read(town, family, id)
    assert not any(handover(done, code)["mailed"] for code in HANDED)
    for code in HANDED:
        await sent(town, code)
    ready = await stands(town, family, id, **dict.fromkeys(HANDED, "ready"))
    card = handover(ready, "social_card")
    assert (card["place"], card["hours"]) == ("市社会保障服务中心制卡窗口", "工作日8:30至17:00")
    assert card["pickup"] == f"BIRTH:{id}:social_card:{card['code']}"
    assert any("可以领取" in body for body in await told(town, family))
    # The code of one thing is not another's, and is in no log, list or message.
    assert card["code"] not in "".join(await told(town, family))
    assert await receiving.opened_by(STAFF, card["pickup"]) == id
    elsewhere = Actor("staff", "other", Role.HOSPITAL_OPERATOR, frozenset({"another-hospital"}))
    doctor = Actor("staff", "doctor", Role.DOCTOR, frozenset({town.hospital.id}))
    wrong = card["pickup"][:-1] + str((int(card["pickup"][-1]) + 1) % 10)
    for who, text in ((STAFF, wrong), (STAFF, "BIRTH:x"), (STAFF, ""), (elsewhere, card["pickup"])):
        with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
            await receiving.opened_by(who, text)
    for who, shown, refusal in (
        (STAFF, "000000" if card["code"] != "000000" else "1", ErrorCode.BAD_REQUEST),
        (STAFF, "", ErrorCode.BAD_REQUEST),
        (STAFF, other.id_number, ErrorCode.BAD_REQUEST),
        (STAFF, handover(ready, "household")["pickup"], ErrorCode.BAD_REQUEST),
        (elsewhere, card["code"], ErrorCode.NOT_FOUND),
        (doctor, card["code"], ErrorCode.FORBIDDEN),
    ):
        with pytest.raises(AppError, match=refusal):
            await receiving.do(who, id, "social_card", Done(Deed.HAND_OVER, shown=shown))
    handed = [("social_card", card["pickup"]), ("household", handover(ready, "household")["code"])]
    handed += [
        ("vaccination", family.mother.id_number),
        ("birth_certificate", family.father["id_number"].lower()),
    ]
    for code, shown in handed:
        await receiving.do(STAFF, id, code, Done(Deed.HAND_OVER, shown=shown))
    assert (await births.desk.look(STAFF, id)).owner is None
    entries, _ = await town.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="births.handover_refused"), limit=9
    )
    assert len(entries) == 4
    # Handed over is handed over: the code opens nothing any more.
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await receiving.do(STAFF, id, "vaccination", Done(Deed.HAND_OVER, shown=family.mother.id_number))
    with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
        await receiving.opened_by(STAFF, card["pickup"])
    assert sum("证件已签收" in body for body in await told(town, family)) == 4


async def test_staff_type_in_what_no_agency_says_and_nobody_else_touches_it(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    id, receiving = await completed(town, family, delivery=MAIL), births.receiving
    await let_pass(town, 20 * DAY, papers=True)
    view = await births.desk.look(STAFF, id)
    assert {(each.kind, each.step) for each in view.filing.concerns} == {
        (ConcernKind.NOT_SENT, code) for code in HANDED
    }
    for done, refusal in (
        (Done(Deed.POST, "", "EM1"), ErrorCode.BAD_REQUEST),
        (Done(Deed.POST, "邮政", "<b>1</b>"), ErrorCode.BAD_REQUEST),
        (Done(Deed.POST, "邮政", ""), ErrorCode.BAD_REQUEST),
        (Done(Deed.POST, "邮政\x00", "EM1"), ErrorCode.BAD_REQUEST),
        (Done(Deed.LAY_OUT, place="一楼\n二楼"), ErrorCode.BAD_REQUEST),
        (Done(Deed.CONFIRM), ErrorCode.REASON_REQUIRED),
        (Done(Deed.MISS, text=" "), ErrorCode.REASON_REQUIRED),
        (Done(Deed.MISS, text="没有寄"), ErrorCode.CONFLICT),
    ):
        with pytest.raises(AppError, match=refusal):
            await receiving.do(STAFF, id, "household", done)
    for step in ("insurance", "nothing", "maternity_claim"):
        with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
            await receiving.do(STAFF, id, step, Done(Deed.POST, "邮政", "EM1"))
        await town.call(
            "POST", f"/api/v1/birth-filings/{id}/steps/{step}/received", as_=family.mother, expect=404
        )
    stranger = await town.resident()
    for what, body in (("received", None), ("missing", {})):
        path = f"/api/v1/birth-filings/{id}/steps/household/{what}"
        await town.call("POST", path, as_=stranger, json=body, expect=404)
    await receiving.do(STAFF, id, "household", Done(Deed.POST, "邮政", "EM9"))
    laid = await receiving.do(STAFF, id, "social_card", Done(Deed.LAY_OUT))
    card = laid.filing.step("social_card")
    assert card is not None
    assert card.handover is not None
    assert card.handover.place == "市社会保障服务中心制卡窗口"
    await receiving.do(STAFF, id, "vaccination", Done(Deed.CONFIRM, text="家长电话说已领到"))
    view = await births.desk.look(STAFF, id)
    assert [each.step for each in view.filing.concerns] == ["birth_certificate"]
    # The parents and the desk at the same moment: one of them decides, and both are answered.
    path = f"/api/v1/birth-filings/{id}/steps/household"
    both = await asyncio.gather(
        town.call("POST", f"{path}/received", as_=family.mother),
        receiving.do(STAFF, id, "household", Done(Deed.MISS, text="邮政退回")),
        return_exceptions=True,
    )
    assert not any(isinstance(each, AssertionError) for each in both)
    final = handovers(await read(town, family, id))["household"]
    assert final in (HandoverState.RECEIVED, HandoverState.MISSING)
    assert states(await read(town, family, id))["household"] == "done"
    sealed = str(await town.city.db.collection("birth_filings").find_one({"_id": id}))
    assert "EM9" not in sealed
    assert "邮政退回" not in sealed
