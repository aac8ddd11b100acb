"""Parts of a day and times of day as they are said in Chinese."""

import pytest

from bots.understanding.hours import find_half_days, find_times
from bots.understanding.normalising import normalise
from bots.understanding.values import HalfDay
from tests.bots.understanding.sentences import clock_range


def said(text: str) -> str:
    """Half-day and time in one line: `pm 15:30`."""
    text = normalise(text)
    halves = find_half_days(text)
    times = find_times(text, halves[0].half if halves else None)
    parts = [str(half.half) for half in halves]
    parts += ["none" if found.times is None else str(clock_range(found.times)) for found in times]
    return " ".join(parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("上午", "am"), ("早上", "am"), ("一大早", "am"), ("头晌", "am"), ("上昼", "am"), ("明早", "am"),
        ("中午", "noon"), ("下午", "pm"), ("过晌", "pm"),
        ("下昼", "pm"), ("晚上", "evening"), ("今晚", "evening"),
        ("夜门诊", "evening"), ("早点", ""), ("今天晚点", ""),
    ],
)  # fmt: skip
def test_parts_of_a_day(text: str, expected: str):
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("下午三点半", "pm 15:30"), ("下午3:30", "pm 15:30"), ("15:30", "15:30"), ("早上8点", "am 08:00"),
        ("十一点一刻", "11:15"), ("晚上7点", "evening 19:00"), ("中午12点", "noon 12:00"), ("8点20", "08:20"),
        ("下午14点", "pm 14:00"), ("下午两点以后", "pm 14:00-"),
        ("十点以前", "-10:00"), ("10点之前", "-10:00"),
        ("4点左右", "15:30-16:30"), ("9点到11点", "09:00-11:00"), ("9点-11点", "09:00-11:00"),
        ("下午3到5点", "pm 15:00-17:00"), ("8:30-10:00", "08:30-10:00"), ("3pm", "15:00"),
        ("八九点", "08:00-09:00"),
        ("下午两三点", "pm 14:00-15:00"), ("晚8点", "evening 20:00"),
        ("早9点", "am 09:00"),
    ],
)  # fmt: skip
def test_times_of_day(text: str, expected: str):
    assert said(text) == expected


@pytest.mark.parametrize(
    "text", ["好一点", "快点", "有一点疼", "两小时", "几点", "早一点", "什么时候", "8点了"]
)
def test_words_that_are_no_times(text: str):
    assert said(text) == ""


@pytest.mark.parametrize("text", ["25点", "8:75", "11点到9点"])
def test_a_time_that_does_not_exist_is_said_to_be_none(text: str):
    assert said(text) == "none"


def test_an_afternoon_that_was_not_said_is_marked_as_assumed():
    (unsaid,) = find_times("两点", None)
    (certain,) = find_times("两点", HalfDay.AFTERNOON)
    assert unsaid.times is not None
    assert certain.times is not None
    assert unsaid.times.start == certain.times.start
    assert (unsaid.times.assumed, certain.times.assumed) == (True, False)
