"""Jobs that run by the clock. Every one may run twice, at once, or late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """A name that is stored in the broker, an interval, and what to call on the city's services."""

    name: str
    every_s: float
    run: Callable[[Any], Awaitable[object]]
