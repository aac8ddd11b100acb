"""How births are filed, by month and by agency: counted from what stands in clear of each filing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from backend import clock
from backend.births.machine import FilingState, HandoverState, StepState
from backend.births.rules import Calendar


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step, as much of it as is counted."""

    code: str
    agency: str
    state: StepState
    asked_at: datetime | None
    ended_at: datetime | None
    # As it was promised, however long staff have waited since.
    due_at: datetime | None
    # Where the paper or card is, None where there is none; since when the parents have it; how often lost.
    handover: str | None = None
    received_at: datetime | None = None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One filing that was handed in."""

    state: FilingState
    submitted_at: datetime
    ended_at: datetime | None
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Figures of one month, or of all of them under no name."""

    month: str
    filed: int
    completed: int
    partly: int
    ended_otherwise: int
    under_way: int
    # Filings of which an agency is late now.
    overdue: int
    # From handing in to completion.
    median_days: float | None


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """Figures of one step at its agency."""

    step: str
    agency: str
    asked: int
    done: int
    # Done after the day it was due.
    late: int
    # Not done, and the day has passed.
    overdue: int
    median_days: float | None
    # Papers and cards of what is done: received, still to be received, and those of all that were ever lost.
    received: int
    to_receive: int
    lost: int
    # From done to received, in the days of people and not of offices: the post works on Saturdays.
    median_receiving_days: float | None


@dataclass(frozen=True, slots=True)
class BirthFigures:
    """Everything the page shows."""

    total: Line
    months: tuple[Line, ...]
    agencies: tuple[AgencyLine, ...]


def figures_of(rows: Sequence[Row], codes: Sequence[str], calendar: Calendar, now: datetime) -> BirthFigures:
    """The figures of filings by the month they were handed in, steps in the city's order."""
    months: dict[str, list[Row]] = {}
    for row in rows:
        months.setdefault(f"{clock.civil_date(row.submitted_at):%Y-%m}", []).append(row)
    steps: dict[str, list[StepRow]] = {}
    for row in rows:
        for step in row.steps:
            steps.setdefault(step.code, []).append(step)
    order = {code: place for place, code in enumerate(codes)}
    return BirthFigures(
        _line("", rows, calendar, now),
        tuple(_line(month, months[month], calendar, now) for month in sorted(months)),
        tuple(
            _agency(code, steps[code], calendar, now)
            for code in sorted(steps, key=lambda code: (order.get(code, len(order)), code))
            if any(step.asked_at for step in steps[code])
        ),
    )


def _line(month: str, rows: Sequence[Row], calendar: Calendar, now: datetime) -> Line:
    states = [row.state for row in rows]
    completed, partly = states.count(FilingState.COMPLETED), states.count(FilingState.PARTLY_DONE)
    otherwise = states.count(FilingState.WITHDRAWN) + states.count(FilingState.REJECTED)
    return Line(
        month=month,
        filed=len(rows),
        completed=completed,
        partly=partly,
        ended_otherwise=otherwise,
        under_way=len(rows) - completed - partly - otherwise,
        overdue=sum(any(_is_overdue(step, now) for step in row.steps) for row in rows),
        median_days=_median(
            calendar.between(row.submitted_at, row.ended_at)
            for row in rows
            if row.state is FilingState.COMPLETED and row.ended_at is not None
        ),
    )


def _agency(code: str, steps: Sequence[StepRow], calendar: Calendar, now: datetime) -> AgencyLine:
    done = [step for step in steps if step.state is StepState.DONE]
    received = [step for step in done if step.handover == HandoverState.RECEIVED]
    return AgencyLine(
        step=code,
        agency=steps[0].agency,
        asked=sum(step.asked_at is not None for step in steps),
        done=len(done),
        late=sum(bool(step.ended_at and step.due_at and step.ended_at > step.due_at) for step in done),
        overdue=sum(_is_overdue(step, now) for step in steps),
        median_days=_median(
            calendar.between(step.asked_at, step.ended_at)
            for step in done
            if step.asked_at is not None and step.ended_at is not None
        ),
        received=len(received),
        to_receive=sum(step.handover is not None for step in done) - len(received),
        lost=sum(step.lost > 0 for step in done),
        median_receiving_days=_median(
            (clock.civil_date(step.received_at) - clock.civil_date(step.ended_at)).days
            for step in received
            if step.received_at is not None and step.ended_at is not None
        ),
    )


def _is_overdue(step: StepRow, now: datetime) -> bool:
    waits = step.state in (StepState.READY, StepState.ASKED, StepState.ACCEPTED)
    return waits and step.due_at is not None and step.due_at <= now


def _median(days: Iterable[int]) -> float | None:
    known = list(days)
    return float(median(known)) if known else None
