"""FHIR's dates and times as the stretch of time they may mean: a bare month is all of it. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from backend.records.times import read_instant

_YEAR, _MONTH, _DAY = 4, 7, 10
_PARTIAL = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


class Stretch(NamedTuple):
    """The first instant that a text can mean, and the last."""

    first: datetime
    last: datetime


@lru_cache(maxsize=4096)
def read_stretch(text: str) -> Stretch | None:
    """What a date or time means; None when it is none."""
    first = read_instant(text)
    if first is None:
        return None
    if not _PARTIAL.fullmatch(text):
        return Stretch(first, first)
    length = {_YEAR: 366, _MONTH: 31, _DAY: 1}[len(text)]
    return Stretch(first, first + timedelta(days=length) - timedelta(milliseconds=1))


def is_surely_after(one: Stretch, other: Stretch) -> bool:
    """Whether no reading of both has them in the right order."""
    return one.first > other.last
