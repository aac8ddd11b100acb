"""What seldom happens to a referral, and must end well all the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.db.migrations import m0063_referral_clocks
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.desks import CITY, Desk
from backend.referrals.machine import Part, ReferralEvent, ReferralState
from backend.referrals.models import (
    Direction,
    Level,
    Outcome,
    PlanItem,
    ReferralQuery,
    RejectReason,
    Side,
    Urgency,
)
from backend.worker.events import Event, EventKind
from tests.factories.referrals import FACTS, IN_TWO_HOURS, Road, make_road
from tests.factories.sharing import make_place
from tests.support.city import Surroundings, TestCity, open_test_city

E, S = ReferralEvent, ReferralState


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity) -> Road:
    return await make_road(town.city.services)


async def texts_to(town: TestCity, phone: str) -> list[str]:
    return [sms["content"] for sms in (await town.outside.get("sms", phone=phone))["items"]]


async def refused(call: Any, code: ErrorCode) -> dict[str, Any]:
    with pytest.raises(AppError) as error:
        await call
    assert error.value.code is code
    return error.value.data or {}


async def test_what_can_wait_turns_no_emergency_away(road: Road):
    waiting = await road.accepted()
    need = await road.send(urgency=Urgency.EMERGENCY, reason="突发胸痛，大汗")
    assert (need.state, need.to_organization_id) == (S.REQUESTED, waiting.to_organization_id)
    nearest = road.send(urgency=Urgency.EMERGENCY, nearest=True, reason="突发胸痛，大汗")
    assert await refused(nearest, ErrorCode.REFERRAL_OPEN) == {"referral_id": need.id}
    data = await refused(road.send(urgency=Urgency.URGENT), ErrorCode.REFERRAL_OPEN)
    assert data["referral_id"] in (waiting.id, need.id)


async def test_who_was_never_seen_out_may_be_sent_again(road: Road):
    """The receiver forgot to complete it: the clinic is not to wait for that for ever."""
    once = await road.accepted()
    await road.act(road.lead.actor, once, E.ARRIVE)
    await road.act(road.lead.actor, once, E.BEGIN_TREATMENT)
    assert (await road.send()).state is S.REQUESTED


async def test_nobody_is_told_to_come_to_a_clinic_that_was_stopped_meanwhile(road: Road, town: TestCity):
    schedule = await road.session()
    sent = await road.accepted(schedule)
    await road.services.schedules.stop_by_staff(SYSTEM, schedule.id, "医生急诊手术")
    stored = await road.stored(sent)
    assert stored.place is not None
    assert await road.store.write(replace(stored, place=replace(stored.place, lost=True)))
    await town.work()
    phone = str((await road.services.residents.contact(road.person.id)).phone)
    assert not [text for text in await texts_to(town, phone) if "转诊至" in text]


async def test_nobody_is_sent_round_in_circles(road: Road, town: TestCity):
    """Twelve hospitals refuse: each is asked once, and then nobody is left."""
    for number in range(10):
        place = await make_place(road.services, f"far{number}", name=f"第{number}医院", lat=37.0, lng=119.5)
        await road.services.referrals.set_desk(SYSTEM, Desk(place.id, True, "13700000003"))
    at = await road.send(urgency=Urgency.EMERGENCY, nearest=True)
    asked = [at.to_organization_id]
    for _ in range(11):
        await road.referrals.act(SYSTEM, at.id, E.LAPSE)
        await town.work()
        at = await road.stored(await road.referrals.get(road.doctor, (await road.stored(at)).followed_by))
        asked.append(at.to_organization_id)
    assert len(set(asked)) == 12
    await road.referrals.act(SYSTEM, at.id, E.LAPSE)
    await town.work()
    assert (await road.stored(at)).followed_by == ""


async def test_only_an_emergency_goes_on_to_whoever_is_nearest(road: Road):
    sent = await road.send()
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_BED)
    data = await refused(road.act(road.doctor, sent, E.REDIRECT, nearest=True), ErrorCode.BAD_REQUEST)
    assert data["fields"] == [{"field": "nearest", "problem": "only_for_emergencies"}]


async def test_nobody_is_sent_on_to_where_he_is_sent_already(road: Road):
    sent = await road.send()
    other = await road.send(to_organization_id=road.other.id)
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_BED)
    onward = road.act(road.doctor, sent, E.REDIRECT, to_organization_id=road.other.id)
    assert await refused(onward, ErrorCode.REFERRAL_OPEN) == {"referral_id": other.id}
    assert (await road.stored(sent)).followed_by == ""


async def test_who_was_given_up_on_and_came_after_all_goes_home_with_his_papers(road: Road):
    sent = await road.accepted()
    await road.act(road.lead.actor, sent, E.MISS)
    elsewhere = await road.act(road.doctor, sent, E.REDIRECT, to_organization_id=road.other.id)
    await road.act(road.lead.actor, sent, E.ARRIVE)
    plan = (PlanItem("复查心电图", clock.today() + timedelta(days=14)),)
    done = await road.act(
        road.lead.actor, sent, E.COMPLETE, outcome=Outcome.IMPROVED, send_back=True,
        discharge_summary="好转出院", plan=plan,
    )  # fmt: skip
    assert done.followed_by != elsewhere.id
    back = await road.referrals.get(road.doctor, done.followed_by)
    assert (back.direction, back.to_organization_id) == (Direction.DOWN, road.clinic.id)
    assert (back.clinical.discharge_summary, back.clinical.plan) == ("好转出院", plan)


async def test_who_came_after_all_is_expected_nowhere_else(road: Road, town: TestCity):
    schedule = await road.session(road.other)
    missed = await road.accepted()
    await road.act(road.lead.actor, missed, E.MISS)
    onward = await road.act(road.doctor, missed, E.REDIRECT, to_organization_id=road.other.id)
    await road.act(road.other.actor, onward, E.ACCEPT, schedule_id=schedule.id)
    here = await road.act(road.lead.actor, missed, E.ARRIVE)
    off = await road.stored(onward)
    assert (here.state, here.followed_by) == (S.ARRIVED, "")
    assert (off.state, off.followed_by, off.history[-1].part) == (S.WITHDRAWN, missed.id, Part.SYSTEM)
    # At once: nobody reads there any more, and the place is another's.
    assert not await road.reads(road.other)
    assert off.loose == ()
    await town.work()
    assert [text for text in await texts_to(town, "13700000002") if "不必再准备" in text]
    # What has ended elsewhere goes on here, too: nobody sends him on from there.
    again = await road.accepted()
    await road.act(road.lead.actor, again, E.MISS)
    second = await road.act(road.doctor, again, E.REDIRECT, to_organization_id=road.other.id)
    await road.act(road.other.actor, second, E.REJECT, reason=RejectReason.NO_BED)
    await road.act(road.lead.actor, again, E.ARRIVE)
    assert (await road.referrals.counters(road.doctor)).to_redirect == 0
    nobody = road.act(road.doctor, second, E.REDIRECT, to_organization_id=road.lead.id)
    assert (await refused(nobody, ErrorCode.REFERRAL_STATE))["followed_by"] == again.id
    # And whoever has arrived where he was sent on to is not here.
    third = await road.accepted()
    await road.act(road.lead.actor, third, E.MISS)
    there = await road.act(road.doctor, third, E.REDIRECT, to_organization_id=road.other.id)
    await road.act(road.other.actor, there, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    await road.act(road.other.actor, there, E.ARRIVE)
    data = await refused(road.act(road.lead.actor, third, E.ARRIVE), ErrorCode.REFERRAL_STATE)
    assert data["followed_by"] == there.id


@pytest.mark.parametrize(
    "at",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        clock.now() + timedelta(days=400),
        clock.now() - timedelta(days=4),
    ],
)
async def test_nobody_is_expected_at_an_impossible_hour(road: Road, at: datetime):
    sent = await road.send()
    data = await refused(road.act(road.lead.actor, sent, E.ACCEPT, expected_at=at), ErrorCode.BAD_REQUEST)
    assert data["fields"][0]["field"] == "expected_at"
    await road.act(road.lead.actor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    away = road.act(road.doctor, sent, E.DEPART, transport=FACTS[E.DEPART].transport, expected_at=at)
    await refused(away, ErrorCode.BAD_REQUEST)


async def test_nobodys_record_travels_with_anothers_referral_at_any_step(road: Road):
    sent = await road.send()
    await road.act(road.lead.actor, sent, E.ASK_MORE, text="请补充")
    strange = (f"{new_id()}-{new_id()}",)
    more = road.act(road.doctor, sent, E.SUPPLEMENT, text="见附件", attachments=strange)
    data = await refused(more, ErrorCode.BAD_REQUEST)
    assert data["fields"][0]["field"] == "attachments"


async def test_whoever_was_told_to_come_hears_that_the_sender_has_withdrawn(road: Road, town: TestCity):
    phone = str((await road.services.residents.contact(road.person.id)).phone)
    for by, told in ((road.doctor, 1), (road.person.actor, 0)):
        before = len([text for text in await texts_to(town, phone) if "已撤回" in text])
        sent = await road.accepted(phone="13500000001")
        await town.work()
        await road.act(by, sent, E.WITHDRAW)
        await town.work()
        now = [text for text in await texts_to(town, phone) if "已撤回" in text]
        assert len(now) - before == told, by.kind
    # And the doctor hears what his patient has withdrawn himself.
    doctor = [text for text in await texts_to(town, "13500000001") if "已撤回" in text]
    assert len(doctor) == 1


async def test_a_desk_with_one_telephone_is_called_there(road: Road, town: TestCity):
    for phones in ({"duty_phone": "", "operators_phone": "13700000008"}, {"duty_phone": "13700000007"}):
        await road.services.referrals.set_desk(SYSTEM, Desk(road.lead.id, True, **phones))
        sent = await road.send(urgency=Urgency.EMERGENCY)
        await town.work()
        for _ in range(2):
            await road.overdue(sent)
            await town.work()
        heard = await texts_to(town, "".join(phones.values()))
        assert [word for word in ("请尽快答复", "请立即答复", "请立即处理") if word in "".join(heard)] == [
            "请尽快答复", "请立即答复", "请立即处理",
        ]  # fmt: skip
        await road.act(road.doctor, sent, E.WITHDRAW)


async def test_who_is_never_seen_out_is_asked_after_and_then_closed(road: Road, town: TestCity):
    for begins in (False, True):
        sent = await road.accepted()
        here = await road.act(road.lead.actor, sent, E.ARRIVE)
        if begins:
            await road.overdue(sent)
            here = await road.act(road.lead.actor, sent, E.BEGIN_TREATMENT)
        # Each step begins anew.
        assert (here.level, here.finish_by) == (Level.SENT, here.due_at)
        assert (await road.referrals.counters(road.lead.actor)).to_finish == 0
        for level in (Level.DESK, Level.OPERATORS):
            await road.overdue(sent)
            late = await road.stored(sent)
            assert (late.state, late.level, late.finish_by) == (here.state, level, here.finish_by)
            waits = await road.referrals.counters(road.lead.actor)
            assert (waits.to_finish, waits.overdue) == (1, 1)
            found = await road.referrals.list(road.lead.actor, ReferralQuery(side=Side.IN, overdue=True))
            assert [each.id for each in found.items] == [sent.id]
            await town.work()
        assert await road.reads()
        await road.overdue(sent)
        done = await road.stored(sent)
        assert (done.state, done.outcome, done.due_at, done.finish_by) == (S.COMPLETED, None, None, None)
        assert done.history[-1].event is E.CLOSE
        await town.work()
        assert not await road.reads()
        assert (await road.referrals.counters(road.lead.actor)).to_finish == 0
    assert [text for text in await texts_to(town, "13700000001") if "请登记诊治结果" in text]
    assert [text for text in await texts_to(town, "13700000009") if "到期自动结束" in text]


async def test_who_arrived_before_there_was_a_clock_has_one_from_the_migration_on(road: Road):
    sent = await road.accepted()
    here = await road.act(road.lead.actor, sent, E.ARRIVE)
    assert here.arrived_at is not None
    referrals = road.services.db.collection("referrals")
    bare = await road.stored(sent)
    assert await road.store.write(replace(bare, due_at=None, finish_by=None))
    for _ in range(2):
        await m0063_referral_clocks.up(road.services.db)
    doc = await referrals.find_one({"_id": sent.id})
    assert doc is not None
    assert abs(doc["due_at"] - here.arrived_at - timedelta(days=14)) < timedelta(seconds=1)
    await road.overdue(sent)
    late = await road.stored(sent)
    assert (late.level, late.finish_by is not None) == (Level.DESK, True)


async def test_nobody_who_deletes_his_account_stays_arrived_for_ever(road: Road):
    sent = await road.accepted()
    await road.act(road.lead.actor, sent, E.ARRIVE)
    await road.referrals.following.on_resident_deleted(
        Event(EventKind.RESIDENT_DELETED, {"resident_id": road.person.id})
    )
    assert (await road.stored(sent)).state is S.COMPLETED
    assert await road.services.db.collection("referral_ways").count_documents({}) == 0


async def test_the_city_is_called_when_no_institution_answers(road: Road, town: TestCity):
    await road.referrals.set_desk(road.city, Desk(CITY, takes_emergencies=True, duty_phone="13700000005"))
    assert not (await road.referrals.desk(road.city, CITY)).takes_emergencies
    await refused(road.referrals.desk(road.lead.actor, CITY), ErrorCode.NOT_FOUND)
    sent = await road.send(urgency=Urgency.EMERGENCY)
    for waiting in (0, 0, 1):
        await road.overdue(sent)
        await town.work()
        assert (await road.referrals.counters(road.city)).at_city == waiting
    assert (await road.referrals.counters(road.lead.actor)).at_city == 0
    (told,) = await texts_to(town, "13700000005")
    assert "请立即协调" in told
    found = await road.referrals.list(road.city, ReferralQuery(level=Level.CITY))
    assert [each.id for each in found.items] == [sent.id]
    await road.act(road.lead.actor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    assert (await road.referrals.counters(road.city)).at_city == 0


async def test_what_is_wrong_with_one_stops_no_others_clock(road: Road, monkeypatch: pytest.MonkeyPatch):
    broken = await road.send()
    fine = await road.send(to_organization_id=road.other.id)
    real = road.referrals.following._by_itself

    async def by_itself(referral: Any, event: ReferralEvent) -> None:
        if referral.id == broken.id:
            raise OverflowError
        await real(referral, event)

    monkeypatch.setattr(road.referrals.following, "_by_itself", by_itself)
    past = {"$set": {"due_at": clock.now() - timedelta(hours=1)}}
    await road.services.db.collection("referrals").update_one({"_id": broken.id}, past)
    await road.overdue(fine)
    assert (await road.stored(fine)).level == "desk"


async def test_an_arrival_is_not_lost_to_somebody_who_acts_at_the_same_moment(
    road: Road, monkeypatch: pytest.MonkeyPatch
):
    sent = await road.accepted()
    stale = [await road.stored(sent)]
    await road.act(road.person.actor, sent, E.WISH, text="希望改到下午")
    following = road.referrals.following

    async def of_person(person_id: str, *, open_only: bool = False) -> list[Any]:
        return stale

    monkeypatch.setattr(following._store, "of_person", of_person)
    shown = {"step": "10102", "patient_id": road.person.id, "organization_id": road.lead.id}
    await following.on_code_used(Event(EventKind.CODE_USED, shown, at=clock.now()))
    assert (await road.stored(sent)).state is S.ARRIVED


async def test_the_city_reads_no_words_of_the_patient(road: Road):
    sent = await road.accepted()
    await road.act(road.person.actor, sent, E.WISH, text="化疗那天来不了")
    assert (await road.referrals.get(road.city, sent.id)).wish == ""
    assert (await road.referrals.get(road.lead.actor, sent.id)).wish == "化疗那天来不了"


async def test_of_a_deleted_account_nothing_stays_open_on_the_way_and_nobody_is_sent_on(road: Road):
    going = await road.accepted()
    await road.act(road.doctor, going, E.DEPART, transport=FACTS[E.DEPART].transport)
    lost = await road.send(to_organization_id=road.other.id)
    await road.act(road.other.actor, lost, E.REJECT, reason=RejectReason.NO_BED)
    mine = await road.accepted(urgency=Urgency.EMERGENCY)
    await road.act(road.person.actor, mine, E.WITHDRAW)
    gone = Event(EventKind.RESIDENT_DELETED, {"resident_id": road.person.id})
    await road.referrals.following.on_resident_deleted(gone)
    left = await road.stored(going)
    assert (left.state, left.person_id) == (S.NOT_ARRIVED, "")
    onward = road.act(road.doctor, lost, E.REDIRECT, to_organization_id=road.lead.id)
    await refused(onward, ErrorCode.REFERRAL_STATE)
    steps = (await road.stored(mine)).history
    assert all(step.actor_id != road.person.id for step in steps)
    assert replace(steps[-1], actor_id="") == steps[-1]


async def test_a_code_opens_the_record_where_it_is_shown_and_nowhere_else(road: Road, town: TestCity):
    """One desk for two hospitals."""
    sent = await road.accepted()
    both = Actor(
        "staff", new_id(), Role.HOSPITAL_OPERATOR, frozenset({road.lead.id, road.other.id}), channel="console"
    )
    code = await road.services.healthcodes.make_dynamic(road.person.actor, road.person.id)
    await refused(road.referrals.expected(both, code.text), ErrorCode.FORBIDDEN)
    await refused(road.referrals.expected(both, code.text, road.clinic.id), ErrorCode.FORBIDDEN)
    assert (await road.referrals.expected(both, code.text, road.lead.id)).id == sent.id
    await town.work()
    assert (await road.reads(), await road.reads(road.other)) == (True, False)


async def test_the_way_down_opens_no_record_before_it_is_accepted(road: Road):
    sent = await road.send(
        road.lead.actor, urgency=Urgency.EMERGENCY, direction=Direction.DOWN,
        to_organization_id=road.clinic.id,
    )  # fmt: skip
    assert not await road.reads(road.clinic)
    await road.act(road.doctor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    assert await road.reads(road.clinic)
