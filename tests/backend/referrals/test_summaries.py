"""The discharge summary of a referral is a document of the record: one, whatever is repeated or dies."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM
from backend.records.models import RecordQuery, Resource, Sensitivity, Source
from backend.records.service import RecordService
from backend.records.sharing_models import Asked
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import Direction, Outcome, PlanItem, Referral, RejectReason, Urgency, Who
from backend.referrals.sending import changed
from backend.referrals.unidentified import SeenSex, Unidentified
from tests.factories.records import make_chart
from tests.factories.referrals import IN_TWO_HOURS, Road, make_road
from tests.factories.sharing import DOCTOR, Place
from tests.support.city import Surroundings, TestCity, open_test_city

E, S = ReferralEvent, ReferralState
SAID = "好转出院，继续服药"
PLAN = (PlanItem("复查心电图", date(2027, 3, 1)),)
DOWN: dict[str, Any] = {"direction": Direction.DOWN, "discharge_summary": SAID, "plan": PLAN}


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@pytest.fixture
async def road(town: TestCity) -> Road:
    return await make_road(town.city.services)


async def sent_down(road: Road, **more: Any) -> Referral:
    """The lead hospital refers back to the clinic."""
    return await road.send(road.lead.actor, **({"to_organization_id": road.clinic.id} | DOWN | more))


async def own(road: Road, *types: str) -> list[Resource]:
    """What the resident reads of his own."""
    basis = await road.services.record_gate.own(road.person.actor, road.person.id)
    query = RecordQuery(types=types or ("DocumentReference",))
    return (await road.services.record_reader.search(basis, query)).items


async def read_by(road: Road, place: Place) -> list[Resource]:
    """What a hospital's doctor reads by his care of the resident."""
    basis = await road.services.record_gate.care(place.actor, road.person.id, Asked(practitioner=DOCTOR))
    return (await road.services.record_reader.timeline(basis)).items


async def again(road: Road, *referrals: Referral) -> None:
    """Told once more of every referral, in any order, at once."""
    handle = road.referrals.summaries.on_changed
    await asyncio.gather(*(handle(changed(each, E.SEND)) for each in referrals for _ in range(3)))


async def test_what_is_said_when_somebody_goes_home_lies_in_his_record(road: Road, town: TestCity):
    chart = await make_chart(
        road.services, road.lead.id, name=road.person.name, id_number=road.person.id_number
    )
    up = await road.accepted()
    await road.act(road.lead.actor, up, E.ARRIVE)
    done = await road.act(
        road.lead.actor, up, E.COMPLETE, outcome=Outcome.IMPROVED, send_back=True,
        discharge_summary=SAID, plan=PLAN,
    )  # fmt: skip
    assert not await own(road)
    await town.work()
    (paper,) = await own(road)
    back = await road.referrals.get(SYSTEM, done.followed_by)
    assert (paper.owner, paper.organization_id, paper.at) == (chart.id, road.lead.id, back.created_at)
    (content,) = paper.body["content"]
    assert base64.b64decode(content["attachment"]["data"]).decode() == SAID
    assert paper.body["type"]["coding"][0] | {"display": ""} == {
        "system": "http://loinc.org", "code": "18842-5", "display": "",
    }  # fmt: skip
    assert paper.body["masterIdentifier"]["value"] == back.id
    (origin,) = await own(road, "Provenance")
    assert origin.body["target"] == [{"reference": f"DocumentReference/{paper.id}"}]
    assert origin.body["entity"][0]["what"]["identifier"]["value"] == back.id
    # In the file of a lifetime, by its name and place.
    page, _ = await road.services.reports.file.timeline(road.person.actor, road.person.id, (), None, 20)
    assert [(moment.title, place) for moment, place in page] == [("出院小结", "市人民医院")]


