"""Two at the same moment, and processes that die between two writes: no place is lost, none is had twice."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from backend.referrals.machine import PLACED, ReferralEvent, ReferralState
from backend.referrals.models import Facts, Referral, RejectReason, Urgency, Who
from tests.factories.city import a_name, an_id_number
from tests.factories.referrals import Road, make_road

E, S = ReferralEvent, ReferralState
_REFUSALS = (
    ErrorCode.REFERRAL_STATE, ErrorCode.ALREADY_BOOKED, ErrorCode.SLOT_TAKEN, ErrorCode.SOLD_OUT,
    ErrorCode.CONFLICT,
)  # fmt: skip


@pytest.fixture
async def road(city: City) -> Road:
    return await make_road(city.services)


async def at_once(*calls: Any) -> list[Any]:
    """All of them; what is refused is refused for a reason that races have."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            assert isinstance(each, AppError), each
            assert each.code in _REFUSALS, each
    return done


async def live_places(road: Road) -> set[str]:
    found = road.services.db.collection("claims").find({"live": True}, {"_id": 1})
    return {claim["_id"] async for claim in found}


async def assert_places_add_up(road: Road, referral: Referral) -> Referral:
    """After everything is done, what is booked is the referral's place and nothing else."""
    await road.services.outbox.drain()
    now = await road.stored(referral)
    own = {now.place.appointment_id} if now.place and now.state in PLACED else set()
    assert await live_places(road) == own
    # What was never claimed is remembered for a while: the claim might still be on its way.
    assert not {each.appointment_id for each in now.loose} & own
    return now


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    real = clock.now

    def shifted() -> datetime:
        return real() + by

    monkeypatch.setattr(clock, "now", shifted)


async def test_whoever_acts_at_the_same_moment_one_of_them_has_acted(road: Road):
    one, two = await road.session(slots=3), await road.session(slots=3, days=2)
    to_one, to_two = Facts(schedule_id=one.id), Facts(schedule_id=two.id)
    act, lead = road.referrals.act, road.lead.actor
    # Two accept, with different places.
    sent = await road.send()
    await at_once(act(lead, sent.id, E.ACCEPT, to_one), act(lead, sent.id, E.ACCEPT, to_two))
    now = await assert_places_add_up(road, sent)
    assert [step.event for step in now.history] == [E.SEND, E.ACCEPT]
    # The same one says so several times.
    await act(lead, sent.id, E.REJECT, Facts(reason=RejectReason.NO_BED))
    again = await road.send(to_organization_id=road.lead.id)
    done = await at_once(*(act(lead, again.id, E.ACCEPT, to_one) for _ in range(4)))
    assert all(isinstance(each, Referral) for each in done)
    now = await assert_places_add_up(road, again)
    assert len(now.history) == 2
    # One accepts, the sender withdraws; the clock runs out while another accepts; a place is changed twice.
    await act(road.doctor, again.id, E.WITHDRAW)
    third = await road.send()
    await at_once(act(lead, third.id, E.ACCEPT, to_one), act(road.doctor, third.id, E.WITHDRAW))
    now = await assert_places_add_up(road, third)
    assert now.state in (S.ACCEPTED, S.WITHDRAWN)
    if now.state is S.ACCEPTED:
        await act(road.doctor, third.id, E.WITHDRAW)
    fourth = await road.send()
    await road.services.db.collection("referrals").update_one(
        {"_id": fourth.id}, {"$set": {"due_at": clock.now() - timedelta(seconds=1)}}
    )
    await at_once(act(lead, fourth.id, E.ACCEPT, to_two), act(road.city, fourth.id, E.LAPSE),
                  road.referrals.following.sweep())  # fmt: skip
    now = await assert_places_add_up(road, fourth)
    if now.state is S.ACCEPTED:
        await at_once(
            act(lead, fourth.id, E.REBOOK, Facts(schedule_id=one.id)),
            act(lead, fourth.id, E.REBOOK, Facts(schedule_id=two.id, number=3)),
            act(road.doctor, fourth.id, E.WITHDRAW),
        )
        await assert_places_add_up(road, fourth)


async def test_a_referral_is_sent_once_however_often_it_is_asked_for(road: Road):
    draft = road.draft()
    sent = await asyncio.gather(*(road.referrals.send(road.doctor, draft, "the-same-key") for _ in range(4)))
    assert len({each.id for each in sent}) == 1
    await road.act(road.lead.actor, sent[0], E.REJECT, reason=RejectReason.NO_BED)
    onward = await asyncio.gather(
        *(road.act(road.doctor, sent[0], E.REDIRECT, to_organization_id=road.other.id) for _ in range(3))
    )
    assert len({each.id for each in onward}) == 1
    assert await road.services.db.collection("referrals").count_documents({}) == 2


