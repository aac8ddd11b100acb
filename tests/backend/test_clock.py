"""The clock: now, to the millisecond, in UTC."""

from datetime import UTC, datetime, timedelta

from backend import clock


def test_now_is_an_aware_instant_of_whole_milliseconds():
    for _ in range(2_000):
        before, now = datetime.now(UTC), clock.now()
        assert now.tzinfo is UTC
        assert now.microsecond % 1000 == 0
        assert timedelta(milliseconds=-1) < now - before < timedelta(seconds=5)
