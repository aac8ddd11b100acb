"""What a schedule must be before it is published; each problem is named."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_rules import (
    DAYS_AHEAD,
    MAX_SLOTS,
    date_problems,
    lost_numbers,
    problems_of,
)
from tests.factories.directory import a_department, an_organization
from tests.factories.schedules import a_schedule, some_slots

ON = date(2030, 5, 6)
DEPARTMENT = a_department(an_organization())


def session(**overrides) -> Schedule:
    return a_schedule(DEPARTMENT, on=ON, **overrides)


def problems(**overrides) -> list:
    return [problem["problem"] for problem in problems_of(session(**overrides))]


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return clock.city_instant(ON + timedelta(days=day), hour, minute)


def test_a_sound_schedule_has_no_problem():
    assert problems() == []


def test_places_may_share_their_whole_time():
    shared = tuple(SlotTime(n, at(9), at(9, 30)) for n in (1, 2, 3))
    assert problems(slots=(*shared, SlotTime(4, at(9, 30), at(10)))) == []


def test_numbers_may_have_gaps():
    assert problems(slots=tuple(SlotTime(s.number * 3, s.start_at, s.end_at) for s in some_slots(ON))) == []


def test_a_night_may_reach_into_the_next_day():
    night = tuple(SlotTime(n + 1, at(22) + timedelta(hours=n), at(23) + timedelta(hours=n)) for n in range(9))
    assert problems(slots=night, period="night") == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"slots": ()}, "count_out_of_range"),
        ({"slots": some_slots(ON, 2) * (MAX_SLOTS // 2 + 1)}, "count_out_of_range"),
        ({"slots": (SlotTime(0, at(8), at(9)),)}, "number_out_of_range"),
        ({"slots": (SlotTime(1, at(8), at(9)), SlotTime(1, at(9), at(10)))}, "number_repeated"),
        ({"slots": (SlotTime(1, at(9), at(8)),)}, "end_before_start"),
        ({"slots": (SlotTime(1, at(9), at(9)),)}, "end_before_start"),
        ({"slots": (SlotTime(2, at(8), at(9)), SlotTime(1, at(9), at(10)))}, "out_of_order"),
        ({"slots": (SlotTime(1, at(9), at(10)), SlotTime(2, at(8), at(9)))}, "out_of_order"),
        ({"slots": (SlotTime(1, at(8), at(9)), SlotTime(2, at(8, 30), at(9, 30)))}, "overlapping"),
        ({"slots": (SlotTime(1, at(8), at(9)), SlotTime(2, at(8), at(9, 30)))}, "overlapping"),
        ({"slots": some_slots(ON + timedelta(days=1))}, "not_the_day_of_the_first_slot"),
        ({"slots": (SlotTime(1, at(8), at(9)), SlotTime(2, at(9, 0, 1), at(10, 0, 1)))}, "longer_than_a_day"),
        (
            {"slots": (SlotTime(1, at(8), at(9)), SlotTime(2, at(7, day=1), at(7, 30, day=1)))},
            "on_another_day",
        ),
        ({"period": "pm"}, "not_the_period_of_the_first_slot"),
        ({"fee_fen": -1}, "out_of_range"),
        ({"fee_fen": 1_000_001}, "out_of_range"),
        ({"reserved": {"moon": 1}}, "unknown_channel"),
        ({"reserved": {"window": -1}}, "negative"),
        ({"reserved": {"window": 4, "kiosk": 3}}, "more_than_there_are"),
    ],
)
def test_each_fault_is_named(overrides, expected):
    assert problems(**overrides) == [expected]


def test_all_faults_are_named_at_once():
    assert problems(fee_fen=-1, period="pm", reserved={"moon": 1}) == [
        "out_of_range", "not_the_period_of_the_first_slot", "unknown_channel",
    ]  # fmt: skip


def test_only_days_that_are_near_enough_can_be_published():
    today = clock.today()
    assert date_problems(today) == []
    assert date_problems(today + timedelta(days=DAYS_AHEAD)) == []
    assert date_problems(today - timedelta(days=1))[0]["problem"] == "past"
    assert date_problems(today + timedelta(days=DAYS_AHEAD + 1))[0]["problem"] == "too_far_ahead"


def test_a_sold_number_may_neither_vanish_nor_move():
    before = session()
    assert lost_numbers(before, before, {1, 6}) == []
    assert lost_numbers(before, replace(before, fee_fen=1, kind="general"), {1}) == []
    assert lost_numbers(before, replace(before, slots=before.slots[:4]), {3, 5, 6}) == [5, 6]
    assert lost_numbers(before, replace(before, slots=some_slots(ON, hour=9)), {2, 4}) == [2, 4]
    assert lost_numbers(before, replace(before, slots=some_slots(ON, 9)), {2, 4}) == []
    for moved in ({"on": ON + timedelta(days=7)}, {"department_id": "other"}, {"practitioner_id": "other"}):
        assert lost_numbers(before, replace(before, **moved), {4, 2}) == [2, 4]
        assert lost_numbers(before, replace(before, **moved), set()) == []


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 60)), min_size=1, max_size=30))
def test_sound_slots_never_overlap_in_part(windows):
    start = datetime(2030, 5, 6, 0, 0, tzinfo=UTC)
    slots = tuple(
        SlotTime(n + 1, start + timedelta(minutes=m), start + timedelta(minutes=m + length))
        for n, (m, length) in enumerate(windows)
    )
    found = problems_of(session(slots=slots, period="day"))
    if found:
        return
    for one in slots:
        for other in slots:
            same = (one.start_at, one.end_at) == (other.start_at, other.end_at)
            assert same or one.end_at <= other.start_at or other.end_at <= one.start_at