async def test_of_two_who_send_the_same_patient_at_once_one_is_told_of_the_others(road: Road):
    """Without a key, and by two different people: the database knows, not a look before the write."""
    nurse = replace(road.doctor, id=new_id(), role=Role.HOSPITAL_OPERATOR, practitioner_id="")
    for round_, urgency in enumerate((Urgency.ROUTINE, Urgency.EMERGENCY)):
        who = Who(name=a_name(round_), id_number=an_id_number(round_))
        await road.services.residents.find_or_create_file(who.name, who.id_number)
        done = await asyncio.gather(
            *(road.send(actor, who=who, urgency=urgency) for actor in (road.doctor, nurse, road.doctor)),
            return_exceptions=True,
        )
        (sent,) = [each for each in done if isinstance(each, Referral)]
        told = [each for each in done if isinstance(each, AppError)]
        assert [(each.code, each.data) for each in told] == [
            (ErrorCode.REFERRAL_OPEN, {"referral_id": sent.id})
        ] * 2
        # Whoever has gone there, or will not, may be sent again: one of two at once, again.
        await road.act(road.doctor, sent, E.WITHDRAW)
        done = await asyncio.gather(
            *(road.send(who=who, urgency=urgency) for _ in range(2)), return_exceptions=True
        )
        assert len([each for each in done if isinstance(each, Referral)]) == 1
    assert await road.services.db.collection("referral_ways").count_documents({}) == 2


async def test_whoever_was_missed_is_expected_in_one_place_whatever_happens_at_once(road: Road):
    """Sent on, and come after all, at the same moment: whichever was first, one referral is live."""
    for number in range(6):
        sent = await _sent(road, number)
        await road.act(road.lead.actor, sent, E.ACCEPT, expected_at=clock.now() + timedelta(hours=1))
        await road.act(road.lead.actor, sent, E.MISS)
        calls = [
            road.act(road.doctor, sent, E.REDIRECT, to_organization_id=road.other.id),
            road.act(road.lead.actor, sent, E.ARRIVE),
        ]
        await at_once(*(calls if number % 2 else reversed(calls)))
        of_person = await road.store.of_person(sent.person_id)
        assert [each.id for each in of_person if each.is_open] == [sent.id]
        assert all(each.state is S.WITHDRAWN for each in of_person if each.id != sent.id)


async def test_what_a_dying_process_leaves_taken_is_given_back(road: Road, monkeypatch: pytest.MonkeyPatch):
    schedule = await road.session(slots=2)
    acting, facts = road.referrals._acting, Facts(schedule_id=schedule.id)
    # It died after it had said that it would take a place, and after it had taken one.
    said, took, gone = [await acting._intend(await _sent(road, n), facts) for n in range(3)]
    assert said is not None
    assert took is not None
    assert gone is not None
    place = await acting._take(took, facts)
    # And this one was withdrawn meanwhile.
    await acting._take(gone, facts)
    await road.act(road.doctor, gone, E.WITHDRAW)
    assert len(await live_places(road)) == 2
    await road.referrals.following.sweep()
    # What is under way has its minute.
    assert place.appointment_id in await live_places(road)
    later(monkeypatch, timedelta(seconds=90))
    await road.referrals.following.sweep()
    assert await live_places(road) == set()
    # Whoever goes on with it now finds another place, under another key.
    again = await road.referrals.act(road.lead.actor, took.id, E.ACCEPT, facts)
    assert again.place is not None
    assert again.place.appointment_id != place.appointment_id
    later(monkeypatch, timedelta(minutes=11))
    await road.referrals.following.sweep()
    assert await live_places(road) == {again.place.appointment_id}
    assert [(await road.stored(each)).loose for each in (said, took, gone)] == [(), (), ()]


async def _sent(road: Road, number: int) -> Referral:
    """Of a patient of its own: one has one place in a department on a day."""
    return await road.send(who=Who(name=a_name(number), id_number=an_id_number(number)))


async def test_a_place_that_comes_after_its_referral_has_moved_on_is_not_kept(road: Road):
    """The claim arrives late: the turn it was thought of is gone, and whoever took it gives it back."""
    schedule = await road.session(slots=2)
    acting, facts = road.referrals._acting, Facts(schedule_id=schedule.id)
    sent = await road.send()
    going = await acting._intend(sent, facts)
    assert going is not None
    await road.act(road.doctor, sent, E.WITHDRAW)
    place = await acting._take(going, facts)
    await acting.give_up(sent.id, place.appointment_id)
    await assert_places_add_up(road, sent)
    assert (await road.referrals.get(SYSTEM, sent.id)).state is S.WITHDRAWN
