"""Figures of births: what is counted as what, and how many working days it took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backend.births.figures import Row, StepRow, figures_of
from backend.births.machine import FilingState, StepState
from backend.births.rules import load_rules

CALENDAR = load_rules(None).calendar
# A Friday, and the Monday after it.
FRIDAY = datetime(2026, 11, 20, 2, tzinfo=UTC)
MONDAY = FRIDAY + timedelta(days=3)
NOW = FRIDAY + timedelta(days=14)


def step(state: StepState, *, days: float = 1, due: float = 2, code: str = "household") -> StepRow:
    """Asked on the Friday; done or due so many days later."""
    ended = FRIDAY + timedelta(days=days) if state is StepState.DONE else None
    return StepRow(code, "civil", state, FRIDAY, ended, FRIDAY + timedelta(days=due))


def filed(state: FilingState, *steps: StepRow, at: datetime = FRIDAY, days: int = 5) -> Row:
    over = state in (FilingState.COMPLETED, FilingState.PARTLY_DONE, FilingState.WITHDRAWN)
    return Row(state, at, at + timedelta(days=days) if over else None, steps)


def test_filings_are_counted_by_how_they_stand_and_month_by_month() -> None:
    rows = [
        filed(FilingState.COMPLETED, days=3),
        filed(FilingState.COMPLETED, days=7),
        filed(FilingState.PARTLY_DONE),
        filed(FilingState.WITHDRAWN),
        filed(FilingState.WITHDRAWING),
        filed(FilingState.NEEDS_CORRECTION, at=FRIDAY - timedelta(days=30)),
    ]
    figures = figures_of(rows, ["household"], CALENDAR, NOW)
    total = figures.total
    assert (total.filed, total.completed, total.partly, total.ended_otherwise) == (6, 2, 1, 1)
    assert total.under_way == 2
    # Friday to Monday is one working day, to the next Friday five.
    assert total.median_days == 3
    assert [(line.month, line.filed) for line in figures.months] == [("2026-10", 1), ("2026-11", 5)]
    assert sum(line.filed for line in figures.months) == total.filed


def test_an_agency_is_late_by_its_day_done_or_not() -> None:
    rows = [
        filed(FilingState.IN_PROGRESS, step(StepState.DONE, days=3)),
        filed(FilingState.IN_PROGRESS, step(StepState.DONE, days=1, due=2)),
        filed(FilingState.IN_PROGRESS, step(StepState.ACCEPTED)),
        filed(FilingState.IN_PROGRESS, step(StepState.ASKED, due=30)),
        filed(
            FilingState.IN_PROGRESS, StepRow("insurance", "insurance", StepState.WAITING, None, None, None)
        ),
    ]
    figures = figures_of(rows, ["birth_certificate", "household", "insurance"], CALENDAR, NOW)
    (line,) = figures.agencies
    assert (line.step, line.asked, line.done, line.late, line.overdue) == ("household", 4, 2, 1, 1)
    # Friday to Monday, and Friday to Saturday, which is none.
    assert line.median_days == 0.5
    assert figures.total.overdue == 1


def test_nothing_filed_is_nothing_and_no_median() -> None:
    figures = figures_of([], [], CALENDAR, NOW)
    assert figures.total.filed == 0
    assert figures.total.median_days is None
    assert not figures.months
    assert not figures.agencies