async def test_it_is_read_by_whoever_takes_him_over_and_by_no_stranger(road: Road, town: TestCity):
    sent = await sent_down(road)
    await town.work()
    for place in (road.clinic, road.other):
        with pytest.raises(AppError):
            await read_by(road, place)
    await road.act(road.doctor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    (paper,) = await read_by(road, road.clinic)
    assert (paper.type, paper.sensitivity) == ("DocumentReference", Sensitivity.CLINICAL)
    with pytest.raises(AppError) as refused:
        await read_by(road, road.other)
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_words_that_are_nobodys_business_raise_its_level(road: Road, town: TestCity):
    sent = await sent_down(road, discharge_summary="出院诊断：人类免疫缺陷病毒病，继续抗病毒治疗")
    await town.work()
    await road.act(road.doctor, sent, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    assert await read_by(road, road.clinic) == []
    (paper,) = await own(road)
    assert paper.sensitivity == Sensitivity.SPECIAL


async def test_it_is_one_however_often_told_redirected_or_withdrawn(road: Road, town: TestCity):
    first = await sent_down(road)
    await road.act(road.clinic.actor, first, E.REJECT, reason=RejectReason.NO_BED)
    second = await road.act(road.lead.actor, first, E.REDIRECT, to_organization_id=road.other.id)
    await road.act(road.lead.actor, second, E.WITHDRAW)
    await again(road, second, first)
    await town.work()
    # The hospital's own chart comes later, and is older by its state: the paper stays where it lies.
    await make_chart(road.services, road.lead.id, name=road.person.name, id_number=road.person.id_number)
    await again(road, first, second)
    (paper,) = await own(road)
    assert (paper.version, paper.body["masterIdentifier"]["value"]) == (1, first.id)
    # What its hospital takes back stays so.
    now = Source("fhir", "taken-back", road.lead.id, clock.now())
    await road.services.records.delete(road.lead.id, paper.id, now)
    await again(road, first, second)
    assert await own(road) == []


async def test_a_process_that_dies_between_leaves_it_to_the_next(
    road: Road, town: TestCity, monkeypatch: pytest.MonkeyPatch
):
    sent = await sent_down(road)

    async def dies(*args: object, **more: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(RecordService, "write", dies)
        with pytest.raises(RuntimeError):
            await again(road, sent)
    assert await own(road) == []
    chart = await road.store.summary_chart(sent.id)
    assert chart
    await town.work()
    (paper,) = await own(road)
    assert paper.owner == chart


async def test_of_somebody_unknown_it_is_written_when_it_is_said_who_he_is(road: Road, town: TestCity):
    nobody = Who(unidentified=Unidentified("火车站广场", SeenSex.MALE, 50))
    sent = await road.send(
        who=nobody, urgency=Urgency.EMERGENCY, reason="昏迷", nearest=True, discharge_summary=SAID
    )
    await road.act(road.lead.actor, sent, E.REJECT, reason=RejectReason.NO_BED)
    await town.work()
    papers = road.services.db.collection("resources").count_documents
    assert await papers({"type": "DocumentReference"}) == 0
    onward = await road.referrals.get(SYSTEM, (await road.stored(sent)).followed_by)
    who = Who(name=road.person.name, id_number=road.person.id_number)
    await road.act(road.doctor, onward, E.IDENTIFY, who=who)
    await town.work()
    (paper,) = await own(road)
    assert (paper.organization_id, paper.body["masterIdentifier"]["value"]) == (road.clinic.id, sent.id)


async def test_a_deleted_account_leaves_no_trace_of_where_it_lies(road: Road, town: TestCity):
    sent, late = await sent_down(road), await sent_down(road, to_organization_id=road.other.id)
    await again(road, sent)
    stale = await road.stored(late)
    for each in (sent, late):
        await road.store.forget(each.id)
    await town.work()
    assert await road.store.summary_chart(sent.id) == ""
    # Whoever was about to write it down when the account went, does not.
    assert not await road.store.keep_summary_chart(stale, "CHART")
    assert await road.services.db.collection("resources").count_documents({"type": "DocumentReference"}) == 1


async def test_who_goes_home_is_sent_by_whoever_completed_it_whatever_was_said_since(
    road: Road, town: TestCity
):
    down = await sent_down(road)
    await road.act(road.clinic.actor, down, E.ACCEPT, expected_at=clock.now() + IN_TWO_HOURS)
    await road.act(road.clinic.actor, down, E.ARRIVE)
    done = await road.act(
        road.clinic.actor, down, E.COMPLETE, outcome=Outcome.IMPROVED, send_back=True,
        discharge_summary="康复出院", plan=PLAN,
    )  # fmt: skip
    # The process died before it was opened, and a line of the plan was said before a worker came to it.
    await road.services.db.collection("referrals").delete_one({"_id": done.followed_by})
    await road.act(road.doctor, down, E.FOLLOW_UP, item=1, done_on=clock.today())
    await town.work()
    back = await road.referrals.get(SYSTEM, done.followed_by)
    sent_by = f"client:{road.clinic.actor.id}"
    assert (back.sent_by, back.history[0].actor_id) == (sent_by, road.clinic.actor.id)
    assert {each.body["masterIdentifier"]["value"] for each in await own(road)} == {down.id, back.id}
