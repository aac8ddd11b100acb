"""Waiting for a place: first come first told, held for a time, and nobody is promised what is gone."""

import asyncio
from datetime import date, timedelta

import pytest

from backend import clock
from backend.appointments.waitlist import Waitlist
from backend.appointments.waitlist_models import MOST_WAITING, OFFER_FOR, WaitState
from backend.appointments.waitlist_store import WaitlistStore
from backend.errors import AppError, ErrorCode
from backend.messages.models import Answer
from backend.permissions import Actor, Role
from backend.worker.events import Event, EventKind
from tests.support.city import Caller, TestCity, make_schedule


def actor_of(who: Caller) -> Actor:
    return Actor("resident", who.id, Role.RESIDENT, channel="wechat", real_name=True)


def in_days(days: int) -> date:
    return clock.today() + timedelta(days=days)


async def full(city: TestCity) -> tuple[Caller, str]:
    """A session of one place that somebody has; the appointment's id."""
    schedule = await city.schedule(slots=1)
    holder = await city.resident()
    view = await city.city.services.appointments.book(actor_of(holder), schedule.id, None, holder.id, "b")
    return holder, view.claim.id


async def wait(city: TestCity, *people: Caller) -> None:
    for who in people:
        await city.city.services.waitlist.join(actor_of(who), city.department.id, in_days(1), who.id)


async def texts(city: TestCity, who: Caller) -> list[str]:
    await city.work()
    sent = (await city.outside.get("sms", phone=who.phone))["items"]
    return [each["content"] for each in sent if "候补" in each["content"]]


async def test_a_cancelled_place_is_held_for_who_waited_longest_and_he_is_told(city: TestCity):
    holder, booked = await full(city)
    first, second = await city.resident(), await city.resident()
    await wait(city, first, second)
    services = city.city.services
    await services.appointments.cancel(actor_of(holder), booked, "")
    (told,) = await texts(city, first)
    assert "回复“候补”领取" in told
    assert await texts(city, second) == []
    ((entry, claim),) = await services.waitlist.offered(actor_of(first))
    assert claim.hold_until is not None
    assert claim.hold_until - clock.now() > OFFER_FOR / 2
    view = await services.appointments.book_hold(actor_of(first), claim.id)
    await services.waitlist.take(actor_of(first), entry)
    assert view.claim.state == "booked"
    assert await services.waitlist.list_mine(actor_of(first)) == []


async def test_who_does_not_answer_or_leaves_makes_way_for_the_next(
    city: TestCity, monkeypatch: pytest.MonkeyPatch
):
    holder, booked = await full(city)
    people = [await city.resident() for _ in range(3)]
    await wait(city, *people)
    services = city.city.services
    await services.appointments.cancel(actor_of(holder), booked, "")
    await city.work()
    begun = clock.now()
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: begun + OFFER_FOR * 1.1)
        await city.work(periodic=True)
        await city.work()
        assert await services.waitlist.offered(actor_of(people[0])) == []
        ((entry, _),) = await services.waitlist.offered(actor_of(people[1]))
        await services.waitlist.leave(actor_of(people[1]), entry)
        await city.work()
        assert [each.state for each in await services.waitlist.list_mine(actor_of(people[2]))] == ["offered"]
    assert [len(await texts(city, who)) for who in people] == [1, 1, 1]


async def test_places_that_a_hospital_adds_go_to_who_waited_longest(city: TestCity):
    await full(city)
    people = [await city.resident() for _ in range(3)]
    await wait(city, *people)
    services = city.city.services
    assert await services.waitlist.sweep() == 0
    await services.schedules.publish_many([make_schedule(city.hospital, city.department, slots=2)])
    assert sum(await asyncio.gather(*(services.waitlist.sweep() for _ in range(3)))) == 2
    assert [len(await services.waitlist.offered(actor_of(who))) for who in people] == [1, 1, 0]
    assert [len(await texts(city, who)) for who in people] == [1, 1, 0]
    assert await services.waitlist.sweep() == 0
    # Who comes later does not overtake: the third waits on.
    ((entry, _),) = await services.waitlist.offered(actor_of(people[0]))
    await services.waitlist.leave(actor_of(people[0]), entry)
    await city.work()
    assert len(await services.waitlist.offered(actor_of(people[2]))) == 1


