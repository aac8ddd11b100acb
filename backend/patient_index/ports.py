"""What the patient index asks of residents, narrower than their service."""

from __future__ import annotations

from datetime import date
from typing import Protocol


class Identity(Protocol):
    """Who a resident is."""

    @property
    def name(self) -> str:
        """The name on the ID card."""

    @property
    def id_number(self) -> str:
        """The number on it."""

    @property
    def sex(self) -> str:
        """`male` or `female`."""

    @property
    def birth_on(self) -> date:
        """The day of birth."""

    @property
    def phone(self) -> str | None:
        """The phone of the account, or what a hospital said."""


class Residents(Protocol):
    """The people of the city by ID number; `services.residents` is one."""

    async def search(self, text: str) -> str | None:
        """The id of the person of an ID number; None when there is none."""

    async def get_identity(self, patient_id: str) -> Identity:
        """Who that is; raises NOT_FOUND."""

    async def find_or_create_file(self, name: str, id_number: str, phone: str | None = None) -> str:
        """The person's id, known or new; raises when the number is somebody else's."""
