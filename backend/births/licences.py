"""What the licence library and the household register say of somebody, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Licence:
    """An electronic licence, as much of it as matters here."""

    kind: str
    number: str = field(repr=False)
    holder_name: str = field(repr=False)
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """Where somebody is registered."""

    in_city: bool
    region: str
    police_station: str = ""
