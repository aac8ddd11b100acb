"""Figures of referrals, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from backend.referrals.models import Side


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What one institution received, or sent, in a month."""

    month: str
    organization_id: str
    side: Side
    up: int = 0
    down: int = 0
    accepted: int = 0
    rejected: int = 0
    lapsed: int = 0
    withdrawn: int = 0
    arrived: int = 0
    missed: int = 0
    median_minutes_to_accept: int | None = None
    # Of those accepted, as the board says it, in thousandths; None where there are none.
    arrival_permille: int | None = None
    # Lines of follow-up plans whose time has come, and how many of a thousand were done in time.
    followed: int = 0
    follow_up_permille: int | None = None


@dataclass(frozen=True, slots=True)
class ReferralFigures:
    """Figures by month and institution, and of the whole scope by month (organization "")."""

    rows: tuple[MonthFigures, ...]
