"""Asking people: ways in order, tries that count when sent, quotas, quiet days, and processes that die."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from backend import clock
from backend.ids import new_id
from backend.messages.policies import Group
from backend.surveys.models import CampaignState, Run, RunState, Skipped, Through, Trigger, Way
from backend.surveys.sending import decent, next_morning
from tests.backend.surveys.conftest import Ward
from tests.factories.records import make_chart, make_resources
from tests.support.city import id_number

DAY = (9, 21)


@pytest.mark.parametrize(
    ("hour", "days", "at"), [(9, None, None), (20, None, None), (21, 1, 9), (23, 1, 9), (0, 0, 9), (8, 0, 9)]
)
def test_nobody_is_asked_at_night(hour: int, days: int | None, at: int | None):
    on = date(2026, 11, 22)
    later = decent(clock.city_instant(on, hour, 30), DAY)
    assert later == (
        None if days is None or at is None else clock.city_instant(on + timedelta(days=days), at)
    )
    assert next_morning(clock.city_instant(on, 23), DAY) == clock.city_instant(on + timedelta(days=1), 9)


async def let_wait(ward: Ward) -> None:
    """Let the time until the next try pass."""
    past = clock.now() - timedelta(seconds=1)
    await ward.db.collection("survey_runs").update_many({"due_at": {"$ne": None}}, {"$set": {"due_at": past}})
    await ward.pass_by()


async def test_a_way_that_reaches_nobody_gives_way_to_the_next_at_once(ward: Ward):
    await ward.campaign(ways=(Way.CARD, Way.SMS, Way.PHONE))
    run = await ward.asked()
    await ward.pass_by()
    [run] = await ward.runs()
    # No WeChat: that was no try. The SMS was one; the telephone waits for its turn.
    assert (run.state, run.way, len(await ward.texts())) == (RunState.SENT, 2, 1)
    await let_wait(ward)
    [run] = await ward.runs()
    assert (run.on_phone_list, run.due_at) == (True, run.closes_at)
    assert [each.id for each in await ward.service.phone_list(ward.operator)] == [run.id]
    assert await ward.service.phone_list(ward.elsewhere) == []
    assert len(await ward.texts()) == 1


async def test_who_has_surveys_stopped_while_on_the_phone_list_is_not_called(ward: Ward):
    await ward.campaign(ways=(Way.PHONE,))
    people = [await ward.person() for _ in range(2)]
    for person in people:
        await ward.visit(person)
    await ward.pass_by()
    assert len(await ward.service.phone_list(ward.operator)) == 2
    services = ward.city.city.services
    phone = (await services.residents.contact(people[0])).phone
    assert phone is not None
    await services.messages._optouts.add(phone, Group.SURVEYS, "sms")
    assert [run.patient_id for run in await ward.service.phone_list(ward.operator)] == people[1:]
    gone = next(run for run in await ward.runs() if run.patient_id == people[0])
    assert (gone.state, gone.on_phone_list, "refused" in gone.to_count) == (RunState.REFUSED, False, True)


async def test_who_does_not_answer_is_asked_as_often_as_the_campaign_says_and_who_has_begun_is_not(
    ward: Ward,
):
    await ward.campaign(ways=(Way.LINK,), tries=2)
    silent = await ward.asked()
    begun = await ward.asked()
    assert begun.recipient_id is not None
    await ward.service.answer(begun.recipient_id, begun.id, "满意", "a", Through.CHAT)
    for _ in range(4):
        await let_wait(ward)
    assert len(await ward.texts()) == 3
    after = {run.id: run for run in await ward.runs()}
    assert after[silent.id].due_at == after[silent.id].closes_at
    assert after[begun.id].state is RunState.ANSWERING


async def test_nobody_is_asked_twice_within_the_quiet_days_by_whatever_campaign(ward: Ward):
    await ward.campaign(quiet_days=30)
    await ward.campaign(quiet_days=30)
    person = await ward.person()
    assert await ward.visit(person) == 2
    assert await ward.visit(person) == 2
    await ward.pass_by()
    states = sorted((run.state, run.skipped) for run in await ward.runs())
    assert states == [("sent", None)] + [("skipped", Skipped.ASKED_LATELY)] * 3
    assert len(await ward.texts()) == 1


async def test_quotas_hold_also_when_two_workers_sweep_at_once(ward: Ward):
    campaign = await ward.campaign(daily_quota=3, total_quota=5)
    for _ in range(9):
        await ward.visit(await ward.person())
    await asyncio.gather(*(ward.service.sweep() for _ in range(3)))
    await ward.pass_by()
    assert len(await ward.texts()) == 3
    await let_wait(ward)
    assert len(await ward.texts()) == 3
    asked = {"taken": {"all": 3}}  # the day is over
    await ward.db.collection("survey_campaigns").update_one({"_id": campaign.id}, {"$set": asked})
    await let_wait(ward)
    await let_wait(ward)
    assert len(await ward.texts()) == 5
    assert {run.skipped for run in await ward.runs() if run.state is RunState.SKIPPED} == {Skipped.QUOTA}


async def test_places_of_a_quota_that_come_back_from_who_cannot_be_asked_go_to_the_others(ward: Ward):
    await ward.campaign(quiet_days=30)
    lately = [await ward.person() for _ in range(3)]
    for person in lately:
        await ward.visit(person)
    await ward.pass_by()
    await ward.db.collection("survey_campaigns").update_many({}, {"$set": {"state": "ended"}})
    await ward.campaign(quiet_days=30, total_quota=3)
    at = clock.now() - timedelta(hours=1)
    for place, person in enumerate([*lately, *[await ward.person() for _ in range(3)]]):
        await ward.visit(person, at=at + timedelta(minutes=place))
    await ward.pass_by()
    await let_wait(ward)
    assert len(await ward.texts()) == 6
    assert {run.skipped for run in await ward.runs() if run.skipped} == {Skipped.ASKED_LATELY}


async def test_what_a_sweep_took_of_the_quota_and_did_not_use_before_it_died_is_free_again(ward: Ward):
    campaign = await ward.campaign(total_quota=3)
    asked = await ward.asked()
    lost = await ward.service.sending._campaigns.take_share(campaign, clock.today(), 2)
    assert lost is not None
    # It died after asking one of its two.
    runs, campaigns = ward.db.collection("survey_runs"), ward.db.collection("survey_campaigns")
    await campaigns.update_one({"_id": campaign.id}, {"$set": {"taken.all": 0}})
    await runs.update_one({"_id": asked.id}, {"$set": {"quota_by": lost.id}})
    for _ in range(3):
        await ward.visit(await ward.person())
    await let_wait(ward)
    assert len(await ward.texts()) == 2
    died_at = clock.now() - timedelta(minutes=7)
    await campaigns.update_one({"_id": campaign.id}, {"$set": {"shares.0.taken_at": died_at}})
    await let_wait(ward)
    await let_wait(ward)
    states = sorted((run.state, run.skipped) for run in await ward.runs())
    assert states == [("sent", None)] * 3 + [("skipped", Skipped.QUOTA)]
    found = await campaigns.find_one({"_id": campaign.id})
    assert found is not None
    assert (found["taken"]["all"], found["shares"]) == (3, [])


async def test_one_run_that_cannot_be_handled_keeps_nobody_else_from_being_asked(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
):
    await ward.campaign(daily_quota=9)
    people = [await ward.person() for _ in range(3)]
    for person in people:
        await ward.visit(person)
    sending = ward.service.sending
    contact = sending._people.contact

    async def fails(resident_id: str) -> object:
        if resident_id == people[1]:
            raise ConnectionError("away")
        return await contact(resident_id)

    with monkeypatch.context() as patch:
        patch.setattr(sending._people, "contact", fails)
        with pytest.raises(ConnectionError):
            await sending.sweep()
    await ward.city.work()
    assert len(await ward.texts()) == 2
    await let_wait(ward)
    assert len(await ward.texts()) == 3


async def test_a_process_that_dies_after_writing_and_before_telling_loses_nothing(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
):
    await ward.campaign()
    await ward.visit(await ward.person())
    sending = ward.service.sending

    async def dies(run: Run, posted: object) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_tell", dies)
        with pytest.raises(ConnectionError):
            await sending.sweep()
    for _ in range(3):
        await let_wait(ward)
    [run] = await ward.runs()
    assert (run.state, len(await ward.texts())) == (RunState.SENT, 1)


async def test_a_cancelled_visit_is_not_asked_about_and_an_ended_campaign_asks_nobody(ward: Ward):
    campaign = await ward.campaign(delay=timedelta(hours=1))
    city, services = ward.city, ward.city.city.services
    resident = await city.resident()
    schedule = await city.schedule()
    wanted = {"schedule_id": schedule.id, "patient_id": resident.id}
    booked = await city.call("POST", "/api/v1/appointments", as_=resident, json=wanted)
    ward.service.planning._known.clear()
    await city.work()
    [run] = await ward.runs()
    assert (run.state, run.happened_at > clock.now()) == (RunState.PLANNED, True)
    await city.call("POST", f"/api/v1/appointments/{booked['id']}/cancel", as_=resident, json={})
    await city.work()
    [run] = await ward.runs()
    assert (run.state, run.skipped, run.due_at) == (RunState.SKIPPED, Skipped.WITHDRAWN, None)
    await ward.visit(await ward.person())
    await services.surveys.library.set_campaign(ward.operator, campaign.id, CampaignState.ENDED)
    await let_wait(ward)
    assert [run.state for run in await ward.runs()] == [RunState.SKIPPED, RunState.SKIPPED]


async def test_who_did_not_come_is_not_asked_how_it_was(ward: Ward):
    await ward.campaign(delay=timedelta(hours=1))
    city = ward.city
    resident, client, schedule = await city.resident(), await city.hospital_client(), await city.schedule()
    wanted = {"schedule_id": schedule.id, "patient_id": resident.id}
    booked = await city.call("POST", "/api/v1/appointments", as_=resident, json=wanted)
    ward.service.planning._known.clear()
    await city.work()
    begun = {"start_at": clock.now() - timedelta(minutes=5)}
    await ward.db.collection("claims").update_one({"_id": booked["id"]}, {"$set": begun})
    await city.call("POST", f"/hospital/v1/appointments/{booked['id']}/missed", as_=client)
    await city.work()
    [run] = await ward.runs()
    assert (run.state, run.skipped, run.due_at) == (RunState.SKIPPED, Skipped.WITHDRAWN, None)


async def test_a_patient_without_a_phone_is_asked_through_nobody_and_opting_out_ends_it(ward: Ward):
    await ward.campaign(ways=(Way.SMS, Way.PHONE))
    await ward.visit(await ward.person(phone=None))
    await ward.pass_by()
    [run] = await ward.runs()
    assert (run.state, run.skipped) == (RunState.SKIPPED, Skipped.UNREACHABLE)
    again = await ward.asked()
    assert again.recipient_id is not None
    contact = await ward.city.city.services.residents.contact(again.recipient_id)
    await ward.city.outside.post("sms/reply", {"phone": contact.phone, "content": "R"})
    await ward.city.work()
    await ward.db.collection("survey_people").delete_many({})
    await ward.visit(again.patient_id, key=new_id())
    for _ in range(2):
        await ward.pass_by()
    refused = [each for each in await ward.runs() if each.state is RunState.REFUSED]
    assert len(refused) == 1
    assert not any(each.on_phone_list for each in await ward.runs())


@pytest.mark.parametrize("ways", [(Way.CARD, Way.PHONE), (Way.LINK, Way.PHONE)])
async def test_who_has_stopped_surveys_is_asked_by_no_other_way(ward: Ward, ways: tuple[Way, ...]):
    await ward.campaign(ways=ways)
    who = await ward.city.resident(wechat=True)
    await ward.city.outside.post("subscribe", {"phone": who.phone, "kinds": ["survey_card"]})
    wanted = {"template_kinds": ["survey_card"]}
    await ward.city.call("POST", "/api/v1/messages/subscriptions", as_=who, json=wanted, expect=204)
    await ward.visit(who.id)
    await ward.pass_by()
    await ward.city.call("PUT", "/api/v1/messages/opt-outs/surveys", as_=who, expect=204)
    await let_wait(ward)
    [run] = await ward.runs()
    assert (run.state, run.on_phone_list, run.due_at) == (RunState.REFUSED, False, None)
    # Nor is he asked the next time, by whatever comes first.
    await ward.db.collection("survey_people").delete_many({})
    await ward.visit(who.id, key=new_id())
    await ward.pass_by()
    assert {run.state for run in await ward.runs()} == {RunState.REFUSED}
    cards = (await ward.city.outside.get("wechat-messages", phone=who.phone))["items"]
    assert len(cards) + len(await ward.texts()) == 1


async def test_answers_that_meet_are_both_taken_and_each_is_counted_once(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    person = run.recipient_id
    assert person is not None
    await asyncio.gather(
        *(
            ward.service.answer(person, run.id, said, key, Through.SMS)
            for said, key in (("1", "a"), ("好", "b"))
        )
    )
    await asyncio.gather(
        *(ward.service.answer(person, run.id, "跳过", f"k{n}", Through.SMS) for n in range(4))
    )
    await asyncio.gather(*(ward.service.count() for _ in range(3)))
    await ward.service.count()
    [row] = [doc async for doc in ward.db.collection("survey_results").find({"level": "organization"})]
    assert (row["completed"], row["answering"], row["sent"], row["scored"]) == (1, 1, 1, 1)
    assert (await ward.runs())[0].to_count == ()


async def test_a_run_that_is_over_takes_no_answer(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    assert run.recipient_id is not None
    past = clock.now() - timedelta(minutes=1)
    await ward.db.collection("survey_runs").update_one(
        {"_id": run.id}, {"$set": {"closes_at": past, "due_at": past}}
    )
    late = await ward.service.answer(run.recipient_id, run.id, "满意", "a", Through.SMS)
    assert (late.run.answers, late.is_open) == ({}, False)
    await ward.service.sweep()
    [over] = await ward.runs()
    assert over == replace(over, state=RunState.EXPIRED, due_at=None)
    assert await ward.service.open_question(run.recipient_id) is None


async def test_a_stay_in_hospital_is_asked_about_when_it_ends_and_one_of_years_ago_is_not(ward: Ward):
    await ward.campaign(trigger=Trigger.DISCHARGE, delay=timedelta(hours=1))
    await ward.campaign(trigger=Trigger.VISIT, delay=timedelta(hours=1))
    services, hospital = ward.city.city.services, ward.city.hospital.id
    chart = await make_chart(services, hospital, id_number=id_number(780), phone="13700000780")
    now = clock.now()
    stays = {
        "recent": ("IMP", now - timedelta(days=4), now - timedelta(minutes=5)),
        "long_ago": ("IMP", now - timedelta(days=900), now - timedelta(days=890)),
        "walk_in": ("AMB", now - timedelta(hours=2), now - timedelta(hours=1)),
        "at_home": ("HH", now - timedelta(hours=2), now - timedelta(hours=1)),
    }
    ward.service.planning._known.clear()
    for number, (kind, began_at, ended_at) in stays.items():
        for _ in range(2):
            await make_resources(services, chart, {
                "resourceType": "Encounter",
                "_key": number,
                "subject": {"reference": f"Patient/{chart.id}"},
                "status": "finished",
                "class": {"code": kind},
                "period": {"start": began_at.isoformat(), "end": ended_at.isoformat()},
            })  # fmt: skip
    await ward.city.work()
    runs = await ward.runs()
    person_id = await services.patient_index.person_of(chart.id)
    assert sorted((run.trigger, run.patient_id, run.state) for run in runs) == [
        (Trigger.DISCHARGE, person_id, RunState.PLANNED),
        (Trigger.VISIT, person_id, RunState.PLANNED),
    ]


async def test_the_card_in_wechat_leads_to_the_page_of_that_one_run(ward: Ward):
    await ward.campaign(ways=(Way.CARD,))
    who = await ward.city.resident(wechat=True)
    await ward.city.outside.post("subscribe", {"phone": who.phone, "kinds": ["survey_card"]})
    wanted = {"template_kinds": ["survey_card"]}
    await ward.city.call("POST", "/api/v1/messages/subscriptions", as_=who, json=wanted, expect=204)
    await ward.visit(who.id)
    await ward.pass_by()
    [card] = (await ward.city.outside.get("wechat-messages", phone=who.phone))["items"]
    assert card["page"].startswith("pages/surveys/answer/index?token=")
    page = await ward.city.http.get(f"{ward.city.url}/s/{card['page'].split('=')[1]}")
    assert (page.status_code, "满意" in page.text) == (200, True)
