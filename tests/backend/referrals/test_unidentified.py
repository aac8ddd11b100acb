"""Somebody of whom nobody knows who he is: sent at once, identified later, and only then a record opens."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import (
    Direction,
    Outcome,
    PlanItem,
    Referral,
    ReferralQuery,
    RejectReason,
    Urgency,
    Who,
)
from backend.referrals.unidentified import SeenSex, Unidentified
from tests.factories.city import a_name, an_id_number
from tests.factories.referrals import IN_TWO_HOURS, Road, make_road
from tests.support.city import Surroundings, TestCity, open_test_city

E, S = ReferralEvent, ReferralState
SEEN = Unidentified("火车站广场", SeenSex.MALE, 50)
NOBODY = Who(unidentified=SEEN)


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity) -> Road:
    return await make_road(town.city.services)


async def found(road: Road, **more: Any) -> Referral:
    """Sent by the clinic: whoever lies there."""
    values: dict[str, Any] = {"who": NOBODY, "urgency": Urgency.EMERGENCY, "reason": "昏迷"}
    return await road.send(**(values | more))


def who(road: Road) -> Who:
    return Who(name=road.person.name, id_number=road.person.id_number)


async def refused(call: Any, code: ErrorCode = ErrorCode.BAD_REQUEST) -> dict[str, Any]:
    with pytest.raises(AppError) as error:
        await call
    assert error.value.code is code
    return error.value.data or {}


async def test_he_is_sent_and_treated_and_is_nobody_until_somebody_says_who(road: Road, town: TestCity):
    sent = await found(road)
    assert (sent.person_id, sent.is_unidentified, sent.gives_access) == ("", True, False)
    await town.work()
    told = (await town.outside.get("sms", phone="13700000001"))["items"]
    assert [sms for sms in told if "急救转诊" in sms["content"]]
    # Another one, at the same hour, is another.
    other = await found(road)
    assert other.id != sent.id
    schedule = await road.session()
    lead = road.lead.actor
    await refused(road.act(lead, sent, E.ACCEPT, schedule_id=schedule.id))
    await road.act(lead, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS, bed="抢救室")
    await road.act(lead, sent, E.ARRIVE)
    assert await road.services.db.collection("care_relations").count_documents({}) == 0
    before = await road.stored(sent)
    known = await road.act(lead, sent, E.IDENTIFY, who=who(road))
    assert (known.person_id, known.state, known.unidentified) == (road.person.id, S.ARRIVED, SEEN)
    # Whoever says who he is has not said how it ended.
    assert (known.due_at, known.level) == (before.due_at, before.level)
    assert await road.reads()
    (mine,) = (await road.referrals.list(road.person.actor, ReferralQuery())).items
    assert mine.id == sent.id
    # Said again, nothing; somebody else, no.
    again = await road.act(lead, sent, E.IDENTIFY, who=who(road))
    assert again.turn == known.turn
    somebody = Who(name=a_name(7), id_number=an_id_number(7))
    await refused(road.act(lead, sent, E.IDENTIFY, who=somebody), ErrorCode.REFERRAL_STATE)
    await refused(road.act(road.city, sent, E.IDENTIFY, who=who(road)), ErrorCode.REFERRAL_STATE)
    await refused(road.act(road.city, other, E.IDENTIFY, who=who(road)), ErrorCode.FORBIDDEN)


async def test_it_may_be_known_when_it_is_over_and_opens_nothing_then(road: Road):
    sent = await found(road)
    await road.act(road.lead.actor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    await road.act(road.lead.actor, sent, E.ARRIVE)
    home = {"send_back": True, "discharge_summary": "好转", "plan": (PlanItem("复查", clock.today()),)}
    await refused(road.act(road.lead.actor, sent, E.COMPLETE, outcome=Outcome.IMPROVED, **home))
    await road.act(road.lead.actor, sent, E.COMPLETE, outcome=Outcome.DIED)
    known = await road.act(road.doctor, sent, E.IDENTIFY, who=who(road))
    assert (known.state, known.person_id) == (S.COMPLETED, road.person.id)
    assert not await road.reads()


async def test_only_an_emergency_on_the_way_up_is_sent_so(road: Road):
    for wrong in (
        {"urgency": Urgency.URGENT},
        {"direction": Direction.DOWN},
        {"who": Who(unidentified=Unidentified(" "))},
        {"attachments": (f"{new_id()}-{new_id()}",)},
    ):
        await refused(found(road, **wrong))
    for nobody in (None, Who(), Who(name="只有名字"), NOBODY):
        sent = await found(road)
        await refused(road.act(road.lead.actor, sent, E.IDENTIFY, who=nobody))


async def test_the_same_request_is_one_also_after_he_was_identified(road: Road):
    draft, key = road.draft(who=NOBODY, urgency=Urgency.EMERGENCY), new_id()
    sent = await road.referrals.send(road.doctor, draft, key)
    await road.act(road.doctor, sent, E.IDENTIFY, who=who(road))
    assert (await road.referrals.send(road.doctor, draft, key)).id == sent.id


async def test_he_goes_on_to_the_next_as_he_is(road: Road, town: TestCity):
    sent = await found(road, nearest=True)
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_BED)
    await town.work()
    onward = await road.store.find((await road.stored(sent)).followed_by)
    assert onward is not None
    assert (onward.to_organization_id, onward.unidentified) == (road.other.id, SEEN)


async def test_of_two_who_say_who_he_is_at_once_one_has_said_it(road: Road):
    sent = await found(road)
    somebody = Who(name=a_name(7), id_number=an_id_number(7))
    done = await asyncio.gather(
        road.act(road.lead.actor, sent, E.IDENTIFY, who=who(road)),
        road.act(road.doctor, sent, E.IDENTIFY, who=somebody),
        return_exceptions=True,
    )
    (known,) = [each for each in done if isinstance(each, Referral)]
    (no,) = [each for each in done if isinstance(each, AppError)]
    assert no.code is ErrorCode.REFERRAL_STATE
    assert (await road.stored(sent)).person_id == known.person_id
    relations = road.services.db.collection("care_relations").find({}, {"person_id": 1})
    assert {each["person_id"] async for each in relations} == {known.person_id}


async def test_what_was_seen_of_him_goes_with_his_account(road: Road):
    sent = await found(road)
    known = await road.act(road.doctor, sent, E.IDENTIFY, who=who(road))
    await road.store.forget(known.id)
    left = await road.referrals.get(SYSTEM, sent.id)
    assert (left.person_id, left.unidentified, left.is_unidentified) == ("", None, False)
