"""The plan that comes home with somebody: he is reminded once; a desk sees what is due and what was done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.bootstrap.referral_lines import ReferralLines
from backend.db.client import Database
from backend.db.migrations import m0087_follow_ups
from backend.errors import AppError, ErrorCode
from backend.messages.models import Message
from backend.permissions import SYSTEM
from backend.referrals import reminding
from backend.referrals.follow_up import Follow, NotDone, Result
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import Direction, Outcome, PlanItem, Referral, ReferralQuery, Side
from backend.referrals.plans import lines
from backend.referrals.store import wanted
from tests.factories.referrals import IN_TWO_HOURS, Road, make_road
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

E, S = ReferralEvent, ReferralState
DAY = timedelta(days=1)
WHAT = "复查心电图"
Later = Callable[[timedelta], None]


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity, monkeypatch: pytest.MonkeyPatch) -> Road:
    monkeypatch.setattr(reminding, "FROM_HOUR", 0)
    monkeypatch.setattr(reminding, "UNTIL_HOUR", 24)
    return await make_road(town.city.services)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let some time pass. It is tomorrow noon, so that a day begins when the test says so."""
    noon = clock.city_instant(clock.today() + DAY, 12)
    began, passed = clock.now(), timedelta(0)

    def now(real: Callable[[], datetime] = clock.now) -> datetime:
        return noon + passed + (real() - began)

    def wait(for_: timedelta) -> None:
        nonlocal passed
        passed += for_

    monkeypatch.setattr(clock, "now", now)
    monkeypatch.setattr(clock, "today", lambda: clock.civil_date(now()))
    return wait


def plan(*days: int) -> tuple[PlanItem, ...]:
    return tuple(PlanItem(f"{WHAT}{n}", clock.today() + n * DAY) for n in days)


