"""A window with a capacity becomes numbered places; a historical feed moves to another day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.imports.models import FeedSlot
from backend.imports.placing import DayShift, period_of, places_of
from backend.slotpool.schedules_rules import problems_of
from tests.factories.directory import a_department, an_organization
from tests.factories.schedules import a_schedule

START = datetime(2030, 5, 6, 1, 0, tzinfo=UTC)


def window(minutes: float = 60, capacity: int = 1, start: datetime = START) -> FeedSlot:
    return FeedSlot("1", "S1", True, start, start + timedelta(minutes=minutes), capacity, None, None)


def test_places_are_spread_evenly_on_whole_minutes():
    starts = [place.start_at - START for place in places_of(window(60, 7))]
    assert [int(start.total_seconds()) for start in starts] == [0, 480, 1020, 1500, 2040, 2520, 3060]


def test_a_day_of_a_hundred_places_is_filled_from_its_beginning_to_its_end():
    places = places_of(window(9 * 60, 100))
    assert [place.number for place in places] == list(range(1, 101))
    assert (places[0].start_at, places[-1].end_at) == (START, START + timedelta(hours=9))


@given(st.integers(1, 24 * 60 * 60), st.integers(1, 400))
def test_whatever_the_window_its_places_can_be_published(seconds, capacity):
    places = places_of(window(seconds / 60, capacity))
    assert len(places) == capacity
    assert places[0].start_at == START
    assert max(place.end_at for place in places) == START + timedelta(seconds=seconds)
    department = a_department(an_organization())
    schedule = a_schedule(department, on=clock.civil_date(START), slots=places, period="day")
    assert problems_of(schedule) == []


@pytest.mark.parametrize(
    ("hour", "hours", "period"),
    [(8, 4, "am"), (8, 9, "day"), (12, 2, "pm"), (13, 4, "pm"), (18, 2, "evening"), (22, 9, "night"),
     (2, 1, "night"), (11, 4, "day"), (6, 1, "am")],
)  # fmt: skip
def test_the_period_is_the_part_of_the_citys_day(hour, hours, period):
    start = clock.city_instant(date(2030, 5, 6), hour)
    slot = window(hours * 60, 1, start)
    assert period_of(slot) == period
    department = a_department(an_organization())
    schedule = a_schedule(department, on=date(2030, 5, 6), slots=places_of(slot), period=period_of(slot))
    assert problems_of(schedule) == []


def test_a_feed_moves_in_whole_days():
    shift = DayShift(START, date(2031, 1, 1), None)
    moved = shift.moved(window())
    assert clock.civil_date(moved.start_at) == date(2031, 1, 1)
    assert moved.start_at.time() == START.time()
    assert moved.end_at - moved.start_at == timedelta(hours=1)


def test_with_its_zone_a_feed_keeps_its_clock_on_the_wall():
    nine_in_boston = datetime(2021, 3, 1, 14, 0, tzinfo=UTC)
    shift = DayShift(nine_in_boston, date(2030, 6, 3), ZoneInfo("America/New_York"))
    assert shift.moved(window(540, 1, nine_in_boston)).start_at == clock.city_instant(date(2030, 6, 3), 9)
    # Two weeks later Boston's clocks have changed: nine is nine.
    nine_in_summer = datetime(2021, 3, 15, 13, 0, tzinfo=UTC)
    assert shift.moved(window(540, 1, nine_in_summer)).start_at == clock.city_instant(date(2030, 6, 17), 9)
