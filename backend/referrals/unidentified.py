"""Somebody of whom nobody knows who he is: what can be seen of him, and where he was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class SeenSex(StrEnum):
    """As far as it can be seen."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Unidentified:
    """As he was sent."""

    found_at: str = field(repr=False)
    sex: SeenSex = SeenSex.UNKNOWN
    # About so many years.
    age: int | None = None
