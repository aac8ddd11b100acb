"""Whose telephone rings of a referral, and what the patient is told when he was waited for in vain."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM
from backend.referrals.desks import Desk
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Outcome, PlanItem, RejectReason, Urgency
from tests.factories.referrals import IN_TWO_HOURS, Road, make_road
from tests.support.city import Surroundings, TestCity, open_test_city

E = ReferralEvent
CLINIC = "13700000077"


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity) -> Road:
    return await make_road(town.city.services)


async def texts_to(town: TestCity, phone: str) -> list[str]:
    await town.work()
    return [sms["content"] for sms in (await town.outside.get("sms", phone=phone))["items"]]


async def refused(call: Any, code: ErrorCode) -> dict[str, Any]:
    with pytest.raises(AppError) as error:
        await call
    assert error.value.code is code
    return error.value.data or {}


async def test_no_emergency_goes_by_itself_where_no_telephone_rings(road: Road):
    service, bare = road.services.referrals, Desk(road.lead.id, takes_emergencies=True)
    data = await refused(service.set_desk(SYSTEM, bare), ErrorCode.BAD_REQUEST)
    assert data["fields"] == [{"field": "duty_phone", "problem": "missing"}]
    # One that was stated before that was asked.
    await road.store.save_desk(bare)
    sent = await road.send(urgency=Urgency.EMERGENCY, nearest=True)
    assert sent.to_organization_id == road.other.id
    asked = [road.lead.id, road.other.id, road.clinic.id]
    assert await service.unrung(road.doctor, asked) == {road.lead.id, road.clinic.id}
    await refused(service.unrung(road.person.actor, asked), ErrorCode.FORBIDDEN)


async def test_a_sender_without_a_telephone_hears_at_his_desk(road: Road, town: TestCity):
    await road.referrals.set_desk(SYSTEM, Desk(road.clinic.id, duty_phone=CLINIC))
    sent = await road.send()
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_BED)
    (heard,) = await texts_to(town, CLINIC)
    assert "转往市人民医院" in heard
    assert "已拒绝（暂无床位或号源）" in heard
    # Who has left his own is called there, and the desk is left in peace.
    again = await road.send(phone="13500000001")
    await road.act(road.lead.actor, again, E.REJECT, reason=RejectReason.NO_BED)
    assert len(await texts_to(town, "13500000001")) == 1
    assert len(await texts_to(town, CLINIC)) == 1


async def test_a_hospital_hears_that_nobody_takes_whom_it_has_sent_home(road: Road, town: TestCity):
    clinic = road.clinic.actor
    for event, facts, word in (
        (E.REJECT, {"reason": RejectReason.NO_CAPABILITY}, "已拒绝（不具备诊疗条件）"),
        (E.LAPSE, {}, "已失效"),
    ):
        sent = await road.accepted()
        await road.act(road.lead.actor, sent, E.ARRIVE)
        done = await road.act(
            road.lead.actor, sent, E.COMPLETE, outcome=Outcome.IMPROVED, send_back=True,
            discharge_summary="好转出院", plan=(PlanItem("复查心电图", date(2027, 3, 1)),),
        )  # fmt: skip
        back = await road.referrals.get(clinic, done.followed_by)
        await road.act(clinic if event is E.REJECT else SYSTEM, back, event, **facts)
        heard = [text for text in await texts_to(town, "13700000001") if word in text]
        assert len(heard) == 1, heard
        assert "转往幸福社区" in heard[0]


async def test_whoever_was_waited_for_in_vain_is_told_so_in_words_of_its_own(road: Road, town: TestCity):
    phone = str((await road.services.residents.contact(road.person.id)).phone)
    sent = await road.accepted(urgency=Urgency.URGENT)
    await road.act(road.lead.actor, sent, E.MISS)
    (told,) = [text for text in await texts_to(town, phone) if "未等到您" in text]
    assert "转诊至市人民医院" in told
    # Who comes before the message leaves is not told that he has not.
    other = await road.send(to_organization_id=road.other.id)
    at = clock.now() + IN_TWO_HOURS
    await road.act(road.other.actor, other, E.ACCEPT, expected_at=at)
    await road.act(road.other.actor, other, E.MISS)
    await road.act(road.other.actor, other, E.ARRIVE)
    assert len([text for text in await texts_to(town, phone) if "未等到您" in text]) == 1
