"""Charts of hospitals and whose they are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

from backend.bootstrap import City
from backend.patient_index.models import ChartNumber, Demographics
from tests.factories.city import an_id_number

HOSPITAL, OTHER = "01HOSPITAL", "01OTHER"


@dataclass(frozen=True)
class Message:
    kind: str = "v2"
    id: str = "message-1"


SOURCE = Message()


def number(value: str, assigner: str = "HIS") -> ChartNumber:
    return ChartNumber(assigner, value)


def somebody(serial: int = 1, name: str = "王伟", **more: object) -> Demographics:
    values = {"name": name, "sex": "male", "id_number": an_id_number(serial), "phone": "13900001111"}
    return Demographics(**{**values, **more})


async def test_a_chart_is_made_once_however_many_messages_come_at_once(city: City):
    index = city.services.patient_index
    charts = await asyncio.gather(
        *(index.chart_for(HOSPITAL, number("1"), somebody(), SOURCE) for _ in range(12))
    )
    assert len({chart.id for chart in charts}) == 1
    assert await index.charts_of(charts[0].person_id) == [await index.chart(charts[0].id)]


async def test_charts_of_one_id_number_are_one_person_in_every_hospital(city: City):
    index = city.services.patient_index
    charts = await asyncio.gather(
        *(
            index.chart_for(hospital, number(str(serial)), somebody(), SOURCE)
            for hospital in (HOSPITAL, OTHER)
            for serial in range(3)
        )
    )
    person = await city.services.residents.search(somebody().id_number)
    assert {chart.person_id for chart in charts} == {person}
    assert {chart.id for chart in await index.charts_of(str(person))} == {chart.id for chart in charts}
    assert await index.person_by_id_number(somebody().id_number) == person


async def test_an_id_number_that_comes_later_moves_the_chart(city: City):
    index = city.services.patient_index
    unknown = Demographics("王伟", "male", date(1985, 3, 12))
    before = await index.chart_for(HOSPITAL, number("1"), unknown, SOURCE)
    assert before.person_id == before.id
    after = await index.chart_for(HOSPITAL, number("1"), somebody(), SOURCE)
    assert after.id == before.id
    assert after.person_id == await city.services.residents.search(somebody().id_number)
    assert after.who.birth_on == date(1985, 3, 12)


async def test_a_merge_and_its_undoing_leave_everything_as_it_was(city: City):
    index = city.services.patient_index
    one = await index.chart_for(HOSPITAL, number("1"), somebody(), SOURCE)
    two = await index.chart_for(HOSPITAL, number("2"), Demographics("王伟"), SOURCE)
    await index.merge(HOSPITAL, number("1"), number("2"), SOURCE)
    await index.merge(HOSPITAL, number("1"), number("2"), SOURCE)
    assert await index.person_of(two.id) == one.person_id
    await index.unmerge(HOSPITAL, number("1"), number("2"), SOURCE)
    await index.unmerge(HOSPITAL, number("1"), number("2"), SOURCE)
    assert await index.person_of(two.id) == two.person_id
