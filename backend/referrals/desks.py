"""Who answers referrals at an institution, or at the city."""

from __future__ import annotations

from dataclasses import dataclass, field

# Whose desk is called when no institution answers.
CITY = "city"


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers referrals at an institution, or at the city. No desk: nobody is called."""

    organization_id: str
    # Takes emergencies that ask for whoever is nearest.
    takes_emergencies: bool = False
    # Called when nobody answers: first the desk on duty, then whoever is responsible.
    duty_phone: str = field(default="", repr=False)
    operators_phone: str = field(default="", repr=False)

    @property
    def rings(self) -> bool:
        """Whether anybody is called there."""
        return bool(self.duty_phone or self.operators_phone)
