"""What operators of the city see of pairs and people, and what their word does."""

from __future__ import annotations

from datetime import date

import pytest

from backend.audit.models import AuditFilter
from backend.errors import AppError, ErrorCode
from backend.patient_index.models import Change, Chart, ChartNumber, Demographics, NumberState
from backend.patient_index.review_models import ReviewState
from tests.backend.patient_index.conftest import HOSPITAL, OTHER, SOURCE, Town
from tests.factories.city import an_id_number

WHY = "电话核实过本人"
ALIKE = Demographics("王伟", "male", date(1985, 3, 12), phone="13900001111")


async def a_pair(town: Town) -> tuple[str, Chart, Chart]:
    """Two charts that are alike, and the pair's id."""
    one, two = await town.says(HOSPITAL, "1", ALIKE), await town.says(OTHER, "1", ALIKE)
    await town.city.work()
    [pair], _ = await town.index.desk.pairs(town.operator, ReviewState.OPEN, None, 10)
    return pair.id, one, two


async def test_one_person_is_what_an_operator_says_until_he_takes_it_back(town: Town):
    desk = town.index.desk
    pair, one, two = await a_pair(town)
    review, left, right = await desk.access_pair(town.operator, pair)
    assert review.degrees == {"name": "same", "birth": "same", "sex": "same", "phone": "same"}
    assert left.who == right.who == ALIKE
    await desk.decide(town.operator, pair, ReviewState.SAME, WHY)
    assert await town.person(one) == await town.person(two) == min(one.id, two.id)
    file = await desk.access_person(town.operator, await town.person(one))
    assert {chart.id for chart in file.charts} == {one.id, two.id}
    assert file.reviews == []
    assert {(entry.change, entry.reason) for entry in file.history} == {(Change.LINKED, WHY)}
    with pytest.raises(AppError):
        await desk.decide(town.operator, pair, ReviewState.DIFFERENT, WHY)
    # What is linked goes along when an ID number comes, and stays apart for good when it is taken off.
    with_number = Demographics("王伟", id_number=an_id_number(1))
    await town.says(HOSPITAL, "1", with_number)
    resident = await town.index.person_by_id_number(an_id_number(1))
    assert await town.person(two) == resident
    await desk.unlink(town.operator, two.id, WHY)
    assert await town.person(two) == two.id
    await town.says(OTHER, "1", Demographics(address="幸福路1号"))
    await town.city.work()
    assert await desk.pairs(town.operator, ReviewState.OPEN, None, 10) == ([], None)


async def test_a_number_taken_off_by_an_operator_does_not_link_again_by_itself(town: Town):
    who = Demographics("王伟", id_number=an_id_number(1))
    chart = await town.says(HOSPITAL, "1", who)
    await town.index.desk.unlink(town.operator, chart.id, WHY)
    again = await town.says(HOSPITAL, "1", Demographics("王伟", phone="13900001111"))
    assert (again.person_id, again.number_state) == (chart.id, NumberState.REFUSED)
    other = await town.says(OTHER, "1", who)
    assert other.person_id == chart.person_id


async def test_a_number_under_another_name_is_linked_when_an_operator_says_so(town: Town):
    owner = await town.says(HOSPITAL, "1", Demographics("王伟", id_number=an_id_number(1)))
    other = await town.says(OTHER, "1", Demographics("李强", id_number=an_id_number(1)))
    desk = town.index.desk
    [pair], _ = await desk.pairs(town.operator, ReviewState.OPEN, None, 10)
    _, left, right = await desk.access_pair(town.operator, pair.id)
    assert (left.who.name, right.who.name, right.chart) == ("李强", "王伟", None)
    await desk.decide(town.operator, pair.id, ReviewState.SAME, WHY)
    assert await town.person(other) == owner.person_id
    # The hospital says it again, and something more: nothing is asked anew.
    again = await town.says(OTHER, "1", Demographics("李强", phone="13900001111"))
    assert (again.number_state, again.person_id) == (NumberState.LINKED, owner.person_id)


async def test_what_an_operator_puts_off_waits_elsewhere_and_what_he_calls_different_is_settled(town: Town):
    desk = town.index.desk
    pair, one, two = await a_pair(town)
    await desk.decide(town.operator, pair, ReviewState.LATER, WHY)
    assert await desk.counts(town.operator) == {ReviewState.OPEN: 0, ReviewState.LATER: 1}
    await desk.decide(town.operator, pair, ReviewState.DIFFERENT, WHY)
    third = await town.says(OTHER, "2", ALIKE)
    await town.merges(OTHER, "1", "2")
    await town.says(HOSPITAL, "1", Demographics(address="幸福路1号"))
    await town.city.work()
    assert await desk.pairs(town.operator, ReviewState.OPEN, None, 10) == ([], None)
    assert await town.person(third) == await town.person(two) != await town.person(one)


async def test_two_id_numbers_are_never_one_person_whoever_says_so(town: Town):
    one = await town.says(HOSPITAL, "1", Demographics("王伟", id_number=an_id_number(1)))
    two = await town.says(HOSPITAL, "2", Demographics("王伟", id_number=an_id_number(3)))
    await town.merges(HOSPITAL, "1", "2")
    [pair], _ = await town.index.desk.pairs(town.operator, ReviewState.OPEN, None, 10)
    for attempt in (
        town.index.desk.decide(town.operator, pair.id, ReviewState.SAME, WHY),
        town.index.desk.link(town.operator, one.id, two.id, WHY),
    ):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.CONFLICT
    assert await town.person(two) == two.person_id
    await town.index.desk.unmerge(town.operator, two.id, WHY)
    chart = await town.index.chart(two.id)
    assert chart is not None
    assert (chart.merged_into, chart.disputed) == (None, False)


async def test_only_the_city_looks_and_every_look_is_on_record(town: Town):
    pair, one, two = await a_pair(town)
    desk = town.index.desk
    number = ChartNumber("HIS", "1")
    for attempt in (
        desk.pairs(town.elsewhere, ReviewState.OPEN, None, 10),
        desk.access_pair(town.elsewhere, pair),
        desk.access_person(town.elsewhere, one.id),
        desk.decide(town.elsewhere, pair, ReviewState.SAME, WHY),
        desk.link(town.elsewhere, one.id, two.id, WHY),
        desk.unlink(town.elsewhere, one.id, WHY),
        desk.find(town.elsewhere, "13900001111"),
        desk.find_by_number(town.elsewhere, HOSPITAL, number),
    ):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(AppError) as refused:
        await desk.decide(town.operator, pair, ReviewState.SAME, " ")
    assert refused.value.code is ErrorCode.REASON_REQUIRED
    await desk.access_pair(town.operator, pair)
    assert await desk.find_by_number(town.operator, HOSPITAL, number) == one.id
    await desk.access_person(town.operator, one.id)
    await desk.link(town.operator, one.id, two.id, WHY)
    await town.merges(HOSPITAL, "1", "3")
    await town.index.take_back(HOSPITAL, number, ChartNumber("HIS", "3"), SOURCE)
    entries, _ = await town.city.city.services.audit.list_entries(town.operator, AuditFilter())
    said = [entry.action for entry in entries if entry.action.startswith("patient_index.")]
    assert sorted(said) == [f"patient_index.{what}" for what in ("compare", "link", "read", "search")]
