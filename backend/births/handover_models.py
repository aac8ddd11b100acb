"""The paper or card of a step on its way to the parents, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from backend.births.machine import HandoverState


@dataclass(frozen=True, slots=True)
class Handover:
    """The paper or card of a step that is done, on its way to the parents."""

    state: HandoverState
    mailed: bool  # as the parents wished, where it can be
    since: datetime
    # By when whoever has it, or is to have it, should have said so; None once it has come.
    due_at: datetime | None
    courier: str = ""
    tracking_no: str = field(default="", repr=False)
    place: str = ""
    # Who shows it at the counter is sent by the parents.
    code: str = field(default="", repr=False)
    reminded: int = 0
    lost: int = 0
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What an agency says of it: where it is, and under which number or at which place."""

    state: HandoverState
    courier: str = ""
    tracking_no: str = field(default="", repr=False)
    place: str = ""
