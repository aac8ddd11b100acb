"""What has become of one thing that was to be done after discharge, and why it was not done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class NotDone(StrEnum):
    """Why something of a follow-up plan is not done, and will not be."""

    NOT_REACHED = "not_reached"  # 联系不上
    DECLINED = "declined"  # 患者不愿意
    ELSEWHERE = "elsewhere"  # 在其他机构随访
    NOT_NEEDED = "not_needed"  # 病情变化，不再需要
    DIED = "died"  # 死亡
    OTHER = "other"  # 其他


class Result(StrEnum):
    """How one thing of a plan stands."""

    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"
    OFF = "off"  # nobody follows the plan any more


class Follow(StrEnum):
    """Which plans a desk looks at."""

    DUE = "due"  # in the days to come
    OVERDUE = "overdue"
    OPEN = "open"
    CLOSED = "closed"  # something of it is done, or given up


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is known of one line of a plan, by its number from 1 on."""

    number: int
    # When the patient was reminded. `late`: nobody could before its day had long passed.
    told_at: datetime | None = None
    late: bool = False
    # Done on a day, or not, and why.
    done_on: date | None = None
    not_done: NotDone | None = None
    note: str = field(default="", repr=False)
    # When somebody said so, and who: `staff:<id>`, `client:<id>`.
    said_at: datetime | None = None
    said_by: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether nothing is to be done any more."""
        return self.done_on is not None or self.not_done is not None
