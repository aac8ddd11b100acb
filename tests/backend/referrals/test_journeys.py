"""A referral's way from the clinic to the hospital and back, with its place, rights, limits and messages."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import (
    Direction,
    Level,
    Outcome,
    PlanItem,
    ReferralQuery,
    RejectReason,
    Urgency,
    Who,
)
from backend.referrals.telling import GOES_ON_WITHIN
from backend.slotpool.claims_models import ClaimState
from backend.surveys.models import Trigger
from backend.worker.events import Event, EventKind
from tests.factories.referrals import FACTS, IN_TWO_HOURS, REASON, Road, make_road
from tests.factories.surveys import make_campaign
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


async def test_up_to_the_hospital_and_back_to_the_clinic(road: Road, town: TestCity):
    schedule = await road.session()
    sent = await road.send(phone="13500000001")
    assert (sent.state, sent.from_practitioner_id) == (S.REQUESTED, road.clinic.doctor.id)
    assert not await road.reads()
    await road.act(road.lead.actor, sent, E.ASK_MORE, text="请补充血常规结果")
    await road.act(road.doctor, sent, E.SUPPLEMENT, text="血常规正常")
    (free,) = await road.referrals.places(road.doctor, road.lead.id, "", clock.today(), 7)
    assert (free.schedule_id, len(free.slots)) == (schedule.id, 6)
    accepted = await road.act(road.lead.actor, sent, E.ACCEPT, schedule_id=schedule.id, bring="身份证")
    assert accepted.place is not None
    claim = await road.services.claims.get(accepted.place.appointment_id)
    assert (claim.state, claim.channel, claim.patient_id) == ("booked", "referral", road.person.id)
    assert await road.reads()
    await town.work()
    await road.act(road.doctor, sent, E.DEPART, **facts_of(E.DEPART))
    await road.act(road.lead.actor, sent, E.ARRIVE)
    await road.act(road.lead.actor, sent, E.BEGIN_TREATMENT)
    plan = (PlanItem("复查心电图", clock.today() + timedelta(days=14)),)
    done = await road.act(
        road.lead.actor, sent, E.COMPLETE, outcome=Outcome.IMPROVED, text="支架术后", send_back=True,
        discharge_summary="好转出院，继续服药", plan=plan,
    )  # fmt: skip
    assert not await road.reads()
    back = await road.referrals.get(road.doctor, done.followed_by)
    assert (back.direction, back.state, back.follows) == (Direction.DOWN, S.REQUESTED, sent.id)
    assert (back.clinical.discharge_summary, back.clinical.plan) == ("好转出院，继续服药", plan)
    took = await road.act(road.doctor, back, E.ACCEPT, expected_at=clock.now() + timedelta(days=1))
    assert took.state is S.ACCEPTED
    assert await road.reads(road.clinic)
    await town.work()
    said = await texts_to(town, "13500000001")
    assert sum("已接收" in text for text in said) == 1, said
    desk = await texts_to(town, "13700000001")
    assert any("患者已出发" in text for text in desk), desk
    assert not any(road.person.name in text or REASON[:4] in text for text in [*said, *desk])
    contact = await road.services.residents.contact(road.person.id)
    (told,) = [text for text in await texts_to(town, str(contact.phone)) if "转诊至市人民医院" in text]
    assert "由幸福社区卫生服务中心转诊至市人民医院心血管内科" in told
    assert "请携带身份证。" in told


async def test_an_emergency_opens_the_record_at_once_and_reaches_three_desks_in_minutes(
    road: Road, town: TestCity, monkeypatch: pytest.MonkeyPatch
):
    """Who, what is wrong, and `nearest`: nothing else is asked of a doctor with a patient before him."""
    sent = await road.send(urgency=Urgency.EMERGENCY, nearest=True, reason="突发胸痛，大汗")
    assert (sent.to_organization_id, await road.reads()) == (road.lead.id, True)
    assert (sent.due_at, sent.accept_by) == (sent.created_at + timedelta(minutes=2),) * 2
    reached = []
    for _ in range(3):
        await road.overdue(sent)
        now = await road.stored(sent)
        reached.append(now.level)
        assert now.due_at is not None
        assert now.due_at - now.updated_at <= timedelta(minutes=7)
        await town.work()
    assert reached == [Level.DESK, Level.OPERATORS, Level.CITY]
    assert any("请立即答复" in text for text in await texts_to(town, "13700000001"))
    assert any("请立即处理" in text for text in await texts_to(town, "13700000009"))
    waiting = await road.referrals.list(road.city, wanted(overdue=True))
    assert [each.id for each in waiting.items] == [sent.id]
    assert waiting.items[0].clinical.reason == ""
    # Nobody has answered: it lapses, and goes on to the next that takes emergencies.
    await road.overdue(sent)
    await town.work()
    lapsed = await road.stored(sent)
    assert lapsed.state is S.LAPSED
    assert not await road.reads()
    following = await road.referrals.get(road.doctor, lapsed.followed_by)
    assert (following.to_organization_id, following.state) == (road.other.id, S.REQUESTED)
    assert await road.reads(road.other)
    # The last one refuses: there is nobody else, and the sender sees it on his list.
    await road.act(road.other.actor, following, E.REJECT, reason=RejectReason.NO_BED)
    await town.work()
    ended = await road.stored(following)
    assert (ended.state, ended.followed_by) == (S.REJECTED, "")
    assert (await road.referrals.counters(road.doctor)).to_redirect == 1
    # The patient was not frightened by every stop on the way; now that nobody is left, he is told.
    contact = await road.services.residents.contact(road.person.id)
    assert not any("转诊至" in text for text in await texts_to(town, str(contact.phone)))
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + GOES_ON_WITHIN)
    await town.later()
    (told,) = [text for text in await texts_to(town, str(contact.phone)) if "转诊至" in text]
    assert "已拒绝（暂无床位或号源）" in told


async def test_the_clock_that_runs_depends_on_what_is_waited_for(road: Road):
    sent = await road.send()
    await road.act(road.lead.actor, sent, E.ASK_MORE, text="缺化验单")
    await road.overdue(sent)
    reminded = await road.stored(sent)
    assert (reminded.state, reminded.level) == (S.RETURNED, Level.DESK)
    await road.act(road.doctor, sent, E.SUPPLEMENT, text="已补充")
    again = await road.stored(sent)
    assert (again.level, again.asked, again.clinical.summary) == (Level.SENT, "", "已补充")
    accepted = await road.act(road.lead.actor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    assert accepted.accept_by is None
    assert accepted.arrive_by == accepted.due_at
    await road.overdue(sent)
    missed = await road.stored(sent)
    assert (missed.state, await road.reads()) == (S.NOT_ARRIVED, True)
    await road.services.outbox.drain()
    assert not await road.reads()
    # He comes after all: the right to read comes with him, and goes with the end.
    await road.act(road.lead.actor, sent, E.ARRIVE)
    assert await road.reads()
    await road.act(road.lead.actor, sent, E.COMPLETE, outcome=Outcome.RECOVERED)
    assert not await road.reads()


async def test_a_place_that_is_not_used_goes_back_to_the_pool(road: Road, town: TestCity):
    schedule = await road.session(slots=2)

    async def free() -> int:
        found = await road.referrals.places(road.lead.actor, road.lead.id, "", clock.today(), 7)
        return sum(len(each.slots) for each in found)

    assert await free() == 2
    for end, actor, facts in (
        (E.WITHDRAW, road.doctor, {}),
        (E.REJECT, road.lead.actor, {"reason": RejectReason.NO_BED}),
    ):
        sent = await road.accepted(schedule)
        assert await free() == 1
        await road.act(actor, sent, end, **facts)
        await town.work()
        assert await free() == 2, end
    # Another time on the same day and at the same department: one place is had after the other.
    moved = await road.accepted(schedule)
    assert moved.place is not None
    number = 3 - moved.place.number
    again = await road.act(
        road.lead.actor, moved, E.REBOOK, schedule_id=schedule.id, number=number, bring="片子"
    )
    assert again.place is not None
    assert (again.place.number, again.place.lost, again.place.bring) == (number, False, "片子")
    await town.work()
    assert (await free(), (await road.stored(moved)).loose) == (1, ())
    # The clinic stops: the receiver owes another place, and without one nobody has stayed away.
    await road.services.schedules.stop_by_staff(SYSTEM, schedule.id, "医生急诊手术")
    await town.work()
    stopped = await road.stored(moved)
    assert stopped.place is not None
    assert (stopped.place.lost, (await road.referrals.counters(road.lead.actor)).to_rebook) == (True, 1)
    await road.overdue(moved)
    assert (await road.stored(moved)).state is S.LAPSED


async def test_a_health_code_shown_at_the_receivers_is_an_arrival(road: Road, town: TestCity):
    sent = await road.accepted()
    code = await road.services.healthcodes.make_dynamic(road.person.actor, road.person.id)
    await road.services.healthcodes.verification.verify(road.lead.actor, code.text, "10102")
    await town.work()
    assert (await road.stored(sent)).state is S.ARRIVED
    # And one shown to the doctor who refers says who the patient is.
    other = await road.services.healthcodes.make_dynamic(road.person.actor, road.person.id)
    back = await road.send(
        road.lead.actor, who=Who(code=other.text), direction=Direction.DOWN, to_organization_id=road.clinic.id
    )
    assert back.person_id == road.person.id


async def test_others_referrals_are_not_there(road: Road):
    sent = await road.send()
    strangers: list[Actor] = [
        road.other.actor,
        Actor("staff", "x", Role.DOCTOR, frozenset({road.other.id})),
        Actor("staff", "f", Role.FINANCE, frozenset({road.lead.id})),
        Actor("resident", new_id(), Role.RESIDENT, frozenset(), new_id(), "wechat", real_name=True),
        Actor("terminal", "t", Role.TERMINAL, frozenset({road.lead.id})),
        Actor("anonymous", ""),
    ]
    for stranger in strangers:
        for call in (
            road.referrals.get(stranger, sent.id),
            road.referrals.act(stranger, sent.id, E.WITHDRAW),
        ):
            with pytest.raises(AppError) as refused:
                await call
            assert refused.value.code is ErrorCode.NOT_FOUND, stranger
        if stranger.kind in ("staff", "client"):
            assert not (await road.referrals.list(stranger, wanted())).items


async def test_who_reads_what(road: Road, town: TestCity):
    sent = await road.accepted()
    receiver = await road.referrals.get(road.lead.actor, sent.id)
    himself = await road.referrals.get(road.person.actor, sent.id)
    at_city = await road.referrals.get(road.city, sent.id)
    assert [each.clinical.reason for each in (receiver, himself, at_city)] == [REASON, REASON, ""]
    assert all(step.actor_id == "" for step in himself.history)
    assert [step.event for step in himself.history] == [E.SEND, E.ACCEPT]
    entries, _ = await road.services.audit.list_entries(SYSTEM, audit_of("referrals.read"))
    assert {entry.actor_id for entry in entries} == {road.lead.actor.id, road.city.id}
    assert all(entry.data["patients"] == [road.person.id] for entry in entries)
    # What lies in the database says nothing of what somebody has, nor in events.
    raw = await town.city.db.collection("referrals").find_one({"_id": sent.id})
    assert raw is not None
    lying = str({name: value for name, value in raw.items() if name != "body"})
    assert not any(secret in lying for secret in (REASON, road.person.name, road.person.id_number, "胸痛"))
    assert REASON.encode() not in bytes(raw["body"]["ct"])


async def test_the_patient_withdraws_and_wishes(road: Road, town: TestCity):
    sent = await road.accepted()
    wished = await road.act(road.person.actor, sent, E.WISH, text="希望改到下午")
    assert (wished.state, wished.wish) == (S.ACCEPTED, "希望改到下午")
    assert (await road.referrals.counters(road.lead.actor)).to_rebook == 1
    with pytest.raises(AppError) as refused:
        await road.act(road.person.actor, sent, E.DEPART, **facts_of(E.DEPART))
    assert refused.value.code is ErrorCode.FORBIDDEN
    (mine,) = (await road.referrals.list(road.person.actor, wanted())).items
    assert mine.id == sent.id
    gone = await road.act(road.person.actor, sent, E.WITHDRAW)
    assert (gone.state, await road.reads()) == (S.WITHDRAWN, False)


async def test_a_repeated_request_changes_nothing(road: Road):
    schedule = await road.session()
    draft, key = road.draft(), new_id()
    sent = await road.referrals.send(road.doctor, draft, key)
    assert await road.referrals.send(road.doctor, draft, key) == sent
    for other in (replace(draft, reason="另一件事"), replace(draft, urgency=Urgency.URGENT)):
        with pytest.raises(AppError) as refused:
            await road.referrals.send(road.doctor, other, key)
        assert refused.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    with pytest.raises(AppError) as refused:
        await road.send()
    assert (refused.value.code, refused.value.data) == (ErrorCode.REFERRAL_OPEN, {"referral_id": sent.id})
    once = await road.act(road.lead.actor, sent, E.ACCEPT, schedule_id=schedule.id)
    twice = await road.act(road.lead.actor, sent, E.ACCEPT, schedule_id=schedule.id)
    assert (twice.turn, len(twice.history)) == (once.turn, 2)
    with pytest.raises(AppError) as refused:
        await road.act(road.lead.actor, sent, E.ACCEPT, schedule_id=schedule.id, number=2)
    assert refused.value.code is ErrorCode.REFERRAL_STATE
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_CAPABILITY)
    to = {"to_organization_id": road.other.id}
    first, second = [await road.act(road.doctor, sent, E.REDIRECT, **to) for _ in range(2)]
    assert first.id == second.id
    assert (await road.stored(sent)).followed_by == first.id
    assert first.clinical == sent.clinical


async def test_what_is_missing_or_wrong_is_named(road: Road):
    wrong: dict[str, dict[str, Any]] = {
        "reason": {"reason": " "},
        "to_organization_id": {"to_organization_id": ""},
        "nearest": {"nearest": True},
        "discharge_summary": {"direction": Direction.DOWN, "discharge_summary": ""},
        "plan": {"direction": Direction.DOWN, "plan": ()},
        "wanted_until": {"wanted_from": clock.today(), "wanted_until": clock.today() - timedelta(days=1)},
        "to_department_id": {"to_department_id": road.other.department.id},
        "attachments": {"attachments": (f"{new_id()}-{new_id()}",)},
        "patient": {"who": Who(name="只有名字")},
    }
    for field, values in wrong.items():
        with pytest.raises(AppError) as refused:
            await road.send(**values)
        assert refused.value.code is ErrorCode.BAD_REQUEST, field
        assert field in [each["field"] for each in refused.value.data["fields"]]
    for to in (road.clinic.id, new_id()):
        with pytest.raises(AppError):
            await road.send(to_organization_id=to)
    sent = await road.send()
    for event, actor in ((E.ASK_MORE, road.lead.actor), (E.ACCEPT, road.lead.actor)):
        with pytest.raises(AppError) as refused:
            await road.act(actor, sent, event)
        assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_the_patient_is_asked_after_a_completed_referral(road: Road):
    campaign = await make_campaign(
        road.services, SYSTEM, road.lead.id, trigger=Trigger.REFERRAL, delay=timedelta(days=1)
    )
    for outcome in (Outcome.DIED, Outcome.IMPROVED):
        sent = await road.accepted()
        await road.act(road.lead.actor, sent, E.ARRIVE)
        await road.act(road.lead.actor, sent, E.COMPLETE, outcome=outcome)
        await road.services.outbox.drain()
    runs = road.services.db.collection("survey_runs").find({"campaign_id": campaign.id})
    assert [run["patient_id"] async for run in runs] == [road.person.id]


async def test_a_referral_is_asked_about_with_the_doctor_who_received_the_patient(road: Road):
    campaign = await make_campaign(
        road.services, SYSTEM, road.lead.id, trigger=Trigger.REFERRAL, delay=timedelta(days=1)
    )
    session = await road.session(practitioner_id=new_id())
    sent = await road.accepted(session)
    await road.act(road.lead.actor, sent, E.ARRIVE)
    await road.act(road.lead.actor, sent, E.COMPLETE, outcome=Outcome.IMPROVED)
    await road.services.outbox.drain()
    run = await road.services.db.collection("survey_runs").find_one({"campaign_id": campaign.id})
    assert run is not None
    assert session.practitioner_id
    assert (run["department_id"], run["practitioner_id"]) == (session.department_id, session.practitioner_id)


async def test_an_account_that_is_deleted_leaves_figures_only(road: Road, town: TestCity):
    done = await road.accepted()
    await road.act(road.lead.actor, done, E.ARRIVE)
    await road.act(road.lead.actor, done, E.COMPLETE, outcome=Outcome.RECOVERED, text="痊愈")
    schedule = await road.session()
    going = await road.accepted(schedule)
    await road.referrals.following.on_resident_deleted(deleted(road.person.id))
    await road.referrals.following.on_resident_deleted(deleted(road.person.id))
    await town.work()
    for referral in (done, going):
        left = await road.stored(referral)
        assert (left.person_id, left.clinical.reason, left.outcome_text, left.place) == ("", "", "", None)
    assert (await road.stored(going)).state is S.WITHDRAWN
    assert going.place is not None
    claim = await road.services.claims.get(going.place.appointment_id)
    assert claim.state is ClaimState.CANCELLED
    month = f"{clock.today():%Y-%m}"
    rows = (await road.referrals.figures(road.lead.actor, [month])).rows
    (row,) = [each for each in rows if each.organization_id == road.lead.id]
    assert (row.up, row.arrived, row.withdrawn, row.arrival_permille) == (2, 1, 1, 500)


def facts_of(event: ReferralEvent) -> dict[str, Any]:
    """The facts that an event needs, to be given by name."""
    return {
        name: value
        for name in FACTS[event].__slots__
        if (value := getattr(FACTS[event], name)) not in ("", None, (), False)
    }


def wanted(**more: Any) -> ReferralQuery:
    return ReferralQuery(**more)


def audit_of(action: str) -> AuditFilter:
    return AuditFilter(action=action)


def deleted(person_id: str) -> Event:
    return Event(EventKind.RESIDENT_DELETED, {"resident_id": person_id})
