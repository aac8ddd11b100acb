"""The patient index in the console: pairs side by side, masked; the person; linking and parting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest

from admin import index_words
from backend.patient_index.models import Change, ChartNumber, Demographics, NumberState
from backend.patient_index.review_models import Cause, ReviewState
from backend.permissions import Role
from tests.admin.browser import Console
from tests.admin.conftest import Town

BASE = "/admin/patient-index"
WHO = Demographics("王小伟", "male", date(1985, 3, 12), "", "13900001111", "健康市和平区幸福路12号")


@dataclass(frozen=True)
class Message:
    kind: str = "v2"
    id: str = "message-1"
    received_at: datetime = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (index_words.PAIR_STATES, ReviewState),
        (index_words.CAUSES, Cause),
        (index_words.CHANGES, Change),
        (index_words.NUMBER_STATES, NumberState),
    ],
)
def test_every_state_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == set(table)


async def test_a_pair_is_looked_at_masked_decided_and_taken_back(console: Console, town: Town) -> None:
    services = console.city.services
    index, hospitals = services.patient_index, [town.first.organization.id, town.second.organization.id]
    charts = [
        await index.chart_for(hospital, ChartNumber("HIS", f"ZY00-{n}"), WHO, Message())
        for n, hospital in enumerate(hospitals)
    ]
    await services.outbox.drain()
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(BASE)
    [pair] = [link for link in page.links if f"{BASE}/pairs/" in link]
    page = await browser.get(pair)
    for shown in ("王**", "139****1111", "1985-03-**", "健康市和平区***", "**00-1", "一致"):
        assert shown in page.text, shown
    for hidden in (WHO.name, WHO.phone, "幸福路", "ZY00-1", "1985-03-12"):
        assert hidden not in page.html
    page = await browser.submit(pair, said="same", reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(pair, said="same", reason="与本人电话核对")
    assert page.path == BASE
    person = await index.person_of(charts[0].id)
    assert await index.person_of(charts[1].id) == person
    page = await browser.get(f"{BASE}/persons/{person}")
    assert "与本人电话核对" in page.text
    assert town.second.organization.name in page.text
    assert WHO.name not in page.html
    page = await browser.submit(f"{BASE}/charts/{charts[1].id}/unlink", reason="认错了", other="")
    assert page.path == f"{BASE}/persons/{charts[1].id}"
    assert await index.person_of(charts[0].id) == charts[0].id


async def test_a_person_is_found_by_a_hospitals_number_and_never_by_address(
    console: Console, town: Town
) -> None:
    hospital = town.first.organization.id
    index = console.city.services.patient_index
    chart = await index.chart_for(hospital, ChartNumber("HIS", "ZY001"), WHO, Message())
    browser = await console.sign_in(Role.CITY_OPERATOR)
    search = f"{BASE}/search"
    form: dict[str, Any] = {"organization": hospital, "assigner": "HIS", "number": "ZY001"}
    await browser.get(search)
    page = await browser.submit(search, **form)
    assert page.path == f"{BASE}/persons/{chart.person_id}"
    await browser.get(search)
    page = await browser.submit(search, person="", expect=400)
    assert "请输入手机号" in page.text
    await browser.submit(search, **{**form, "number": "ZY002"}, expect=404)
    elsewhere = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await elsewhere.get(BASE, expect=403)