async def test_what_somebody_else_takes_first_leaves_everybody_waiting(city: TestCity):
    holder, booked = await full(city)
    who, quick = await city.resident(), await city.resident()
    await wait(city, who)
    services = city.city.services
    await services.appointments.cancel(actor_of(holder), booked, "")
    claim = await services.claims.get(booked)
    await services.appointments.book(actor_of(quick), claim.schedule_id, None, quick.id, "q")
    assert await texts(city, who) == []
    (entry,) = await services.waitlist.list_mine(actor_of(who))
    assert entry.state is WaitState.WAITING


async def test_an_event_heard_twice_offers_once(city: TestCity):
    holder, booked = await full(city)
    first, second = await city.resident(), await city.resident()
    await wait(city, first, second)
    services = city.city.services
    await services.appointments.cancel(actor_of(holder), booked, "")
    await city.work()
    event = Event(EventKind.APPOINTMENT_CANCELLED, {"appointment_id": booked})
    for _ in range(2):
        await services.waitlist.on_place_freed(event)
    assert [len(await texts(city, who)) for who in (first, second)] == [1, 0]


async def test_one_waits_once_and_not_for_everything(city: TestCity):
    who = await city.resident()
    services, actor = city.city.services, actor_of(who)
    on = in_days(1)
    entry, before = await services.waitlist.join(actor, city.department.id, on, who.id)
    assert (
        (await services.waitlist.join(actor, city.department.id, on, who.id)) == (entry, 0) == (entry, before)
    )
    for days in range(2, MOST_WAITING + 1):
        await services.waitlist.join(actor, city.department.id, in_days(days), who.id)
    with pytest.raises(AppError) as refused:
        await services.waitlist.join(actor, city.department.id, in_days(9), who.id)
    assert refused.value.code is ErrorCode.CONFLICT
    for days, code in ((-1, ErrorCode.SLOT_PAST), (99, ErrorCode.SCHEDULE_NOT_OPEN)):
        with pytest.raises(AppError) as refused:
            await services.waitlist.join(actor, city.department.id, in_days(days), who.id)
        assert refused.value.code is code
    other = await city.resident()
    with pytest.raises(AppError):
        await services.waitlist.join(actor_of(other), city.department.id, on, who.id)


async def test_whoever_is_gone_waits_no_more(city: TestCity):
    who, other = await city.resident(), await city.resident()
    await wait(city, who, other)
    waitlist = city.city.services.waitlist
    await city.call("DELETE", "/api/v1/me", as_=who, expect=204)
    await city.work()
    assert await waitlist.list_mine(actor_of(who)) == []
    assert len(await waitlist.list_mine(actor_of(other))) == 1


class FailsOnce:
    """Messages that cannot be written the first time."""

    def __init__(self) -> None:
        self.tried = 0
        self.told: dict[str, str] = {}

    async def answer(self, answer: Answer) -> None:
        self.tried += 1
        if self.tried == 1:
            raise AppError(ErrorCode.UNAVAILABLE)
        self.told[answer.key] = answer.address


async def test_who_was_offered_a_place_and_not_told_is_told_when_the_job_runs_again(city: TestCity):
    holder, booked = await full(city)
    who = await city.resident()
    await wait(city, who)
    services, tells = city.city.services, FailsOnce()
    waitlist = Waitlist(
        WaitlistStore(city.city.db), services.claims.holding_for(OFFER_FOR), services.schedules,
        services.residents, services.directory, tells, app_url="https://app.test", booking_days=14,
    )  # fmt: skip
    await services.appointments.cancel(actor_of(holder), booked, "")
    event = Event(EventKind.APPOINTMENT_CANCELLED, {"appointment_id": booked})
    with pytest.raises(AppError):
        await waitlist.on_place_freed(event)
    for _ in range(2):
        await waitlist.on_place_freed(event)
    assert list(tells.told.values()) == [who.phone]
    assert len(await waitlist.offered(actor_of(who))) == 1
