"""Charts of hospitals and whose they are: by ID number without a human, else only by what hospitals merge."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.patient_index.models import Chart, ChartNumber, ChartState, Demographics, NumberState
from backend.patient_index.review_models import Cause, ReviewState
from backend.permissions import Actor, Role
from backend.residents.id_numbers import from_legacy
from backend.worker.events import Event, EventKind, RetryLater
from tests.backend.patient_index.conftest import HOSPITAL, OTHER, SOURCE, Message, Town
from tests.factories.city import an_id_number

BORN = date(1985, 3, 12)


def somebody(serial: int = 1, name: str = "王伟", **more: Any) -> Demographics:
    """A man (the serial is odd) with a valid ID number."""
    values: dict[str, Any] = {
        "name": name,
        "sex": "male",
        "birth_on": BORN,
        "id_number": an_id_number(serial),
    }
    return Demographics(**{**values, **more})


async def waiting(town: Town) -> list[tuple[str, str, Cause]]:
    pairs, _ = await town.index.desk.pairs(town.operator, ReviewState.OPEN, None, 50)
    return [(pair.chart_id, pair.other_id, pair.cause) for pair in pairs]


async def test_however_many_messages_come_at_once_a_number_has_one_chart_and_an_id_number_one_person(
    town: Town,
):
    charts = await asyncio.gather(
        *(
            town.says(hospital, str(value), somebody())
            for hospital in (HOSPITAL, OTHER)
            for value in range(3)
            for _ in range(4)
        )
    )
    assert len({chart.id for chart in charts}) == 6
    person = await town.city.city.services.residents.search(an_id_number(1))
    assert {chart.person_id for chart in charts} == {person}
    assert {chart.id for chart in await town.index.charts_of(str(person))} == {chart.id for chart in charts}
    assert await town.index.person_by_id_number(an_id_number(1).lower()) == person
    assert await town.index.person_by_id_number("no number") is None


async def test_an_id_number_that_comes_later_moves_the_chart_and_what_was_said_before_stays(town: Town):
    before = await town.says(HOSPITAL, "1", Demographics("王伟", phone="13900001111"))
    assert before.person_id == before.id
    after = await town.says(HOSPITAL, "1", Demographics("王 伟", id_number=an_id_number(1)))
    assert after.id == before.id
    assert after.person_id == await town.index.person_by_id_number(an_id_number(1))
    assert after.who.phone == "13900001111"
    legacy = await town.says(
        OTHER, "1", somebody(name="WANG WEI", id_number=an_id_number(1)[:6] + "850312001")
    )
    assert from_legacy(legacy.who.id_number) == an_id_number(1)
    assert legacy.person_id == after.person_id
    # The hospital found that it had typed another person's number.
    await town.says(HOSPITAL, "1", somebody(3))
    assert await town.person(after) == await town.index.person_by_id_number(an_id_number(3))
    assert await town.person(legacy) == after.person_id


async def test_a_message_that_was_held_up_adds_what_is_missing_and_takes_nothing_back(town: Town):
    await town.says(HOSPITAL, "1", somebody(phone=""))
    held_up = Message(received_at=SOURCE.received_at - timedelta(minutes=5))
    after = await town.says(HOSPITAL, "1", somebody(3, phone="13900001111"), held_up)

    assert (after.who.id_number, after.who.phone) == (an_id_number(1), "13900001111")
    assert after.person_id == await town.index.person_by_id_number(an_id_number(1))
    # Nor does it count as the last that was heard.
    between = Message(received_at=SOURCE.received_at - timedelta(minutes=1))
    again = await town.says(HOSPITAL, "1", somebody(3), between)
    assert again.who.id_number == an_id_number(1)


async def test_a_number_under_another_name_is_put_before_a_human_and_links_nobody(town: Town):
    owner = await town.says(HOSPITAL, "1", somebody(name="王伟"))
    other = await town.says(OTHER, "1", somebody(name="李强"))
    assert other.person_id == other.id
    assert other.number_state is NumberState.REFUSED
    assert await waiting(town) == [(other.id, owner.person_id, Cause.NUMBER)]
    # Nor does a number at odds with both birth and sex, of a known person or of a new one.
    odd = await town.says(OTHER, "2", somebody(sex="female", birth_on=date(1999, 9, 9)))
    assert odd.person_id == odd.id
    new = await town.says(OTHER, "3", somebody(5, sex="female", birth_on=date(1999, 9, 9)))
    assert (new.number_state, new.person_id) == (NumberState.NONE, new.id)
    assert await town.index.person_by_id_number(an_id_number(5)) is None


async def test_a_linked_chart_under_a_new_name_or_number_is_nobodys_until_somebody_says_whose(town: Town):
    chart = await town.says(HOSPITAL, "1", somebody())
    resident = chart.person_id
    unreadable = await town.says(HOSPITAL, "1", Demographics("王伟2号"))
    assert (unreadable.person_id, unreadable.number_state) == (resident, NumberState.LINKED)
    renamed = await town.says(HOSPITAL, "1", Demographics("李强"))
    assert (renamed.person_id, renamed.number_state) == (chart.id, NumberState.REFUSED)
    assert await waiting(town) == [(chart.id, resident, Cause.NUMBER)]
    [pair], _ = await town.index.desk.pairs(town.operator, ReviewState.OPEN, None, 1)
    await town.index.desk.decide(town.operator, pair.id, ReviewState.SAME, "改名，见户口簿")
    again = await town.says(HOSPITAL, "1", Demographics("李强", phone="13900001111"))
    assert (again.person_id, again.number_state) == (resident, NumberState.LINKED)
    wrong = await town.says(HOSPITAL, "1", Demographics(id_number="370702198503120012"))
    assert (wrong.person_id, wrong.number_state) == (chart.id, NumberState.NONE)


async def test_a_name_that_the_register_confirms_takes_the_number_from_whoever_had_it(town: Town):
    await town.registers("李强", an_id_number(1))
    wrong = await town.says(HOSPITAL, "1", somebody(name="王伟"))
    right = await town.says(OTHER, "1", somebody(name="李强"))
    resident = await town.index.person_by_id_number(an_id_number(1))
    assert right.person_id == resident
    assert await town.person(wrong) == wrong.id
    assert (wrong.id, resident, Cause.NUMBER) in await waiting(town)


async def test_a_newborn_is_not_its_mother_and_twins_are_two(town: Town):
    mother = await town.says(HOSPITAL, "1", somebody(2, "张敏", sex="female"))
    born = date(2026, 1, 5)
    children = [
        await town.says(HOSPITAL, str(n), somebody(2, name, sex="female", birth_on=born, phone="13900001111"))
        for n, name in ((2, "张敏之女"), (3, "张敏之女"), (4, "张子涵"), (5, "张子萱"))
    ]
    first = await town.says(OTHER, "1", somebody(4, "刘洋之子", birth_on=born))
    await town.city.work()
    assert len({mother.person_id, first.person_id, *(child.person_id for child in children)}) == 6
    # A child under its own name with the mother's number is a question; the rest is none.
    assert {cause for _, _, cause in await waiting(town)} <= {Cause.NUMBER}
    assert await town.index.person_by_id_number(an_id_number(4)) is None


async def test_what_a_hospital_merges_is_one_person_until_it_takes_it_back(town: Town):
    known = await town.says(HOSPITAL, "1", somebody())
    nobody = await town.says(HOSPITAL, "2")
    for _ in range(2):
        await town.merges(HOSPITAL, "2", "1")
    # The survivor had no number: the one that was merged into it brings the person.
    assert await town.person(nobody) == await town.person(known) == known.person_id
    retired = await town.index.chart(known.id)
    assert retired is not None
    assert (retired.state, retired.merged_into) == (ChartState.RETIRED, nobody.id)
    for circle in (("1", "2"), ("1", "1")):
        with pytest.raises(AppError) as refused:
            await town.merges(HOSPITAL, *circle)
        assert refused.value.code is ErrorCode.CONFLICT
    for _ in range(2):
        await town.index.take_back(HOSPITAL, ChartNumber("HIS", "2"), ChartNumber("HIS", "1"), SOURCE)
    assert await town.person(nobody) == nobody.id
    assert await town.person(known) == known.person_id
    with pytest.raises(AppError):
        await town.index.take_back(OTHER, ChartNumber("HIS", "2"), ChartNumber("HIS", "1"), SOURCE)


async def test_what_a_hospital_links_is_one_person_until_it_takes_it_back(town: Town):
    one, two = await town.says(HOSPITAL, "1", somebody()), await town.says(HOSPITAL, "2")
    numbers = ChartNumber("HIS", "1"), ChartNumber("HIS", "2")
    with pytest.raises(AppError) as refused:
        await town.index.take_back(HOSPITAL, *numbers, SOURCE)
    assert refused.value.code is ErrorCode.NOT_FOUND
    for _ in range(2):
        await town.index.join(HOSPITAL, *numbers, SOURCE)
    assert await town.person(two) == one.person_id
    await town.merges(HOSPITAL, "1", "2")
    # Whichever way round it is said, by many at once: the merge and the link are gone, and nothing else.
    await asyncio.gather(
        town.index.take_back(HOSPITAL, numbers[1], numbers[0], SOURCE),
        town.index.take_back(HOSPITAL, *numbers, SOURCE),
    )
    await town.index.take_back(HOSPITAL, *numbers, SOURCE)
    assert (await town.person(one), await town.person(two)) == (one.person_id, two.id)
    again = await town.index.chart(two.id)
    assert again is not None
    assert (again.merged_into, again.same_as, again.who) == (None, (), two.who)


async def test_a_hospital_does_not_take_back_what_a_human_has_said(town: Town):
    one, two = await town.says(HOSPITAL, "1"), await town.says(HOSPITAL, "2")
    numbers = ChartNumber("HIS", "1"), ChartNumber("HIS", "2")
    operator = Actor("staff", new_id(), Role.CITY_OPERATOR, None)
    await town.index.desk.link(operator, one.id, two.id, "核对过证件")
    with pytest.raises(AppError) as refused:
        await town.index.take_back(HOSPITAL, *numbers, SOURCE)
    assert refused.value.code is ErrorCode.CONFLICT
    # Its own merge it may take back; they stay one person, as the human said.
    await town.merges(HOSPITAL, "1", "2")
    await town.index.take_back(HOSPITAL, *numbers, SOURCE)
    retired = await town.index.chart(two.id)
    assert retired is not None
    assert retired.merged_into is None
    assert await town.person(one) == await town.person(two)


async def test_two_id_numbers_are_not_linked_by_a_hospital(town: Town):
    one, two = (
        await town.says(HOSPITAL, "1", somebody(1)),
        await town.says(HOSPITAL, "2", somebody(3, "李强")),
    )
    numbers = ChartNumber("HIS", "1"), ChartNumber("HIS", "2")
    for pair in (numbers, (numbers[0], numbers[0])):
        with pytest.raises(AppError) as refused:
            await town.index.join(HOSPITAL, *pair, SOURCE)
        assert refused.value.code is ErrorCode.CONFLICT
    assert await town.person(one) != await town.person(two)


async def test_a_merge_of_two_id_numbers_retires_the_chart_and_asks_whose_it_is(town: Town):
    one, two = (
        await town.says(HOSPITAL, "1", somebody(1)),
        await town.says(HOSPITAL, "2", somebody(3, "李强")),
    )
    await town.merges(HOSPITAL, "1", "2")
    assert await town.person(two) == two.person_id != one.person_id
    retired = await town.index.chart(two.id)
    assert retired is not None
    assert retired.state is ChartState.RETIRED
    assert await waiting(town) == [(two.id, one.id, Cause.MERGE)]


async def test_merges_at_once_that_would_make_a_circle_leave_none(town: Town):
    charts = [await town.says(HOSPITAL, str(n)) for n in range(3)]
    outcomes = await asyncio.gather(
        *(town.merges(HOSPITAL, str(n), str((n + 1) % 3)) for n in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, AppError) for each in outcomes) == 1
    assert {await town.person(chart) for chart in charts} == {min(chart.id for chart in charts)}


async def test_charts_without_a_number_are_found_alike_and_no_longer_when_they_are_not(town: Town):
    one = await town.says(HOSPITAL, "1", Demographics("王伟", "male", BORN, phone="13900001111"))
    two = await town.says(OTHER, "1", Demographics("王 伟", "male", BORN, phone="+86 139 0000 1111"))
    await town.city.work()
    await town.city.work()
    [(chart, other, cause)] = await waiting(town)
    assert ({chart, other}, cause) == ({one.id, two.id}, Cause.ALIKE)
    # A second chart of the same person asks nothing more.
    await town.says(OTHER, "2", Demographics("王伟", "male", BORN, phone="13900001111"))
    await town.merges(OTHER, "1", "2")
    await town.city.work()
    assert [cause for *_, cause in await waiting(town)] == [Cause.ALIKE]
    await town.says(HOSPITAL, "1", Demographics("王小伟", "male"))
    await town.city.work()
    assert await waiting(town) == []


async def test_charts_that_turn_out_to_be_one_persons_by_number_leave_the_list(town: Town):
    without = Demographics("王伟", "male", BORN, phone="13900001111")
    one, two = await town.says(HOSPITAL, "1", without), await town.says(OTHER, "1", without)
    await town.city.work()
    assert len(await waiting(town)) == 1
    await town.says(HOSPITAL, "1", somebody())
    await town.says(OTHER, "1", somebody())
    await town.city.work()
    assert await waiting(town) == []
    assert await town.person(one) == await town.person(two)


async def test_a_deleted_account_leaves_the_charts_and_who_comes_back_finds_them(town: Town):
    resident = await town.city.resident()
    who = Demographics(resident.name, id_number=resident.id_number)
    charts = [await town.says(hospital, "1", who) for hospital in (HOSPITAL, OTHER)]
    assert {chart.person_id for chart in charts} == {resident.id}
    # Else what is still told of the charts finds them a new file as soon as the account is gone.
    await town.city.work()
    await town.city.call("DELETE", "/api/v1/me", as_=resident, expect=204)
    await town.city.work()
    assert [chart.id for chart in await town.index.charts_of(resident.id)] == [chart.id for chart in charts]
    town.city._people -= 1
    again = await town.city.resident()
    assert again.id != resident.id
    await town.city.work()
    assert {chart.id for chart in await town.index.charts_of(again.id)} == {chart.id for chart in charts}
    assert await town.index.charts_of(resident.id) == []


async def test_while_the_register_is_away_the_chart_waits_and_is_asked_about_again(city: City):
    index = city.services.patient_index

    async def says(hospital: str, name: str) -> Chart:
        return await index.chart_for(hospital, ChartNumber("HIS", "1"), somebody(name=name), SOURCE)

    await says(HOSPITAL, "王伟")
    other = await says(OTHER, "李强")
    assert (other.number_state, other.person_id) == (NumberState.DUE, other.id)
    with pytest.raises(RetryLater):
        await index.on_chart_changed(Event(EventKind.CHART_CHANGED, {"chart_id": other.id}))


async def test_nothing_of_a_person_stands_in_the_database_in_clear(town: Town):
    who = somebody(phone="13900001111", address="幸福路12号")
    await town.says(HOSPITAL, "ZY-778899", who)
    text = str([doc async for doc in town.city.city.db.collection("charts").find({})])
    for secret in ("ZY-778899", "王伟", who.id_number, "13900001111", "幸福路", "1985-03-12"):
        assert secret not in text


async def test_the_hot_questions_are_answered_by_an_index(town: Town):
    charts = town.city.city.db.collection("charts")
    await town.says(HOSPITAL, "1", somebody())
    questions: list[tuple[dict[str, Any], str]] = [
        ({"organization_id": HOSPITAL, "numbers": {"$in": ["a", "b"]}}, "by_number"),
        ({"organization_id": {"$in": [HOSPITAL, "b"]}, "numbers": {"$in": ["a", "b"]}}, "by_number"),
        ({"person_id": "p"}, "of_person"),
        ({"resident_id": "r"}, "of_resident"),
        ({"blocks": {"$in": ["a", "b"]}}, "alike"),
        ({"$or": [{"_id": {"$in": ["a"]}}, {"merged_into": {"$in": ["a"]}}]}, "merged"),
    ]
    for question, name in questions:
        plan = (await charts.find(question).explain())["queryPlanner"]["winningPlan"]
        assert "COLLSCAN" not in str(plan), question
        assert name in str(plan), question
