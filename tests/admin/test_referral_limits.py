"""The city's form of time limits: what it shows is what counts, and what is wrong is said by name."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from admin.referral_limits_form import LimitsForm, groups_of, lines, spoken
from backend.audit.models import AuditFilter
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.limits import time_limits
from backend.referrals.models import Level, Urgency
from tests.admin.browser import Console
from tests.admin.conftest import Town

PATH = "/admin/referrals/limits"
BOXES = [box for each in groups_of(time_limits()).values() for group in each for box in group.boxes]
TIMES = [spoken(box) for box in BOXES]


def typed(**more: object) -> LimitsForm:
    hours = time_limits().working_hours
    values: dict[str, object] = {
        "times": TIMES, "begin": "08:00", "end": "17:30",
        "holidays": lines(hours.holidays), "workdays": lines(hours.workdays),
    }  # fmt: skip
    return LimitsForm.model_validate(values | more)


def test_what_is_sent_as_it_was_shown_is_the_same_table() -> None:
    assert typed().limits(time_limits()) == time_limits()
    assert {box.path[0] for box in BOXES} == set(Urgency)
    assert len({box.path for box in BOXES}) == len(BOXES)


def test_every_time_of_the_table_has_a_box() -> None:
    """Each box changes one number of it, and all numbers are changed by some box."""
    changed = [f"{box.minutes + 1}分钟" for box in BOXES]
    after = typed(times=changed).limits(time_limits())
    again = [box for each in groups_of(after).values() for group in each for box in group.boxes]
    assert [box.minutes for box in again] == [box.minutes + 1 for box in BOXES]
    plain = time_limits().model_dump_json()
    assert sum(plain.count(f'"{name}":') for name in ("after", "lapse_after", "arrive_after")) == len(BOXES)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("很快", "请写成"), ("0分钟", "须在1分钟到60天之间"), ("61天", "请写小时或分钟"),
        ("99999小时", "须在1分钟到60天之间"),
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_named(said: str, told: str) -> None:
    with pytest.raises(AppError) as refused:
        typed(times=[said, *TIMES[1:]]).limits(time_limits())
    assert "普通：先提醒经办" in str(refused.value.text)
    assert told in str(refused.value.text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"times": TIMES[1:]},
        {"begin": "18:00"},
        {"begin": "99:99"},
        {"holidays": "元旦"},
        {"workdays": "2027-13-01"},
    ],
)
def test_what_would_be_no_table_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(AppError) as refused:
        typed(**wrong).limits(time_limits())
    assert refused.value.code is ErrorCode.BAD_REQUEST


async def test_the_city_states_and_hospitals_read(console: Console, town: Town) -> None:
    desk = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await desk.get(PATH)
    assert '<fieldset class="columns" disabled>' in page.html
    assert "保存" not in page.text
    city = await console.sign_in(Role.CITY_OPERATOR)
    page = await city.get(PATH)
    assert "尚未修改过" in page.text
    times = ["90分钟", *TIMES[1:]]
    page = await city.submit(PATH, times=["以后再说", *TIMES[1:]], expect=400)
    assert 'value="以后再说"' in page.html, "nobody types it all twice"
    page = await city.submit(PATH, times=times, holidays="2027-01-01\n2027-01-04", workdays="")
    assert "第1版" in page.text
    assert 'value="90分钟"' in page.html
    assert 'value="90分钟"' in (await desk.get(PATH)).html
    counts = await console.city.services.referrals.limits.now()
    assert counts.working_hours.holidays == {date(2027, 1, 1), date(2027, 1, 4)}
    answer = counts.urgencies[Urgency.ROUTINE].answer
    assert (answer.steps[0].to, answer.steps[0].after) == (Level.DESK, 90)
    entries, _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="referrals.limits")
    )
    assert [(entry.object, entry.data) for entry in entries] == [("referral_limits/1", {"before": 0})]
    # Somebody has changed them meanwhile: what counts is shown, not what was typed over it.
    page = await city.submit(PATH, number="0", times=["2小时", *TIMES[1:]], expect=412)
    assert 'value="90分钟"' in page.html


async def test_of_two_who_change_them_at_once_one_has(console: Console, town: Town) -> None:
    book = console.city.services.referrals.limits
    city = Actor("staff", "city-1", Role.CITY_OPERATOR, None)
    done = await asyncio.gather(
        *(book.state(city, 0, time_limits()) for _ in range(3)), return_exceptions=True
    )
    refused = [each for each in done if isinstance(each, AppError)]
    assert [each.code for each in refused] == [ErrorCode.VERSION_CONFLICT] * 2
    assert (await book.read(city)).number == 1
    for nobody in (
        replace(city, organization_ids=town.scope),
        replace(city, role=Role.AUDITOR),
        Actor("client", "c", Role.HOSPITAL_CLIENT, town.scope),
    ):
        with pytest.raises(AppError) as no:
            await book.state(nobody, 1, time_limits())
        assert no.value.code is ErrorCode.FORBIDDEN
