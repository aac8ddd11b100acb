"""What the residents area asks of others: the population register, and whoever sends one-time codes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from backend.residents.id_numbers import Sex


class RegisterUnavailableError(Exception):
    """The register did not answer, or not in a way to be believed. The question may be asked again."""


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What the register says about a name and an ID number. Nothing but `match` is known when it is false."""

    match: bool
    alive: bool = True
    # Whether the phone is registered to this person; None when the register knows no phone.
    phone_match: bool | None = None
    sex: Sex | None = None
    birth_on: date | None = field(default=None, repr=False)


class RegisterRelation(StrEnum):
    """What the dependant is to the guardian."""

    CHILD = "child"
    PARENT = "parent"
    SPOUSE = "spouse"
    NONE = "none"


class PopulationRegister(Protocol):
    """The city's register of persons. Both questions change nothing and may be repeated."""

    async def verify(self, name: str, id_number: str, phone: str | None = None) -> RegisterAnswer:
        """Whether name and ID number belong together; raises RegisterUnavailableError."""

    async def relation(self, guardian_id_number: str, dependant_id_number: str) -> RegisterRelation:
        """What the second person is to the first; raises RegisterUnavailableError."""

    async def aclose(self) -> None:
        """Let go of connections."""


class CodeSender(Protocol):
    """Sends a one-time code by SMS; `services.messages` does."""

    async def send_code(self, phone: str, code: str) -> None:
        """Hand the code to the provider, or raise an AppError the user may see."""

    async def send_consent_code(self, phone: str, code: str, guardian: str) -> None:
        """The same for a code by which somebody lets `guardian` act for him."""


# Whether a person has appointments that are still to come; asked before an account is deleted. Appointments
# live above this area, so the composition root gives the question in.
HasAppointments = Callable[[str], Awaitable[bool]]
