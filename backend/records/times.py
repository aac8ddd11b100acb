"""FHIR's dates, times and periods as instants; a bare day, month or year begins in the city's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from backend.clock import CITY_ZONE

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


def read_instant(value: object) -> datetime | None:
    """The instant of a date, dateTime, instant or Period (its start, else its end); None when unreadable."""
    if isinstance(value, dict):
        return read_instant(value.get("start")) or read_instant(value.get("end"))
    if not isinstance(value, str):
        return None
    try:
        partial = _PARTIAL.fullmatch(value)
        if partial is not None:
            year, month, day = (int(part or 1) for part in partial.groups())
            return datetime(year, month, day, tzinfo=CITY_ZONE).astimezone(UTC)
        read = datetime.fromisoformat(value)
        aware = read if read.tzinfo else read.replace(tzinfo=CITY_ZONE)
        # MongoDB keeps milliseconds.
        return aware.astimezone(UTC).replace(microsecond=aware.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        return None
