"""How long it takes to accept, and how many arrive: counted from what stands in clear of each referral."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.referrals.figures import figures
from backend.referrals.models import Side

SENT = datetime(2026, 11, 20, 2, tzinfo=UTC)


def sent(minutes: float | None, *, arrived: bool = False, state: str = "accepted") -> dict[str, Any]:
    accepted_at = None if minutes is None else SENT + timedelta(minutes=minutes)
    return {
        "direction": "up", "state": state, "created_at": SENT, "accepted_at": accepted_at,
        "to_organization_id": "TO", "from_organization_id": "BY",
        "arrived_at": SENT + timedelta(hours=9) if arrived else None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "median"),
    [
        ([], None),
        ([None, None], None),
        ([7], 7),
        ([5, 30, 400], 30),
        ([5, 30, None], 18),
        ([0.4, 0.4], 0),
    ],
)
def test_the_median_is_of_those_that_were_accepted(minutes: list[float | None], median: int | None) -> None:
    rows = figures([sent(each) for each in (minutes or [None])], {"2026-11"}, None, SENT)
    assert {row.median_minutes_to_accept for row in rows} == {median}
    assert [(row.organization_id, row.side) for row in rows] == [
        ("", Side.IN), ("BY", Side.OUT), ("TO", Side.IN),
    ]  # fmt: skip


def test_the_arrival_rate_is_the_boards_of_those_accepted() -> None:
    found = [sent(3, arrived=True), sent(3), sent(3, state="not_arrived"), sent(None, state="rejected")]
    rows = figures(found, {"2026-11"}, {"TO"}, SENT)
    assert {(row.accepted, row.arrived, row.missed, row.arrival_permille) for row in rows} == {(3, 1, 1, 333)}
    (none,) = figures([sent(None)], {"2026-11"}, set(), SENT)
    assert none.arrival_permille is None


def test_what_was_followed_up_in_time_is_of_what_was_due() -> None:
    def line(days: int, *, done: int | None = None, counts: bool = True) -> dict[str, Any]:
        due = SENT.date() + timedelta(days=days)
        in_time = done is not None and done <= days + 3
        return {"due_on": str(due), "in_time": in_time, "closed": done is not None, "counts": counts}

    plan = [line(1, done=4), line(1, done=5), line(1), line(90), line(2, counts=False)]
    rows = figures([sent(3) | {"plan": plan}], {"2026-11"}, {"TO"}, SENT + timedelta(days=9))
    assert {(row.followed, row.follow_up_permille) for row in rows} == {(3, 333)}
    # Three days after its day there is still time.
    (whole, _) = figures([sent(3) | {"plan": [line(1)]}], {"2026-11"}, {"TO"}, SENT + timedelta(days=4))
    assert (whole.followed, whole.follow_up_permille) == (0, None)
