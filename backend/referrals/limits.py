"""How long each part of a referral may take, and whom it reaches meanwhile: a table of the city, as data.

A step counts from the one before it. So nobody loses his time because the workers stood still, and after an
hour without them an emergency does not pass through every desk in one breath.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend import clock
from backend.referrals.machine import THERE, ReferralState
from backend.referrals.models import LEVELS, Level, Urgency

_FILE = Path(__file__).with_name("data") / "time_limits.json"
_Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 60)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkingHours(_Closed):
    """When an institution answers what can wait; Monday is 1."""

    weekdays: frozenset[int]
    begin: time = Field(alias="from")
    end: time = Field(alias="until")
    holidays: frozenset[date] = frozenset()
    # Saturdays and Sundays that are worked for a holiday 调休.
    workdays: frozenset[date] = frozenset()

    @model_validator(mode="after")
    def _there_are_some(self) -> WorkingHours:
        if not self.weekdays or not self.weekdays <= frozenset(range(1, 8)) or self.begin >= self.end:
            raise ValueError("working hours that never come")
        return self

    def after(self, start: datetime, minutes: int) -> datetime:
        """The instant when so many working minutes have passed since `start`."""
        left, on = timedelta(minutes=minutes), clock.civil_date(start)
        while True:
            opens = clock.city_instant(on, self.begin.hour, self.begin.minute)
            closes = clock.city_instant(on, self.end.hour, self.end.minute)
            begins = max(opens, start)
            if self._is_worked(on) and begins < closes:
                if left <= closes - begins:
                    return begins + left
                left -= closes - begins
            on += timedelta(days=1)

    def _is_worked(self, on: date) -> bool:
        return on in self.workdays or (on.isoweekday() in self.weekdays and on not in self.holidays)


class Reach(_Closed):
    """After so many minutes without an answer it reaches the next."""

    to: Level
    after: _Minutes


class Wait(_Closed):
    """One thing that somebody has to do: whom it reaches in turn, and when it is given up."""

    counts: Literal["always", "working"]
    steps: tuple[Reach, ...] = Field(min_length=1)
    lapse_after: _Minutes

    @model_validator(mode="after")
    def _in_order(self) -> Wait:
        if [step.to for step in self.steps] != list(LEVELS[1 : len(self.steps) + 1]):
            raise ValueError("steps go up by one level each")
        return self


class UrgencyLimits(_Closed):
    """The limits of one urgency. `arrive_after` counts by the clock from when the patient is expected."""

    answer: Wait
    supplement: Wait
    # From arrival, and again from when treatment begins, until somebody has said how it ended.
    finish: Wait
    arrive_after: _Minutes


class TimeLimits(_Closed):
    """The table of the city."""

    edition: str
    working_hours: WorkingHours
    urgencies: dict[Urgency, UrgencyLimits]

    @model_validator(mode="after")
    def _complete(self) -> TimeLimits:
        if set(self.urgencies) != set(Urgency):
            raise ValueError("every urgency has its limits")
        return self

    def wait(self, state: ReferralState, urgency: Urgency) -> Wait:
        """What is waited for: the receiver's answer, the sender's supplement, or how it ended."""
        of = self.urgencies[urgency]
        if state in THERE:
            return of.finish
        return of.supplement if state is ReferralState.RETURNED else of.answer

    def answer_by(self, state: ReferralState, urgency: Urgency, since: datetime) -> datetime:
        """Until when somebody is to have done what is waited for; overdue from then on."""
        wait = self.wait(state, urgency)
        return self._after(wait, since, wait.steps[0].after)

    def next_due(self, state: ReferralState, urgency: Urgency, level: Level, since: datetime) -> datetime:
        """When the next step is to be taken, counted from the one that led to `level`."""
        wait, taken = self.wait(state, urgency), LEVELS.index(level)
        minutes = wait.steps[taken].after if taken < len(wait.steps) else wait.lapse_after
        return self._after(wait, since, minutes)

    def next_level(self, state: ReferralState, urgency: Urgency, level: Level) -> Level | None:
        """Whom it reaches next; None when it is given up."""
        wait, taken = self.wait(state, urgency), LEVELS.index(level)
        return wait.steps[taken].to if taken < len(wait.steps) else None

    def arrive_by(self, urgency: Urgency, expected_at: datetime) -> datetime:
        """When somebody who has not come is given up on."""
        return expected_at + timedelta(minutes=self.urgencies[urgency].arrive_after)

    def _after(self, wait: Wait, since: datetime, minutes: int) -> datetime:
        if wait.counts == "working":
            return self.working_hours.after(since, minutes)
        return since + timedelta(minutes=minutes)


@cache
def time_limits() -> TimeLimits:
    """The table that counts."""
    return TimeLimits.model_validate_json(_FILE.read_bytes())