async def home(road: Road, *days: int, until: ReferralEvent = E.ARRIVE) -> Referral:
    """Sent home by the lead hospital with a plan, and taken by the clinic, where he comes by."""
    sent = await road.send(
        road.lead.actor, direction=Direction.DOWN, to_organization_id=road.clinic.id, plan=plan(*days),
    )  # fmt: skip
    if until is E.SEND:
        return sent
    taken = await road.act(road.clinic.actor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    return taken if until is E.ACCEPT else await road.act(road.clinic.actor, sent, E.ARRIVE)


async def told(road: Road, whom: str = "") -> list[Message]:
    found, _ = await road.services.messages.list_messages(SYSTEM, recipient_id=whom or road.person.id)
    return [each for each in found if each.kind == "referral_follow_up"]


async def doc_of(road: Road, referral: Referral) -> dict[str, Any]:
    return await road.services.db.collection("referrals").find_one({"_id": referral.id}) or {}


async def refused(call: Any, code: ErrorCode = ErrorCode.BAD_REQUEST) -> dict[str, Any]:
    with pytest.raises(AppError) as error:
        await call
    assert error.value.code is code
    return error.value.data or {}


async def desk(road: Road, follow: Follow, **more: Any) -> list[str]:
    query = ReferralQuery(follow=follow, **({"side": Side.IN} | more))
    return [each.id for each in (await road.referrals.list(road.doctor, query)).items]


async def test_he_is_reminded_the_day_before_of_each_day_once_and_of_nothing_that_is_wrong_with_him(
    road: Road, town: TestCity, later: Later
):
    sent = await home(road, 5, 5, 30)
    remind = road.referrals.reminding.run
    assert await remind() == 0
    later(4 * DAY)
    # A process dies after it has told: what is told again under the same key tells nobody again.
    before = await road.stored(sent)
    await remind()
    assert await road.store.write(replace(before, turn=(await road.stored(sent)).turn))
    for _ in range(3):
        await asyncio.gather(remind(), remind())
    (one,) = await told(road)
    assert "2项" in one.content.sms
    assert f"{(clock.today() + DAY).day}日" in one.content.sms
    assert "幸福社区卫生服务中心" in one.content.sms
    assert WHAT not in one.content.sms + one.content.body + str(one.content.wechat)
    assert [bool(line.said.told_at) for line in lines(await road.stored(sent))] == [True, True, False]
    await town.work()
    contact = await road.services.residents.contact(road.person.id)
    texts = (await town.outside.get("sms", phone=str(contact.phone)))["items"]
    assert sum("随访计划有2项" in each["content"] for each in texts) == 1
    later(25 * DAY)
    await remind()
    assert len(await told(road)) == 2
    assert "remind_at" not in (
        await road.services.db.collection("referrals").find_one({"_id": sent.id}) or {}
    )


async def test_nobody_is_reminded_of_what_is_done_given_up_long_past_or_nobodys_any_more(
    road: Road, later: Later
):
    done, given_up = await home(road, 2), await home(road, 2)
    past = await home(road, -9)
    await road.act(road.doctor, done, E.FOLLOW_UP, item=1, done_on=clock.today())
    await road.act(road.doctor, given_up, E.FOLLOW_UP, item=1, not_done=NotDone.DECLINED)
    withdrawn = await home(road, 2, until=E.ACCEPT)
    await road.act(road.lead.actor, withdrawn, E.WITHDRAW)
    waiting = await home(road, 2, until=E.SEND)
    later(1 * DAY)
    for _ in range(2):
        await road.referrals.reminding.run()
    assert await told(road) == []
    (line,) = lines(await road.stored(past))
    assert (line.said.late, line.said.told_at, line.result) == (True, None, Result.OPEN)
    # Whoever is taken late is told at once what is due.
    await road.act(road.clinic.actor, waiting, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    await road.referrals.reminding.run()
    assert len(await told(road)) == 1


async def test_at_night_nobody_is_reminded(road: Road, later: Later, monkeypatch: pytest.MonkeyPatch):
    await home(road, 1)
    monkeypatch.setattr(reminding, "FROM_HOUR", 13)
    assert await road.referrals.reminding.run() == 0
    monkeypatch.setattr(reminding, "FROM_HOUR", 12)
    assert await road.referrals.reminding.run() == 1


async def test_a_desk_sees_what_is_due_and_late_and_says_what_was_done_or_why_not(road: Road, later: Later):
    soon, far = await home(road, 1, 3), await home(road, 60)
    other = await home(road, 2)
    assert await desk(road, Follow.OPEN) == [soon.id, other.id, far.id]
    assert await desk(road, Follow.DUE) == [soon.id, other.id]
    assert await desk(road, Follow.OVERDUE) == await desk(road, Follow.CLOSED) == []
    assert (await road.referrals.counters(road.doctor)).to_follow == 0
    later(2 * DAY)
    assert await desk(road, Follow.OVERDUE) == [soon.id]
    assert (await road.referrals.counters(road.doctor)).to_follow == 2
    # The lead hospital sees what becomes of whom it has sent home, and says nothing of it.
    theirs = await road.referrals.list(road.lead.actor, ReferralQuery(follow=Follow.OPEN, side=Side.OUT))
    assert [each.id for each in theirs.items] == [soon.id, other.id, far.id]
    facts = {"item": 1, "done_on": clock.today(), "text": "窦性心律"}
    await refused(road.act(road.lead.actor, soon, E.FOLLOW_UP, **facts), ErrorCode.FORBIDDEN)
    await refused(road.act(road.person.actor, soon, E.FOLLOW_UP, **facts), ErrorCode.FORBIDDEN)
    await refused(road.act(road.other.actor, soon, E.FOLLOW_UP, **facts), ErrorCode.NOT_FOUND)
    after = await road.act(road.doctor, soon, E.FOLLOW_UP, **facts)
    again = await road.act(road.doctor, soon, E.FOLLOW_UP, **facts)
    assert (again.turn, len(again.history)) == (after.turn, len(after.history))
    first, second = lines(after)
    assert (first.result, first.said.done_on, first.said.note) == (Result.DONE, clock.today(), "窦性心律")
    assert first.said.said_by == f"staff:{road.doctor.id}"
    assert (second.result, after.state) == (Result.OPEN, S.ARRIVED)
    # The clock of the referral does not mind, and what happened last is still known when it comes again.
    assert (after.due_at, after.finish_by) == (soon.due_at, soon.finish_by)
    assert (await road.act(road.clinic.actor, soon, E.ARRIVE)).turn == after.turn
    await road.act(road.doctor, other, E.FOLLOW_UP, item=1, not_done=NotDone.ELSEWHERE)
    assert await desk(road, Follow.OPEN) == [soon.id, far.id]
    assert await desk(road, Follow.CLOSED) == [other.id, soon.id]
    # A slip is put right.
    mended = await road.act(road.doctor, other, E.FOLLOW_UP, item=1, done_on=clock.today() - DAY)
    assert lines(mended)[0].said.not_done is None
    told_of = AuditFilter(action="referrals.follow_up")
    assert len((await road.services.audit.list_entries(SYSTEM, told_of))[0]) == 3


async def test_what_cannot_be_said_of_a_plan_is_refused(road: Road):
    sent, today = await home(road, 1), clock.today()
    for wrong in (
        {"item": 1},
        {"done_on": today},
        {"item": 2, "done_on": today},
        {"item": -1, "done_on": today},
        {"item": 1, "done_on": today + DAY},
        {"item": 1, "done_on": date(1, 1, 1)},
        {"item": 1, "done_on": today, "not_done": NotDone.DIED},
        {"item": 1, "not_done": NotDone.OTHER, "text": " "},
    ):
        await refused(road.act(road.doctor, sent, E.FOLLOW_UP, **wrong))
    up = await road.accepted()
    said = {"item": 1, "done_on": today}
    await refused(road.act(road.lead.actor, up, E.FOLLOW_UP, **said), ErrorCode.REFERRAL_STATE)
    for on in (date.max, date.min):
        await refused(road.send(road.lead.actor, direction=Direction.DOWN, plan=(PlanItem("复查", on),)))
    away = {"outcome": Outcome.DIED, "send_back": True, "discharge_summary": "死亡", "plan": plan(1)}
    await road.act(road.lead.actor, up, E.ARRIVE)
    await refused(road.act(road.lead.actor, up, E.COMPLETE, **away))


async def test_of_two_who_say_at_once_how_two_things_stand_both_have_said_it(road: Road):
    sent = await home(road, 1, 2)
    await asyncio.gather(
        *(road.act(road.doctor, sent, E.FOLLOW_UP, item=n, done_on=clock.today()) for n in (1, 2, 1, 2)),
        road.referrals.reminding.run(),
        return_exceptions=True,
    )
    after = await road.stored(sent)
    assert [line.result for line in lines(after)] == [Result.DONE, Result.DONE]
    assert sum(step.event is E.FOLLOW_UP for step in after.history) == 2


async def test_the_dead_are_reminded_of_nothing_and_looked_for_by_nobody(
    road: Road, town: TestCity, later: Later
):
    first, second = await home(road, 2, 9), await home(road, 2)
    up = await road.accepted()
    await road.act(road.lead.actor, up, E.ARRIVE)
    await road.act(road.lead.actor, up, E.COMPLETE, outcome=Outcome.DIED)
    await town.work()
    for sent in (first, second):
        said = lines(await road.stored(sent))
        assert {line.said.not_done for line in said} == {NotDone.DIED}
        assert {line.said.said_by for line in said} == {f"{SYSTEM.kind}:{SYSTEM.id}"}
    later(DAY)
    await road.referrals.reminding.run()
    assert await told(road) == []
    assert await desk(road, Follow.OPEN) == []


async def test_a_plan_goes_along_to_whom_he_is_sent_instead_and_ends_with_the_account(
    road: Road, later: Later
):
    sent = await home(road, 1, 5, until=E.ACCEPT)
    await road.referrals.reminding.run()
    await road.act(road.doctor, sent, E.MISS)
    assert await desk(road, Follow.OPEN) == [sent.id]
    onward = await road.act(road.lead.actor, sent, E.REDIRECT, to_organization_id=road.other.id)
    assert [line.result for line in lines(await road.stored(sent))] == [Result.OFF, Result.OFF]
    assert await desk(road, Follow.OPEN) == []
    await road.act(road.other.actor, onward, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    await road.referrals.reminding.run()
    # What he was told from the first he is not told from the second.
    assert len(await told(road)) == 1
    assert [bool(line.said.told_at) for line in lines(await road.stored(onward))] == [True, False]
    await road.store.forget(onward.id)
    left = (await doc_of(road, onward)).keys()
    assert not {"plan", "follow_on", "remind_at", "followed_at"} & left


async def test_plans_of_before_are_found_by_their_indexes(road: Road, db: Database, later: Later):
    sent = await home(road, 5)
    docs = db.collection("referrals")
    names = ("plan", "follow_on", "remind_at")
    await docs.update_many({}, {"$unset": dict.fromkeys(names, "")})
    await m0087_follow_ups.up(db)
    assert await road.referrals.reminding.run() == 1
    assert await told(road) == []
    assert await desk(road, Follow.OPEN) == [sent.id]
    for query, index in (
        ({"remind_at": {"$lte": clock.now()}}, "remind"),
        (wanted(ReferralQuery(follow=Follow.OPEN, side=Side.IN), {road.clinic.id}), "follow_at_receiver"),
        (wanted(ReferralQuery(follow=Follow.CLOSED, side=Side.OUT), {road.lead.id}), "followed_of_sender"),
    ):
        chosen = str((await docs.find(query).explain())["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in chosen
        assert index in str((await docs.find(query).hint(index).explain())["queryPlanner"]["winningPlan"])


async def test_his_app_says_what_is_done_and_whoever_books_for_an_adult_reads_nothing_of_it(
    road: Road, town: TestCity
):
    sent = await home(road, 1, 40)
    clinic = Caller(road.clinic.id, road.services.tokens.issue(road.clinic.actor))
    body = {"item": 1, "done_on": clock.today().isoformat(), "text": "窦性心律"}
    path = f"/hospital/v1/referrals/{sent.id}/follow_up"
    await town.call("POST", path, as_=clinic, json=body)
    said = await town.call("POST", path, as_=clinic, json=body)
    assert [each["result"] for each in said["clinical"]["plan"]] == ["done", "open"]
    await town.call("POST", path, as_=clinic, json=body | {"not_done": "gone"}, expect=400)
    open_ones = {"side": "in", "follow_up": "open"}
    page = await town.call("GET", "/hospital/v1/referrals", as_=clinic, params=open_ones)
    assert [each["id"] for each in page["items"]] == [sent.id]
    mine = Caller(road.person.id, road.person.access_token)
    seen = await town.call("GET", f"/api/v1/referrals/{sent.id}", as_=mine)
    first = seen["clinical"]["plan"][0]
    assert (first["number"], first["done_on"], first["note"]) == (1, body["done_on"], "窦性心律")
    assert (await road.referrals.get(road.city, sent.id)).follow_ups == ()
    # HL7 goes on telling of the referral, whatever was said of its plan.
    await road.act(road.doctor, sent, E.FOLLOW_UP, item=2, not_done=NotDone.OTHER, text="已搬走")
    await town.work()
    assert len((await road.stored(sent)).history) == 5
    lines_of = ReferralLines(road.referrals, road.services.directory)
    assert (await lines_of.facts(sent.id) or pytest.fail("gone")).steps[-1].text == "已搬走"


async def test_the_city_turns_the_pages_of_what_it_reads_nothing_of(road: Road, later: Later):
    made = [(await home(road, n)).id for n in (3, 1, 2)]
    for sent in made[1:]:
        await road.act(
            road.doctor, await road.referrals.get(SYSTEM, sent), E.FOLLOW_UP, item=1, done_on=clock.today()
        )
    for follow, wanted_ids in ((Follow.OPEN, made[:1]), (Follow.CLOSED, made[:0:-1])):
        found, query = [], ReferralQuery(follow=follow, limit=1)
        while True:
            page = await road.referrals.list(road.city, query)
            found += [each.id for each in page.items]
            assert all(not each.clinical.plan for each in page.items)
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)
        assert found == wanted_ids
