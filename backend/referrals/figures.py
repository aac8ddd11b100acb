"""Figures of referrals: how many up and down, how long acceptance takes, how many arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import median
from typing import Any

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.referrals.figures_models import MonthFigures
from backend.referrals.models import Side
from backend.referrals.plans import is_late

# Of the whole scope.
EVERYWHERE = ""
_COUNTED = {"rejected": "rejected", "lapsed": "lapsed", "withdrawn": "withdrawn"}


@dataclass
class _Tally:
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    minutes: list[float] = field(default_factory=list)


def span(months: Sequence[str]) -> tuple[datetime, datetime]:
    """From the beginning of the first month to the end of the last. Raises BAD_REQUEST."""
    try:
        days = [date.fromisoformat(f"{month}-01") for month in months]
        first, last = min(days), max(days)
    except ValueError:
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "months"}]}) from None
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    return clock.city_instant(first, 0), clock.city_instant(after, 0)


def figures(
    referrals: Iterable[Mapping[str, Any]],
    months: Collection[str],
    within: Collection[str] | None,
    now: datetime,
) -> tuple[MonthFigures, ...]:
    """Rows by month, institution and side; institution "" is the whole scope, each referral once."""
    tallies: dict[tuple[str, str, Side], _Tally] = defaultdict(_Tally)
    for referral in referrals:
        month = f"{clock.civil_date(referral['created_at']):%Y-%m}"
        if month not in months:
            continue
        to, by = referral["to_organization_id"], referral["from_organization_id"]
        _count(tallies[month, EVERYWHERE, Side.IN], referral, now)
        if within is None or to in within:
            _count(tallies[month, to, Side.IN], referral, now)
        if within is None or by in within:
            _count(tallies[month, by, Side.OUT], referral, now)
    return tuple(_row(key, tallies[key]) for key in sorted(tallies))


def _count(tally: _Tally, referral: Mapping[str, Any], now: datetime) -> None:
    counts, state = tally.counts, referral["state"]
    counts[referral["direction"]] += 1
    if state in _COUNTED:
        counts[_COUNTED[state]] += 1
    accepted_at = referral.get("accepted_at")
    if accepted_at is not None:
        counts["accepted"] += 1
        tally.minutes.append((accepted_at - referral["created_at"]).total_seconds() / 60)
    for line in referral.get("plan") or ():
        if line["counts"] and (line["closed"] or is_late(date.fromisoformat(line["due_on"]), now)):
            counts["followed"] += 1
            counts["in_time"] += line["in_time"]
    if referral.get("arrived_at") is not None:
        counts["arrived"] += 1
    elif state == "not_arrived":
        counts["missed"] += 1


def _row(key: tuple[str, str, Side], tally: _Tally) -> MonthFigures:
    month, organization_id, side = key
    come, accepted = tally.counts["arrived"], tally.counts["accepted"]
    followed, in_time = tally.counts["followed"], tally.counts["in_time"]
    return MonthFigures(
        month,
        organization_id,
        side,
        **{
            name: tally.counts[name]
            for name in ("up", "down", "accepted", "rejected", "lapsed", "withdrawn", "arrived", "missed")
        },
        median_minutes_to_accept=round(median(tally.minutes)) if tally.minutes else None,
        arrival_permille=round(1000 * come / accepted) if accepted else None,
        followed=followed,
        follow_up_permille=round(1000 * in_time / followed) if followed else None,
    )
