"""The one clock: aware UTC instants, and the civil date in the city's time zone."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current instant, aware, UTC, cut to milliseconds as MongoDB keeps them."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def today() -> date:
    """The civil date in the city."""
    return datetime.now(CITY_ZONE).date()


def civil_date(instant: datetime) -> date:
    """The civil date in the city on which `instant` falls."""
    return instant.astimezone(CITY_ZONE).date()


def city_instant(on: date, hour: int, minute: int = 0) -> datetime:
    """The UTC instant of a wall-clock time in the city."""
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=CITY_ZONE).astimezone(UTC)
