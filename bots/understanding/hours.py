"""Finds the part of a day and the time of day: 上午, 下午三点半, 两点以后, 9点到11点, 8:30."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from bots.understanding.numerals import NUMBER, number_of
from bots.understanding.values import HalfDay, Times

AROUND_MINUTES = 30


@dataclass(frozen=True, slots=True)
class HalfFound:
    """One naming of a part of the day."""

    start: int
    end: int
    half: HalfDay


@dataclass(frozen=True, slots=True)
class TimesFound:
    """One naming of a time; `times` is None when there is no such time."""

    start: int
    end: int
    times: Times | None


_HALVES: tuple[tuple[HalfDay, str], ...] = (
    (HalfDay.NOON, r"晌午头?|中午|正午|午间|大中午"),
    (HalfDay.AFTERNOON, r"下半[天日]|下午|午后|过晌|过午|下晌|后半?晌|下昼|后晌"),
    (HalfDay.MORNING, r"大?清早|上半[天日]|上午|早上|早晨|早起|一大?早|早间|头晌|头午|上昼|朝早|前晌|凌晨"),
    (HalfDay.EVENING, r"晚上|晚间|夜里|夜间|傍晚|夜门?诊|晚夕|夜市?门诊|黑天|擦黑"),
    (HalfDay.MORNING, r"(?<=[今明后日号天一二三四五六])早(?![点饭])|早(?=\d|[七八九十]点)"),
    (HalfDay.EVENING, r"(?<=[昨今明后日号天一二三四五六])晚(?![点饭])|晚(?=\d|[五六七八九十]点)"),
    (HalfDay.MORNING, r"(?<=[明后今])上(?=午|$)"),
)
_HALF_RULES = tuple((half, re.compile(pattern)) for half, pattern in _HALVES)
_HALF_HINTS = frozenset("午天日晌昼早晨晚夜傍黑")

_MINUTES = rf"(?:半|[一三]刻|{NUMBER}分?)"
# 好一点, 有一点疼, 早点 are no times.
_NOT_A_CLOCK = r"(?<![\d快慢好大小])(?!(?<=[有早晚])一点(?![半钟整]))"
_CLOCK = (
    rf"(?:\d{{1,2}}:\d\d|{_NOT_A_CLOCK}{NUMBER}(?:点钟?|时(?!候|间|段))(?:整|{_MINUTES})?(?!儿?了)|"
    r"\d{1,2}(?:am|pm))"
)
_PAIR = re.compile(r"(?<![十\d])(?P<first>[一二两三四五六七八九])(?P<last>[二三四五六七八九十])点钟?")
_HALF_WORD = r"(?:上午|下午|晚上|中午|早上)?"
_BETWEEN = re.compile(
    rf"(?P<first>{_CLOCK}|(?<![\d第]){NUMBER})(?:到|至|-){_HALF_WORD}(?P<last>{_CLOCK})(?:之间|中间|间)?"
)
_SINGLE = re.compile(
    rf"(?P<at>{_CLOCK})(?:(?P<after>以后|之后|过后|往后|后)|(?P<before>以前|之前|往前|前)|"
    r"(?P<around>左右|前后|上下|来钟|多))?"
)
_CLOCK_PARTS = re.compile(
    rf"(?P<hour>{NUMBER})(?:(?P<meridiem>am|pm)|:(?P<colon>\d\d)|(?:点钟?|时)?(?P<rest>整|半|[一三]刻|{NUMBER}分?)?)$"
)
_CLOCK_HINTS = frozenset("点时:m")


def find_half_days(text: str) -> list[HalfFound]:
    """All parts of a day that were said, in order."""
    if _HALF_HINTS.isdisjoint(text):
        return []
    found: list[HalfFound] = []
    for half, pattern in _HALF_RULES:
        for match in pattern.finditer(text):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(HalfFound(match.start(), match.end(), half))
    return sorted(found, key=lambda half: half.start)


def find_times(text: str, half: HalfDay | None) -> list[TimesFound]:
    """All times of day, in order; `half` decides whether 三点 is at night or in the afternoon."""
    if _CLOCK_HINTS.isdisjoint(text):
        return []
    found = [pair for match in _PAIR.finditer(text) if (pair := _pair(match, half)) is not None]
    text = _without(text, found)
    found += [_between(match, half) for match in _BETWEEN.finditer(text)]
    for match in _SINGLE.finditer(text):
        if not any(match.start() < other.end and other.start < match.end() for other in found):
            found.append(_single(match, half))
    return sorted(found, key=lambda times: times.start)


def _pair(match: re.Match[str], half: HalfDay | None) -> TimesFound | None:
    """八九点 is between eight and nine."""
    first, last = _clock(match["first"], half), _clock(match["last"], half)
    if first is None or last is None or last[0] - first[0] != 60:
        return None
    times = Times(_time(first[0]), _time(last[0]), match[0], first[1] or last[1])
    return TimesFound(match.start(), match.end(), times)


def _without(text: str, found: list[TimesFound]) -> str:
    for times in found:
        text = text[: times.start] + " " * (times.end - times.start) + text[times.end :]
    return text


def _between(match: re.Match[str], half: HalfDay | None) -> TimesFound:
    first, last = _clock(match["first"], half), _clock(match["last"], half)
    if first is None or last is None or first[0] >= last[0]:
        return TimesFound(match.start(), match.end(), None)
    assumed = first[1] or last[1]
    return TimesFound(match.start(), match.end(), Times(_time(first[0]), _time(last[0]), match[0], assumed))


def _single(match: re.Match[str], half: HalfDay | None) -> TimesFound:
    clock = _clock(match["at"], half)
    if clock is None:
        return TimesFound(match.start(), match.end(), None)
    minutes, assumed = clock
    start: time | None = _time(minutes)
    end = start
    if match["after"]:
        end = None
    elif match["before"]:
        start = None
    elif match["around"]:
        start, end = _time(minutes - AROUND_MINUTES), _time(minutes + AROUND_MINUTES)
    return TimesFound(match.start(), match.end(), Times(start, end, match[0], assumed))


def _clock(text: str, half: HalfDay | None) -> tuple[int, bool] | None:
    """Minutes since midnight, and whether the afternoon had to be assumed."""
    parts = _CLOCK_PARTS.match(text)
    hour = number_of(parts["hour"]) if parts else None
    if parts is None or hour is None or hour > 24:
        return None
    minute = int(parts["colon"]) if parts["colon"] else _minute(parts["rest"])
    if minute is None or minute > 59:
        return None
    if parts["meridiem"]:
        half = HalfDay.AFTERNOON if parts["meridiem"] == "pm" else HalfDay.MORNING
    hour, assumed = _hour_of_day(hour, half)
    return (hour * 60 + minute, assumed) if hour < 24 else None


def _hour_of_day(hour: int, half: HalfDay | None) -> tuple[int, bool]:
    if half is HalfDay.AFTERNOON and 1 <= hour < 12:
        return hour + 12, False
    if half is HalfDay.NOON and 1 <= hour <= 3:
        return hour + 12, False
    if half is HalfDay.EVENING and 5 <= hour <= 12:
        return hour + 12, False
    if half is None and 1 <= hour <= 6:
        # No clinic opens before seven.
        return hour + 12, True
    return hour, False


def _minute(rest: str | None) -> int | None:
    if rest is None or rest == "整":
        return 0
    if rest == "半":
        return 30
    if rest.endswith("刻"):
        return 15 if rest[0] == "一" else 45
    return number_of(rest.rstrip("分"))


def _time(minutes: int) -> time:
    minutes = min(max(minutes, 0), 24 * 60 - 1)
    return time(minutes // 60, minutes % 60)
